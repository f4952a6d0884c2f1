"""Whether two classifiers differ by more than chance on the same pixels, in numpy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW = 25


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same pixels.

    Attributes:
        both, only_a, only_b, neither: pixels that both, one or none got right.
        statistic: chi square with one degree of freedom and continuity correction (Edwards
            1948); with fewer than 25 differing pixels the smaller of only_a and only_b.
        p: probability of a difference at least as large if both were equally good.
        exact: whether p is that of the binomial test, as with fewer than 25 differing pixels.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    statistic: float
    p: float
    exact: bool


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> McNemar:
    """Test whether two classifiers err equally often (McNemar 1947).

    Neighbouring pixels are alike, so that there are fewer independent ones than counted here: a
    p just below 0.05 means little.

    Args:
        right_a, right_b: (N,) whether each was right on the same N pixels.
    """
    both, neither = int((right_a & right_b).sum()), int((~right_a & ~right_b).sum())
    only_a, only_b = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    differing = only_a + only_b
    if differing < FEW:
        least = min(only_a, only_b)
        tail = sum(math.comb(differing, k) for k in range(least + 1)) / 2**differing
        return McNemar(both, only_a, only_b, neither, float(least), min(1.0, 2 * tail), True)
    statistic = max(0, abs(only_a - only_b) - 1) ** 2 / differing
    p = math.erfc(math.sqrt(statistic / 2))  # upper tail of chi square with one degree of freedom
    return McNemar(both, only_a, only_b, neither, statistic, p, False)
