"""Cutting a large scene into overlapping windows and putting raster layers together again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rsviz.core.grid import Grid, Window
from rsviz.core.layers import RasterLayer

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Tile:
    """A window to compute and the part of it that counts.

    Attributes:
        window: what is read, core plus halo, inside the scene.
        core: the part that belongs to this tile alone; the cores cover the scene once.
    """

    window: Window
    core: Window


def tiles(height: int, width: int, tile: int, halo: int) -> Iterator[Tile]:
    """Cores of at most `tile` pixels a side, each with up to `halo` pixels around it."""
    for row, rows in _spans(height, tile):
        for col, cols in _spans(width, tile):
            top, left = max(0, row - halo), max(0, col - halo)
            bottom, right = min(height, row + rows + halo), min(width, col + cols + halo)
            yield Tile(Window(top, left, bottom - top, right - left), Window(row, col, rows, cols))


def _spans(length: int, tile: int) -> list[tuple[int, int]]:
    """Nearly equal pieces (start, size) of at most `tile`, so that no sliver is left over."""
    count = -(-length // tile)
    edges = [round(i * length / count) for i in range(count + 1)]
    return [(a, b - a) for a, b in pairwise(edges)]


class Stitcher:
    """Collects one raster layer tile by tile: numbers are blended over the halo, classes cut.

    Layers finer than the scene (x4 images) are placed by the ratio of their grid to the tile.
    """

    def __init__(self, grid: Grid, halo: int) -> None:
        self._grid, self._halo = grid, halo
        self._sum: Floats | None = None
        self._weight: Floats | None = None
        self._classes: NDArray[np.int16] | None = None
        self._like: RasterLayer | None = None

    def add(self, tile: Tile, layer: RasterLayer) -> None:
        """Put the layer of one tile in its place."""
        data: NDArray[np.generic] = layer.data  # type: ignore[attr-defined]
        scale = layer.grid.height // tile.window.height
        height, width = self._grid.height * scale, self._grid.width * scale
        self._like = layer
        if data.dtype.kind in "iu":
            if self._classes is None:
                self._classes = np.full((height, width), -1, np.int16)
            core, window = tile.core, tile.window
            inner = Window(core.row - window.row, core.col - window.col, core.height, core.width)
            self._classes[_scaled(core, scale)] = data[_scaled(inner, scale)]
            return
        if self._sum is None or self._weight is None:
            self._sum = np.zeros((*data.shape[:-2], height, width), np.float32)
            self._weight = np.zeros((height, width), np.float32)
        place = _scaled(tile.window, scale)
        ramp = np.outer(
            self._ramp(tile.window.row, tile.window.height, self._grid.height, scale),
            self._ramp(tile.window.col, tile.window.width, self._grid.width, scale),
        ).astype(np.float32)
        defined = np.isfinite(data).reshape(-1, *data.shape[-2:]).all(axis=0)
        ramp = np.where(defined, ramp, 0.0).astype(np.float32)
        self._sum[(..., *place)] += np.where(defined, data, 0.0) * ramp
        self._weight[place] += ramp

    def layer(self) -> RasterLayer:
        """The whole layer, on the grid of the scene (or finer)."""
        if self._like is None:
            raise ValueError("no tile was added")
        data: NDArray[np.generic]
        if self._classes is not None:
            data = self._classes
        else:
            assert self._sum is not None and self._weight is not None
            with np.errstate(divide="ignore", invalid="ignore"):
                data = np.where(self._weight > 0, self._sum / self._weight, np.nan)
        grid = self._grid.resized(*data.shape[-2:])
        return replace(self._like, grid=grid, data=data)  # type: ignore[call-arg]

    def _ramp(self, start: int, size: int, total: int, scale: int) -> Floats:
        """Weights along one axis, except at the border of the scene.

        The outer half of the halo counts nothing, for there a model misses its context; then
        the weight rises from 0 to 1 over the length of a halo, across the border of the core.
        """
        n, halo = size * scale, self._halo * scale
        ramp = np.ones(n, np.float32)
        if halo == 0:
            return ramp
        position = np.arange(n, dtype=np.float32) + 0.5
        if start > 0:
            ramp = np.minimum(ramp, np.clip((position - halo / 2) / halo, 0.0, 1.0))
        if start + size < total:
            ramp = np.minimum(ramp, np.clip((n - position - halo / 2) / halo, 0.0, 1.0))
        return ramp


def _scaled(window: Window, scale: int) -> tuple[slice, slice]:
    return (
        slice(window.row * scale, (window.row + window.height) * scale),
        slice(window.col * scale, (window.col + window.width) * scale),
    )
