"""What a bench gives: rows of a median beside a target or another way to do the same."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Bench = Callable[[bool, str], list[Row]]


def row(name: str, value: float, unit: str, baseline: str = "", other: float | None = None) -> Row:
    """One line of a bench.

    Args:
        name: what was measured.
        value: the median.
        unit: of value.
        baseline: what it is compared with.
        other: value of the baseline in the same unit; `ratio` is other over value, so that more
            than 1 is better.
    """
    ratio = None if other is None or value == 0 else other / value
    return {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio}


def median_seconds(work: Callable[[], object], repeats: int, warm: bool = True) -> float:
    """Median wall time of a call, by default after one that is not counted."""
    if warm:
        work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
