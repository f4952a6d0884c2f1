"""What the selective scan is measured against: two loops, a parallel scan, and the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

from rsviz.nn import scan_reference

Scan = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""u, delta (batch, channels, length), A, B, C (batch, states, length), D to y."""

Shape = tuple[int, int, int, int]
"""Batch, channels, states, length."""


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


class Floor:
    """The least time a scan can take here: bytes over bandwidth, exponentials over throughput.

    Attributes:
        bandwidth: bytes copied a second (read and written).
        exps_torch: exponentials a second by ``torch.exp`` in the second-level cache.
        exps_ours: the same by the kernels' own, in the first-level cache.
    """

    def __init__(self) -> None:
        source, target = torch.rand(2, 2**25).unbind(0)
        self.bandwidth = 8 * source.numel() / _best(lambda: target.copy_(source))
        numbers = -torch.rand(2**17)
        result = torch.empty_like(numbers)

        def exponentials() -> None:
            for _ in range(20):
                torch.exp(numbers, out=result)

        self.exps_torch = 20 * numbers.numel() / _best(exponentials)
        self.exps_ours = _own_exponentials()

    def seconds(self, shape: Shape, training: bool) -> float:
        """Lower bound of a scan; the backward computes each exponential again."""
        batch, channels, states, length = shape
        wide, narrow = batch * channels * length, batch * states * length
        transferred = 4 * (3 * wide + 2 * narrow)
        exponentials = wide * states
        if training:
            transferred += 4 * (5 * wide + 4 * narrow)
            exponentials *= 2
        fastest = max(self.exps_torch, self.exps_ours)
        return max(transferred / self.bandwidth, exponentials / fastest)


def _own_exponentials() -> float:
    """Exponentials a second of the scan's own kernel, with all threads; 0 without numba."""
    if find_spec("numba") is None:
        return 0.0
    from rsviz.nn.scan_probe import exponentiate
    from rsviz.nn.scan_threads import share_out

    rounds, size = 2000, 4096
    threads = torch.get_num_threads()
    numbers = -torch.rand(threads, size)

    def task(share: int, first: int, end: int) -> None:
        exponentiate(numbers[share].numpy(), rounds)

    task(0, 0, 1)
    seconds = _best(lambda: share_out(task, threads, threads * rounds * size))
    return threads * rounds * size / seconds


def _best(work: Callable[[], object], repeats: int = 7) -> float:
    """Shortest of several times: a limit of the machine, not of its other users."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
