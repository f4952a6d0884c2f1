"""The instrument keeps energy and adds the noise it states."""

from __future__ import annotations

import numpy as np
import pytest

from rsviz.synth.sensor import (
    gas_transmission,
    noise_sigma,
    quantise,
    record,
    sampling_matrix,
    two_spectrometers,
)

SENSOR = two_spectrometers(visible=40, infrared=50, snr=200.0, psf_fwhm_px=1.1)


def test_bands_keep_a_flat_spectrum_and_rise() -> None:
    assert np.all(np.diff(SENSOR.wavelength_nm) > 0)
    np.testing.assert_allclose(np.ones(2101) @ SENSOR.response, 1.0)


def test_gaps_are_flagged_where_the_air_is_opaque() -> None:
    nm, through = SENSOR.wavelength_nm, gas_transmission(SENSOR.wavelength_nm)
    bad = ~SENSOR.good
    assert bad.sum() >= 5
    assert all(1350 <= x <= 1430 or 1800 <= x <= 1950 for x in nm[bad])
    assert np.median(through[bad]) < 0.02
    assert through[SENSOR.good].mean() > 0.8


def test_sampling_keeps_brightness_and_blurs() -> None:
    matrix = sampling_matrix(20, 4, 1.1)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-6)
    spike = np.zeros(80, dtype=np.float32)
    spike[40:44] = 1.0  # pixel 10
    seen = matrix @ spike
    assert np.argmax(seen) == 10
    assert 0.4 < seen[10] < 0.9
    assert seen[9] == pytest.approx(seen[11], rel=1e-4)


def test_snr_is_as_stated_and_falls_in_the_infrared() -> None:
    cube = np.full((1, 1, 90), 0.3, dtype=np.float32)
    snr = 0.3 / noise_sigma(cube, SENSOR)[0, 0]
    nm = SENSOR.wavelength_nm
    assert snr[np.argmin(np.abs(nm - 550))] == pytest.approx(200.0, rel=0.1)
    assert snr[np.argmin(np.abs(nm - 2200))] < 0.8 * snr[np.argmin(np.abs(nm - 550))]
    assert np.median(snr[~SENSOR.good]) < 0.1 * np.median(snr[SENSOR.good])


def test_record_adds_noise_of_the_stated_size_without_bias() -> None:
    cube = np.full((60, 60, 90), 0.25, dtype=np.float32)
    seen = record(cube, SENSOR, np.random.default_rng(5))
    good = SENSOR.good
    assert abs(float((seen - cube)[..., good].mean())) < 0.004
    within_column = (seen - seen.mean(axis=0))[..., good].std(axis=(0, 1))
    stated = noise_sigma(cube, SENSOR)[0, 0, good]
    assert np.median(within_column / stated) == pytest.approx(1.1, abs=0.2)
    again = record(cube, SENSOR, np.random.default_rng(5))
    np.testing.assert_array_equal(seen, again)


def test_storage_steps_stay_below_the_noise() -> None:
    cube = np.random.default_rng(6).uniform(0.02, 0.5, (20, 20, 90)).astype(np.float32)
    error = np.abs(quantise(cube, SENSOR) * 1e-4 - cube).max(axis=(0, 1))
    noise = noise_sigma(np.full((1, 1, 90), 0.1, np.float32), SENSOR)[0, 0]
    assert (error <= np.maximum(noise / 6.0, 0.5e-4) * 1.02).all()
