"""From bands to colours: which three to show, and how their values become brightness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.core.scene import Band, wavelengths_of

Floats = NDArray[np.float32]
Rgba = NDArray[np.uint8]
Limits = tuple[tuple[float, float], ...]

TOLERANCE_NM = 40.0
SAMPLE = 250_000
LOW, HIGH = 2.0, 98.0


@dataclass(frozen=True)
class Preset:
    """A combination of bands with a name and a sentence on what it shows."""

    name: str
    about: str
    wavelengths_nm: tuple[float, float, float]


PRESETS = (
    Preset("True colour", "As the eye sees it: red, green and blue light.", (640, 550, 460)),
    Preset("Infrared", "Near infrared in red: vigorous plants glow.", (860, 650, 550)),
    Preset("Short-wave", "2200, 1600 and 860 nm: water, soil and moisture.", (2200, 1600, 860)),
)


def combinations(bands: tuple[Band, ...]) -> dict[str, tuple[int, ...]]:
    """Combinations that a scene's bands offer, by name; the first is the one to start with."""
    count = len(bands)
    if count < 3:
        return {"One band": (0,)}
    found: dict[str, tuple[int, ...]] = {}
    if wavelengths_of(bands) is not None:
        for preset in PRESETS:
            chosen = tuple(nearest(bands, nm) for nm in preset.wavelengths_nm)
            if None not in chosen and len(set(chosen)) == 3:
                found[preset.name] = tuple(band for band in chosen if band is not None)
    if not found:
        third = count // 3
        found["As stored"] = (0, 1, 2) if count == 3 else (third * 2, third, 0)
    good = usable(bands)
    found["One band"] = (good[len(good) // 2],)
    return found


def first_look(bands: tuple[Band, ...]) -> tuple[int, ...]:
    """The one or three bands to start with: true colour where the wavelengths allow it."""
    return next(iter(combinations(bands).values()))


def nearest(bands: tuple[Band, ...], wavelength_nm: float) -> int | None:
    """The usable band nearest to a wavelength; None when none lies within the tolerance."""
    offsets = {
        i: abs(band.wavelength_nm - wavelength_nm)
        for i, band in enumerate(bands)
        if band.good and band.wavelength_nm is not None
    }
    best = min(offsets, key=lambda i: offsets[i], default=None)
    return best if best is not None and offsets[best] <= TOLERANCE_NM else None


def usable(bands: tuple[Band, ...]) -> tuple[int, ...]:
    """Indices of the good bands; of all when none is good."""
    return tuple(i for i, band in enumerate(bands) if band.good) or tuple(range(len(bands)))


def blended(planes: list[Floats], limits: Limits | None = None) -> tuple[Rgba, Limits]:
    """One plane as grey or three as red, green and blue; transparent where a value is missing.

    Args:
        planes: one or three (H, W), NaN where there is no data. They are used up: overwritten
            and taken from the list one by one, to spare memory.
        limits: (low, high) for each plane; None stretches 2 to 98 % of the finite values.

    Returns:
        An image (H, W, 4), and the limits that were drawn as 0 and 255.
    """
    if limits is None:
        limits = tuple(stretch(plane) for plane in planes)
    image = np.empty((*planes[0].shape, 4), np.uint8)
    seen = np.ones(planes[0].shape, np.bool_)
    for plane in planes:
        seen &= np.isfinite(plane)
    for channel, (low, high) in enumerate(limits):
        plane = as_bytes(planes.pop(0), low, high)
        image[..., channel] = np.rint(plane, out=plane)
    if len(limits) == 1:
        image[..., 1] = image[..., 2] = image[..., 0]
    image[..., 3] = 255
    image[~seen] = 0
    return image, limits


def as_bytes(plane: Floats, low: float, high: float) -> Floats:
    """Values between low and high as 0..255, in place and not yet rounded; undefined ones as 0."""
    plane -= low
    plane *= 255.0 / (high - low) if high > low else 0.0
    np.nan_to_num(plane, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return np.clip(plane, 0, 255, out=plane)


def stretch(plane: Floats) -> tuple[float, float]:
    """The 2nd and 98th percentile of the finite values of a plane, from a sample."""
    flat = plane.reshape(-1)
    sample = flat[:: max(1, flat.size // SAMPLE)]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(sample, (LOW, HIGH)))
    return (low, high) if high > low else (low, low + 1.0)
