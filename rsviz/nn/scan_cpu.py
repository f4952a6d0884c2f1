"""The selective scan on a CPU: torch's tensors in, compiled kernels inside, gradients out."""

from math import gcd

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from rsviz.nn import scan_backward, scan_forward
from rsviz.nn.scan_simd import LANES, LOG2E
from rsviz.nn.scan_threads import share_out, thread_count
from rsviz.nn.scan_tiles import CHUNK


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
    trace: Tensor | None,
) -> tuple[Tensor, Tensor | None]:
    """The compiled scan; arguments and results of ``scan_reference.scan``."""
    tensors = (u, delta, A, B, C, D, z, delta_bias, initial_state)
    return _Scan.apply(*tensors, delta_softplus, return_last_state, trace, torch.is_grad_enabled())


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, delta, A, B, C, D, z, bias, start, softplus, return_last, trace, grad):
        u, delta, z = (t if t is None else tileable(t) for t in (u, delta, z))
        plan = _Plan(u, B)
        a = plan.to_lanes(A * LOG2E)
        start = None if start is None else plan.to_lanes(start)
        D, bias = D.contiguous(), bias.contiguous()
        y = like(u)
        last = u.new_empty(plan.state_shape) if return_last else None
        kept = u.new_empty(plan.kept_shape) if grad and any(ctx.needs_input_grad) else None
        work = plan.scratch(u)
        inputs = _kernel_inputs(u, delta, a, B, C, D, bias, softplus, z, start)
        sums = None if trace is None else trace.new_zeros(plan.ranges, *trace.shape)
        outputs = (tensor(y), address(kept), address(last), address(sums), plan.shape)

        def task(share: int, begin: int, end: int) -> None:
            scan_forward.forward(*inputs, *outputs, work[share], begin, end)

        share_out(task, plan.units, plan.work, len(work))
        if trace is not None:
            trace.copy_(sums.sum(0))
        ctx.save_for_backward(u, delta, a, B, C, D, z, bias, start, kept)
        ctx.softplus = softplus
        ctx.set_materialize_grads(False)
        return y, None if last is None else last[..., : plan.states]

    @staticmethod
    @once_differentiable
    def backward(ctx, dy, dlast):
        u, delta, a, B, C, D, z, bias, start, kept = ctx.saved_tensors
        plan = _Plan(u, B)
        dy = tileable(torch.zeros_like(u) if dy is None else dy)
        dlast = None if dlast is None else plan.to_lanes(dlast)
        du, ddelta, dz = like(u), like(u), None if z is None else like(u)
        db, dc = _states_like(B), _states_like(B)
        parts = u.new_empty(plan.parts_shape) if plan.ranges > 1 else None
        to_b, to_c = (db, dc) if parts is None else parts
        work = plan.scratch(u)
        da, dskip, dbias = (t.new_zeros(len(work), *t.shape) for t in (a, D, bias))
        dstart = None if start is None else torch.empty_like(start)
        inputs = _kernel_inputs(u, delta, a, B, C, D, bias, ctx.softplus, z, start)
        gradients = (
            address(kept), tensor(dy), address(dlast), tensor(du), tensor(ddelta),
            tensor(dz), address(to_b), address(to_c), db.stride(),
        )  # fmt: skip

        def task(share: int, begin: int, end: int) -> None:
            own = (*map(address, (da[share], dskip[share], dbias[share], dstart)), plan.shape)
            scan_backward.backward(*inputs, *gradients, *own, work[share], begin, end)

        share_out(task, plan.units, plan.work, len(work))
        if parts is not None:
            _join(parts, (db, dc), plan, work)
        da, dskip, dbias = (t[0] if t.shape[0] == 1 else t.sum(0) for t in (da, dskip, dbias))
        dstart = None if dstart is None else dstart[..., : plan.states]
        return (
            du,
            ddelta,
            da[:, : plan.states],
            db,
            dc,
            dskip,
            dz,
            dbias,
            dstart,
            None,
            None,
            None,
            None,
        )


def _join(parts: Tensor, wholes: tuple[Tensor, Tensor], plan: "_Plan", work: np.ndarray) -> None:
    """Adds up the gradients of B and of C that the ranges of channels give."""

    def task(share: int, begin: int, end: int) -> None:
        for part, whole in zip(parts, wholes, strict=True):
            places = address(part), address(whole), whole.stride()
            scan_backward.join(*places, plan.shape, work[share], begin, end)

    share_out(task, plan.chunks, plan.work, len(work))


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
        self.chunks = sequences * -(-steps // CHUNK)
        self.parts_shape = (2, self.ranges, sequences, steps, self.lanes)
        self.kept_shape = (batch, max(0, -(-steps // CHUNK) - 1), channels, self.lanes)

    def scratch(self, u: Tensor) -> np.ndarray:
        """Scratch memory, one row a thread."""
        threads = thread_count(self.units, self.work)
        return u.new_empty(threads, scan_forward.scratch_size(self.lanes)).numpy()

    def to_lanes(self, t: Tensor) -> Tensor:
        """(.., states) to (.., lanes): filled up with zeros to whole vectors."""
        return F.pad(t, (0, self.lanes - self.states)).contiguous()


def _kernel_inputs(u, delta, a, B, C, D, bias, softplus, z, start):
    """The arguments that both kernels begin with."""
    return (
        tensor(u), tensor(delta), address(a), tensor(B), tensor(C), address(D),
        address(bias), softplus, tensor(z), address(start),
    )  # fmt: skip


def address(t: Tensor | None) -> int:
    """Where a tensor's first number is; 0 for None."""
    return 0 if t is None else t.data_ptr()


def tensor(t: Tensor | None) -> tuple[int, ...]:
    """A tensor as the kernels know it: its address and its strides."""
    return (0, 0, 0, 0) if t is None else (t.data_ptr(), *t.stride())


def tileable(t: Tensor) -> Tensor:
    """The tensor itself if its steps or its channels lie side by side, else a copy."""
    return t if 1 in t.stride()[1:] else t.contiguous()


def like(u: Tensor) -> Tensor:
    """An uninitialised tensor of u's shape whose steps or channels lie side by side as u's."""
    batch, channels, steps = u.shape
    if u.stride(2) == 1:
        return u.new_empty(batch, channels, steps)
    return u.new_empty(batch, steps, channels).transpose(1, 2)


def _states_like(B: Tensor) -> Tensor:
    """An uninitialised tensor (batch, groups, states, steps), laid out as B is."""
    if B.stride(3) == 1:
        return B.new_empty(B.shape)
    return B.new_empty(B.mT.shape).mT
