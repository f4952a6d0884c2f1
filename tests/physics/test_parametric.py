"""The parametric atmosphere: its limits, its inverse, and how far it holds."""

import numpy as np
import pytest

from rsviz.physics.atmospheres import measure, table
from rsviz.physics.parametric import Law, air_of, effective, fitted, moved
from rsviz.physics.thermal_bands import BANDS

L8 = BANDS["landsat-8-b10"]
LAW = Law((0.01, 0.08, 0.014, 0.0), -10.0, -6.0)


def air_at(water, air_k, secant=1.0):
    depth = LAW.vertical_depth(water, air_k)
    return air_of(L8.planck, depth, secant, air_k + LAW.up_k, air_k + LAW.down_k)


def test_transmittance_is_a_share_and_radiances_are_positive_everywhere():
    water, air_k = np.meshgrid(np.linspace(0, 12, 40), np.linspace(220, 320, 30))
    air = air_at(water, air_k)
    assert np.all((air.transmittance > 0) & (air.transmittance < 1))
    assert np.all((air.path_radiance >= 0) & (air.sky_radiance >= 0))
    assert np.all(np.diff(air.transmittance, axis=1) < 0)


def test_no_depth_is_no_air():
    air = air_of(L8.planck, np.array(1e-9), 1.0, 280.0, 280.0)
    assert air.transmittance == pytest.approx(1.0)
    assert air.path_radiance == pytest.approx(0.0, abs=1e-6)


def test_depth_and_temperatures_are_found_again():
    water, air_k = np.array([0.5, 3.0, 6.0]), np.array([275.0, 295.0, 302.0])
    vertical, up, down = effective(L8.planck, air_at(water, air_k, 1.3), 1.3)
    assert vertical == pytest.approx(LAW.vertical_depth(water, air_k))
    assert up - air_k == pytest.approx(np.full(3, -10.0))
    assert down - air_k == pytest.approx(np.full(3, -6.0))


def test_a_law_is_fitted_to_air_that_follows_it():
    rng = np.random.default_rng(1)
    water, air_k = rng.uniform(0.2, 6, 300), rng.uniform(260, 305, 300)
    secant = rng.uniform(1, 2, 300)
    found = fitted(L8.planck, air_at(water, air_k, secant), water, air_k, secant)
    assert found.depth == pytest.approx(LAW.depth, abs=1e-9)
    assert (found.up_k, found.down_k) == pytest.approx((-10.0, -6.0))


def test_moving_air_to_where_it_is_changes_nothing_and_elsewhere_follows_the_law():
    real = air_at(np.array(2.0), np.array(290.0))
    same = moved(LAW, L8.planck, real, 1.0, (2.0, 290.0), (2.0, 290.0))
    assert same.transmittance == pytest.approx(real.transmittance)
    assert same.path_radiance == pytest.approx(real.path_radiance)
    wetter = moved(LAW, L8.planck, real, 1.0, (2.0, 290.0), (4.0, 295.0))
    expected = air_at(np.array(4.0), np.array(295.0))
    assert wetter.transmittance == pytest.approx(expected.transmittance)
    assert wetter.sky_radiance == pytest.approx(expected.sky_radiance)


def test_a_law_learned_from_dry_air_holds_for_humid_air():
    atmospheres = table()
    dry = np.flatnonzero(atmospheres.water_vapour_g_cm2 < 4)
    known = measure(atmospheres, dry, L8, None, 0, 1)
    secant = 1 / np.cos(np.radians(known.view_angle_deg))
    law = fitted(L8.planck, known.air, known.true_water_g_cm2, known.true_air_k, secant)
    humid = np.flatnonzero(atmospheres.water_vapour_g_cm2 > 5)
    depth = -np.log(atmospheres.transmittance[humid, 0, 0])
    guess = law.vertical_depth(
        atmospheres.water_vapour_g_cm2[humid], atmospheres.air_temperature_k[humid]
    )
    assert np.sqrt(np.mean((guess / depth - 1) ** 2)) < 0.25
    assert law.depth_per_water(6.0) > law.depth_per_water(1.0) > 0
