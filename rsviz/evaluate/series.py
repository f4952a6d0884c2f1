"""Series of dates on the way into a baseline: gaps bridged, or told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from rsviz.core.scene import Scene

YEAR_DAYS = 365.0


def gap_filled(scene: Scene) -> Scene:
    """The scene with every gap of a pixel bridged by a straight line in time.

    Before the first clear date and after the last one the nearest clear value stands. Pixels that
    are never clear stay as they are.
    """
    valid = scene.valid
    if valid.all():
        return scene
    days = days_since_first(scene)
    number = np.arange(len(days))[:, None, None]
    before = np.maximum.accumulate(np.where(valid, number, -1), axis=0)
    after = np.minimum.accumulate(np.where(valid, number, len(days))[::-1], axis=0)[::-1]
    first = np.where(before < 0, np.minimum(after, len(days) - 1), before)
    last = np.where(after == len(days), first, after)
    span = np.maximum(days[last] - days[first], 1e-6)
    share = np.clip((days[:, None, None] - days[first]) / span, 0.0, 1.0)[:, None]
    low, high = (np.take_along_axis(scene.pixels, at[:, None], axis=0) for at in (first, last))
    filled = (1.0 - share) * low + share * high
    seen = np.broadcast_to(valid.any(axis=0), valid.shape)
    return replace(scene, pixels=filled.astype(np.float32) * seen[:, None], valid=seen.copy())


def days_since_first(scene: Scene) -> NDArray[np.float32]:
    """Days since the first date (T,); without dates, evenly over a year."""
    if not scene.dates:
        return np.linspace(0.0, YEAR_DAYS, scene.shape[0], dtype=np.float32)
    first = date.fromisoformat(scene.dates[0])
    days = [(date.fromisoformat(day) - first).days for day in scene.dates]
    return np.array(days, np.float32)
