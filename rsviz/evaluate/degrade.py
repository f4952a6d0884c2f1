"""Scenes made coarser on purpose, so that the truth of a super-resolution is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rsviz.core import changes
from rsviz.core.run import describe
from rsviz.core.scene import Scene
from rsviz.evaluate.changes import noise
from rsviz.physics.degradation import Degradation

Floats = NDArray[np.float32]


def degrade(scene: Scene, settings: changes.Degrade, seed: int) -> Scene:
    """Blur a scene, make it coarser, add noise; its first date becomes the reference.

    Rows and columns at the lower and right edge that fill no coarse pixel are left out. A
    coarse pixel is valid where all that it covers is. Reference labels do not follow.

    Raises:
        SceneMismatch: the scene is smaller than two coarse pixels.
    """
    fine = scene.crop(changes.coarse_window(describe(scene), settings))
    grid = changes.coarser(describe(scene), settings).grid
    make = Degradation.of(fine.grid.shape, settings.scale, settings.blur)
    pixels = make.forward(filled(fine.pixels, fine.valid[:, None]))
    cells = (len(fine.valid), grid.height, settings.scale, grid.width, settings.scale)
    # (T, s*h, s*w) -> (T, h, s, w, s) -> (T, h, w)
    valid = np.asarray(fine.valid.reshape(cells).all(axis=(2, 4)))
    coarse = replace(
        fine,
        pixels=np.where(valid[:, None], pixels, 0),
        valid=valid,
        grid=grid,
        truth=None,
        notes=(*fine.notes, _said(settings)),
        reference=np.where(fine.valid[0], fine.pixels[0], np.nan),
    )
    return noise(coarse, changes.Noise(settings.noise), seed) if settings.noise else coarse


def keep_bands(scene: Scene, settings: changes.KeepBands, seed: int) -> Scene:
    """Keep some bands of a scene, in the order given."""
    kept = list(changes.numbers(settings, len(scene.bands)))
    reference = scene.reference
    return replace(
        scene,
        pixels=scene.pixels[:, kept],
        bands=tuple(scene.bands[band] for band in kept),
        reference=None if reference is None else reference[kept],
    )


def filled(pixels: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Pixels (..., H, W) with the mean of their band where they are not valid.

    A resampling then carries no border of a gap into its neighbours.
    """
    if valid.all():
        return pixels
    count = np.maximum(valid.sum(axis=(-2, -1), keepdims=True), 1)
    mean = np.where(valid, pixels, 0).sum(axis=(-2, -1), keepdims=True, dtype=np.float64) / count
    return np.where(valid, pixels, mean).astype(np.float32)


def _said(settings: changes.Degrade) -> str:
    """What was done, in words."""
    blur = f", after a Gaussian blur of {settings.blur:g} px" if settings.blur else ""
    noise = f", with noise of {settings.noise:g} of the spread" if settings.noise else ""
    return f"Made {settings.scale} times coarser here by bicubic resampling{blur}{noise}."
