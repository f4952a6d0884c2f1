"""The selective scan against a loop in float64: results, gradients, and hard circumstances."""

import time

import pytest
import torch
from scan_cases import assert_close, exact, inputs, outcome, relative_error

from rsviz.core.errors import BadOption
from rsviz.nn import scan, scan_threads
from rsviz.nn.scan import active_backend, selective_scan, selective_scan_trace


def ours(*t):
    return selective_scan(*t[:8], delta_softplus=True, return_last_state=True, initial_state=t[8])


@pytest.fixture(params=["cpu", "reference"])
def backend(request, monkeypatch):
    monkeypatch.setenv("RSVIZ_SCAN", request.param)
    return request.param


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
        pytest.param((2, 3, 1, 40), 1, -3.0, id="one state"),
        pytest.param((1, 20, 64, 33), 1, -3.0, id="64 states"),
        pytest.param((2, 1, 17, 40), 1, -3.0, id="one channel"),
    ],
)
def test_result_and_gradients_equal_those_of_a_float64_loop(backend, shape, groups, shift):
    tensors = inputs(*shape, groups=groups, shift=shift)
    assert_close(outcome(ours, tensors), exact(tensors))


@pytest.mark.parametrize("states", [1, 3, 16, 20])
def test_gradients_pass_gradcheck_in_float64(states):
    tensors = inputs(2, 6, states, 37, groups=2, dtype=torch.float64, shift=0.0)
    assert torch.autograd.gradcheck(ours, tensors, fast_mode=True)


def test_optional_inputs_may_be_left_out(backend):
    u, delta, A, B, C, *_ = inputs(2, 8, 16, 50, shift=0.0)
    delta = delta.detach().abs()
    y = selective_scan(u, delta, A, B[:, 0], C[:, 0])
    doubles = [t.double() for t in (u, delta, A, B, C)]
    wanted = selective_scan(*doubles, D=torch.zeros(8), delta_bias=torch.zeros(8))
    assert relative_error(y.detach(), wanted.detach()) < 1e-6


def test_a_sequence_in_pieces_gives_the_same_result_and_gradients():
    tensors = inputs(2, 20, 16, 150)

    def streamed(u, delta, A, B, C, D, z, bias, state):
        pieces = []
        for start, end in ((0, 1), (1, 33), (33, 97), (97, 150)):
            cut = (..., slice(start, end))
            piece, state = ours(u[cut], delta[cut], A, B[cut], C[cut], D, z[cut], bias, state)
            pieces.append(piece)
        return torch.cat(pieces, 2), state

    whole = outcome(ours, tensors)
    for t in tensors:
        t.grad = None
    for name, value in outcome(streamed, tensors).items():
        assert relative_error(value, whole[name].double()) < 2e-6, name


def test_views_of_any_layout_give_the_same_result():
    tensors = inputs(2, 33, 16, 70, groups=3)
    wanted = exact(tensors)
    last = [t.detach().movedim(-1, 0).contiguous().movedim(0, -1) for t in tensors]
    sparse = [torch.stack([t.detach()] * 3, -1)[..., 1] for t in tensors]
    halves = [torch.cat([t.detach()] * 2, 1)[:, : t.shape[1]] if t.dim() > 2 else t for t in last]
    for layout in (last, sparse, halves):
        assert_close(outcome(ours, [t.detach().requires_grad_() for t in layout]), wanted)
    expanded = [t.detach() for t in tensors]
    expanded[3] = expanded[3][:1, :, :, :1].expand(2, 3, 16, 70)
    copied = [t.contiguous() for t in expanded]
    assert torch.equal(ours(*expanded)[0], ours(*copied)[0])


@pytest.mark.parametrize("shape", [(0, 4, 16, 9), (2, 4, 16, 0), (2, 0, 16, 9)])
def test_nothing_in_gives_nothing_out(backend, shape):
    tensors = inputs(*shape)
    y, last = ours(*tensors)
    y.sum().backward()
    assert y.shape == (shape[0], shape[1], shape[3])
    assert torch.equal(last, tensors[-1]) or last.numel() == 0


