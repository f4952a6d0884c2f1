"""The selective scan on a CPU: torch's tensors in, compiled kernels inside, gradients out."""

from math import gcd

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
    return_last_state: bool,
) -> tuple[Tensor, Tensor | None]:
    """The compiled scan; arguments and results of ``scan_reference.scan``."""
    differentiable = (u, delta, A, B, C, D, z, delta_bias, initial_state)
    return _Scan.apply(*differentiable, delta_softplus, return_last_state)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, delta, A, B, C, D, z, bias, start, softplus, return_last):
        u, delta, z = (t if t is None else _tileable(t) for t in (u, delta, z))
        plan = _Plan(u, B)
        a = plan.to_lanes(A * LOG2E)
        start = None if start is None else plan.to_lanes(start)
        D, bias = D.contiguous(), bias.contiguous()
        y = _like(u)
        last = u.new_empty(plan.state_shape) if return_last else None
        kept = u.new_empty(plan.kept_shape) if any(ctx.needs_input_grad) else None
        inputs = _kernel_inputs(u, delta, a, B, C, D, bias, softplus, z, start)
        outputs = (_flat(y), y.stride(), _flat(kept, u), _flat(last, u), plan.shape)

        def task(share: int, begin: int, end: int) -> None:
            scan_kernels.forward(*inputs, *outputs, begin, end)

        share_out(task, plan.units, plan.work)
        ctx.save_for_backward(u, delta, a, B, C, D, z, bias, start, kept)
        ctx.softplus = softplus
        ctx.set_materialize_grads(False)
        return y, None if last is None else last[..., : plan.states]

    @staticmethod
    @once_differentiable
    def backward(ctx, dy, dlast):
        u, delta, a, B, C, D, z, bias, start, kept = ctx.saved_tensors
        plan = _Plan(u, B)
        dy = _tileable(torch.zeros_like(u) if dy is None else dy)
        dlast = None if dlast is None else plan.to_lanes(dlast)
        du, ddelta, dz = _like(u), _like(u), None if z is None else _like(u)
        db, dc = _states_like(B, plan.ranges), _states_like(B, plan.ranges)
        shares = thread_count(plan.units, plan.work)
        da, dskip, dbias = (t.new_zeros(shares, *t.shape) for t in (a, D, bias))
        dstart = None if start is None else torch.empty_like(start)
        inputs = _kernel_inputs(u, delta, a, B, C, D, bias, ctx.softplus, z, start)
        gradients = (
            _flat(kept), _flat(dy), dy.stride(), _flat(dlast, u), _flat(du), _flat(ddelta),
            _flat(dz, u), du.stride(), _flat(db), _flat(dc), db.stride(),
        )  # fmt: skip

        def task(share: int, begin: int, end: int) -> None:
            own = (_flat(da[share]), _flat(dskip[share]), _flat(dbias[share]), _flat(dstart, u))
            scan_kernels.backward(*inputs, *gradients, *own, plan.shape, begin, end)

        share_out(task, plan.units, plan.work)
        db, dc, da, dskip, dbias = (
            t[0] if t.shape[0] == 1 else t.sum(0) for t in (db, dc, da, dskip, dbias)
        )
        dstart = None if dstart is None else dstart[..., : plan.states]
        return du, ddelta, da[:, : plan.states], db, dc, dskip, dz, dbias, dstart, None, None


class _Plan:
    """How a scan is cut into units of work."""

    def __init__(self, u: Tensor, B: Tensor):
        batch, channels, steps = u.shape
        _, groups, self.states, _ = B.shape
        self.lanes = -(-self.states // LANES) * LANES
        sequences = batch * groups
        self.work = u.numel() * self.lanes
        threads = thread_count(sequences * (channels // groups), self.work)
        self.ranges = 1
        if sequences < 4 * threads:  # else whole sequences are shared out evenly enough
            self.ranges = min(channels // groups, threads // gcd(sequences, threads))
        self.units = sequences * self.ranges
        self.shape = (batch, groups, channels, self.states, steps, self.ranges)
        self.state_shape = (batch, channels, self.lanes)
        self.kept_shape = (batch, max(0, -(-steps // scan_kernels.CHUNK) - 1), channels, self.lanes)

    def to_lanes(self, t: Tensor) -> Tensor:
        """(.., states) to (.., lanes): filled up with zeros to whole vectors."""
        return F.pad(t, (0, self.lanes - self.states)).contiguous()


def _kernel_inputs(u, delta, a, B, C, D, bias, softplus, z, start):
    """The arguments that both kernels begin with."""
    return (
        _flat(u), u.stride(), _flat(delta), delta.stride(), _flat(a), _flat(B), B.stride(),
        _flat(C), C.stride(), _flat(D), _flat(bias), softplus, _flat(z, u),
        (0, 0, 0) if z is None else z.stride(), _flat(start, u),
    )  # fmt: skip


def _tileable(t: Tensor) -> Tensor:
    """The tensor itself if its steps or its channels lie side by side, else a copy."""
    return t if 1 in t.stride()[1:] else t.contiguous()


def _like(u: Tensor) -> Tensor:
    """An uninitialised tensor of u's shape whose steps or channels lie side by side as u's."""
    batch, channels, steps = u.shape
    if u.stride(2) == 1:
        return u.new_empty(batch, channels, steps)
    return u.new_empty(batch, steps, channels).transpose(1, 2)


def _states_like(B: Tensor, ranges: int) -> Tensor:
    """An uninitialised tensor (ranges, batch, groups, states, steps), laid out as B is."""
    batch, groups, states, steps = B.shape
    if B.stride(3) == 1:
        return B.new_empty(ranges, batch, groups, states, steps)
    return B.new_empty(ranges, batch, groups, steps, states).transpose(3, 4)


def _flat(t: Tensor | None, kind: Tensor | None = None) -> np.ndarray:
    """The numbers of a tensor as a flat array that starts at its first one; empty for None."""
    if t is None:
        return kind.new_empty(0).numpy()
    span = 1 + sum((size - 1) * step for size, step in zip(t.shape, t.stride(), strict=True))
    return t.detach().as_strided((span if t.numel() else 0,), (1,)).numpy()
