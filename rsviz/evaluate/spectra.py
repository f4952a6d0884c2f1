"""Pixels on the way into a baseline, and its classes on the way out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsviz.core.scene import Scene

Classes = NDArray[np.int16]


def spectra(scene: Scene) -> NDArray[np.float32]:
    """Pixels as (H, W, T*C), usable bands only; of a series, one date after the other."""
    good = [i for i, band in enumerate(scene.bands) if band.good]
    stacked = scene.pixels[:, good].reshape(-1, *scene.grid.shape)  # (T, C, H, W) -> (T*C, H, W)
    return np.moveaxis(stacked, 0, -1)


def known(scene: Scene) -> NDArray[np.bool_]:
    """Where (H, W) at least one date has data."""
    there: NDArray[np.bool_] = scene.valid.any(axis=0)
    return there


def standardised(scene: Scene, labels: NDArray[np.int16]) -> NDArray[np.float32]:
    """The same, each band less its mean and over its deviation on the labelled pixels."""
    pixels = spectra(scene)
    chosen = pixels[labels > 0]
    mean, deviation = chosen.mean(axis=0), chosen.std(axis=0)
    return (pixels - mean) / np.where(deviation > 0, deviation, 1)


def components(scene: Scene, count: int) -> NDArray[np.float32]:
    """Principal components (H, W, D) of the valid pixels' standardised bands.

    At most `count`, the first with a variance of 1 and the others smaller in their proportion.
    """
    pixels = spectra(scene)
    there = known(scene)
    chosen = pixels[there].astype(np.float64)
    mean, deviation = chosen.mean(axis=0), chosen.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1)
    variances, axes = np.linalg.eigh(np.cov((chosen - mean) / scale, rowvar=False))
    axes = axes[:, ::-1][:, :count] / np.sqrt(max(variances[-1], 1e-12))
    scaled = (pixels - mean) / scale
    scaled[~there] = 0
    return (scaled @ axes).astype(np.float32)


def placed(scene: Scene, classes: NDArray[np.integer]) -> Classes:
    """Answers of the valid pixels as a map (H, W), -1 elsewhere."""
    answers = np.full(scene.grid.shape, -1, np.int16)
    answers[known(scene)] = classes
    return answers
