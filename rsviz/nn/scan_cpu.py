"""The selective scan on a CPU: torch's tensors in, compiled kernels inside, gradients out."""

from math import gcd, prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from rsviz.nn import scan_kernels
from rsviz.nn.scan_simd import LANES, LOG2E
from rsviz.nn.scan_threads import share_out, thread_count


def scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor | None,
    delta_bias: Tensor,
    delta_softplus: bool,
    initial_state: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """The compiled scan; arguments and results of ``scan_reference.scan``."""
    return _Scan.apply(u, delta, A, B, C, D, z, delta_bias, delta_softplus, initial_state)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, delta, A, B, C, D, z, bias, softplus, start):
        u, delta, z = (t if t is None else _tileable(t) for t in (u, delta, z))
        plan = _Plan(u, B)
        kept = u.new_empty(plan.kept_size if any(ctx.needs_input_grad) else 0)
        y = _like(u, plan.slices)
        last = u.new_empty(plan.state_shape)
        a = plan.to_lanes(A * LOG2E)
        skip, lane_bias = plan.to_lanes(D[:, None]), plan.to_lanes(bias[:, None])
        first = None if start is None else plan.to_lanes(start)
        inputs = _kernel_inputs(plan, u, delta, a, B, C, skip, lane_bias, softplus, z, first)
        outputs = (_flat(y), y.stride(), _flat(kept), _flat(last), plan.shape)

        def task(share: int, begin: int, end: int) -> None:
            scan_kernels.forward(*inputs, *outputs, begin, end)

        share_out(task, plan.units, plan.work)
        ctx.save_for_backward(u, delta, a, B, C, skip, z, lane_bias, first, kept)
        ctx.softplus = softplus
        ctx.set_materialize_grads(False)
        y = y[0] if plan.slices == 1 else y.sum(0)
        return y, plan.from_lanes(last)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy, dlast):
        u, delta, a, B, C, skip, z, bias, first, kept = ctx.saved_tensors
        plan = _Plan(u, B)
        dy = _tileable(torch.zeros_like(u) if dy is None else dy)
        dlast = None if dlast is None else plan.to_lanes(dlast)
        du, ddelta = _like(u, plan.slices), _like(u, plan.slices)
        dz = None if z is None else _like(u, plan.slices)
        db, dc = _states_like(B, plan.ranges), _states_like(B, plan.ranges)
        shares = thread_count(plan.units, plan.work)
        da, dskip, dbias = (t.new_zeros(shares, *t.shape) for t in (a, skip, bias))
        dstart = None if first is None else torch.empty_like(first)
        inputs = _kernel_inputs(plan, u, delta, a, B, C, skip, bias, ctx.softplus, z, first)
        gradients = (
            _flat(kept), _flat(dy), dy.stride(), _flat(dlast, u), _flat(du), _flat(ddelta),
            _flat(dz, u), du.stride(), _flat(db), _flat(dc), db.stride(),
        )  # fmt: skip

        def task(share: int, begin: int, end: int) -> None:
            own = (_flat(da[share]), _flat(dskip[share]), _flat(dbias[share]), _flat(dstart, u))
            scan_kernels.backward(*inputs, *gradients, *own, plan.shape, begin, end)

        share_out(task, plan.units, plan.work)
        du, ddelta, dz, db, dc = (
            t if t is None else t[0] if t.shape[0] == 1 else t.sum(0)
            for t in (du, ddelta, dz, db, dc)
        )
        dA, dD, ddelta_bias = (plan.from_lanes(t.sum(0)) for t in (da, dskip, dbias))
        dstart = None if dstart is None else plan.from_lanes(dstart)
        return du, ddelta, dA, db, dc, dD[:, 0], dz, ddelta_bias[:, 0], None, dstart


class _Plan:
    """How a scan is cut into units of work."""

    def __init__(self, u: Tensor, B: Tensor):
        self.batch, self.channels, steps = u.shape
        _, self.groups, self.states, _ = B.shape
        per_group = self.channels // self.groups
        self.blocks = -(-per_group // LANES)
        sequences = self.batch * self.groups
        self.work = u.numel() * self.states
        threads = max(1, min(torch.get_num_threads(), self.work // 2**17))
        self.ranges = self.slices = 1
        if sequences < 4 * threads:
            self.ranges = min(self.blocks, threads // gcd(sequences, threads))
            self.slices = min(self.states, -(-threads // (sequences * self.ranges)))
        self.units = sequences * self.ranges * self.slices
        self.shape = (
            self.batch, self.groups, per_group, self.blocks, self.states, steps,
            self.ranges, self.slices,
        )  # fmt: skip
        self.state_shape = (self.batch, self.groups, self.blocks, self.states, LANES)
        chunks = -(-steps // scan_kernels.CHUNK)
        self.kept_size = prod(self.state_shape) * (chunks - 1)

    def to_lanes(self, t: Tensor) -> Tensor:
        """(.., channels, states) to (.., groups, blocks, states, LANES), filled up with zeros."""
        t = t.reshape(*t.shape[:-2], self.groups, -1, t.shape[-1])
        t = F.pad(t, (0, 0, 0, self.blocks * LANES - t.shape[-2]))
        return t.unflatten(-2, (self.blocks, LANES)).transpose(-1, -2).contiguous()

    def from_lanes(self, t: Tensor) -> Tensor:
        """The inverse of ``to_lanes``."""
        t = t.transpose(-1, -2).flatten(-3, -2)  # (.., groups, blocks x LANES, states)
        return t[..., : self.channels // self.groups, :].flatten(-3, -2)


def _kernel_inputs(plan, u, delta, a, B, C, skip, bias, softplus, z, start):
    """The arguments that both kernels begin with."""
    return (
        _flat(u), u.stride(), _flat(delta), delta.stride(), _flat(a), _flat(B), B.stride(),
        _flat(C), C.stride(), _flat(skip), _flat(bias), softplus, _flat(z, u),
        (0, 0, 0) if z is None else z.stride(), _flat(start, u),
    )  # fmt: skip


def _tileable(t: Tensor) -> Tensor:
    """The tensor itself if its steps or its channels lie side by side, else a copy."""
    return t if 1 in t.stride()[1:] else t.contiguous()


def _like(u: Tensor, parts: int) -> Tensor:
    """An uninitialised tensor (parts, batch, channels, steps) with channels or steps side by side."""
    batch, channels, steps = u.shape
    if u.stride(2) == 1:
        return u.new_empty(parts, batch, channels, steps)
    return u.new_empty(parts, batch, steps, channels).transpose(2, 3)


def _states_like(B: Tensor, parts: int) -> Tensor:
    """Zeros (parts, batch, groups, states, steps), laid out as B is."""
    batch, groups, states, steps = B.shape
    if B.stride(3) == 1:
        return B.new_zeros(parts, batch, groups, states, steps)
    return B.new_zeros(parts, batch, groups, steps, states).transpose(3, 4)


def _flat(t: Tensor | None, kind: Tensor | None = None) -> np.ndarray:
    """The numbers of a tensor as a flat array that starts at its first one; empty for None."""
    if t is None:
        return kind.new_empty(0).numpy()
    span = 1 + sum((size - 1) * step for size, step in zip(t.shape, t.stride(), strict=True))
    return t.detach().as_strided((span if t.numel() else 0,), (1,)).numpy()
