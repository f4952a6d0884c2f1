"""Season markers of curves whose start, peak and end are known."""

import numpy as np
import pytest

from rsviz.analysis.indices import INDICES, offered
from rsviz.analysis.phenology import days_of, season
from rsviz.core.scene import Band

DATES = tuple(f"2023-{m:02}-{d:02}" for m in range(1, 13) for d in (3, 11, 20, 28))


def bell(days, peak=180.0, width=40.0, base=0.15, height=0.7):
    return base + height * np.exp(-0.5 * ((days - peak) / width) ** 2)


def test_days_count_from_the_first_date():
    assert days_of(("2023-12-31", "2024-01-02"), 2).tolist() == [0, 2]
    assert days_of((), 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("peak", [150.0, 200.0])
def test_markers_of_a_bell_lie_where_it_crosses_half_its_height(peak):
    days = days_of(DATES, len(DATES))
    found = season(days, bell(days, peak))
    half = 40 * np.sqrt(2 * np.log(2))  # half width at half height
    wide = np.hypot(40, 16) / 40  # the smoothing kernel widens the bell
    assert found.peak == pytest.approx(peak, abs=2)
    assert found.start == pytest.approx(peak - half * wide, abs=4)
    assert found.end == pytest.approx(peak + half * wide, abs=4)


def test_masked_dates_move_the_markers_little():
    days = days_of(DATES, len(DATES))
    rng = np.random.default_rng(0)
    values = bell(days)
    values[rng.random(values.size) < 0.5] = np.nan
    whole, gaps = season(days, bell(days)), season(days, values)
    assert abs(whole.peak - gaps.peak) < 8 and abs(whole.start - gaps.start) < 10


def test_flat_or_empty_series_have_no_season():
    days = days_of(DATES, len(DATES))
    assert season(days, np.full(days.size, 0.2)) is None
    assert season(days, np.full(days.size, np.nan)) is None


def test_a_season_cut_off_at_the_end_has_no_end():
    days = days_of(DATES[:24], 24)
    found = season(days, bell(days, peak=170.0))
    assert found.start is not None and found.end is None


def test_indices_are_offered_only_with_their_bands():
    bands = tuple(Band(f"b{nm}", float(nm)) for nm in (490, 560, 665, 842, 1610))
    assert set(offered(bands)) == {"NDVI", "EVI2", "NDMI", "NDWI"}
    assert offered(bands)["NDVI"] == (3, 2)
    assert offered((Band("a"), Band("b"))) == {}
    ndvi = INDICES["NDVI"].compute(np.float32([0.4, 0.0]), np.float32([0.1, 0.0]))
    assert ndvi[0] == pytest.approx(0.6) and np.isnan(ndvi[1])
