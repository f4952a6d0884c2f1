"""What the selective scan is measured against: two loops and a parallel scan."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

from rsviz.evaluate.bench_scan_floor import Shape
from rsviz.nn import scan_reference

Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""u, delta (batch, channels, length), A, B, C (batch, states, length), D to y."""


def loop_unbind(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The honest loop: one step after another on unbound slices, backward linear in the length."""
    state = u.new_zeros(u.shape[0], *A.shape)
    y, _ = scan_reference.run_steps(u, delta, A, B[:, None], C[:, None], state)
    return y + u * D[:, None]


def loop_indexed(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The loop as mamba-ssm's reference does it: everything materialised, then indexed by step."""
    decay = torch.exp(torch.einsum("bdl,dn->bdln", delta, A))
    drive = torch.einsum("bdl,bnl,bdl->bdln", delta, B, u)
    state, y = u.new_zeros(u.shape[0], *A.shape), []
    for t in range(u.shape[2]):
        state = decay[:, :, t] * state + drive[:, :, t]
        y.append(torch.einsum("bdn,bn->bd", state, C[:, :, t]))
    return torch.stack(y, 2) + u * D[:, None]


def parallel_scan() -> Scan | None:
    """mambapy's parallel scan, the usual one in pure torch; None if it is not installed."""
    if find_spec("mambapy") is None:
        return None
    from mambapy.pscan import pscan

    def scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
        steps = delta.transpose(1, 2)[..., None]  # (batch, length, channels, 1)
        drive = steps * u.transpose(1, 2)[..., None] * B.transpose(1, 2)[:, :, None]
        states = pscan(torch.exp(steps * A), drive)
        y = (states @ C.transpose(1, 2)[..., None])[..., 0]
        return y.transpose(1, 2) + u * D[:, None]

    return scan


def random_inputs(shape: Shape, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """u, delta, A, B, C, D of a scan with the usual initial step sizes, ready for gradients."""
    batch, channels, states, length = shape
    random = torch.Generator().manual_seed(0)

    def normal(*size: int) -> Tensor:
        return torch.randn(*size, generator=random)

    A = -torch.arange(1.0, states + 1) * (1 + 0.1 * torch.rand(channels, 1, generator=random))
    delta = torch.nn.functional.softplus(normal(batch, channels, length) - 3)
    B, C = normal(batch, states, length), normal(batch, states, length)
    tensors = (normal(batch, channels, length), delta, A, B, C, torch.ones(channels))
    return [t.to(dtype).requires_grad_() for t in tensors]
