"""A scene as an image in many sizes: each level halves the one before, averaging over the ground.

Level k has cells of 2^k x 2^k pixels. The colour of a cell is the average of its pixels that hold
data, each stretched to 0..255 first, and its alpha is their share. Nothing is made ahead: a
reader makes the part that somebody looks at (`averaged`), from the file's own overviews where it
has them, and the web process keeps it (`Pyramid`). The coarsest levels, where a part would span
most of the file, are averaged from the parts of a finer one instead.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from rsviz.core.grid import Grid, Window
from rsviz.core.scene import Description, Source
from rsviz.draw.colour import Limits, as_bytes
from rsviz.jobs.blocks import Floats, coarsest, pieces, tiled
from rsviz.jobs.display import check_look

Rgba = NDArray[np.uint8]
Make = Callable[[int, Window], Rgba]

SMALL_SIDE = 2048  # scenes up to this many pixels a side are shown as one image
TILED_PART, STRIPED_PART = (512, 512), (256, 2048)  # cells made at once, by how the file is cut
CACHE_BYTES = 192 * 2**20


def averaged(
    source: Source, bands: tuple[int, ...], limits: Limits, level: int, window: Window
) -> Rgba:
    """Part of a level: an image (h, w, 4) of the size of a window in cells of that level.

    Raises:
        SceneMismatch: the bands cannot be shown, or the window reaches beyond the level.
    """
    check_look(source, bands, limits)
    source.describe().grid.coarser(2**level).crop(window)
    factor, copy = coarsest(source, 2**level)
    step = 2**level // factor
    description = copy.describe()
    fine = _spanned(window, step, description.grid)
    sums = np.zeros((len(bands) + 1, window.height, window.width), np.float32)
    for piece in pieces(fine, len(bands), description, step):
        part = _sums(_stretched(copy, piece, bands, limits), step)
        top, left = piece.row // step - window.row, piece.col // step - window.col
        sums[:, top : top + part.shape[1], left : left + part.shape[2]] = part
    colours = sums[:-1] / np.maximum(sums[-1], 1)
    return _image(colours, sums[-1] / _sizes(window, step, description.grid))


class Parts:
    """Parts of images by name, the most recently used ones under a byte limit."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes, self._bytes = max_bytes, 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Rgba] = OrderedDict()

    def get(self, name: Hashable) -> Rgba | None:
        """The part of this name, if it is still kept."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def put(self, name: Hashable, part: Rgba) -> None:
        """Keep a part; those that were not used for longest make room."""
        with self._lock:
            if name not in self._kept:
                self._kept[name] = part
                self._bytes += part.nbytes
            while self._bytes > self._max_bytes and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes


class Pyramid:
    """All levels of one scene in one look, made when they are looked at; for many threads.

    Args:
        about: the scene.
        make: gives the image of a window of a level, as `averaged` does.
        parts: where parts are kept.
        name: of this scene and look; pyramids of one name share their parts.
    """

    def __init__(self, about: Description, make: Make, parts: Parts, name: Hashable) -> None:
        self.grid = about.grid
        self._make, self._parts, self._name = make, parts, name
        self._lock = threading.RLock()
        self._shape = TILED_PART if tiled(about) else STRIPED_PART
        self._made = _halvings(about.grid, SMALL_SIDE)  # coarser levels are averaged from this one

    @property
    def coarsest(self) -> int:
        """The level at which the whole scene is a single cell."""
        return _halvings(self.grid, 1)

    def shape(self, level: int) -> tuple[int, int]:
        """Rows and columns of a level."""
        return self.grid.coarser(2**level).shape

    def read(self, level: int, window: Window) -> Rgba:
        """The image of a window of a level.

        Raises:
            RsvizError: what the reader says.
        """
        out = np.zeros((window.height, window.width, 4), np.uint8)
        height, width = self._shape
        for top in range(window.row // height * height, window.row + window.height, height):
            for left in range(window.col // width * width, window.col + window.width, width):
                part = self._part(level, top, left)
                row, col = max(top, window.row), max(left, window.col)
                found = part[row - top :, col - left :][
                    : window.row + window.height - row, : window.col + window.width - col
                ]
                row, col = row - window.row, col - window.col
                out[row : row + found.shape[0], col : col + found.shape[1]] = found
        return out

    def _part(self, level: int, top: int, left: int) -> Rgba:
        name = self._name, level, top, left
        part = self._parts.get(name)
        if part is None:
            with self._lock:  # whoever waits for the same part finds it
                part = self._parts.get(name)
                if part is None:
                    part = self._fresh(level, top, left)
                    self._parts.put(name, part)
        return part

    def _fresh(self, level: int, top: int, left: int) -> Rgba:
        height, width = self.shape(level)
        rows, cols = min(self._shape[0], height - top), min(self._shape[1], width - left)
        window = Window(top, left, rows, cols)
        if level <= self._made:
            return self._make(level, window)
        finer = _spanned(window, 2, self.grid.coarser(2 ** (level - 1)))
        return _halved(self.read(level - 1, finer), _sizes(finer, 2 ** (level - 1), self.grid))


def _halvings(grid: Grid, side: int) -> int:
    """How often a grid must be halved until no side exceeds a length."""
    level = 0
    while max(grid.shape) > side * 2**level:
        level += 1
    return level


def _spanned(window: Window, step: int, grid: Grid) -> Window:
    """The pixels of a grid in a window of cells of `step` x `step` of them."""
    row, col = window.row * step, window.col * step
    height, width = window.height * step, window.width * step
    return Window(row, col, min(height, grid.height - row), min(width, grid.width - col))


def _stretched(source: Source, window: Window, bands: tuple[int, ...], limits: Limits) -> Floats:
    """Stretched bands and, last, 1 where all hold data: (C + 1, h, w); 0 where one does not."""
    scene = source.read(window, bands)
    planes = np.empty((len(bands) + 1, window.height, window.width), np.float32)
    planes[:-1] = scene.pixels[0]
    seen = scene.valid[0] & np.isfinite(scene.pixels[0]).all(axis=0)
    for plane, (low, high) in zip(planes[:-1], limits, strict=True):
        as_bytes(plane, low, high)
    planes[-1] = 1.0
    planes *= seen
    return planes


def _sums(planes: Floats, step: int) -> Floats:
    """Sums over cells of step x step pixels, a power of 2; cells at the end may be smaller."""
    while step > 1:
        for axis in (1, 2):
            odd = [(0, size % 2 if i == axis else 0) for i, size in enumerate(planes.shape)]
            whole = np.pad(planes, odd) if planes.shape[axis] % 2 else planes
            first, second = ((slice(None),) * axis + (slice(i, None, 2),) for i in (0, 1))
            planes = whole[first] + whole[second]
        step //= 2
    return planes


def _sizes(window: Window, step: int, grid: Grid) -> Floats:
    """How many pixels of a grid each cell of a window holds: fewer than step x step at the end."""
    rows = np.minimum(step, grid.height - step * np.arange(window.row, window.row + window.height))
    cols = np.minimum(step, grid.width - step * np.arange(window.col, window.col + window.width))
    return np.outer(rows, cols).astype(np.float32)


def _halved(image: Rgba, sizes: Floats) -> Rgba:
    """An image of half the size: its alpha is averaged over the ground, colours by alpha.

    Args:
        image: (h, w, 4).
        sizes: (h, w) how much ground each of its cells covers.
    """
    planes = np.moveaxis(image, -1, 0).astype(np.float32)  # (h, w, 4) -> (4, h, w)
    planes[3] *= sizes / 255
    planes[:3] *= planes[3]
    sums = _sums(planes, 2)
    colours = sums[:3] / np.maximum(sums[3], 1e-6)
    return _image(colours, sums[3] / _sums(sizes[None], 2)[0])


def _image(colours: Floats, share: Floats) -> Rgba:
    """Colours (3 or 1, h, w) and the share of pixels with data (h, w) as an image (h, w, 4)."""
    image = np.empty((*share.shape, 4), np.uint8)
    image[..., :3] = np.moveaxis(np.rint(colours), 0, -1)  # (C, h, w) -> (h, w, C)
    image[..., 3] = np.rint(255 * share)
    image[image[..., 3] == 0] = 0
    return image
