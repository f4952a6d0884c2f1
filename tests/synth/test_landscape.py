"""Land is divided, lit and planted as intended."""

from __future__ import annotations

import numpy as np
import pytest

from rsviz.synth.landscape import frame, partition, plant_trees, rectangle, scatter
from rsviz.synth.light import Sun, incidence_gain, sky_share, sunlit_share
from rsviz.synth.texture import rows_of, smooth_field


def test_partition_covers_the_land_once_and_cuts_lie_on_borders() -> None:
    rng = np.random.default_rng(0)
    place = frame(200, 2.0, 20.0, 5.0, rng)
    land = np.ones(place.shape, dtype=bool)
    land[:40] = False
    parts = partition(land, place, (4000.0, 9000.0), rng)
    assert ((parts.parcel > 0) == land).all()
    areas = np.bincount(parts.parcel.ravel())[1:] * 4.0
    assert areas.max() <= 9000.0
    assert len(areas) == len(parts.cuts) + 1
    border = np.zeros(land.shape, dtype=bool)
    border[:, 1:] |= parts.parcel[:, 1:] != parts.parcel[:, :-1]
    border &= land
    assert np.median(parts.distance_m(parts.cuts)[border]) < 2.5


def test_smooth_field_is_standardised_and_smoother_when_longer() -> None:
    short = smooth_field((128, 128), 2.0, np.random.default_rng(1))
    long = smooth_field((128, 128), 12.0, np.random.default_rng(1))
    for field in (short, long):
        assert field.mean() == pytest.approx(0.0, abs=1e-4)
        assert field.std() == pytest.approx(1.0, abs=1e-4)
    assert np.abs(np.diff(long)).mean() < 0.5 * np.abs(np.diff(short)).mean()


def test_streaks_run_along_their_direction() -> None:
    field = smooth_field((200, 200), 2.0, np.random.default_rng(2), stretch=15.0, angle_deg=0.0)
    along, across = np.abs(np.diff(field, axis=1)).mean(), np.abs(np.diff(field, axis=0)).mean()
    assert along < 0.3 * across


def test_shadow_has_the_right_length_and_side() -> None:
    height = np.zeros((80, 80), dtype=np.float32)
    height[30:50, 40:44] = 10.0
    lit = sunlit_share(height, 1.0, Sun(zenith_deg=45.0, azimuth_deg=90.0))  # sun in the east
    west = lit[40, :40]
    assert (lit[40, 46:] > 0.95).all()
    assert west[25:32].min() >= 0.0
    assert 8 <= int((west < 0.5).sum()) <= 12  # 10 m / tan(45 deg) = 10 cells


def test_slope_towards_the_sun_is_brighter() -> None:
    ramp = np.tile(np.linspace(0, 10, 50, dtype=np.float32), (50, 1))  # rises to the east
    west = incidence_gain(ramp, 1.0, Sun(40.0, 270.0))
    east = incidence_gain(ramp, 1.0, Sun(40.0, 90.0))
    assert west[25, 25] > 1.05
    assert east[25, 25] < 0.95
    flat = incidence_gain(np.zeros((4, 4), dtype=np.float32), 1.0, Sun(40.0, 90.0))
    np.testing.assert_allclose(flat, 1.0, rtol=1e-6)


def test_sky_light_is_blue() -> None:
    share = sky_share(np.array([450.0, 650.0, 1600.0]))
    assert share[0] > share[1] > share[2] > 0.0


def test_trees_rectangles_and_rows_have_their_sizes() -> None:
    rng = np.random.default_rng(3)
    place = frame(100, 1.0, 0.0, 0.0, rng)
    tree = plant_trees((100, 100), 1.0, np.array([[50.3, 50.4]]), np.array([5.0]), np.array([8.0]))
    assert (tree.crown > 0).sum() == pytest.approx(np.pi * 25, rel=0.1)
    assert tree.height_m.max() == pytest.approx(8.0, rel=0.02)
    inside, _, _ = rectangle(place, (50.0, -50.0), (20.0, 10.0))
    assert inside.sum() == pytest.approx(200, rel=0.2)
    assert rows_of(place.u_m, 10.0, 3.0).mean() == pytest.approx(0.3, abs=0.02)
    points = scatter(np.ones((100, 100), dtype=bool), 10.0, rng)
    assert len(points) == pytest.approx(100 * 100 / (10 * 8.66), rel=0.15)
