"""The causal convolution before a scan: each channel with its own few taps, silu fused in.

Vectors hold channels. Torch's own convolution takes longer than the scan behind it, mostly in its
backward, because one channel a group leaves it nothing to multiply.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from rsviz.nn.scan_cache import kernel
from rsviz.nn.scan_cpu import address, like, tensor, tileable
from rsviz.nn.scan_forward import sigmoid
from rsviz.nn.scan_simd import (
    LANES,
    fill,
    flush_denormals,
    pointer,
    restore_denormals,
    shift,
    vload,
    vstore,
    vzero,
)
from rsviz.nn.scan_threads import share_out, thread_count
from rsviz.nn.scan_tiles import CHUNK, clear, copy, locate, read_rows, write_rows


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, silu: bool) -> Tensor:
    """The compiled convolution: x (batch, channels, length), weight (channels, taps)."""
    return _Convolution.apply(x, weight, bias, silu)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, silu):
        x = tileable(x)
        y = like(x)
        shape = (*x.shape, weight.shape[1])
        taps = _to_lanes(weight)
        biases = None if bias is None else _to_lanes(bias[:, None])
        units, work = x.shape[0] * len(taps), x.numel()
        scratch = x.new_empty(thread_count(units, work), 3 * _rows(shape) * LANES).numpy()
        inputs = (tensor(x), address(taps), address(biases), silu)

        def task(share: int, first: int, end: int) -> None:
            _forward(*inputs, tensor(y), shape, scratch[share], first, end)

        share_out(task, units, work, len(scratch))
        ctx.save_for_backward(x, taps, biases)
        ctx.silu, ctx.shape = silu, shape
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        x, taps, biases = ctx.saved_tensors
        dy = tileable(dy)
        dx = like(x)
        units, work = x.shape[0] * len(taps), x.numel()
        threads = thread_count(units, work)
        scratch = x.new_empty(threads, 3 * _rows(ctx.shape) * LANES).numpy()
        sums = taps.new_zeros(threads, len(taps), taps.shape[1] + 1, LANES)
        inputs = (tensor(x), address(taps), address(biases), ctx.silu)

        def task(share: int, first: int, end: int) -> None:
            outputs = (tensor(dy), tensor(dx), address(sums[share]))
            _backward(*inputs, *outputs, ctx.shape, scratch[share], first, end)

        share_out(task, units, work, len(scratch))
        # (blocks, taps + 1, LANES) to (channels, taps + 1); the last column is the bias's
        sums = sums.sum(0).transpose(1, 2).flatten(0, 1)[: x.shape[1]]
        return dx, sums[:, :-1], None if biases is None else sums[:, -1], None


def _to_lanes(t: Tensor) -> Tensor:
    """(channels, taps) to (blocks, taps, LANES), filled up with zeros."""
    t = F.pad(t, (0, 0, 0, -t.shape[0] % LANES))
    return t.unflatten(0, (-1, LANES)).transpose(1, 2).contiguous()


def _rows(shape) -> int:
    """Rows of a chunk with what lies before it."""
    return CHUNK + shape[3]


@kernel
def _convolve(rows, taps, count, bias, t):
    """The convolution at row t; the present step is row t + count - 1."""
    total = bias
    for k in range(count):
        total = total + vload(taps, k * LANES) * vload(rows, (t + k) * LANES)
    return total


@kernel
def _forward(x, taps, biases, silu, y, shape, work, first, end):
    """Convolves the units (batch item, block of channels) from first to end."""
    _, channels, steps, count = shape
    blocks = (channels + LANES - 1) // LANES
    kind = work[0]
    rows = pointer(kind, work.ctypes.data)
    out = shift(rows, (CHUNK + count) * LANES)
    former = flush_denormals()
    for unit in range(first, end):
        i, block = unit // blocks, unit % blocks
        d = block * LANES
        nd = min(LANES, channels - d)
        weights = shift(pointer(kind, taps), block * count * LANES)
        bias = vload(pointer(kind, biases), d) if biases else vzero(rows)
        clear(rows, (count - 1) * LANES)
        for t0 in range(0, steps, CHUNK):
            m = min(CHUNK, steps - t0)
            source, lane_step, step = locate(kind, x, i, d, t0)
            read_rows(shift(rows, (count - 1) * LANES), LANES, source, lane_step, step, m, nd)
            for t in range(m):
                value = _convolve(rows, weights, count, bias, t)
                vstore(out, t * LANES, value * sigmoid(value) if silu else value)
            target, lane_step, step = locate(kind, y, i, d, t0)
            write_rows(out, LANES, target, lane_step, step, m, nd, False)
            copy(rows, shift(rows, m * LANES), (count - 1) * LANES)
    restore_denormals(former)


@kernel
def _backward(x, taps, biases, silu, dy, dx, sums, shape, work, first, end):
    """Gradients of the units from first to end; ``sums`` (block, taps + 1, lane) is added to."""
    _, channels, steps, count = shape
    blocks = (channels + LANES - 1) // LANES
    kind = work[0]
    before = count - 1  # steps before a chunk that reach into it
    rows = pointer(kind, work.ctypes.data)
    grads = shift(rows, (CHUNK + count) * LANES)
    out = shift(grads, (CHUNK + count) * LANES)
    former = flush_denormals()
    for unit in range(first, end):
        i, block = unit // blocks, unit % blocks
        d = block * LANES
        nd = min(LANES, channels - d)
        weights = shift(pointer(kind, taps), block * count * LANES)
        bias = vload(pointer(kind, biases), d) if biases else vzero(rows)
        total = shift(pointer(kind, sums), block * (count + 1) * LANES)
        clear(shift(grads, ((steps - 1) % CHUNK + 1) * LANES), before * LANES)
        for t0 in range((steps - 1) // CHUNK * CHUNK, -1, -CHUNK):
            m = min(CHUNK, steps - t0)
            early = min(before, t0)
            clear(rows, (before - early) * LANES)
            source, lane_step, step = locate(kind, x, i, d, t0 - early)
            tail = shift(rows, (before - early) * LANES)
            read_rows(tail, LANES, source, lane_step, step, m + early, nd)
            source, lane_step, step = locate(kind, dy, i, d, t0)
            read_rows(grads, LANES, source, lane_step, step, m, nd)
            for t in range(m):
                grad = vload(grads, t * LANES)
                if silu:
                    value = _convolve(rows, weights, count, bias, t)
                    share = sigmoid(value)
                    one = fill(value, 1.0)
                    grad = grad * share * (one + value * (one - share))
                    vstore(grads, t * LANES, grad)
                for k in range(count):
                    at = k * LANES
                    vstore(total, at, vload(total, at) + grad * vload(rows, (t + k) * LANES))
                vstore(total, count * LANES, vload(total, count * LANES) + grad)
            for t in range(m):
                grad = vzero(rows)
                for k in range(count):
                    later = (t + before - k) * LANES
                    grad = grad + vload(weights, k * LANES) * vload(grads, later)
                vstore(out, t * LANES, grad)
            target, lane_step, step = locate(kind, dx, i, d, t0)
            write_rows(out, LANES, target, lane_step, step, m, nd, False)
            copy(shift(grads, CHUNK * LANES), grads, before * LANES)  # for the chunk before
    restore_denormals(former)
