"""What the machine could do at best: the floor that the selective scan is measured against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch

Shape = tuple[int, int, int, int]
"""Batch, channels, states, length."""

COPIES, BURSTS = 40, 400
NUMBERS = 2**14  # 64 KiB in and as much out: in the second-level cache


class Floor:
    """The least time a scan can take here: bytes over bandwidth, exponentials over throughput.

    Each throughput is that of the best of many short bursts. Exponentials are timed on one thread
    in the caches and multiplied by the threads: that is a property of the cores. Timed on all
    threads at once, the figure halves whenever two of them meet on one core, as they do while
    threads of torch's own spin.

    Attributes:
        bandwidth: bytes copied a second (read and written) by all threads.
        exps_torch: exponentials a second by ``torch.exp``.
        exps_ours: the same by the kernels' own function; 0 without numba.
        spreads: how far the median burst stays below the best, as fractions, by name.
    """

    def __init__(self) -> None:
        threads = torch.get_num_threads()
        source, target = torch.rand(2, 2**25).unbind(0)
        copies = _rates(lambda: target.copy_(source), 8 * source.numel(), COPIES)
        with threads_at_most(1):
            numbers = -torch.rand(NUMBERS)
            result = torch.empty_like(numbers)
            by_torch = _rates(lambda: torch.exp(numbers, out=result), threads * NUMBERS, BURSTS)
        ours = _own_exponentials(threads)
        self.bandwidth, self.exps_torch, self.exps_ours = map(max, (copies, by_torch, ours))
        self.spreads = {
            name: 1 - statistics.median(rates) / max(rates)
            for name, rates in (("copy", copies), ("exponentials", ours))
            if max(rates)
        }

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


@contextmanager
def threads_at_most(most: int) -> Iterator[None]:
    """Lets torch, and so the scan, use so many threads at most inside a block."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(most, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _own_exponentials(threads: int) -> list[float]:
    """Exponentials a second of the scan's own function in bursts; one 0 without numba."""
    if find_spec("numba") is None:
        return [0.0]
    from rsviz.nn.scan_probe import exponentiate

    numbers, rounds = -torch.rand(NUMBERS // 4).numpy(), 100
    exponentiate(numbers, 1)
    return _rates(lambda: exponentiate(numbers, rounds), threads * rounds * numbers.size, BURSTS)


def _rates(work: Callable[[], object], amount: int, bursts: int) -> list[float]:
    """How much a second is done in each of several bursts of an amount."""
    rates = []
    for _ in range(bursts):
        started = time.perf_counter()
        work()
        rates.append(amount / (time.perf_counter() - started))
    return rates
