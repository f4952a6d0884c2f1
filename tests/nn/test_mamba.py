"""The Mamba block against its published equations, written here on their own."""

import math

import pytest
import torch

from rsviz.nn.mamba import Mamba

LAYOUT = {
    "A_log": (24, 8), "D": (24,), "in_proj.weight": (48, 12), "conv1d.weight": (24, 1, 4),
    "conv1d.bias": (24,), "x_proj.weight": (17, 24), "dt_proj.weight": (24, 1),
    "dt_proj.bias": (24,), "out_proj.weight": (12, 24),
}  # fmt: skip


def published(weights, x):
    """Figure 3 and algorithm 2 of arXiv 2312.00752 for one sequence x (length, width)."""
    x, z = (x @ weights["in_proj.weight"].T).chunk(2, 1)  # (length, inner)
    taps = weights["conv1d.weight"][:, 0]  # (inner, taps)
    convolved = torch.zeros_like(x)
    for t in range(len(x)):
        for k in range(taps.shape[1]):
            if t - k >= 0:
                convolved[t] += taps[:, -1 - k] * x[t - k]
    convolved += weights["conv1d.bias"]
    x = convolved * torch.sigmoid(convolved)
    rank, states = weights["dt_proj.weight"].shape[1], weights["A_log"].shape[1]
    low, B, C = (x @ weights["x_proj.weight"].T).split([rank, states, states], 1)
    delta = torch.log1p(torch.exp(low @ weights["dt_proj.weight"].T + weights["dt_proj.bias"]))
    A = -torch.exp(weights["A_log"])
    h, y = torch.zeros_like(A), []
    for t in range(len(x)):
        # Discretisation: A-bar = exp(delta A), B-bar u = delta B u.
        h = torch.exp(delta[t, :, None] * A) * h + delta[t, :, None] * B[t] * x[t, :, None]
        y.append(h @ C[t] + weights["D"] * x[t])
    return torch.stack(y) * z * torch.sigmoid(z) @ weights["out_proj.weight"].T


@pytest.fixture
def checkpoint():
    """Random weights under the names and in the shapes of mamba-ssm's Mamba(12, 8)."""
    random = torch.Generator().manual_seed(3)
    return {name: 0.5 * torch.randn(shape, generator=random) for name, shape in LAYOUT.items()}


def test_a_checkpoint_of_mamba_ssm_loads_and_gives_the_published_result(checkpoint):
    block = Mamba(12, d_state=8)
    block.load_state_dict(checkpoint, strict=True)
    x = torch.randn(3, 45, 12, generator=torch.Generator().manual_seed(0))
    doubles = {name: t.double() for name, t in checkpoint.items()}
    wanted = torch.stack([published(doubles, row.double()) for row in x])
    assert torch.allclose(block(x).double(), wanted, atol=2e-6 * float(wanted.abs().max()))


def test_gradients_of_all_parameters_equal_those_of_the_published_equations(checkpoint):
    block = Mamba(12, d_state=8)
    block.load_state_dict(checkpoint)
    block.double()
    x = torch.randn(2, 40, 12, generator=torch.Generator().manual_seed(0)).double()
    block(x).sin().sum().backward()
    doubles = {name: t.double().requires_grad_() for name, t in checkpoint.items()}
    torch.stack([published(doubles, row) for row in x]).sin().sum().backward()
    for name, parameter in block.named_parameters():
        wanted = doubles[name].grad
        assert float((parameter.grad - wanted).abs().max() / wanted.abs().max()) < 1e-10, name


def test_the_future_does_not_reach_the_past():
    block, x = Mamba(16), torch.randn(1, 60, 16)
    changed = x.clone()
    changed[:, 30:] += 1
    before, after = block(x), block(changed)
    assert torch.equal(before[:, :30], after[:, :30])
    assert not torch.allclose(before[:, 30:], after[:, 30:])


def test_initial_step_sizes_and_decays_are_the_published_ones():
    torch.manual_seed(0)
    block = Mamba(64, dt_min=0.001, dt_max=0.1)
    steps = torch.nn.functional.softplus(block.dt_proj.bias)
    assert steps.min() >= 0.001 * 0.999
    assert steps.max() <= 0.1 * 1.001
    assert abs(steps.log().mean() - 0.5 * math.log(0.001 * 0.1)) < 0.5
    assert torch.allclose(-torch.exp(block.A_log)[5], -torch.arange(1.0, 17))
    assert block.dt_proj.weight.abs().max() <= 4**-0.5


def test_autocast_and_inference_mode_work():
    block, x = Mamba(16), torch.randn(2, 30, 16)
    wanted = block(x).detach()
    with torch.inference_mode():
        assert torch.equal(block(x), wanted)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = block(x)
        y.float().sum().backward()
    assert y.dtype == torch.bfloat16
    assert float((y.detach().float() - wanted).abs().max() / wanted.abs().max()) < 0.05


def test_the_trace_comes_with_the_same_result():
    block, x = Mamba(16), torch.randn(2, 30, 16)
    y, trace = block.traced(x)
    assert torch.equal(y, block(x))
    assert trace.step_mean.shape == (2, 1, 30)
    assert float(trace.memory_length[0, 0, 0]) == pytest.approx(1.0)
    assert (trace.memory_length[..., 1:] > 1).all()
