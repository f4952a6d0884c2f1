"""McNemar's test against scipy's distributions, and where it says nothing."""

import numpy as np
import pytest
from scipy import stats

from rsviz.core.significance import EXACT_UP_TO, mcnemar


@pytest.mark.parametrize(("a", "b"), [(0, 1), (3, 9), (40, 22), (400, 460), (EXACT_UP_TO, 0)])
def test_few_pixels_take_the_binomial_distribution(a, b):
    found = mcnemar(a, b)
    assert found.exact
    assert found.p_value == pytest.approx(stats.binomtest(a, a + b).pvalue, rel=1e-9)


def test_many_pixels_take_chi_square_with_its_correction():
    found = mcnemar(900, 780)
    assert not found.exact
    assert found.statistic == pytest.approx((120 - 1) ** 2 / 1680)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1), rel=1e-9)
    assert found.p_value == pytest.approx(stats.binomtest(900, 1680).pvalue, rel=0.02)


def test_equal_ones_do_not_differ_and_sides_do_not_matter():
    assert mcnemar(0, 0).p_value == 1.0
    assert mcnemar(7, 7).p_value == 1.0 and mcnemar(7, 7).statistic == 0.0
    assert mcnemar(3, 11).p_value == mcnemar(11, 3).p_value


def test_equally_good_ones_are_rarely_told_apart():
    rng = np.random.default_rng(0)
    p = [mcnemar(int(a), 60 - int(a)).p_value for a in rng.binomial(60, 0.5, 2000)]
    assert np.mean(np.array(p) < 0.05) < 0.05


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="not negative"):
        mcnemar(-1, 3)
