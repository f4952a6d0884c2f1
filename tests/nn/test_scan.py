"""The selective scan against a loop in float64: results and all gradients."""

import pytest
import torch

from rsviz.nn import scan_reference
from rsviz.nn.scan import selective_scan

NAMES = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")


def inputs(batch, channels, states, length, groups=1, dtype=torch.float32, shift=-3.0):
    random = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    A = -torch.arange(1, states + 1, dtype=torch.float64) * (1 + 0.1 * normal(channels, 1).abs())
    tensors = [
        normal(batch, channels, length), normal(batch, channels, length) + shift, A,
        normal(batch, groups, states, length), normal(batch, groups, states, length),
        normal(channels), normal(batch, channels, length), 0.1 * normal(channels),
    ]  # fmt: skip
    return [t.to(dtype).requires_grad_() for t in tensors]


def outcome(scan, tensors):
    y = scan(*tensors)
    y.backward(torch.cos(torch.arange(y.numel(), dtype=y.dtype)).view_as(y))
    return dict(zip(("y", *NAMES), [y.detach(), *(t.grad for t in tensors)], strict=True))


def exact(tensors):
    doubles = [t.detach().double().requires_grad_() for t in tensors]
    return outcome(lambda *t: scan_reference.scan(*t, True, None, False, None)[0], doubles)


def relative_error(got, wanted):
    return float((got.double() - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12))


@pytest.mark.parametrize(
    ("shape", "groups", "shift"),
    [
        pytest.param((2, 12, 16, 131), 1, -3.0, id="plain"),
        pytest.param((2, 12, 32, 70), 3, -3.0, id="groups"),
        pytest.param((1, 8, 16, 200), 1, 3.0, id="large steps"),
        pytest.param((1, 8, 16, 300), 1, -12.0, id="tiny steps"),
        pytest.param((3, 4, 16, 1), 1, -3.0, id="one step"),
        pytest.param((50, 6, 16, 4), 1, -3.0, id="four steps"),
        pytest.param((1, 300, 5, 17), 2, -3.0, id="many channels"),
    ],
)
def test_result_and_gradients_equal_those_of_a_float64_loop(shape, groups, shift):
    tensors = inputs(*shape, groups=groups, shift=shift)
    wanted = exact(tensors)
    got = outcome(lambda *t: selective_scan(*t, delta_softplus=True), tensors)
    assert relative_error(got.pop("y"), wanted.pop("y")) < 1e-6
    for name, gradient in got.items():
        assert relative_error(gradient, wanted[name]) < 2e-5, name
