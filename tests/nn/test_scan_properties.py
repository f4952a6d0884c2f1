"""Property-based tests: whatever the shape, layout or cut, all ways to scan agree."""

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import assert_close, exact, inputs, outcome, relative_error

from rsviz.nn.scan import causal_conv1d, selective_scan

shapes = st.tuples(
    st.integers(1, 3),  # batch
    st.integers(1, 40),  # channels of a group
    st.integers(1, 64),  # states
    st.integers(1, 140),  # length
    st.integers(1, 3),  # groups
)
relaxed = settings(max_examples=40, deadline=None, derandomize=True)


def ours(*t):
    return selective_scan(*t[:8], delta_softplus=True, return_last_state=True, initial_state=t[8])


def laid_out(tensor, channels_last):
    if channels_last:
        tensor = tensor.detach().transpose(-1, -2).contiguous().transpose(-1, -2)
    return tensor.detach().requires_grad_()


@relaxed
@given(
    shapes, st.integers(0, 99), st.floats(-8, 3), st.lists(st.booleans(), min_size=5, max_size=5)
)
def test_results_and_gradients_equal_those_of_the_loop(shape, seed, shift, layout):
    batch, channels, states, length, groups = shape
    tensors = inputs(batch, groups * channels, states, length, groups, shift=shift, seed=seed)
    places = dict(zip((0, 1, 3, 4, 6), layout, strict=True))
    tensors = [laid_out(t, places.get(i, False)) for i, t in enumerate(tensors)]
    got, wanted = outcome(ours, tensors), exact(tensors)
    # Sums over everything may cancel to nearly nothing: they are judged by the size of the rest.
    scale = max(float(wanted[name].abs().max()) for name in wanted)
    for name in ("D", "delta_bias", "A"):
        assert float((got.pop(name) - wanted.pop(name)).abs().max()) < 2e-5 * scale, name
    assert_close(got, wanted)


@relaxed
@given(shapes, st.data())
def test_any_cut_of_a_stream_gives_the_result_of_the_whole(shape, data):
    batch, channels, states, length, groups = shape
    *tensors, state = (t.detach() for t in inputs(batch, groups * channels, states, length, groups))
    cuts = data.draw(st.lists(st.integers(0, length), max_size=4))
    edges = [0, *sorted(cuts), length]
    whole, last = ours(*tensors, state)
    u, delta, A, B, C, D, z, bias = tensors
    pieces = []
    for start, end in pairwise(edges):
        cut = (..., slice(start, end))
        piece, state = ours(u[cut], delta[cut], A, B[cut], C[cut], D, z[cut], bias, state)
        pieces.append(piece)
    assert relative_error(torch.cat(pieces, 2), whole.double()) < 1e-6
    assert relative_error(state, last.double()) < 1e-6


@relaxed
@given(
    st.integers(1, 3), st.integers(1, 40), st.integers(1, 100), st.integers(1, 9),
    st.booleans(), st.booleans(), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_the_causal_convolution_equals_torchs(
    batch, channels, length, taps, biased, silu, channels_last, seed
):
    random = torch.Generator().manual_seed(seed)
    shapes = ((batch, channels, length), (channels, taps), (channels,), (batch, channels, length))
    x, weight, bias, pull = (torch.randn(*s, generator=random) for s in shapes)
    x = laid_out(x, channels_last)
    weight.requires_grad_()
    bias = bias.requires_grad_() if biased else None
    inputs = [t for t in (x, weight, bias) if t is not None]

    def torchs(x, weight, bias):
        y = torch.nn.functional.conv1d(x, weight[:, None], bias, padding=taps - 1, groups=channels)[
            ..., :length
        ]
        return torch.nn.functional.silu(y) if silu else y

    doubles = [t.detach().double().requires_grad_() for t in inputs]
    wanted = torchs(*doubles, *([] if biased else [None]))
    wanted_grads = torch.autograd.grad(wanted, doubles, pull.double())
    got = causal_conv1d(x, weight, bias, "silu" if silu else None)
    assert relative_error(got.detach(), wanted.detach()) < 1e-6
    for gradient, right in zip(torch.autograd.grad(got, inputs, pull), wanted_grads, strict=True):
        assert float((gradient - right).abs().max()) < 2e-5 * float(1 + right.abs().max())
