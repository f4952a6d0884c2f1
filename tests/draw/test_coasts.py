"""The outline of the land behind maps of the world."""

import numpy as np
import pytest
from skimage.measure import points_in_poly

from rsviz.draw.coasts import coasts


def on_land(east: float, north: float) -> bool:
    """Whether a place lies inside one of the outlines."""
    points = coasts()
    ends = np.flatnonzero(np.isnan(points[:, 0]))
    starts = np.r_[0, ends[:-1] + 1]
    lines = [points[a:b] for a, b in zip(starts, ends, strict=True)]
    return any(points_in_poly([(east, north)], line)[0] for line in lines)


@pytest.mark.parametrize("place", [(13.4, 52.5), (-60, -3), (134, -25), (90, 60), (20, 5)])
def test_continents_lie_inside(place):
    assert on_land(*place)


@pytest.mark.parametrize("place", [(-30, 40), (-140, 0), (80, -30), (5, -40), (175, 40)])
def test_oceans_lie_outside(place):
    assert not on_land(*place)


def test_no_line_crosses_the_map():
    steps = np.abs(np.diff(coasts()[:, 0]))
    assert np.nanmax(steps) < 30
