"""How hot a landscape is and what a thermal band sees of it through humid air.

Temperatures follow the kind of ground and its plants; the air is a mixture of two columns of the
table of atmospheres, more humid towards one corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.physics.atmospheres import table
from rsviz.physics.single_band import ndvi
from rsviz.physics.thermal import Air, at_sensor
from rsviz.physics.thermal_bands import BANDS
from rsviz.synth.texture import smooth_field

Floats = NDArray[np.float64]
BAND = BANDS["landsat-8-b10"]
NADIR = 0
DRIEST, WETTEST = 3.0, 5.3
"""Water vapour at two corners, g/cm2."""
NOISE = 0.006
WATER_ERROR, AIR_ERROR_K = 0.06, 0.8

GROUNDS: dict[str, tuple[float, float]] = {
    "winter wheat, milk stage": (2.5, 0.984),
    "winter wheat, dough stage": (4.5, 0.981),
    "winter barley": (6.5, 0.979),
    "maize": (0.5, 0.987),
    "sunflower": (-0.5, 0.988),
    "sugar beet": (-1.0, 0.989),
    "alfalfa": (-0.5, 0.988),
    "meadow": (2.0, 0.985),
    "mown meadow": (8.0, 0.976),
    "stubble": (13.0, 0.966),
    "ploughed soil": (15.0, 0.968),
    "seedbed": (17.0, 0.964),
    "woodland and hedge": (-2.0, 0.986),
    "orchard": (1.5, 0.984),
    "water": (-6.0, 0.991),
    "farm track": (14.0, 0.953),
}
"""Of each kind of ground: warmth above the air in K, and emissivity."""
OTHER = (6.0, 0.977)


@dataclass(frozen=True)
class Warm:
    """What a thermal sensor and its user know of a landscape, and the truth; all (H, W).

    Attributes:
        brightness_k: brightness temperature in band 10.
        water, air_k: water vapour [g/cm2] and air temperature [K] as known, with errors.
        ground_k: the temperature of the ground.
    """

    brightness_k: Floats
    water: Floats
    air_k: Floats
    ground_k: Floats


def warm(red: Floats, infrared: Floats, labels: NDArray[np.uint8], names: tuple[str, ...],
         seed: int) -> Warm:  # fmt: skip
    """Heat a landscape and look at it.

    Args:
        red, infrared: (H, W) reflectance.
        labels: (H, W) kinds of ground, 0 for others.
        names: of the kinds, from label 1.
        seed: of everything random.
    """
    rng = np.random.default_rng(seed)
    shape = labels.shape
    kinds = np.array([OTHER, *(GROUNDS[name] for name in names)])
    warmth, emissivity = kinds[labels, 0], kinds[labels, 1]
    index = ndvi(red, infrared)
    usual = np.array([np.median(index[labels == k]) if (labels == k).any() else 0.0
                      for k in range(len(kinds))])[labels]  # fmt: skip
    warmth = warmth - 9.0 * (index - usual) + 0.8 * smooth_field(shape, 12.0, rng)
    emissivity = np.clip(emissivity + 0.003 * smooth_field(shape, 5.0, rng), 0.94, 0.995)
    rows, cols = np.mgrid[0 : shape[0], 0 : shape[1]]
    share = (rows / shape[0] + cols / shape[1]) / 2 + 0.04 * smooth_field(shape, 30.0, rng)
    air, water, near = _air(np.clip(share, 0.0, 1.0))
    ground = near + warmth
    radiance = at_sensor(BAND.planck, ground, emissivity, air) + NOISE * rng.normal(size=shape)
    return Warm(
        BAND.planck.temperature_k(radiance),
        water * (1 + WATER_ERROR * (1 + 0.5 * smooth_field(shape, 40.0, rng))),
        near + AIR_ERROR_K * smooth_field(shape, 40.0, rng),
        ground,
    )


def _air(share: Floats) -> tuple[Air, Floats, Floats]:
    """Air between two columns of one site: optical depths, sources, water and warmth are mixed."""
    atmospheres = table()
    band = list(BANDS).index(BAND.id)
    water = atmospheres.water_vapour_g_cm2
    best = min(
        range(len(atmospheres.latitude)),
        key=lambda s: _gap(water[atmospheres.site == s], atmospheres.land[s]),
    )
    rows = np.flatnonzero(atmospheres.site == best)
    dry, wet = (rows[np.argmin(np.abs(water[rows] - w))] for w in (DRIEST, WETTEST))

    def mixed(values: Floats) -> Floats:
        return (1 - share) * values[dry] + share * values[wet]

    tau = np.exp(mixed(np.log(atmospheres.transmittance[:, band, NADIR])))
    clear = 1 - atmospheres.transmittance[:, band, NADIR]
    source = mixed(atmospheres.path_radiance[:, band, NADIR] / clear)
    air = Air(tau, (1 - tau) * source, mixed(atmospheres.sky_radiance[:, band]))
    return air, mixed(water), mixed(atmospheres.air_temperature_k)


def _gap(water: Floats, land: bool) -> float:
    """How far a site's columns are from the two wanted amounts of water."""
    miss = sum(float(np.abs(water - w).min()) for w in (DRIEST, WETTEST))
    return miss if land else miss + 10.0
