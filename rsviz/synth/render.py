"""From a landscape to an image: light, blur and sensor applied to every material."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.synth.canvas import Legend
from rsviz.synth.light import Sun, incidence_gain, sky_share, sunlit_share
from rsviz.synth.sensor import Cube, Sensor, quantise, record, sampling_matrix
from rsviz.synth.spectra import SpectralTable
from rsviz.synth.texture import Field


@dataclass(frozen=True)
class Surface:
    """The ground on a fine grid, before any light falls on it.

    Attributes:
        tables: the materials.
        material: (h, w) index into `tables`.
        traits: (h, w, 3) traits of the material, 0 to 1.
        label: (h, w) class label, 1 to K.
        height_m: (h, w) terrain and objects.
        gain: (h, w) brightness factor of its own (rows, view angle), about 1.
        cloud: (h, w) share of the direct beam that clouds let through, 0 to 1.
        through: (h, w) share of the direct beam left in shadow (foliage lets some through).
        cell_m: size of a cell.
    """

    tables: tuple[SpectralTable, ...]
    material: NDArray[np.int16]
    traits: NDArray[np.float32]
    label: NDArray[np.uint8]
    height_m: Field
    gain: Field
    cloud: Field
    through: Field
    cell_m: float


@dataclass(frozen=True)
class Simulated:
    """A finished scene.

    Attributes:
        counts: (H, W, C) int16 reflectance in steps of 1e-4.
        truth: (H, W) uint8 class label; 0 where no class covers enough of the pixel.
        legend: class names and colours.
        sensor: band centres, widths and flags.
        pixel_m: size of a pixel, metres.
    """

    counts: NDArray[np.int16]
    truth: NDArray[np.uint8]
    legend: Legend
    sensor: Sensor
    pixel_m: float


def radiate(surface: Surface, sensor: Sensor, sun: Sun, factor: int, chunk: int = 20) -> Cube:
    """Apparent reflectance of the lit surface, blurred and sampled to pixels, without noise.

    Every cell gives R * (direct * (1 - s) + sky * s) with the share of sky light s of
    each band, so shadows are dark and bluish.

    Args:
        surface: the ground, (h, w) cells.
        sensor: bands and blur.
        sun: position of the sun.
        factor: fine cells to a pixel.
        chunk: bands computed at a time, to bound memory.

    Returns:
        (h / factor, w / factor, C) reflectance.
    """
    height, width = surface.material.shape
    lit = sunlit_share(surface.height_m, surface.cell_m, sun)
    lit = (surface.through + (1.0 - surface.through) * lit) * surface.cloud
    direct = (lit * incidence_gain(surface.height_m, surface.cell_m, sun) * surface.gain).ravel()
    sky = (surface.gain * (0.75 + 0.25 * lit)).ravel()  # objects that shade also hide some sky
    down = sampling_matrix(height // factor, factor, sensor.psf_fwhm_px)
    across = sampling_matrix(width // factor, factor, sensor.psf_fwhm_px)

    order: list[NDArray[np.int64]] = []
    weights = []
    for number, table in enumerate(surface.tables):
        cells = np.flatnonzero(surface.material.ravel() == number)
        order.append(cells)
        weights.append(table.weights(surface.traits.reshape(-1, 3)[cells]))  # (h*w, 3)
    back = np.argsort(np.concatenate(order))

    out = np.empty((height // factor, width // factor, len(sensor.wavelength_nm)), np.float32)
    share = sky_share(sensor.wavelength_nm)
    response = sensor.response
    for start in range(0, out.shape[2], chunk):
        bands = slice(start, min(start + chunk, out.shape[2]))
        parts = [
            w @ (t.spectra.reshape(-1, t.spectra.shape[-1]) @ response[:, bands])
            for w, t in zip(weights, surface.tables, strict=True)
        ]
        ground = np.concatenate(parts)[back].astype(np.float32)  # (h*w, bands)
        s = share[bands].astype(np.float32)
        lit_ground = ground * (direct[:, None] * (1.0 - s) + sky[:, None] * s)
        fine = lit_ground.reshape(height, width, -1)  # (h*w, b) -> (h, w, b)
        sampled = np.tensordot(down, fine, axes=(1, 0))  # (H, w, b)
        out[:, :, bands] = np.tensordot(sampled, across, axes=(1, 1)).transpose(0, 2, 1)
    return out


def majority(
    label: NDArray[np.uint8], factor: int, classes: int, purity: float
) -> NDArray[np.uint8]:
    """Class of each pixel, or 0 where the pixel is too mixed to be labelled.

    Args:
        label: (h, w) labels 1 to `classes` on the fine grid.
        factor: fine cells to a pixel.
        classes: number of classes K.
        purity: share of the pixel that the leading class must cover.
    """
    height, width = label.shape[0] // factor, label.shape[1] // factor
    blocks = label.reshape(height, factor, width, factor)  # (h, w) -> (H, f, W, f)
    share = np.stack([(blocks == k).mean(axis=(1, 3)) for k in range(1, classes + 1)])
    best = share.argmax(axis=0).astype(np.uint8) + 1
    return np.where(share.max(axis=0) >= purity, best, 0).astype(np.uint8)


def photograph(
    surface: Surface,
    legend: Legend,
    sensor: Sensor,
    sun: Sun,
    factor: int,
    purity: float,
    rng: np.random.Generator,
) -> Simulated:
    """Take the picture: light, blur, sensor, storage, and the truth beside it.

    Args:
        surface: the ground.
        legend: the classes that `surface.label` counts.
        sensor: the instrument.
        sun: position of the sun.
        factor: fine cells to a pixel.
        purity: see `majority`.
        rng: source of the sensor's errors.
    """
    seen = record(radiate(surface, sensor, sun, factor), sensor, rng)
    truth = majority(surface.label, factor, len(legend.names), purity)
    return Simulated(quantise(seen, sensor), truth, legend, sensor, pixel_m=surface.cell_m * factor)