def test_without_gradients_results_are_the_same_bits():
    tensors = inputs(2, 20, 16, 50)
    with_grad, _ = ours(*tensors)
    with torch.no_grad():
        without, _ = ours(*tensors)
    with torch.inference_mode():
        inferred, _ = ours(*[t.detach().clone() for t in tensors])
    assert torch.equal(with_grad, without)
    assert torch.equal(with_grad, inferred)
    assert not without.requires_grad


def test_half_precision_is_computed_in_float32():
    tensors = [t.detach().bfloat16().requires_grad_() for t in inputs(2, 20, 16, 200)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, last = ours(*tensors)
        y.float().sum().backward()
    wanted, _ = ours(*[t.detach().float() for t in tensors])
    assert y.dtype == torch.bfloat16
    assert last.dtype == torch.float32
    assert all(t.grad.dtype == torch.bfloat16 for t in tensors)
    assert torch.equal(y, wanted.bfloat16())


def test_one_and_two_threads_agree():
    tensors = inputs(3, 70, 16, 300)
    results = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            for t in tensors:
                t.grad = None
            results.append(outcome(ours, tensors))
    finally:
        torch.set_num_threads(threads)
    for name, value in results[0].items():
        assert relative_error(value, results[1][name].double()) < 1e-6, name
    assert torch.equal(results[0]["y"], results[1]["y"])


@pytest.mark.parametrize(
    ("shape", "groups"), [((1, 300, 16, 70), 1), ((1, 600, 20, 40), 2), ((1, 6, 3, 33), 1)]
)
def test_channels_of_a_group_may_be_shared_out_to_threads(monkeypatch, shape, groups):
    tensors = inputs(*shape, groups=groups)
    wanted = exact(tensors)
    last = [t.detach().movedim(-1, 0).contiguous().movedim(0, -1) for t in tensors]
    monkeypatch.setattr(scan_threads, "_WORTHWHILE", 1)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        for layout in (tensors, last):
            assert_close(outcome(ours, [t.detach().requires_grad_() for t in layout]), wanted)
    finally:
        torch.set_num_threads(threads)


def test_the_same_call_gives_the_same_bits():
    tensors = inputs(3, 70, 16, 300)
    first = outcome(ours, tensors)
    for t in tensors:
        t.grad = None
    assert all(torch.equal(first[name], value) for name, value in outcome(ours, tensors).items())


def test_extreme_step_sizes_stay_finite():
    tensors = inputs(2, 16, 16, 100)
    with torch.no_grad():
        tensors[1][:, :8, ::3] = 1e5
        tensors[1][:, 8:, ::3] = -1e5
        tensors[2][3] = -1e4
    got = outcome(ours, tensors)
    assert all(torch.isfinite(value).all() for value in got.values())
    assert relative_error(got["y"], exact(tensors)["y"]) < 1e-6


def test_growing_states_follow_the_loop_until_they_overflow():
    u, delta, A, B, C, *_ = (t.detach() for t in inputs(1, 4, 16, 400))
    tensors = [u, delta.abs(), 0.01 * A.abs(), B, C]
    y = selective_scan(*tensors)
    wanted = selective_scan(*[t.double() for t in tensors])
    assert wanted.abs().max() > 1e40
    assert not torch.isfinite(y).all()
    reached = wanted.abs().amax((0, 1)).cummax(0).values < 1e30
    assert relative_error(y[..., reached], wanted[..., reached]) < 1e-5


def test_nan_stays_in_its_own_row():
    tensors = [t.detach() for t in inputs(2, 20, 16, 90)]
    clean, _ = ours(*tensors)
    tensors[0][1, 7, 40] = float("nan")
    y, last = ours(*tensors)
    assert y[1, 7, 40:].isnan().all()
    assert last[1, 7].isnan().all()
    y[1, 7, 40:] = clean[1, 7, 40:]
    assert torch.equal(y, clean)


def test_a_state_that_fades_away_costs_no_more():
    """Denormal numbers would make it ten times slower forward, forty times backward."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        plain = inputs(1, 64, 16, 2000, shift=0.0)
        silent = [t.detach().clone().requires_grad_() for t in plain]
        with torch.no_grad():
            silent[0][..., 50:] = 0
        pull = torch.ones(1, 64, 2000)
        impulse = torch.zeros(1, 64, 2000)
        impulse[..., -1] = 1

        def seconds(tensors, gradient):
            start = time.thread_time()
            ours(*tensors)[0].backward(gradient)
            return time.thread_time() - start

        ordinary, fading = [], []
        for _ in range(12):
            ordinary.append(seconds(plain, pull))
            fading.append(seconds(silent, impulse))
    finally:
        torch.set_num_threads(threads)
    assert min(fading) < 1.3 * min(ordinary)


def test_the_trace_tells_what_the_loop_saw(monkeypatch):
    tensors = [t.detach() for t in inputs(2, 36, 20, 70, groups=2)]
    y, trace = selective_scan_trace(*tensors[:8], True, initial_state=tensors[8])
    assert torch.equal(y, ours(*tensors)[0])
    monkeypatch.setenv("RSVIZ_SCAN", "reference")
    doubles = [t.double() for t in tensors]
    _, wanted = selective_scan_trace(*doubles[:8], True, initial_state=doubles[8])
    for name in ("step_mean", "step_std", "state_norm", "memory_length"):
        got = getattr(trace, name)
        assert got.shape == (2, 2, 70)
        assert relative_error(got, getattr(wanted, name)) < 1e-5, name


def test_the_memory_length_of_constant_steps_is_that_of_a_geometric_series():
    u = torch.ones(1, 4, 400)
    A, B = -torch.ones(4, 8), torch.ones(1, 8, 400)
    _, trace = selective_scan_trace(u, torch.full_like(u, 0.05), A, B, B)
    decay = torch.exp(torch.tensor(-0.05))
    expected = (1 - decay ** torch.arange(1, 401)) / (1 - decay)
    assert torch.allclose(trace.memory_length[0, 0], expected, rtol=1e-4)
    assert torch.allclose(trace.step_mean, torch.tensor(0.05))
    assert trace.step_std.max() < 1e-4


def test_the_backend_can_be_forced(monkeypatch):
    assert active_backend() == "compiled"
    monkeypatch.setenv("RSVIZ_SCAN", "reference")
    assert active_backend("cpu") == "reference"
    monkeypatch.setenv("RSVIZ_SCAN", "fast")
    with pytest.raises(BadOption, match="may be one of cuda, cpu, reference"):
        active_backend()
    monkeypatch.setenv("RSVIZ_SCAN", "cuda")
    with pytest.raises(BadOption, match="on the CPU"):
        selective_scan(*inputs(1, 2, 3, 4)[:5])


def test_without_numba_the_loop_takes_over(monkeypatch):
    monkeypatch.setattr(scan, "_has_numba", lambda: False)
    assert active_backend() == "reference"
    tensors = inputs(1, 4, 3, 9)
    assert relative_error(ours(*tensors)[0].detach(), exact(tensors)["y"]) < 1e-6


@pytest.mark.parametrize(
    ("name", "shape"),
    [("delta", (2, 8, 49)), ("B", (2, 3, 16, 50)), ("D", (7,)), ("initial_state", (2, 8, 15))],
)
def test_shapes_that_do_not_fit_are_refused_with_both_shapes(name, shape):
    tensors = dict(zip(("u", "delta", "A", "B", "C"), inputs(2, 8, 16, 50)[:5], strict=True))
    tensors[name] = torch.zeros(shape)
    with pytest.raises(ValueError, match=r"must be|cannot be shared"):
        selective_scan(**tensors)


def test_complex_parameters_are_refused():
    u, delta, A, B, C, *_ = inputs(1, 2, 3, 4)
    with pytest.raises(ValueError, match="real numbers"):
        selective_scan(u, delta, A.to(torch.complex64), B, C)
