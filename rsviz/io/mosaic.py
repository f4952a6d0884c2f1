"""Tiles of one scene in files of their own, read as the one scene that they are.

The tiles are named NAME_tile_COL_ROW.tif, share grid spacing and bands, and need not fill the
rectangle that they span: what lies between them has no data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Grid, Window
from rsviz.core.scene import Description
from rsviz.io.budget import Budget
from rsviz.io.calibration import Calibration
from rsviz.io.paths import mosaic_of, shown, truth_of
from rsviz.io.source import Block, Classes, Labels, Request, SceneSource


@dataclass(frozen=True)
class MosaicPixels:
    """Values of tiles that lie side by side; NaN where none lies.

    Attributes:
        tiles: the part of the mosaic that each tile covers, and the tile.
    """

    tiles: tuple[tuple[Window, SceneSource], ...]

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        data = np.full((1, len(bands), window.height, window.width), np.nan, np.float32)
        mask = np.zeros((window.height, window.width), np.bool_)
        for place, tile in self.tiles:
            row, last_row = _shared(place.rows, window.rows)
            col, last_col = _shared(place.cols, window.cols)
            if row >= last_row or col >= last_col:
                continue
            height, width = last_row - row, last_col - col
            scene = tile.read(Window(row - place.row, col - place.col, height, width), tuple(bands))
            into = Window(row - window.row, col - window.col, height, width)
            data[0, :, into.rows, into.cols] = scene.pixels[0]
            mask[into.rows, into.cols] = scene.valid[0]
        yield Block(slice(0, len(bands)), window.rows, data, mask)

    def close(self) -> None:
        for _, tile in self.tiles:
            tile.close()


def open_mosaic(first: Path, classes: Classes, budget: Budget) -> SceneSource:
    """Open all tiles of the mosaic to which a file belongs, with their reference labels.

    Args:
        first: one of the tiles.
        classes: names of the labels.
        budget: byte limits.

    Raises:
        UnreadableScene: a tile is damaged, or does not fit the others.
    """
    from rsviz.io.raster import open_raster

    paths = mosaic_of(first)
    request = Request(budget)
    tiles = [open_raster(path, request, "geotiff") for path in paths]
    scene = _mosaic(first, tiles, budget)
    beside = [truth_of(path) for path in paths]
    if not all(beside):
        return scene
    labels = [open_raster(path, request, "geotiff") for path in beside if path is not None]
    told = f"Reference labels come from {len(labels)} files beside the tiles."
    return scene.paired(Labels(_mosaic(first, labels, budget), classes), (told,))


def _mosaic(first: Path, tiles: Sequence[SceneSource], budget: Budget) -> SceneSource:
    """Tiles as one source."""
    about = [tile.describe() for tile in tiles]
    head = about[0]
    for other in about[1:]:
        if not _alike(other, head):
            raise UnreadableScene(
                f"'{shown(other.name)}' is no tile of the scene of '{shown(head.name)}': bands, "
                "pixel size or coordinate system differ."
            )
    a, _, _, _, e, _ = head.grid.affine
    left, top = min(d.grid.affine[2] for d in about), max(d.grid.affine[5] for d in about)
    places = [
        Window(
            round((d.grid.affine[5] - top) / e), round((d.grid.affine[2] - left) / a), *d.grid.shape
        )
        for d in about
    ]
    height = max(place.row + place.height for place in places)
    width = max(place.col + place.width for place in places)
    covered = sum(place.height * place.width for place in places)
    grid = Grid(height, width, head.grid.crs, (a, 0.0, left, 0.0, e, top), head.grid.pixel_m)
    described = replace(
        head,
        name=shown(first.stem.partition("_tile_")[0]),
        driver="mosaic",
        shape=(*head.shape[:2], height, width),
        grid=grid,
        nodata=None,
        stored_bytes=sum(d.stored_bytes for d in about),
        notes=(
            *head.notes,
            f"{len(tiles)} tiles lie side by side and cover {covered / (height * width):.0%} of "
            "the rectangle; the rest has no data.",
        ),
    )
    return SceneSource(
        described, MosaicPixels(tuple(zip(places, tiles, strict=True))), Calibration(), budget
    )


def _alike(one: Description, other: Description) -> bool:
    """Whether two tiles can lie side by side: same bands, pixels, coordinates and meaning."""
    ours, theirs = one.grid.affine, other.grid.affine
    return (
        one.shape[:2] == other.shape[:2]
        and one.grid.crs == other.grid.crs
        and one.quantity == other.quantity
        and ours[:2] + ours[3:5] == theirs[:2] + theirs[3:5]
        and ours[1] == ours[3] == 0.0
    )


def _shared(one: slice, other: slice) -> tuple[int, int]:
    """Where two ranges meet; empty when the first number is not below the second."""
    return max(one.start, other.start), min(one.stop, other.stop)
