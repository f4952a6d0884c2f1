"""What-if on spectra: each change does what it says, and the labels stay."""

import numpy as np
import pytest

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid
from rsviz.core.model import Change
from rsviz.core.scene import Band, Scene, Truth
from rsviz.evaluate.changes import apply

NM = np.array([500.0, 510.0, 520.0, 700.0, 690.0, 1400.0])


@pytest.fixture
def scene() -> Scene:
    """Reflectance is the wavelength in micrometres plus a number of the pixel."""
    offset = np.arange(20, dtype=np.float32).reshape(5, 4) / 100
    pixels = (NM[:, None, None] / 1000 + offset).astype(np.float32)[None]
    bands = tuple(Band(str(nm), float(nm)) for nm in NM)
    truth = Truth(np.ones((5, 4), np.int16), ("soil",))
    return Scene(pixels, np.ones((1, 5, 4), bool), bands, Grid(5, 4), truth=truth)


def test_dropped_bands_hold_their_mean_and_the_others_stay(scene):
    change = Change("drop_bands", {"low_nm": 505.0, "high_nm": 695.0, "share": 0.0})
    found = apply(scene, (change,), seed=0)
    gone = [1, 2, 4]
    for band in range(6):
        if band in gone:
            np.testing.assert_allclose(found.pixels[0, band], scene.pixels[0, band].mean())
        else:
            np.testing.assert_array_equal(found.pixels[0, band], scene.pixels[0, band])
    assert found.truth is scene.truth


def test_a_share_of_bands_is_dropped_at_random(scene):
    settings = {"low_nm": 300.0, "high_nm": 301.0, "share": 0.5}
    draws = [apply(scene, (Change("drop_bands", settings),), seed=seed) for seed in range(4)]
    flat = [tuple(np.flatnonzero(d.pixels[0].std(axis=(1, 2)) < 1e-6)) for d in draws]
    assert {len(bands) for bands in flat} == {3}
    assert len(set(flat)) > 1


def test_gains_are_one_factor_a_band(scene):
    found = apply(scene, (Change("jitter_bands", {"sigma": 0.1}),), seed=2)
    gains = found.pixels[0] / scene.pixels[0]
    assert np.ptp(gains, axis=(1, 2)).max() < 1e-5
    assert 0.02 < gains[:, 0, 0].std() < 0.3


def test_light_is_one_factor(scene):
    found = apply(scene, (Change("illumination", {"factor": 0.5}),), seed=0)
    np.testing.assert_allclose(found.pixels, scene.pixels * 0.5)


@pytest.mark.parametrize("shift", [4.0, -4.0])
def test_a_linear_spectrum_is_shifted_exactly(scene, shift):
    found = apply(scene, (Change("shift_wavelengths", {"shift_nm": shift}),), seed=0)
    moved = found.pixels[0] - scene.pixels[0]
    last, first = NM.argmax(), NM.argmin()
    ends = [last] if shift > 0 else [first]
    inner = [band for band in range(6) if band not in ends]
    np.testing.assert_allclose(moved[inner], shift / 1000, atol=1e-6)
    np.testing.assert_allclose(moved[ends], 0, atol=1e-6)


def test_unknown_wavelengths_cannot_be_shifted(scene):
    blind = Scene(scene.pixels[:, :2], scene.valid, (Band("a"), Band("b")), scene.grid)
    with pytest.raises(SceneMismatch, match="does not say the wavelength"):
        apply(blind, (Change("shift_wavelengths"),), seed=0)
