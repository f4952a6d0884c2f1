"""The selective scan on a CPU: torch's tensors in, compiled kernels inside, gradients out."""

from math import gcd

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from rsviz.nn import scan_kernels
from rsviz.nn.scan_simd import LANES, LOG2E
from rsviz.nn.scan_tiles import CHUNK
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
        work = plan.scratch(u)
        inputs = _kernel_inputs(u, delta, a, B, C, D, bias, softplus, z, start)
        outputs = (_tensor(y), _address(kept), _address(last), plan.shape)

        def task(share: int, begin: int, end: int) -> None:
            scan_kernels.forward(*inputs, *outputs, work[share], begin, end)

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
        work = plan.scratch(u)
        da, dskip, dbias = (t.new_zeros(len(work), *t.shape) for t in (a, D, bias))
        dstart = None if start is None else torch.empty_like(start)
        inputs = _kernel_inputs(u, delta, a, B, C, D, bias, ctx.softplus, z, start)
        gradients = (
            _address(kept), _tensor(dy), _address(dlast), _tensor(du), _tensor(ddelta),
            _tensor(dz), _address(db), _address(dc), db.stride(),
        )  # fmt: skip

        def task(share: int, begin: int, end: int) -> None:
            own = (*map(_address, (da[share], dskip[share], dbias[share], dstart)), plan.shape)
            scan_kernels.backward(*inputs, *gradients, *own, work[share], begin, end)

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
        self.kept_shape = (batch, max(0, -(-steps // CHUNK) - 1), channels, self.lanes)

    def scratch(self, u: Tensor) -> np.ndarray:
        """Scratch memory, one row a thread."""
        threads = thread_count(self.units, self.work)
        return u.new_empty(threads, scan_kernels.scratch_size(self.lanes)).numpy()

    def to_lanes(self, t: Tensor) -> Tensor:
        """(.., states) to (.., lanes): filled up with zeros to whole vectors."""
        return F.pad(t, (0, self.lanes - self.states)).contiguous()


def _kernel_inputs(u, delta, a, B, C, D, bias, softplus, z, start):
    """The arguments that both kernels begin with."""
    return (
        _tensor(u), _tensor(delta), _address(a), _tensor(B), _tensor(C), _address(D),
        _address(bias), softplus, _tensor(z), _address(start),
    )  # fmt: skip


def _address(t: Tensor | None) -> int:
    return 0 if t is None else t.data_ptr()


def _tensor(t: Tensor | None) -> tuple[int, ...]:
    """A tensor as the kernels know it: its address and its strides."""
    return (0, 0, 0, 0) if t is None else (t.data_ptr(), *t.stride())


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


