"""Where in a scene a model is worst: squares with the most wrong pixels, apart from each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis.judged import Judged, Mask
from rsviz.core.grid import Window

PER_SIDE = 9  # squares that fit along the shorter side of a scene
SMALLEST, LARGEST = 8, 64


@dataclass(frozen=True)
class Region:
    """A square of the scene with many wrong pixels.

    Attributes:
        window: where.
        wrong: wrong test pixels in it.
        tested: test pixels in it.
        most: (true, predicted) class of the most frequent confusion.
        share: fraction of the wrong pixels that are this confusion.
    """

    window: Window
    wrong: int
    tested: int
    most: tuple[int, int]
    share: float


def side_for(shape: tuple[int, int]) -> int:
    """Side in pixels of the squares that suit a scene."""
    return max(1, min(*shape, max(SMALLEST, min(LARGEST, min(shape) // PER_SIDE))))


def worst(judged: Judged, counted: Mask, most: int = 12) -> list[Region]:
    """The squares with the most wrong pixels; no two of them overlap.

    Args:
        judged: the test pixels.
        counted: (N,) which of them count.
        most: how many squares at most.
    """
    side = side_for(judged.shape)
    wrong = counted & ~judged.right
    errors = _sums(judged.on_map(wrong.astype(np.int64), 0), side)
    tested = _sums(judged.on_map(counted.astype(np.int64), 0), side)
    found: list[Region] = []
    while len(found) < most and errors.size and errors.max() > 0:
        # of the squares with the most wrong pixels, that with the fewest right ones
        place = np.where(errors == errors.max(), -tested, -tested.max() - 1).argmax()
        row, col = (int(i) for i in np.unravel_index(place, errors.shape))
        window = Window(row, col, side, side)
        pair, share = _confusion(judged, wrong, window)
        found.append(Region(window, int(errors[row, col]), int(tested[row, col]), pair, share))
        errors[max(0, row - side + 1) : row + side, max(0, col - side + 1) : col + side] = 0
    return found


def _sums(values: NDArray[np.generic], side: int) -> NDArray[np.int64]:
    """Sum of each square of a raster (H, W): (H - side + 1, W - side + 1)."""
    total: NDArray[np.int64] = np.pad(np.asarray(values, np.int64), ((1, 0), (1, 0)))
    total = total.cumsum(0).cumsum(1)
    return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]


def _confusion(judged: Judged, wrong: Mask, window: Window) -> tuple[tuple[int, int], float]:
    rows, cols = np.divmod(judged.at, judged.shape[1])
    inside = wrong & (rows >= window.row) & (rows < window.row + window.height)
    inside &= (cols >= window.col) & (cols < window.col + window.width)
    pairs, counts = np.unique(
        np.stack([judged.true[inside], judged.predicted[inside]]), axis=1, return_counts=True
    )
    best = int(counts.argmax())
    true, predicted = (int(v) for v in pairs[:, best])
    return (true, predicted), float(counts[best] / counts.sum())
