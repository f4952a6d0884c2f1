"""How a scene larger than memory is walked over: in pieces that follow the blocks of its file."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.scene import Description, Source

Floats = NDArray[np.float32]
BLOCK_BYTES, LARGEST_BLOCK_BYTES = 8 * 2**20, 64 * 2**20


def check_bands(source: Source, bands: tuple[int, ...]) -> None:
    """Make sure that bands exist.

    Raises:
        SceneMismatch: one does not.
    """
    count = source.describe().shape[1]
    for band in bands:
        if not 0 <= band < count:
            raise SceneMismatch(f"Band {band + 1} does not exist; the scene has {count} bands.")


def thinned(source: Source, max_side: int) -> Grid:
    """The grid of the scene, or one over the same ground with at most `max_side` pixels a side."""
    grid = source.describe().grid
    step = max(grid.shape) / max_side
    if step <= 1:
        return grid
    return grid.resized(max(1, round(grid.height / step)), max(1, round(grid.width / step)))


def blocks(
    source: Source, bands: tuple[int, ...], grid: Grid
) -> Iterator[tuple[tuple[slice, slice], Floats, NDArray[np.bool_]]]:
    """Blocks of a (thinned) grid: where, values (C, h, w), validity (h, w).

    A thinned grid holds the pixels at the centres of its cells: of the file's overview that is
    fine enough, if there is one, and else of the file, whose other rows are not read where that
    saves anything.
    """
    full = source.describe().grid
    factor, source = coarsest(source, min(full.height // grid.height, full.width // grid.width))
    description = source.describe()
    whole = description.grid
    rows = _nearest(grid.height, full.height) // factor
    cols = _nearest(grid.width, full.width) // factor
    if description.block[0] * grid.height < whole.height and not tiled(description):
        windows = iter([Window(int(row), 0, 1, whole.width) for row in rows])
    else:
        windows = pieces(whole.window, len(bands), description)
    for window in windows:
        top, bottom = np.searchsorted(rows, (window.row, window.row + window.height))
        left, right = np.searchsorted(cols, (window.col, window.col + window.width))
        if top == bottom or left == right:
            continue
        scene = source.read(window, bands)
        block, valid = scene.pixels[0], scene.valid[0]
        if grid.shape != whole.shape:
            picked = np.ix_(rows[top:bottom] - window.row, cols[left:right] - window.col)
            block, valid = block[:, *picked], valid[picked]
        yield (slice(int(top), int(bottom)), slice(int(left), int(right))), block, valid


def coarsest(source: Source, at_most: int) -> tuple[int, Source]:
    """The coarsest copy of a scene whose pixels span at most so many of its own, and how many."""
    found: tuple[int, Source] = 1, source
    for factor, copy in source.overviews().items():
        if found[0] < factor <= at_most:
            found = factor, copy
    return found


def pieces(
    window: Window, channels: int, description: Description, multiple: int = 1
) -> Iterator[Window]:
    """A window in pieces of about 8 MB that follow the blocks of the file.

    A tile is decoded whole, even for one of its rows: pieces that cut across tiles would decode
    each of them again and again. A single tile may therefore have up to 64 MB.

    Args:
        window: what to cut.
        channels: number of bands read.
        description: of the file.
        multiple: pieces are cut only at rows and columns divisible by this.
    """
    most = max(1, BLOCK_BYTES // (4 * channels))
    largest = max(most, LARGEST_BLOCK_BYTES // (4 * channels))
    rows, cols = description.block
    cols = cols or description.grid.width
    rows, cols = math.lcm(rows, multiple), math.lcm(cols, multiple)
    if rows * cols > largest:  # too large to be held: read across it
        rows = max(1, most // (cols * multiple)) * multiple
    if rows * cols > largest:
        cols = max(1, most // (rows * multiple)) * multiple
    tall = rows * max(1, most // (rows * window.width))
    wide = cols * max(1, most // (rows * cols))
    if rows * window.width <= most:
        wide = window.col + window.width  # in one
    for top, bottom in _cuts(window.row, window.height, tall):
        for left, right in _cuts(window.col, window.width, wide):
            yield Window(top, left, bottom - top, right - left)


def tiled(description: Description) -> bool:
    """Whether the file decodes less than whole rows."""
    return 0 < description.block[1] < description.grid.width


def _nearest(count: int, total: int) -> NDArray[np.int64]:
    """For each of `count` cells the index of the pixel at its centre, out of `total`."""
    return ((np.arange(count) + 0.5) * (total / count)).astype(np.int64)


def _cuts(start: int, size: int, step: int) -> Iterator[tuple[int, int]]:
    """A span cut at multiples of a step."""
    end = start + size
    while start < end:
        after = min(end, (start // step + 1) * step)
        yield start, after
        start = after
