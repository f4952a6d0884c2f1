"""Shares work between a few threads of our own, and finds a home for compiled kernels.

The kernels hold no lock of Python, so plain threads run them side by side. Numba's own parallel
loops are avoided: one of their three layers aborts the process when two threads of a program use
them at once, as two visitors of a dashboard do.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

_WORTHWHILE = 2**17  # exponentials or so (20 us): less work than this is not worth a thread


def share_out(
    task: Callable[[int, int, int], None], units: int, work: int, shares: int | None = None
) -> None:
    """Calls ``task(share, first, end)`` for consecutive shares of ``units``, in parallel.

    Args:
        task: what to do with the units [first, end); should release Python's lock.
        units: how many there are; all cost the same.
        work: total cost in exponentials; small work stays in this thread.
        shares: how many threads do it, this one among them, where memory has been laid out for
            them; else ``thread_count`` says.
    """
    shares = shares or thread_count(units, work)
    edges = [units * share // shares for share in range(shares + 1)]
    others = []
    for share in range(1, shares):
        pool = _pool(os.getpid(), shares - 1)
        others.append(pool.submit(task, share, edges[share], edges[share + 1]))
    task(0, 0, edges[1])
    for other in others:
        other.result()


def thread_count(units: int, work: int) -> int:
    """How many threads are worth while for so many units that cost ``work`` exponentials in all.

    Never more than torch may use.
    """
    return max(1, min(torch.get_num_threads(), units, work // _WORTHWHILE))


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """One pool for each process (a fork inherits no threads) and number of threads."""
    return ThreadPoolExecutor(threads, thread_name_prefix=f"scan-{process}")
