"""Changes of spectra: bands that say nothing or too much, other light, shifted wavelengths."""

from __future__ import annotations

import math

import numpy as np

from rsviz.core import changes
from rsviz.core.errors import SceneMismatch
from rsviz.core.scene import Scene
from rsviz.evaluate.changes import with_pixels


def drop_bands(scene: Scene, settings: changes.DropBands, seed: int) -> Scene:
    """Replace bands by their mean over valid pixels, date by date.

    Bands between two wavelengths are dropped, and a share of all bands drawn at random.
    """
    count = scene.shape[1]
    centres = [band.wavelength_nm for band in scene.bands]
    gone = {i for i, nm in enumerate(centres) if nm and settings.low_nm <= nm <= settings.high_nm}
    drawn = np.random.default_rng(seed).permutation(count)[: math.ceil(settings.share * count)]
    pixels = scene.pixels.copy()
    for date, valid in enumerate(scene.valid):
        for band in gone | set(drawn.tolist()):
            if valid.any():
                pixels[date, band] = scene.pixels[date, band][valid].mean()
    return with_pixels(scene, pixels)


def jitter_bands(scene: Scene, settings: changes.JitterBands, seed: int) -> Scene:
    """Multiply each band by a factor of its own, the same for all pixels and dates."""
    rng = np.random.default_rng(seed)
    gains = 1.0 + settings.sigma * rng.standard_normal(scene.shape[1], dtype=np.float32)
    return with_pixels(scene, scene.pixels * gains[:, None, None].astype(np.float32))


def illumination(scene: Scene, settings: changes.Illumination, seed: int) -> Scene:
    """Multiply everything by one factor."""
    return with_pixels(scene, scene.pixels * np.float32(settings.factor))


def shift_wavelengths(scene: Scene, settings: changes.ShiftWavelengths, seed: int) -> Scene:
    """Read each spectrum at other wavelengths, linearly between neighbouring bands.

    Beyond the first and the last band the value of that band stays.

    Raises:
        SceneMismatch: the wavelength of a band is unknown.
    """
    known = scene.wavelengths_nm
    if known is None:
        raise SceneMismatch(
            "The scene does not say the wavelength of every band, so they cannot be shifted.",
            "Choose another change, or a scene with wavelengths.",
        )
    centres = np.array(known)
    order = np.argsort(centres, kind="stable")
    place = np.interp(centres + settings.shift_nm, centres[order], np.arange(centres.size))
    below = np.minimum(place.astype(np.int64), max(0, centres.size - 2))
    share = (place - below).astype(np.float32)[:, None, None]  # (C, 1, 1)
    above = np.minimum(below + 1, centres.size - 1)
    pixels = scene.pixels[:, order[below]] * (1 - share) + scene.pixels[:, order[above]] * share
    return with_pixels(scene, pixels)
