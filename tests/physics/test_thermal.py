"""Radiative transfer in one thermal band: published values, inverses, derivatives."""

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rsviz.physics import thermal
from rsviz.physics.thermal import Air
from rsviz.physics.thermal_bands import BANDS, band_at

L8 = BANDS["landsat-8-b10"]
HUMID = Air(np.array(0.56), np.array(3.63), np.array(5.23))

bands = pytest.mark.parametrize("band", BANDS.values(), ids=lambda band: band.id)


@bands
def test_brightness_temperature_undoes_planck(band):
    kelvin = np.linspace(200.0, 360.0, 33)
    radiance = band.planck.radiance(kelvin)
    assert np.all(np.diff(radiance) > 0)
    assert band.planck.temperature_k(radiance) == pytest.approx(kelvin, abs=1e-9)


def test_radiance_of_band_10_at_300_k():
    assert L8.planck.radiance(300.0) == pytest.approx(9.588, abs=0.01)


@bands
def test_slope_is_the_derivative_of_planck(band):
    kelvin, step = np.array([250.0, 300.0, 330.0]), 1e-3
    numeric = (band.planck.radiance(kelvin + step) - band.planck.radiance(kelvin - step)) / 2 / step
    assert band.planck.slope(kelvin) == pytest.approx(numeric, rel=1e-6)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "band", "tolerance_k"),
    [("L8", "landsat-8-b10", 0.2), ("L7", "landsat-7-b6", 0.2)],
)
def test_brightness_temperatures_are_those_of_the_usgs_table(file, band, tolerance_k):
    root = os.environ.get("RSVIZ_DATA", "")
    path = Path(root) / "thermal" / "usgs_est" / f"{file}_Brightness_Temperature_LUT.txt"
    if not path.is_file():
        pytest.skip("RSVIZ_DATA names no folder with the tables of the USGS")
    kelvin, radiance = np.loadtxt(path).T
    usual = (kelvin >= 240) & (kelvin <= 340)
    found = BANDS[band].planck.temperature_k(radiance[usual])
    assert np.abs(found - kelvin[usual]).max() < tolerance_k


def test_the_surface_is_found_again_through_any_air():
    rng = np.random.default_rng(3)
    kelvin, eps = rng.uniform(250, 335, 500), rng.uniform(0.9, 1.0, 500)
    air = Air(rng.uniform(0.2, 0.98, 500), rng.uniform(0.1, 6, 500), rng.uniform(0.2, 8, 500))
    radiance = thermal.at_sensor(L8.planck, kelvin, eps, air)
    found = thermal.surface_temperature_k(L8.planck, radiance, eps, air)
    assert found == pytest.approx(kelvin, abs=1e-8)
    parts = thermal.shares(L8.planck, kelvin, eps, air)
    assert parts.surface + parts.reflected_sky + parts.path == pytest.approx(radiance)
    assert np.all(parts.surface > parts.reflected_sky)


def test_without_air_a_black_surface_has_its_brightness_temperature():
    none = Air(1.0, 0.0, 5.0)
    radiance = thermal.at_sensor(L8.planck, 301.0, 1.0, none)
    assert L8.planck.temperature_k(radiance) == pytest.approx(301.0)


@bands
def test_derivatives_match_finite_differences(band):
    radiance = thermal.at_sensor(band.planck, 305.0, 0.97, HUMID)
    found = thermal.sensitivity(band.planck, radiance, 0.97, HUMID)
    step = 1e-5

    def kelvin(radiance=radiance, emissivity=0.97, **air):
        return thermal.surface_temperature_k(
            band.planck, radiance, emissivity, replace(HUMID, **air)
        )

    for name in ("radiance", "emissivity", "transmittance", "path_radiance", "sky_radiance"):
        at = {"radiance": radiance, "emissivity": 0.97}.get(name, getattr(HUMID, name, None))
        numeric = (kelvin(**{name: at + step}) - kelvin(**{name: at - step})) / (2 * step)
        assert getattr(found, name) == pytest.approx(numeric, rel=1e-6), name


def test_derivatives_are_those_of_torch():
    given = {
        "radiance": torch.tensor(8.0, dtype=torch.float64, requires_grad=True),
        "emissivity": torch.tensor(0.96, dtype=torch.float64, requires_grad=True),
    }
    air = Air(*(torch.tensor(float(getattr(HUMID, f.name)), dtype=torch.float64).requires_grad_()
                for f in fields(Air)))  # fmt: skip
    thermal.surface_temperature_k(L8.planck, given["radiance"], given["emissivity"], air).backward()
    found = thermal.sensitivity(L8.planck, given["radiance"], given["emissivity"], air)
    for name, value in {**given, **{f.name: getattr(air, f.name) for f in fields(Air)}}.items():
        assert float(getattr(found, name).detach()) == pytest.approx(float(value.grad), rel=1e-9), (
            name
        )


def test_impossible_radiance_gives_a_very_cold_surface_and_no_nan():
    found = thermal.surface_temperature_k(L8.planck, np.array([1.0, -2.0]), 0.97, HUMID)
    assert np.isfinite(found).all()
    assert np.all(found < 140)


def test_bands_are_known_by_their_centre():
    assert band_at(10895.0) is L8
    assert band_at(10904.0) is L8
    assert band_at(11450.0).id == "landsat-5-b6"
    assert band_at(12005.0) is None
    assert band_at(865.0) is None
