"""Whether two classifications of the same pixels differ by more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

EXACT_UP_TO = 1000


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifications on the same pixels.

    Attributes:
        only_a, only_b: pixels that only one of the two has right.
        statistic: (|a - b| - 1)^2 / (a + b), about chi-square with one degree of freedom when
            neither is better (with Edwards' correction); 0 without any such pixel.
        p_value: chance of a difference at least this large between equally good ones; from the
            binomial distribution up to a thousand such pixels, else from chi-square.
    """

    only_a: int
    only_b: int
    statistic: float
    p_value: float

    @property
    def exact(self) -> bool:
        """Whether the p-value comes from the binomial distribution."""
        return self.only_a + self.only_b <= EXACT_UP_TO


def mcnemar(only_a: int, only_b: int) -> McNemar:
    """McNemar's test; doi:10.1007/BF02295996.

    Pixels beside each other are not independent of each other, which the test assumes: read a
    small p-value on neighbouring pixels with caution.

    Args:
        only_a: pixels that the first has right and the second wrong.
        only_b: the other way round.

    Raises:
        ValueError: a count is negative.
    """
    if only_a < 0 or only_b < 0:
        raise ValueError(f"counts of pixels are not negative: {only_a}, {only_b}")
    total = only_a + only_b
    if total == 0:
        return McNemar(0, 0, 0.0, 1.0)
    statistic = max(0, abs(only_a - only_b) - 1) ** 2 / total
    if total <= EXACT_UP_TO:
        tail = sum(math.comb(total, k) for k in range(min(only_a, only_b) + 1))
        return McNemar(only_a, only_b, statistic, min(1.0, 2 * tail / 2**total))
    return McNemar(only_a, only_b, statistic, math.erfc(math.sqrt(statistic / 2)))
