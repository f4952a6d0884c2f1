"""Reflectance of plant canopies with the radiative-transfer model PROSAIL.

PROSAIL joins the leaf model PROSPECT-D (Feret et al. 2017) and the canopy model 4SAIL (Verhoef
et al. 2007). The package `prosail` computes it; only the makers of scenes need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from rsviz.core.errors import RsvizError
from rsviz.synth.spectra import FloatArray, SpectralTable, soil

Range = tuple[float, float]


@dataclass(frozen=True)
class Crop:
    """A plant canopy: ranges of its traits over a scene, and what is fixed.

    Attributes:
        lai: leaf area index from sparse to dense, m2/m2 (first trait of the table).
        chlorophyll: leaf chlorophyll from pale to rich, ug/cm2 (second trait).
        brown: senescent pigment from pale to rich leaves, 0 to 1 (runs with chlorophyll).
        leaf_water: equivalent water thickness from dry to moist, cm (third trait).
        dry_matter: leaf mass per area, g/cm2.
        leaf_angle: mean leaf inclination, degrees (0 flat, 90 upright).
        layers: leaf structure parameter N of PROSPECT.
        soil_brightness: dry reflectance of the ground below at 1650 nm.
        anthocyanin: red pigment, ug/cm2.
    """

    lai: Range
    chlorophyll: Range
    brown: Range
    leaf_water: Range
    dry_matter: float
    leaf_angle: float
    layers: float
    soil_brightness: float = 0.34
    anthocyanin: float = 0.0


def _prosail() -> ModuleType:
    try:
        import prosail
    except ImportError as error:
        raise RsvizError(
            "Canopy spectra need the package 'prosail', which is not installed.",
            "Install the development packages: pip install -r requirements-dev.txt",
        ) from error
    return prosail  # type: ignore[no-any-return]


def _between(limits: Range, share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * share


def canopy(
    crop: Crop, density: float, greenness: float, moisture: float, sun_zenith_deg: float
) -> FloatArray:
    """Reflectance of a crop seen from straight above.

    Args:
        crop: the trait ranges.
        density: 0 to 1 along the range of leaf area.
        greenness: 0 to 1 along the ranges of chlorophyll and brown pigment.
        moisture: 0 to 1 along the range of leaf water; also wets the soil below.
        sun_zenith_deg: angle of the sun from the vertical, degrees.

    Returns:
        (2101,) bidirectional reflectance factor on `spectra.WAVELENGTH_NM`.

    Raises:
        RsvizError: the package prosail is not installed.
    """
    chlorophyll = _between(crop.chlorophyll, greenness)
    ground = soil(crop.soil_brightness, 0.1 + 0.6 * moisture)
    reflectance = _prosail().run_prosail(
        n=crop.layers,
        cab=chlorophyll,
        car=2.0 + 0.18 * chlorophyll,
        cbrown=_between(crop.brown, greenness),
        cw=_between(crop.leaf_water, moisture),
        cm=crop.dry_matter,
        lai=_between(crop.lai, density),
        lidfa=crop.leaf_angle,
        hspot=0.1,
        tts=sun_zenith_deg,
        tto=0.0,
        psi=0.0,
        ant=crop.anthocyanin,
        prospect_version="D",
        rsoil0=ground,
    )
    return np.asarray(reflectance, dtype=np.float64)


def canopy_table(crop: Crop, sun_zenith_deg: float) -> SpectralTable:
    """Table of a crop over density, greenness and moisture."""

    def spectrum(density: float, greenness: float, moisture: float) -> FloatArray:
        return canopy(crop, density, greenness, moisture, sun_zenith_deg)

    return SpectralTable.build(spectrum, (6, 4, 3))
