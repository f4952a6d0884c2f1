"""Classical retrieval from one thermal band, and emissivity from NDVI."""

import numpy as np
import pytest

from rsviz.physics import single_band as sb
from rsviz.physics import thermal
from rsviz.physics.atmospheres import standard, table
from rsviz.physics.thermal import Air
from rsviz.physics.thermal_bands import BANDS

L8 = BANDS["landsat-8-b10"]
bands = pytest.mark.parametrize("band", BANDS.values(), ids=lambda band: band.id)


def test_psi_of_no_water_are_nearly_those_of_no_air():
    psi = sb.psi_of_water(L8.psi, 0.0)
    assert (psi.one, psi.two, psi.three) == pytest.approx((1.01523, 0.20324, -0.27514))
    assert sb.psi_of_water(L8.psi, 2.0).one == pytest.approx(0.04019 * 4 + 0.02916 * 2 + 1.01523)


def test_psi_of_air_are_their_definition():
    psi = sb.psi_of_air(Air(0.8, 1.3, 2.1))
    assert (psi.one, psi.two, psi.three) == pytest.approx((1.25, -2.1 - 1.3 / 0.8, 2.1))


@bands
def test_single_channel_with_the_true_air_is_nearly_radiative_transfer(band):
    for air in standard(band):
        for ground in (280.0, 300.0):
            radiance = thermal.at_sensor(band.planck, ground, 0.97, air.air)
            brightness = band.planck.temperature_k(radiance)
            found = sb.single_channel_k(band.planck, brightness, 0.97, sb.psi_of_air(air.air))
            assert found == pytest.approx(ground, abs=0.02 * (ground - brightness) ** 2 + 0.05)


@bands
def test_published_coefficients_fit_the_simulated_standard_atmospheres(band):
    for air in standard(band):
        if air.water_vapour_g_cm2 > 3:
            continue
        radiance = thermal.at_sensor(band.planck, air.temperature_k[0] + 4, 0.98, air.air)
        brightness = band.planck.temperature_k(radiance)
        psi = sb.psi_of_water(band.psi, air.water_vapour_g_cm2)
        found = sb.single_channel_k(band.planck, brightness, 0.98, psi)
        assert found == pytest.approx(air.temperature_k[0] + 4, abs=3.0), air.name


def test_transmittance_of_standard_atmospheres_is_that_of_modtran():
    """Jimenez-Munoz et al. (2014) used MODTRAN: tau = 1 / psi1."""
    for air in standard(L8):
        published = 1 / sb.psi_of_water(L8.psi, air.water_vapour_g_cm2).one
        assert float(air.air.transmittance) == pytest.approx(published, abs=0.015), air.name


@bands
def test_mono_window_without_air_gives_the_brightness_temperature(band):
    assert sb.mono_window_k(band, 300.0, 1.0, 1.0, 290.0) == pytest.approx(300.0)


@bands
def test_mono_window_line_stands_for_planck(band):
    kelvin = np.linspace(278, 315, 20)
    a, b = band.window
    assert a + b * kelvin == pytest.approx(
        band.planck.radiance(kelvin) / band.planck.slope(kelvin), abs=1.5
    )


@bands
def test_mono_window_is_near_the_truth_in_dry_air(band):
    dry = [air for air in standard(band) if 0.8 < air.water_vapour_g_cm2 < 2.2]
    assert len(dry) == 3
    for air in dry:
        t0 = np.array(air.temperature_k[0])
        radiance = thermal.at_sensor(band.planck, t0 + 4, 0.98, air.air)
        tau = sb.clear_transmittance(band, np.array(air.water_vapour_g_cm2), t0)
        found = sb.mono_window_k(
            band, band.planck.temperature_k(radiance), 0.98, tau, sb.mean_air_k(t0)
        )
        assert found == pytest.approx(t0 + 4, abs=2.0), air.name


def test_the_nine_terms_span_water_and_air():
    rows = np.zeros((3, 9))
    rows[0, 8], rows[1, 5], rows[2, 4] = 2.0, 3.0, 4.0
    psi = sb.psi_of_water_and_air(rows, 1.5, 300.0)
    assert (psi.one, psi.two, psi.three) == pytest.approx((2.0, 4.5, 4.0))


def test_emissivity_follows_the_thresholds_of_ndvi():
    index = np.array([-0.3, 0.1, 0.35, 0.7])
    red = np.array([0.05, 0.2, 0.1, 0.04])
    water, bare, mixed, plants = sb.ndvi_emissivity(L8.soil, index, red)
    assert water == 0.991
    assert bare == pytest.approx(0.979 - 0.046 * 0.2)
    rough = (1 - 0.971) * 0.75 * 0.55 * 0.987
    assert mixed == pytest.approx(0.987 * 0.25 + 0.971 * 0.75 + rough)
    assert plants == 0.99
    assert np.all((bare > 0.9) & (bare < mixed) & (mixed < plants))


def test_ndvi_is_a_share_and_defined_everywhere():
    found = sb.ndvi(np.array([0.05, 0.0, 0.3]), np.array([0.45, 0.0, 0.1]))
    assert found == pytest.approx([0.8, 0.0, -0.5])


def test_table_holds_enough_columns_and_no_impossible_one():
    atmospheres = table()
    assert len(atmospheres.site) >= 5810
    assert len(np.unique(atmospheres.site)) == 100
    assert np.all((atmospheres.transmittance > 0) & (atmospheres.transmittance < 1))
    assert np.all(np.diff(atmospheres.transmittance, axis=2) < 0)  # the longer the path
    assert np.all(atmospheres.path_radiance > 0)
    assert np.all(atmospheres.sky_radiance > 0)
    assert 0 < atmospheres.water_vapour_g_cm2.min() < 0.1
    assert atmospheres.water_vapour_g_cm2.max() > 7
