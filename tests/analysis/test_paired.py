"""McNemar's test against scipy and against a textbook table."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2

from rsviz.analysis.paired import mcnemar


def answers(both, only_a, only_b, neither):
    counts = (both, only_a, only_b, neither)
    return np.repeat([1, 1, 0, 0], counts).astype(bool), np.repeat([1, 0, 1, 0], counts).astype(
        bool
    )


def test_many_differing_pixels_use_chi_square():
    found = mcnemar(*answers(101, 59, 121, 33))  # Agresti's approval ratings, corrected
    assert (found.both, found.only_a, found.only_b, found.neither) == (101, 59, 121, 33)
    assert found.statistic == pytest.approx((62 - 1) ** 2 / 180)
    assert found.p == pytest.approx(chi2.sf(found.statistic, 1))
    assert not found.exact


@pytest.mark.parametrize(("a", "b"), [(3, 12), (12, 3), (0, 5), (7, 7)])
def test_few_differing_pixels_use_the_binomial(a, b):
    found = mcnemar(*answers(50, a, b, 4))
    assert found.exact
    assert found.p == pytest.approx(binomtest(a, a + b).pvalue)


def test_equal_answers_differ_by_nothing():
    right = np.array([True, False, True])
    assert mcnemar(right, right).p == 1.0
    assert mcnemar(*answers(10, 50, 50, 10)).statistic == 0
