"""Spectral indices: two or three bands in one number that stands for plants, water or burns.

Each is computed from the bands nearest to its wavelengths, where a scene has such.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.core.scene import Band

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Index:
    """A spectral index.

    Attributes:
        name: its usual short name.
        about: what it shows, its formula and source.
        wavelengths_nm: centres of the bands that it takes, in the order of `compute`.
        compute: from those bands (each an array of the same shape) to the index.
        limits: values drawn with the first and last colour.
        tolerance_nm: how far a band may lie from its wavelength.
    """

    name: str
    about: str
    wavelengths_nm: tuple[float, ...]
    compute: Callable[..., Floats]
    limits: tuple[float, float] = (-0.2, 0.9)
    tolerance_nm: float = 60.0


def _ratio(a: Floats, b: Floats) -> Floats:
    """(a - b) / (a + b), NaN where the sum is not positive."""
    total = a + b
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (a - b) / total, np.float32(np.nan))


def _evi2(near: Floats, red: Floats) -> Floats:
    return np.asarray(2.5 * (near - red) / (near + 2.4 * red + 1.0), np.float32)


INDICES = {
    index.name: index
    for index in (
        Index(
            "NDVI",
            "Green plants: (NIR - red) / (NIR + red). Rouse et al. 1974.",
            (860, 660),
            _ratio,
        ),
        Index(
            "EVI2",
            "Green plants, less saturated: 2.5 (NIR - red) / (NIR + 2.4 red + 1), for "
            "reflectance. Jiang et al. 2008.",
            (860, 660),
            _evi2,
        ),
        Index(
            "NDRE",
            "Chlorophyll: (NIR - red edge) / (NIR + red edge). Barnes et al. 2000.",
            (860, 705),
            _ratio,
            (-0.1, 0.7),
            tolerance_nm=20.0,
        ),
        Index(
            "NDMI",
            "Water in leaves: (NIR - SWIR 1.6 µm) / (NIR + SWIR). Gao 1996.",
            (860, 1610),
            _ratio,
            (-0.4, 0.6),
        ),
        Index(
            "NDWI",
            "Open water: (green - NIR) / (green + NIR). McFeeters 1996.",
            (560, 860),
            _ratio,
            (-0.8, 0.5),
        ),
        Index(
            "NBR",
            "Burns: (NIR - SWIR 2.2 µm) / (NIR + SWIR). Key and Benson 2006.",
            (860, 2200),
            _ratio,
            (-0.5, 0.8),
        ),
    )
}
"""All indices by name."""


def bands_for(index: Index, bands: tuple[Band, ...]) -> tuple[int, ...] | None:
    """The bands nearest to an index's wavelengths; None when one is too far or stands for two."""
    found = []
    for wanted in index.wavelengths_nm:
        far = [
            abs(b.wavelength_nm - wanted) if b.good and b.wavelength_nm is not None else np.inf
            for b in bands
        ]
        nearest = int(np.argmin(far))
        if far[nearest] > index.tolerance_nm:
            return None
        found.append(nearest)
    return tuple(found) if len(set(found)) == len(found) else None


def offered(bands: tuple[Band, ...]) -> dict[str, tuple[int, ...]]:
    """The indices that a scene's bands allow, by name, with the bands they take."""
    found = {name: bands_for(index, bands) for name, index in INDICES.items()}
    return {name: chosen for name, chosen in found.items() if chosen is not None}
