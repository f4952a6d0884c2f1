"""Inputs for tests of the scan, and what a loop in float64 makes of them."""

import torch

from rsviz.nn import scan_reference

NAMES = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state")


def inputs(batch, channels, states, length, groups=1, dtype=torch.float32, shift=-3.0, seed=0):
    """All nine tensors of a scan (in the order of NAMES), ready for gradients."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    A = -torch.arange(1, states + 1, dtype=torch.float64) * (1 + 0.1 * normal(channels, 1).abs())
    tensors = [
        normal(batch, channels, length), normal(batch, channels, length) + shift, A,
        normal(batch, groups, states, length), normal(batch, groups, states, length),
        normal(channels), normal(batch, channels, length), 0.1 * normal(channels),
        normal(batch, channels, states),
    ]  # fmt: skip
    return [t.to(dtype).requires_grad_() for t in tensors]


def outcome(scan, tensors):
    """Result, last state and gradients of ``scan(*tensors) -> (y, last)``, by name."""
    y, last = scan(*tensors)
    pull = torch.cos(torch.arange(y.numel(), dtype=y.dtype)).view_as(y)
    ((y * pull).sum() + last.sin().sum()).backward()
    return {
        "y": y.detach(),
        "last": last.detach(),
        **dict(zip(NAMES, [t.grad for t in tensors], strict=True)),
    }


def exact(tensors):
    """The outcome of the plain loop in float64."""
    doubles = [t.detach().double().requires_grad_() for t in tensors]
    return outcome(
        lambda *t: scan_reference.scan(*t[:8], True, t[8], True, None),
        doubles,
    )


def relative_error(got, wanted):
    """Largest difference, relative to the largest entry."""
    return float((got.double() - wanted).abs().max() / wanted.abs().max().clamp(min=1e-9))


def assert_close(got, wanted):
    """Results within 1e-6 and gradients within 2e-5 of the largest entry."""
    for name, value in wanted.items():
        limit = 1e-6 if name in ("y", "last") else 2e-5
        assert relative_error(got[name], value) < limit, name
