"""What a scene and the options say of every pixel, and what they leave open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.lst_coupled.card import CARD, FROM_NUMBER, Options
from rsviz.core.card import Need
from rsviz.core.errors import SceneMismatch
from rsviz.core.scene import Scene
from rsviz.physics.single_band import ndvi, ndvi_emissivity
from rsviz.physics.thermal_bands import ThermalBand, band_at

Floats = NDArray[np.float32]
COLDEST_K, HOTTEST_K = 150.0, 400.0
COLDEST_AIR_K = 180.0
STEEPEST_DEG = 65.0
MOST_WATER_G_CM2 = 20.0
LEAST_EMISSIVITY = 0.5
WATER, AIR, EMISSIVITY, VIEW = "water vapour", "air temperature", "emissivity", "view angle"
"""Names of bands that tell of the air and the ground."""


@dataclass(frozen=True)
class Known:
    """What is known of the pixels of a scene, all (H, W) float32.

    Attributes:
        band: the thermal band.
        valid: (H, W) bool, where everything is known.
        brightness_k, emissivity, index: brightness temperature, emissivity, NDVI.
        water, air_k: water vapour in g/cm2 and air temperature.
        view_deg: angle from the vertical.
    """

    band: ThermalBand
    valid: NDArray[np.bool_]
    brightness_k: Floats
    emissivity: Floats
    index: Floats
    water: Floats
    air_k: Floats
    view_deg: Floats


def read(scene: Scene, options: Options) -> Known:
    """Work out brightness temperature, NDVI and emissivity, and find water vapour and air.

    Raises:
        SceneMismatch: an input is missing or cannot be.
    """
    red, infrared, heat = (_band(scene, need) for need in CARD.accepts.needs)
    centre = next(b.wavelength_nm for b in scene.bands if _fits(b.wavelength_nm, _THERMAL))
    band = band_at(float(centre or 0))
    if band is None:
        raise SceneMismatch(
            f"The thermal band is centred at {centre:g} nm; those of Landsat 5, 7, 8 and 9 "
            "(11450, 11335 and 10895 nm) are known here."
        )
    water = _given(scene, WATER, options.water_vapour, "g/cm²")
    air = _given(scene, AIR, options.air_temperature_k, "K")
    if 0 < float(np.nanmin(air)) < COLDEST_AIR_K:
        raise SceneMismatch(
            f"The air temperature is {float(np.nanmin(air)):.0f} K; air near the ground is warmer "
            f"than {COLDEST_AIR_K:.0f} K.",
            "Give it in kelvin: 20 °C are 293 K.",
        )
    index = ndvi(red, infrared)
    emissivity = _emissivity(scene, options, band, index, red)
    view = _named(scene, VIEW)
    view = np.array(options.view_angle_deg, np.float32) if view is None else view
    shape = scene.grid.shape
    water, air, view = (np.broadcast_to(v.astype(np.float32), shape) for v in (water, air, view))
    valid = scene.valid[0] & (heat > COLDEST_K) & (heat < HOTTEST_K)
    valid = valid & (view >= 0) & (view <= STEEPEST_DEG)
    for values in (red, infrared, water, air, emissivity):
        valid = valid & np.isfinite(values)
    valid = (
        valid & (water > 0) & (water < MOST_WATER_G_CM2) & (air > COLDEST_AIR_K) & (air < HOTTEST_K)
    )
    if not valid.any():
        defined = heat[scene.valid[0] & (heat > 0)]
        span = f"{defined.min():.0f} to {defined.max():.0f} K" if defined.size else "no data"
        raise SceneMismatch(
            f"No pixel can be worked out: brightness temperatures are {span}, expected are "
            f"{COLDEST_K:.0f} to {HOTTEST_K:.0f} K, and all inputs must be defined.",
            "Check the thermal band and the rasters of water vapour and air temperature.",
        )
    return Known(band, valid, heat, emissivity, index, water, air, view)


_THERMAL = CARD.accepts.needs[2]


def _fits(centre: float | None, need: Need) -> bool:
    return need.low_nm <= (centre or 0) <= need.high_nm


def _band(scene: Scene, need: Need) -> Floats:
    """The one band that a need asks for; the card has made sure that there is one."""
    at = next(i for i, b in enumerate(scene.bands) if _fits(b.wavelength_nm, need))
    return scene.pixels[0, at]


def _named(scene: Scene, name: str) -> Floats | None:
    at = next((i for i, b in enumerate(scene.bands) if b.name.lower().startswith(name)), None)
    return None if at is None else scene.pixels[0, at]


def _given(scene: Scene, name: str, number: float, unit: str) -> Floats:
    """A raster of the scene, else the number of the options.

    Raises:
        SceneMismatch: there is neither.
    """
    raster = _named(scene, name)
    if raster is not None:
        return raster
    if number <= 0:
        raise SceneMismatch(
            f"{name.capitalize()} is not known: the scene has no band of it and no number is "
            "given.",
            f"Give one in {unit} in the settings, or put a raster '…_{name.replace(' ', '_')}.tif' "
            "beside the scene.",
        )
    return np.array(number, np.float32)


def _emissivity(
    scene: Scene, options: Options, band: ThermalBand, index: Floats, red: Floats
) -> Floats:
    """From a raster, one number, or thresholds of NDVI.

    Raises:
        SceneMismatch: a raster holds what is no emissivity of the ground.
    """
    raster = _named(scene, EMISSIVITY)
    if raster is not None:
        there = raster[scene.valid[0]]
        low, high = (float(v) for v in (there.min(), there.max())) if there.size else (1.0, 1.0)
        if low < LEAST_EMISSIVITY or high > 1:
            raise SceneMismatch(
                f"Emissivity runs from {low:.3g} to {high:.3g}; of the ground it lies between "
                f"{LEAST_EMISSIVITY:g} and 1.",
                "Check the raster of emissivity.",
            )
        return raster
    if options.emissivity_from == FROM_NUMBER:
        return np.full(scene.grid.shape, options.emissivity, np.float32)
    return np.asarray(ndvi_emissivity(band.soil, index, red), np.float32)
