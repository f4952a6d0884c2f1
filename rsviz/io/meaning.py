"""What bands and numbers mean: wavelengths in nanometres, the quantity, band names.

Every guess comes with the sentence that tells the user.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import SceneTooLarge
from rsviz.core.grid import Window
from rsviz.core.scene import Band, Quantity
from rsviz.io.calibration import Calibration
from rsviz.io.paths import shown
from rsviz.io.source import Pixels

T = TypeVar("T")
MOST_BANDS = 20_000
MOST_DATES = 4096

_INDEX = re.compile(r"(^|[^a-z])(ndvi|evi|ndwi|lai|index|prob|mask|abundances?)([^a-z]|$)")
_GENERIC = re.compile(r"band[ _]*\d+", re.IGNORECASE)

_UNITS = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "μm": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "micrometre": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "millimetre": 1e6,
    "m": 1e9,
    "meter": 1e9,
    "metre": 1e9,
    "angstrom": 0.1,
}


def nanometres(
    values: Sequence[float], unit: str
) -> tuple[tuple[float | None, ...], float, tuple[str, ...]]:
    """Wavelengths in nm, the factor that was used for lengths, and what was guessed.

    Wavenumbers (1/cm) are converted as well; values that are not positive become None.
    """
    word = unit.strip().lower()
    finite = [v for v in values if math.isfinite(v) and v > 0]
    if not finite:
        return (None,) * len(values), 1.0, ()
    if word in ("wavenumber", "1/cm", "cm-1", "cm^-1"):
        return tuple(_positive(1e7 / v if v > 0 else v) for v in values), 1.0, ()
    factor = _UNITS.get(word) or _UNITS.get(word.removesuffix("s"))
    notes: tuple[str, ...] = ()
    if factor is None:
        factor = 1e3 if max(finite) <= 100 else 1.0
        read_as = "micrometres" if factor == 1e3 else "nanometres"
        given = f"the unknown unit '{unit.strip()[:40]}'" if word else "no unit"
        notes = (
            f"Wavelengths from {min(finite):g} to {max(finite):g} are given with {given}; "
            f"they were read as {read_as}.",
        )
    return tuple(_positive(v * factor) for v in values), factor, notes


def bands_of(
    count: int,
    names: Sequence[str] = (),
    wavelengths: Sequence[float] = (),
    unit: str = "",
    widths: Sequence[float] = (),
    good: Sequence[bool] = (),
) -> tuple[tuple[Band, ...], tuple[str, ...]]:
    """Bands from the lists that a file brought; lists of another length are left out and told.

    Raises:
        SceneTooLarge: there are more than 20,000 bands.
    """
    if count > MOST_BANDS:
        raise SceneTooLarge(f"There are {count} bands; at most {MOST_BANDS} can be handled.")
    notes: list[str] = []
    lists = {"wavelengths": wavelengths, "band widths": widths, "bad-band flags": good}
    for what, values in lists.items():
        if len(values) not in (0, count):
            notes.append(f"{len(values)} {what} are given for {count} bands; they were not used.")
    centres, factor, guesses = nanometres(_fitting(wavelengths, count), unit)
    fwhm = _fitting(widths, count)
    usable = _fitting(good, count)
    titles = _fitting(names, count)
    notes += guesses
    bands = []
    for i in range(count):
        centre = centres[i] if centres else None
        width = _positive(fwhm[i] * factor) if fwhm else None
        title = titles[i].strip() if titles else ""
        if not title or (centre is not None and _GENERIC.match(title)):
            title = f"Band {i + 1}" if centre is None else f"{centre:.0f} nm"
        bands.append(Band(shown(title), centre, width, usable[i] if usable else True))
    bad = sum(not band.good for band in bands)
    if bad:
        notes.append(f"{bad} of {count} bands are marked as bad in the file.")
    return tuple(bands), tuple(notes)


def check_dates(count: int) -> None:
    """Make sure that an axis of dates can be one.

    Raises:
        SceneTooLarge: it is too long.
    """
    if count > MOST_DATES:
        raise SceneTooLarge(
            f"The array has {count} dates; at most {MOST_DATES} are expected.",
            "Choose another order of the axes.",
        )


def quantity_of(
    unit: str, hint: str, bands: int, pixels: Pixels, calibration: Calibration, window: Window
) -> tuple[Quantity, tuple[str, ...]]:
    """What the numbers mean, from the file's words, else from a few sampled values.

    Args:
        unit: unit of the values as the file gives it, or "".
        hint: other words of the file (names, descriptions) that may tell.
        bands: number of bands.
        pixels: to sample part of one row when the words do not tell.
        calibration: to turn the sample into values.
        window: the whole grid.
    """
    words = f"{unit} {hint}".lower()
    if found := _in_words(words, unit.strip().lower()):
        return found
    values, fractional = _sample(pixels, calibration, bands, window)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    plausible = fractional and low >= -0.5 and 0 < high <= 1.5
    if "reflectance" in words:
        if plausible or (calibration.scaled and not values.size):
            return "reflectance", ()
        return "dn", (
            f"The file speaks of reflectance, but sampled values run from {low:g} to {high:g}; "
            "without a scale factor they are shown as stored.",
        )
    if bands >= 3 and plausible and not _INDEX.search(words):
        return "reflectance", (
            f"Sampled values run from {low:.3g} to {high:.3g}: they are taken as reflectance.",
        )
    return "dn", ("The file does not say what its numbers mean; they are shown as stored.",)


def _in_words(words: str, unit: str) -> tuple[Quantity, tuple[str, ...]] | None:
    """What words alone settle."""
    if "reflectance_and_temperature" in words:
        return "reflectance_and_temperature", ()
    if re.search(r"\bradiance", words) or re.search(r"\bw\b.*\bsr\b", unit):
        return "radiance", ()
    if unit in ("k", "kelvin", "degrees_k", "degree_kelvin"):
        return "brightness_temperature", ("The unit is K: the values are shown as temperatures.",)
    return None


def _sample(
    pixels: Pixels, calibration: Calibration, bands: int, window: Window
) -> tuple[NDArray[np.float32], bool]:
    """Valid values of up to 64 pixels of the middle row in up to 8 bands; whether fractional."""
    chosen = range(0, bands, max(1, bands // 8))[:8]
    width = min(64, window.width)
    row, col = window.height // 2, (window.width - width) // 2
    found = []
    fractional = calibration.scaled
    for block in pixels.blocks(Window(row, col, 1, width), chosen):
        values, ok = calibration.values(block.data, chosen[block.bands])
        if block.mask is not None:
            ok &= block.mask
        found.append(values[ok])
        fractional = fractional or block.data.dtype.kind == "f"
    return np.concatenate(found), fractional


def _positive(value: float) -> float | None:
    return value if math.isfinite(value) and value > 0 else None


def _fitting(values: Sequence[T], count: int) -> Sequence[T]:
    return values if len(values) == count else ()
