"""How much of an image lies at which spatial frequency: what a sharper image adds, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core.layers import Curve

MOST_BINS = 24  # below the input's Nyquist frequency
FLOOR = 1e-12  # of the greatest power; what is less is drawn as that


def radial_power(plane: NDArray[Any], scale: int, bins: int) -> NDArray[np.float64]:
    """Power density of a plane by spatial frequency, in squares of its unit times input pixels.

    A Hann window suppresses the jump at the edges, and the mean is taken out. Densities do not
    depend on size or sampling: of the same ground, a coarse and a fine image agree up to the
    frequencies that both hold.

    Args:
        plane: (H, W) finite values.
        scale: how many of its pixels lie side by side in one of the input.
        bins: number of bins from 0 to `scale`/2 cycles an input pixel.

    Returns:
        (bins,) mean density in each ring; NaN where no frequency falls into it.
    """
    height, width = plane.shape
    window = np.outer(_hann(height), _hann(width))
    values = (plane - plane.mean(dtype=np.float64)) * window
    power = np.abs(np.fft.rfft2(values)) ** 2 / (window**2).sum() / scale**2
    down = np.fft.fftfreq(height, 1.0 / scale)
    right = np.fft.rfftfreq(width, 1.0 / scale)
    ring = np.floor(np.hypot(down[:, None], right) * bins / (scale / 2)).astype(np.intp)
    inside = ring < bins  # the corners beyond the largest circle are left out
    inside[0, 0] = False  # so is the mean
    counts = np.bincount(ring[inside], minlength=bins)
    total = np.bincount(ring[inside], power[inside], minlength=bins)
    return np.where(counts, total / np.maximum(counts, 1), np.nan)


def power_curve(images: Mapping[str, tuple[NDArray[Any], int]], scale: int) -> Curve:
    """Radial power spectra of several images of the same ground, as a layer.

    Args:
        images: {name: (plane (H, W), its pixels side by side in one of the input)}.
        scale: of the finest image.
    """
    smallest = min(min(plane.shape) // finer for plane, finer in images.values())
    below = max(1, min(MOST_BINS, smallest // 3))
    frequency = (np.arange(below * scale) + 0.5) / (2 * below)
    curves = np.full((len(images), below * scale), np.nan)
    for row, (plane, finer) in zip(curves, images.values(), strict=True):
        count = below * finer
        row[:count] = radial_power(plane, finer, count)
    least = FLOOR * np.nanmax(curves) if np.nanmax(curves) > 0 else 1.0
    return Curve(
        "Power by spatial frequency",
        "Brightness of the whole image, averaged over directions. The input holds nothing beyond "
        "its Nyquist frequency of 0.5 cycles a pixel; what a result shows there, it added.",
        frequency,
        10 * np.log10(np.maximum(curves, least)),
        tuple(images),
        "Spatial frequency [cycles per input pixel]",
        "Power density [dB]",
    )


def _hann(size: int) -> NDArray[np.float64]:
    """A window that is nowhere zero, so that even two pixels have a spectrum."""
    return np.asarray(np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2)
