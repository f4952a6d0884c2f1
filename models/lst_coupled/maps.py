"""The maps that a run gives, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsviz.core.grid import Grid
from rsviz.core.layers import Layer, ScalarMap, UncertaintyMap

GROUND, RADIANCE, NONE = "land surface temperature", "W/(m² sr µm)", ""
Words = tuple[str, str, str, str]

MAPS: dict[str, Words] = {
    "temperature": (
        "Coupled model",
        "Temperature of the ground, by the coupled model.",
        GROUND,
        "K",
    ),
    "validity": (
        "Valid range",
        "1 where the temperature lies in the range that the settings call valid, 0 elsewhere.",
        "valid",
        NONE,
    ),
    "single_channel": (
        "Single channel",
        "Generalised single-channel method with its published coefficients.",
        GROUND,
        "K",
    ),
    "single_channel_refit": (
        "Single channel, refitted",
        "Single-channel method with coefficients fitted to our simulations.",
        GROUND,
        "K",
    ),
    "mono_window": (
        "Mono-window",
        "Mono-window algorithm with transmittance from water vapour.",
        GROUND,
        "K",
    ),
    "water_vapour_air_temperature": (
        "Single channel with air temperature",
        "Single-channel method in water vapour and air temperature, fitted to our simulations.",
        GROUND,
        "K",
    ),
    "inverted": (
        "Inverted",
        "Radiative transfer inverted with the learned atmosphere.",
        GROUND,
        "K",
    ),
    "direct": ("Direct", "What the network gives without radiative transfer.", GROUND, "K"),
    "brightness_temperature": (
        "Brightness temperature",
        "Of a black body with the radiance that the sensor measured.",
        "brightness temperature",
        "K",
    ),
    "emissivity": ("Emissivity", "Of the ground in the thermal band.", "emissivity", NONE),
    "vegetation_index": ("NDVI", "Normalised difference vegetation index.", "NDVI", NONE),
    "transmittance": (
        "Transmittance",
        "Learned: the share of the ground's radiance that reaches the sensor.",
        "transmittance",
        NONE,
    ),
    "path_radiance": (
        "Path radiance",
        "Learned: what the air emits towards the sensor.",
        "path radiance",
        RADIANCE,
    ),
    "sky_radiance": (
        "Sky radiance",
        "Learned: what the sky sheds on the ground, averaged over the hemisphere.",
        "sky radiance",
        RADIANCE,
    ),
    "trust": (
        "Trust in the inversion",
        "Weight of the inverted temperature in the result; the rest is the direct one's.",
        "weight",
        NONE,
    ),
    "residual": (
        "Not physics",
        "The result minus the inverted temperature: what was learned beside the inversion.",
        "temperature difference",
        "K",
    ),
    "closure": (
        "Radiance closure",
        "What the result would send to the sensor through the learned air, minus what came.",
        "radiance difference",
        RADIANCE,
    ),
    "water_vapour": ("Water vapour", "As it was given.", "water vapour", "g/cm²"),
    "air_temperature": (
        "Air temperature",
        "As it was given, near the ground.",
        "air temperature",
        "K",
    ),
}
"""Title, sentence, quantity and unit of every map but those of uncertainty."""
SIGNED = ("residual", "closure", "vegetation_index")
SPREADS = {
    "uncertainty": (
        "Uncertainty",
        "Standard deviation of the temperature, from propagated errors and the ensemble.",
    ),
    "disagreement": ("Disagreement", "How far the members of the ensemble differ."),
}


def layer(name: str, values: NDArray[np.float32], grid: Grid) -> Layer:
    """A map (H, W) with its words."""
    if name in SPREADS:
        return UncertaintyMap(*SPREADS[name], grid, values, "standard deviation", "K")
    title, about, quantity, unit = MAPS[name]
    return ScalarMap(title, about, grid, values, quantity, unit, name in SIGNED)
