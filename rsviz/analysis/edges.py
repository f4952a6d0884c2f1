"""Values along a line across images of the same ground, and how sharp an edge there is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core.grid import Grid

Point = tuple[float, float]
Numbers = NDArray[np.float64]

SAMPLES = 512
PLATEAU = 0.15  # share of the line at each end that gives the two levels of an edge
LEAST_STEP = 4.0  # an edge must rise by so many times the spread on its plateaus


@dataclass(frozen=True)
class Line:
    """A line on the ground of a scene, between two points in its pixel coordinates (row, col)."""

    start: Point
    end: Point

    @property
    def length_px(self) -> float:
        """Length in pixels of the scene."""
        return math.dist(self.start, self.end)


def profile(image: NDArray[Any], grid: Grid, line: Line, scene: Grid) -> Numbers:
    """Values of an image along a line, interpolated between the centres of its pixels.

    Args:
        image: (H, W) or (C, H, W) on `grid`, of any fineness.
        grid: of the image.
        line: in pixel coordinates of the scene; (0.5, 0.5) is the centre of its first pixel.
        scene: grid of the scene.

    Returns:
        (SAMPLES,) or (C, SAMPLES) values; NaN outside the image.
    """
    share = np.linspace(0.0, 1.0, SAMPLES)
    (r0, c0), (r1, c1) = line.start, line.end
    places = [scene.xy(r0 + (r1 - r0) * t, c0 + (c1 - c0) * t) for t in share]
    rows, cols = np.array([grid.fractional(*place) for place in places]).T - 0.5  # from centres
    height, width = grid.shape
    inside = (rows > -0.5) & (rows < height - 0.5) & (cols > -0.5) & (cols < width - 0.5)
    rows, cols = np.clip(rows, 0, height - 1), np.clip(cols, 0, width - 1)
    top, left = (np.minimum(a.astype(np.intp), n - 1) for a, n in ((rows, height), (cols, width)))
    low, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, along = rows - top, cols - left
    upper = image[..., top, left] * (1 - along) + image[..., top, right] * along
    lower = image[..., low, left] * (1 - along) + image[..., low, right] * along
    return np.where(inside, upper * (1 - down) + lower * down, np.nan)


def rise_distance(values: NDArray[Any], length: float) -> float | None:
    """The distance over which an edge rises from 10 to 90 % of its height.

    The levels are the medians of the first and the last 15 % of the line.

    Args:
        values: (N,) along a line that crosses one edge.
        length: of the line, in any unit.

    Returns:
        The distance in that unit; None where the line crosses no clear edge.
    """
    values = np.asarray(values, np.float64)
    count = max(2, round(PLATEAU * values.size))
    ends = values[:count], values[-count:]
    if not np.isfinite(values).all():
        return None
    first, last = (float(np.median(end)) for end in ends)
    spread = max(float(end.std()) for end in ends)
    if first == last or abs(last - first) < LEAST_STEP * spread:
        return None
    share = (values - first) / (last - first)
    middle = int(np.argmax(share >= 0.5))
    if middle == 0:
        return None
    low, high = _crossing(share[: middle + 1][::-1], 0.1), _crossing(1 - share[middle - 1 :], 0.1)
    if low is None or high is None:
        return None
    steps = (low - 1) + high  # both walks hold the step between `middle - 1` and `middle`
    return steps * length / (values.size - 1)


def _crossing(falling: Numbers, level: float) -> float | None:
    """How many steps it takes until falling values reach a level; None when they never do."""
    below = np.flatnonzero(falling <= level)
    if not below.size or below[0] == 0:
        return None
    at = int(below[0])
    above, under = falling[at - 1], falling[at]
    return at - 1 + float((above - level) / (above - under))
