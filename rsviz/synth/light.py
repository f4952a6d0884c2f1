"""Sunlight on a landscape: shadows, slopes, clouds and the share of sky light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from rsviz.synth.spectra import FloatArray
from rsviz.synth.texture import Field


@dataclass(frozen=True)
class Sun:
    """Where the sun stands.

    Attributes:
        zenith_deg: angle from the vertical.
        azimuth_deg: direction, clockwise from north.
    """

    zenith_deg: float
    azimuth_deg: float

    @property
    def towards(self) -> tuple[float, float]:
        """Unit step (rows, columns) over the ground towards the sun; row 0 is north."""
        azimuth = np.deg2rad(self.azimuth_deg)
        return float(-np.cos(azimuth)), float(np.sin(azimuth))


def sunlit_share(height_m: Field, cell_m: float, sun: Sun) -> Field:
    """Share of the direct beam that reaches each cell, 0 in shadow to 1.

    Marches from every cell towards the sun and compares the surface with the ray.

    Args:
        height_m: (h, w) surface including objects.
        cell_m: size of a cell, metres.
        sun: position of the sun.
    """
    rise = 1.0 / np.tan(np.deg2rad(sun.zenith_deg))  # metres up per metre over the ground
    relief = float(height_m.max() - height_m.min())
    steps = int(np.ceil(relief / rise / cell_m)) + 1
    step_row, step_col = sun.towards
    lit = np.ones_like(height_m)
    for k in range(1, min(steps, 120) + 1):
        seen = shift(height_m, (-k * step_row, -k * step_col), order=1, mode="nearest")
        excess = seen - (height_m + k * cell_m * rise)
        lit = np.minimum(lit, np.clip(0.5 - excess / (cell_m * rise), 0.0, 1.0))
    return np.asarray(gaussian_filter(lit, 0.6), dtype=np.float32)


def incidence_gain(height_m: Field, cell_m: float, sun: Sun, steepest: float = 0.65) -> Field:
    """Brightness of sloping ground relative to level ground: cos(incidence) / cos(zenith).

    Args:
        height_m: (h, w) surface.
        cell_m: size of a cell, metres.
        sun: position of the sun.
        steepest: slopes are limited to this ratio (crowns and roofs are rough, not smooth).
    """
    down_row, down_col = np.gradient(height_m, cell_m)
    slope = np.hypot(down_row, down_col)
    limit = np.where(slope > steepest, steepest / np.maximum(slope, 1e-6), 1.0)
    zenith = np.deg2rad(sun.zenith_deg)
    step_row, step_col = sun.towards
    facing = -(down_row * step_row + down_col * step_col) * limit
    norm = np.sqrt(1.0 + (slope * limit) ** 2)
    cosine = (np.cos(zenith) + np.sin(zenith) * facing) / norm
    return np.asarray(np.maximum(cosine, 0.0) / np.cos(zenith), dtype=np.float32)


def sky_share(wavelength_nm: FloatArray) -> FloatArray:
    """Share of sky light in the light on level ground, clear day with little haze.

    Molecules scatter as nm^-4, haze about as nm^-1.3.

    Args:
        wavelength_nm: (C,) wavelengths.
    """
    x = wavelength_nm / 550.0
    depth = 0.09 * x**-4.0 + 0.10 * x**-1.3
    return np.asarray(0.75 * (1.0 - np.exp(-depth)) + 0.01)
