"""Questions about a stack of dates: all dates as images, the series of a pixel or of an area.

Plain numpy over a `Source`, block by block like `jobs.display`; a reader runs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis.indices import INDICES, bands_for, offered
from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.palettes import paint_ramp, ramp_for
from rsviz.core.scene import Band, Scene, Source
from rsviz.draw.colour import Limits, blended
from rsviz.jobs.blocks import Floats, check_bands, pieces, thinned
from rsviz.jobs.display import check_look

MOST_PIXELS = 16_000_000  # of all pictures together
MOST_SIDE = 1024


@dataclass(frozen=True)
class Pictures:
    """Every date as an image.

    Attributes:
        images: (T, H, W, 4) uint8; alpha is 0 where there is no data.
        limits: (low, high) of each band, or of the index.
        grid: of the images; coarser than the scene's when the scene is large.
        clear: (T,) float32, share of pixels with data.
    """

    images: NDArray[np.uint8]
    limits: Limits
    grid: Grid
    clear: Floats


@dataclass(frozen=True)
class AreaSeries:
    """Mean and spread of the pixels of a window at every date.

    Attributes:
        mean: (T, C) float32; NaN at a date without any valid pixel.
        std: (T, C) float32, standard deviation of the pixels.
        counts: (T,) number of valid pixels.
    """

    mean: Floats
    std: Floats
    counts: NDArray[np.int64]


def series(source: Source, row: int, col: int) -> Floats:
    """All bands of one pixel at all dates, (T, C); NaN where there is no data."""
    scene = source.read(Window(row, col, 1, 1))
    values = scene.pixels[:, :, 0, 0]
    return np.where(scene.valid[:, :, 0], values, np.float32(np.nan))


def area(source: Source, window: Window, members: NDArray[np.bool_] | None = None) -> AreaSeries:
    """Mean and standard deviation of every band over the valid pixels of a window, by date.

    Args:
        source: the scene.
        window: where the pixels lie.
        members: (H, W) which pixels of the scene count; None for all.

    Raises:
        SceneMismatch: the window reaches beyond the scene, or `members` do not cover it.
    """
    about = source.describe()
    about.grid.crop(window)
    if members is not None and members.shape != about.grid.shape:
        raise SceneMismatch(
            f"Members are given for {members.shape} pixels; the scene has {about.grid.shape}."
        )
    dates, channels = about.shape[:2]
    total, squares = np.zeros((dates, channels)), np.zeros((dates, channels))
    counts = np.zeros(dates, np.int64)
    origin: NDArray[np.float64] | None = None
    for part in pieces(window, dates * channels, about):
        scene = source.read(part)
        valid = scene.valid if members is None else scene.valid & members[part.rows, part.cols]
        seen = valid[:, None].astype(np.float64)  # (T, 1, h, w)
        pixels = scene.pixels.astype(np.float64)
        if origin is None:
            origin = pixels.mean(axis=(2, 3))
        pixels -= origin[:, :, None, None]
        total += np.einsum("tchw,tkhw->tc", pixels, seen)
        squares += np.einsum("tchw,tchw,tkhw->tc", pixels, pixels, seen)
        counts += valid.sum(axis=(1, 2))
    number = np.maximum(counts, 1)[:, None]
    mean = total / number
    spread = np.sqrt(np.maximum(squares / number - mean**2, 0.0))
    start = np.zeros((dates, channels)) if origin is None else origin
    none = counts[:, None] == 0
    return AreaSeries(
        np.where(none, np.nan, mean + start).astype(np.float32),
        np.where(none, np.nan, spread).astype(np.float32),
        counts,
    )


def pictures(
    source: Source, bands: tuple[int, ...], index: str = "", limits: Limits | None = None
) -> Pictures:
    """Every date as an image of one or three bands, or of a spectral index.

    All dates share one stretch, so that a brighter picture is a brighter ground.

    Args:
        source: the scene.
        bands: one or three band indices; ignored with an index.
        index: name of an index of `analysis.indices`; "" for bands.
        limits: (low, high) of each band or of the index; None for 2 to 98 % of all dates.

    Raises:
        SceneMismatch: a band does not exist, or the scene has no bands for the index.
    """
    about = source.describe()
    if not index:
        check_look(source, bands, limits)
    taken = _bands_of(index, about.bands) if index else bands
    check_bands(source, taken)
    dates = about.shape[0]
    side = min(MOST_SIDE, int((MOST_PIXELS / dates) ** 0.5))
    grid = thinned(source, side)
    shown = 1 if index else len(bands)
    planes = np.empty((shown, dates, *grid.shape), np.float32)
    clear, total = np.zeros(dates), 0
    for place, scene in _thinned_blocks(source, taken, grid):
        values = scene.pixels.swapaxes(0, 1)  # (T, C, h, w) -> (C, T, h, w)
        if index:
            values = INDICES[index].compute(*values)[None]
        planes[:, :, *place] = np.where(scene.valid, values, np.float32(np.nan))
        clear += scene.valid.sum(axis=(1, 2))
        total += scene.valid[0].size
    share = (clear / max(1, total)).astype(np.float32)
    if index:
        spread = limits or (INDICES[index].limits,)
        name = ramp_for("scalar_map", index)
        images = np.stack([paint_ramp(plane, name, spread[0]) for plane in planes[0]])
        return Pictures(images, spread, grid, share)
    wide = [plane.reshape(dates * grid.height, grid.width) for plane in planes]  # (T*H, W)
    image, found = blended(wide, limits)
    return Pictures(image.reshape(dates, *grid.shape, 4), found, grid, share)


def _bands_of(index: str, bands: tuple[Band, ...]) -> tuple[int, ...]:
    """The bands that an index takes.

    Raises:
        SceneMismatch: the scene has none for it, or there is no such index.
    """
    found = bands_for(INDICES[index], bands) if index in INDICES else None
    if found is None:
        raise SceneMismatch(
            f"The scene has no bands for the index '{index}'.",
            f"It allows: {', '.join(offered(bands)) or 'none'}.",
        )
    return found


def _thinned_blocks(
    source: Source, bands: tuple[int, ...], grid: Grid
) -> Iterator[tuple[tuple[slice, slice], Scene]]:
    """Blocks of a thinned grid with all dates: where, and the scene at the cells' centres."""
    about = source.describe()
    rows, cols = (
        ((np.arange(count) + 0.5) * (whole / count)).astype(np.int64)
        for count, whole in zip(grid.shape, about.grid.shape, strict=True)
    )
    for window in pieces(about.grid.window, about.shape[0] * max(1, len(bands)), about):
        top, bottom = np.searchsorted(rows, (window.row, window.row + window.height))
        left, right = np.searchsorted(cols, (window.col, window.col + window.width))
        if top == bottom or left == right:
            continue
        scene = source.read(window, bands)
        down, across = rows[top:bottom] - window.row, cols[left:right] - window.col
        smaller = Scene(
            scene.pixels[:, :, down][..., across],
            scene.valid[:, down][..., across],
            scene.bands,
            Grid(int(bottom - top), int(right - left)),
        )
        yield (slice(int(top), int(bottom)), slice(int(left), int(right))), smaller
