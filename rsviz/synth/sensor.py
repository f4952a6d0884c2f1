"""An airborne pushbroom imaging spectrometer: bands, blur, noise, stripes, gaps.

The chain ends at surface reflectance as a data provider delivers it: noise is that of the
radiance, so it grows where the sun is weak or the air is opaque.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.synth.spectra import WAVELENGTH_NM, FloatArray
from rsviz.synth.texture import smooth_field

Cube = NDArray[np.float32]

BAD_RANGES_NM = ((1350.0, 1430.0), (1800.0, 1950.0))
"""Ranges in which water vapour leaves nothing to measure; their bands are flagged bad."""


@dataclass(frozen=True)
class Sensor:
    """What the instrument records and how well.

    Attributes:
        wavelength_nm: (C,) band centres.
        fwhm_nm: (C,) band widths.
        snr: signal-to-noise ratio at 550 nm over 30 % reflectance.
        psf_fwhm_px: blur of optics and motion, full width at half maximum, pixels.
        stripe: standard deviation of the gain of a column (detector element), relative.
    """

    wavelength_nm: FloatArray
    fwhm_nm: FloatArray
    snr: float
    psf_fwhm_px: float
    stripe: float

    @property
    def good(self) -> NDArray[np.bool_]:
        """(C,) False for bands inside the water-vapour gaps."""
        nm = self.wavelength_nm
        gaps = [(nm >= low) & (nm <= high) for low, high in BAD_RANGES_NM]
        return np.asarray(~np.logical_or.reduce(gaps))

    @property
    def response(self) -> FloatArray:
        """(2101, C) Gaussian band responses, columns summing to 1."""
        sigma = self.fwhm_nm / 2.3548
        offset = WAVELENGTH_NM[:, None] - self.wavelength_nm[None, :]
        weight = np.exp(-0.5 * (offset / sigma) ** 2)
        return np.asarray(weight / weight.sum(axis=0))


def two_spectrometers(visible: int, infrared: int, snr: float, psf_fwhm_px: float) -> Sensor:
    """A pair of spectrometers for 400-1000 nm and 1000-2500 nm.

    Args:
        visible: number of bands up to 1000 nm.
        infrared: number of bands above.
        snr: see `Sensor`.
        psf_fwhm_px: see `Sensor`.
    """
    first = np.linspace(404.0, 996.0, visible)
    second = np.linspace(1006.0, 2494.0, infrared)
    width = np.concatenate(
        [np.full(visible, 1.1 * (first[1] - first[0])), np.full(infrared, second[1] - second[0])]
    )
    return Sensor(np.concatenate([first, second]), width, snr, psf_fwhm_px, stripe=0.004)


def gas_transmission(wavelength_nm: FloatArray) -> FloatArray:
    """Two-way transmission of the air, from water vapour, oxygen and carbon dioxide, 0 to 1.

    Args:
        wavelength_nm: (C,) wavelengths.
    """
    lines = (
        (720, 8, 0.10), (762, 4, 0.55), (820, 12, 0.14), (938, 18, 0.75), (1132, 22, 0.95),
        (1268, 8, 0.15), (1385, 34, 7.0), (1460, 25, 0.35), (1610, 10, 0.05), (1875, 52, 8.0),
        (2005, 14, 0.70), (2060, 10, 0.35), (2350, 30, 0.15), (2490, 45, 1.10),
    )  # fmt: skip
    depth = np.zeros_like(wavelength_nm)
    for centre, width, strength in lines:
        depth += strength * np.exp(-0.5 * ((wavelength_nm - centre) / width) ** 2)
    return np.asarray(np.exp(-depth))


def photon_rate(wavelength_nm: FloatArray) -> FloatArray:
    """Photons from a white surface per nm, relative to 550 nm: a 5778 K sun through the air."""

    def planck_photons(nm: FloatArray | float) -> FloatArray:
        x = np.asarray(nm, dtype=np.float64)
        return np.asarray(x**-4.0 / np.expm1(1.4388e7 / (x * 5778.0)))

    return planck_photons(wavelength_nm) / planck_photons(550.0) * gas_transmission(wavelength_nm)


def sampling_matrix(pixels: int, factor: int, psf_fwhm_px: float) -> NDArray[np.float32]:
    """Blur and sampling along one direction as a matrix from fine cells to pixels.

    Args:
        pixels: number of pixels.
        factor: fine cells to a pixel.
        psf_fwhm_px: width of the Gaussian blur, pixels; the pixel's own width comes on top.

    Returns:
        (pixels, pixels * factor), rows summing to 1.
    """
    cell = (np.arange(pixels * factor) + 0.5) / factor - 0.5
    sub = (np.arange(8) + 0.5) / 8 - 0.5  # integrate over the pixel's own width
    offset = cell[None, :, None] - np.arange(pixels)[:, None, None] - sub[None, None, :]
    weight = np.exp(-0.5 * (offset / (psf_fwhm_px / 2.3548)) ** 2).mean(axis=2)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float32)


def noise_sigma(reflectance: Cube, sensor: Sensor) -> Cube:
    """Standard deviation of the noise in units of reflectance.

    Photon noise plus a constant read noise, divided by the light there was.

    Args:
        reflectance: (H, W, C) noise-free reflectance.
        sensor: the instrument.
    """
    width = sensor.fwhm_nm / sensor.fwhm_nm[0]
    rate = np.maximum(photon_rate(sensor.wavelength_nm), 0.004) * width
    reference = 0.3 / sensor.snr  # noise over 30 % reflectance at 550 nm
    shot = reference**2 / 0.3
    read = (0.15 * reference) ** 2
    signal = np.maximum(reflectance, 0.0) * rate
    return np.asarray(np.sqrt(shot * signal + read) / rate, dtype=np.float32)


def record(reflectance: Cube, sensor: Sensor, rng: np.random.Generator) -> Cube:
    """Add what a real instrument and its processing add.

    In this order: error of the water-vapour correction, path radiance left over, gains and
    offsets of the columns, noise.

    Args:
        reflectance: (H, W, C) noise-free surface reflectance.
        sensor: the instrument; columns of the image are its detector elements.
        rng: source of all errors.

    Returns:
        (H, W, C) recorded reflectance; values below 0 occur in noise, as in real products.
    """
    height, width, bands = reflectance.shape
    nm = sensor.wavelength_nm
    vapour = 0.025 * smooth_field((height, width), 40.0, rng)
    log_gas = np.log(np.maximum(gas_transmission(nm), 0.05)).astype(np.float32)
    haze = 0.0015 * smooth_field((height, width), 50.0, rng)
    path = ((550.0 / nm) ** 2.5).astype(np.float32)
    cube = reflectance * np.exp(vapour[:, :, None] * log_gas) + haze[:, :, None] * path
    sigma = noise_sigma(reflectance, sensor)
    gain = sensor.stripe * smooth_field((width, bands), 2.0, rng, stretch=3.0)
    level = 0.25 * sigma.mean(axis=(0, 1)) * rng.standard_normal((width, bands)).astype(np.float32)
    cube = cube * (1.0 + gain) + level
    return np.asarray(cube + sigma * rng.standard_normal(cube.shape, dtype=np.float32))


def quantise(reflectance: Cube, sensor: Sensor, scale: float = 1e-4) -> NDArray[np.int16]:
    """Store reflectance as integers whose steps stay below the noise, so that files are small.

    The step of a band is a power of two of the scale, at most a third of its noise.

    Args:
        reflectance: (H, W, C).
        sensor: the instrument.
        scale: reflectance of one integer step.

    Returns:
        (H, W, C) int16; multiply with `scale` to get reflectance.
    """
    typical = noise_sigma(np.full((1, 1, reflectance.shape[2]), 0.1, np.float32), sensor)[0, 0]
    step = 2.0 ** np.floor(np.log2(np.maximum(typical / scale / 3.0, 1.0)))
    limit = np.where(sensor.good, 1.5, 0.8) / scale
    counts = np.round(reflectance / scale / step) * step
    return np.asarray(np.clip(counts, -2000.0, limit), dtype=np.int16)
