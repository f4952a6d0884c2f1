"""Scenes made noisier, poorer or coarser on purpose: what a model says then shows how robust it is.

Each function takes a scene, its settings (declared in `core.changes`) and a seed, and gives
another scene with the same labels. Pixels without data stay without.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core import changes
from rsviz.core.model import Change
from rsviz.core.options import build
from rsviz.core.scene import Scene

Changer = Callable[[Scene, Any, int], Scene]


def apply(scene: Scene, wanted: tuple[Change, ...], seed: int) -> Scene:
    """A scene after some changes, one after the other.

    Args:
        scene: the scene as it was read.
        wanted: what to do to it, in order.
        seed: of everything random; the same seed gives the same scene.

    Raises:
        BadOption: there is no such kind of change, or a setting is out of range.
    """
    for change in wanted:
        kind = changes.kind(change.name)
        module, _, name = kind.function.partition(":")
        changer: Changer = getattr(importlib.import_module(module), name)
        scene = changer(scene, build(kind.options, change.settings), seed)
    return scene


def noise(scene: Scene, settings: changes.Noise, seed: int) -> Scene:
    """Add Gaussian noise whose size follows each band's own spread over valid pixels."""
    rng = np.random.default_rng(seed)
    spread = np.stack([_spread(scene, band) for band in range(scene.shape[1])])
    added = rng.standard_normal(scene.shape, dtype=np.float32)
    added *= np.float32(settings.sigma) * spread[:, None, None]  # (C, 1, 1)
    return with_pixels(scene, scene.pixels + added)


def set_dates(scene: Scene, settings: changes.SetDates, seed: int) -> Scene:
    """Give the images other dates."""
    return replace(scene, dates=changes.dates_of(settings, scene.shape[0]))


def drop_dates(scene: Scene, settings: changes.DropDates, seed: int) -> Scene:
    """Mask whole dates: drawn at random, or those at the beginning or the end of the series."""
    count = scene.shape[0]
    order = np.random.default_rng(seed).permutation(count)
    if settings.which != "random":
        order = np.arange(count) if settings.which == "first" else np.arange(count)[::-1]
    dropped = order[: math.ceil(settings.share * count)]
    valid = scene.valid.copy()
    valid[dropped] = False
    pixels = np.where(valid[:, None], scene.pixels, np.float32(0))
    return replace(scene, pixels=pixels, valid=valid)


def with_pixels(scene: Scene, pixels: NDArray[np.float32]) -> Scene:
    """The scene with other pixels (T, C, H, W), 0 where there is no data."""
    return replace(scene, pixels=np.where(scene.valid[:, None], pixels, np.float32(0)))


def _spread(scene: Scene, band: int) -> np.float32:
    values = scene.pixels[:, band][scene.valid]
    return np.float32(values.std() if values.size else 0)
