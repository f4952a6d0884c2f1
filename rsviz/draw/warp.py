"""The frame of a map: where a scene lies on it, and how its images get there.

With map coordinates the frame is a raster in web Mercator (EPSG:3857), filled by an index
gather: nearest neighbour, so that classes stay classes. Without them, or where web Mercator
cannot hold the scene, the frame is the scene's own pixels.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.draw.projection import (
    EARTH_RADIUS_M,
    LATITUDE_LIMIT,
    NotOnWebMap,
    Numbers,
    Projection,
    from_mercator,
    mercator,
)

Rgba = NDArray[np.uint8]
Array = NDArray[np.float64]
Singles = NDArray[np.float32]

TILE_SIDE = 256  # of the tiles that maps on the web are cut into
TARGET_SIDE = 1024  # small scenes are oversampled towards this, so that edges of pixels stay true
MOST_OVERSAMPLING = 8
TOLERANCE_PX = 0.05  # error allowed to the interpolated transformation, in scene pixels
NOWHERE = -1e9  # pixel coordinate of places that the scene's projection does not reach
LATTICE = 129  # samples a side when the outline of a scene is sought


class Bounds(NamedTuple):
    """A box in degrees; without map coordinates in pixels, with y = -row."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, eq=False)
class MapFrame:
    """The display raster of a scene and the way between it and the scene's pixels.

    Attributes:
        grid: the scene's grid.
        bounds: what the display raster covers.
        shape: rows and columns of the display raster; those of the scene without a map.
        nodes: (2, n, m) rows and columns of scene pixel coordinates at n x m points evenly spread
            over the display raster (edges included, north first, even in Mercator metres);
            None without a map.
        notes: what the user should know, in sentences.
    """

    grid: Grid
    bounds: Bounds
    shape: tuple[int, int]
    nodes: Array | None = None
    notes: tuple[str, ...] = ()
    _projection: Projection | None = field(default=None, repr=False)

    @classmethod
    def of(cls, grid: Grid, finest: int = 1, max_side: int = 2048) -> MapFrame:
        """The frame for everything that lies on the ground of a grid.

        Args:
            grid: the scene's grid.
            finest: how many times finer than the grid the finest layer is (4 for a x4 image).
            max_side: greatest number of rows or columns of the display raster.
        """
        try:
            if grid.crs is None:
                return cls._pixels(grid, ())
            return cls._mercator(grid, finest, max_side)
        except NotOnWebMap as reason:
            return cls._pixels(grid, (f"{reason} The map shows pixel coordinates instead.",))

    @classmethod
    def _pixels(cls, grid: Grid, notes: tuple[str, ...]) -> MapFrame:
        bounds = Bounds(-float(grid.height), 0.0, 0.0, float(grid.width))
        return cls(grid, bounds, grid.shape, notes=notes)

    @classmethod
    def _mercator(cls, grid: Grid, finest: int, max_side: int) -> MapFrame:
        projection = Projection(grid)
        box, notes = _outline(projection)
        (x0, x1), (y0, y1) = box
        pixel = _pixel_size(projection)
        side = max(x1 - x0, y1 - y0) / pixel
        oversampling = max(finest, min(MOST_OVERSAMPLING, round(TARGET_SIDE / side)), 1)
        step = max(pixel / oversampling, max(x1 - x0, y1 - y0) / max_side)
        shape = max(1, round((y1 - y0) / step)), max(1, round((x1 - x0) / step))
        south, west = from_mercator(x0, y0)
        north, east = from_mercator(x1, y1)
        bounds = Bounds(float(south), float(west), float(north), float(east))
        nodes = _nodes(projection, box, shape)
        return cls(grid, bounds, shape, nodes, notes, projection)

    @property
    def on_map(self) -> bool:
        """Whether the frame has latitudes and longitudes."""
        return self._projection is not None

    @cached_property
    def native_zoom(self) -> float:
        """The zoom of the map at which a scene pixel is as large as a pixel of a tile."""
        if self._projection is None:
            return 0.0
        return math.log2(2 * math.pi * EARTH_RADIUS_M / TILE_SIDE / _pixel_size(self._projection))

    @cached_property
    def id(self) -> str:
        """Stable name of this ground: scenes on the same grid share zoom and position."""
        return hashlib.blake2b(repr(self.grid).encode(), digest_size=8).hexdigest()

    @cached_property
    def _positions(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scene pixel coordinates (rows, columns) of every display pixel's centre."""
        rows, cols = self._interpolated(*(_centres(size) for size in self.shape))
        return rows.astype(np.float32), cols.astype(np.float32)

    def positions(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Scene pixel coordinates (rows, columns) at places of the map; far away outside of it.

        Args:
            x: (w,) Mercator metres eastwards; columns where there is no map.
            y: (h,) Mercator metres northwards; -rows where there is no map.

        Returns:
            (h, w) rows and (h, w) columns.
        """
        if self.nodes is None:
            return np.meshgrid(-y, x, indexing="ij")
        south, west, north, east = self.bounds
        (x0, x1), (y0, y1) = mercator(np.array([south, north]), np.array([west, east]))
        down, right = (y1 - y) / (y1 - y0), (x - x0) / (x1 - x0)
        rows, cols = self._interpolated(down, right)
        beyond = ~np.logical_and.outer((down >= 0) & (down <= 1), (right >= 0) & (right <= 1))
        rows[beyond] = cols[beyond] = NOWHERE
        return rows, cols

    def _interpolated(self, down: Array, right: Array) -> tuple[Array, Array]:
        """Scene pixel coordinates at shares of the height and width of the display raster."""
        assert self.nodes is not None
        vertical, horizontal = (
            _weights(down, self.nodes.shape[1]),
            _weights(right, self.nodes.shape[2]),
        )
        rows, cols = (vertical @ plane @ horizontal.T for plane in self.nodes)  # (h, w) each
        return rows, cols

    def place(self, image: Rgba, grid: Grid | None = None) -> Rgba:
        """Put an image over its ground into the display raster; transparent around it.

        Args:
            image: (h, w, 4) uint8 of any resolution.
            grid: where it lies, in the coordinate system of the frame's grid; None for the ground
                of that grid.
        """
        if image.ndim != 3 or image.shape[2] != 4:
            raise SceneMismatch(f"The image has shape {image.shape}; (h, w, 4) is expected.")
        if grid is None or grid.covers_same_ground(self.grid):
            grid = self.grid
            if self.nodes is None:
                return image
        rows, cols = self._positions if self.nodes is not None else self._finer(image, grid)
        rows, cols = _moved(self.grid, grid, rows, cols)
        height, width = image.shape[:2]
        return gathered(image, rows * (height / grid.height), cols * (width / grid.width))

    def _finer(self, image: Rgba, grid: Grid) -> tuple[Array, Array]:
        """Positions of a raster over the whole scene, as fine as an image of a part of it."""
        (r0, _), (r1, _) = (_between(grid, self.grid, row, 0.0) for row in (0, grid.height))
        finer = max(1, round(image.shape[0] / abs(r1 - r0)))
        rows, cols = ((np.arange(n * finer) + 0.5) / finer for n in self.grid.shape)
        down, right = np.meshgrid(rows, cols, indexing="ij")
        return down, right

    def rowcol(self, lat: float, lng: float) -> tuple[int, int] | None:
        """The scene pixel at a latitude and longitude, or None outside the scene."""
        for turn in (0.0, 360.0, -360.0) if self.on_map else (0.0,):
            row, col = (float(v) for v in self.fractional(lat, lng + turn))
            if 0 <= row < self.grid.height and 0 <= col < self.grid.width:
                return int(row), int(col)
        return None

    def latlng(self, row: float, col: float) -> tuple[float, float]:
        """Latitude and longitude of pixel coordinates; (0.5, 0.5) is the first pixel's centre."""
        if self._projection is None:
            return -row, col
        lat, lng = self._projection.latlng(row, col)
        return float(lat), float(lng)

    def window(self, south: float, west: float, north: float, east: float) -> Window | None:
        """The scene pixels inside a box of the map, or None when it misses the scene."""
        along = np.linspace(0.0, 1.0, 17)
        lat = south + (north - south) * along
        lng = west + (east - west) * along
        lats, lngs = np.meshgrid(lat, lng)
        rows, cols = self.fractional(lats, lngs)
        inside = np.isfinite(rows) & np.isfinite(cols)
        if not inside.any():
            return None
        top = max(0, int(np.floor(rows[inside].min())))
        left = max(0, int(np.floor(cols[inside].min())))
        bottom = min(self.grid.height, int(np.ceil(rows[inside].max())))
        right = min(self.grid.width, int(np.ceil(cols[inside].max())))
        if bottom <= top or right <= left:
            return None
        return Window(top, left, bottom - top, right - left)

    def fractional(self, lat: Numbers, lng: Numbers) -> tuple[Array, Array]:
        """Pixel coordinates of the scene at latitudes and longitudes, also outside the scene."""
        if self._projection is None:
            return -np.asarray(lat), np.asarray(lng)
        return self._projection.rowcol(lat, lng)


def _between(one: Grid, other: Grid, row: float, col: float) -> tuple[float, float]:
    """Pixel coordinates of one grid as those of another one in the same coordinate system."""
    return other.fractional(*one.xy(row, col))


def _moved(
    one: Grid, other: Grid, rows: Array | Singles, cols: Array | Singles
) -> tuple[Array | Singles, Array | Singles]:
    """Many pixel coordinates of one grid as those of another one."""
    if one == other:
        return rows, cols
    r, c = _between(one, other, 0.0, 0.0)
    (r_down, c_down), (r_right, c_right) = (
        _between(one, other, *step) for step in ((1.0, 0.0), (0.0, 1.0))
    )
    return (
        r + (r_down - r) * rows + (r_right - r) * cols,
        c + (c_down - c) * rows + (c_right - c) * cols,
    )


def gathered(image: Rgba, rows: Array | Singles, cols: Array | Singles) -> Rgba:
    """The pixels of an image (h, w, 4) that hold positions (rows, columns); transparent outside."""
    height, width = image.shape[:2]
    with np.errstate(invalid="ignore"):
        r, c = np.floor(rows), np.floor(cols)
        outside = ~((r >= 0) & (r < height) & (c >= 0) & (c < width))
    flat = np.where(outside, 0.0, r).astype(np.intp) * width
    flat += np.where(outside, 0.0, c).astype(np.intp)
    pixels = np.ascontiguousarray(image).view(np.uint32).reshape(-1)  # one word a pixel
    found: NDArray[np.uint32] = pixels[flat]
    found[outside] = 0
    return found.view(np.uint8).reshape(*flat.shape, 4)  # (h, w) words to (h, w, 4)


Box = tuple[tuple[float, float], tuple[float, float]]


def _outline(projection: Projection) -> tuple[Box, tuple[str, ...]]:
    """The Mercator box ((x0, x1), (y0, y1)) around a grid, and what to say about it."""
    grid = projection.grid
    rows, cols = np.meshgrid(
        np.linspace(0, grid.height, LATTICE), np.linspace(0, grid.width, LATTICE), indexing="ij"
    )
    lat, lng = projection.latlng(rows, cols)
    defined = np.isfinite(lat) & np.isfinite(lng)
    back = projection.rowcol(lat[defined], lng[defined])
    error = np.hypot(back[0] - rows[defined], back[1] - cols[defined])
    if not np.median(error) < 0.1:
        raise NotOnWebMap(
            "The way from this coordinate system to latitude and longitude is unclear."
        )
    notes = []
    if np.abs(lat[defined]).max() > LATITUDE_LIMIT + 0.01:
        if not projection.is_geographic:
            raise NotOnWebMap("The scene reaches beyond 85 degrees of latitude.")
        notes.append("Latitudes beyond 85 degrees cannot be drawn on this map.")
    x, y = mercator(lat[defined], lng[defined])
    if lng[defined].min() < -180.0 or lng[defined].max() > 180.0:
        notes.append("The scene crosses the date line; longitudes continue beyond 180 degrees.")
    box = (float(x.min()), float(x.max())), (float(y.min()), float(y.max()))
    if not (box[0][1] > box[0][0] and box[1][1] > box[1][0]):
        raise NotOnWebMap("The scene has no extent on the map.")
    return box, tuple(notes)


def _pixel_size(projection: Projection) -> float:
    """Side of the central scene pixel in Mercator metres (the shorter one)."""
    row, col = projection.grid.height / 2, projection.grid.width / 2
    rows, cols = (
        np.array([row - 0.5, row + 0.5, row, row]),
        np.array([col, col, col - 0.5, col + 0.5]),
    )
    x, y = mercator(*projection.latlng(rows, cols))
    return float(min(np.hypot(x[1] - x[0], y[1] - y[0]), np.hypot(x[3] - x[2], y[3] - y[2])))


def _nodes(projection: Projection, box: Box, shape: tuple[int, int]) -> Array:
    """The coarsest table of the transformation that interpolates it to TOLERANCE_PX."""
    count = 9
    while True:
        coarse = _table(projection, box, count)
        fine = _table(projection, box, 2 * count - 1)
        if np.isfinite(fine).all():
            between = _weights(np.linspace(0.0, 1.0, 2 * count - 1), count)
            guess = np.stack([between @ plane @ between.T for plane in coarse])
            if np.abs(guess - fine).max() < TOLERANCE_PX:
                return coarse
        if 2 * count - 1 >= min(1025, max(shape)):
            return np.where(np.isfinite(fine), fine, NOWHERE)
        count = 2 * count - 1


def _table(projection: Projection, box: Box, count: int) -> Array:
    """Exact (rows, columns) at count x count points of a Mercator box, north first."""
    (x0, x1), (y0, y1) = box
    x, y = np.meshgrid(np.linspace(x0, x1, count), np.linspace(y1, y0, count))
    return np.stack(projection.rowcol(*from_mercator(x, y)))


def _centres(size: int) -> Array:
    """Centres of `size` pixels as shares of their whole extent."""
    return (np.arange(size) + 0.5) / size


def _weights(at: Array, count: int) -> Array:
    """(n, count) weights of linear interpolation at n shares between `count` even nodes."""
    place = at * (count - 1)
    low = np.clip(place.astype(np.intp), 0, count - 2)
    weights = np.zeros((at.size, count))
    weights[np.arange(at.size), low] = 1.0 - (place - low)
    weights[np.arange(at.size), low + 1] += place - low
    return weights
