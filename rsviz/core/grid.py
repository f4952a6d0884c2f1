"""Where pixels lie: the grid of a raster and windows into it.

Conventions, stated once: rows grow downwards, columns to the right; pixel (0, 0) is the
upper left one; its centre is at (0.5, 0.5) in pixel coordinates. The affine transform maps
pixel coordinates (column, row) to map coordinates (x, y) = (a*col + b*row + c,
d*col + e*row + f), the order of rasterio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rsviz.core.errors import SceneMismatch


@dataclass(frozen=True)
class Window:
    """A rectangle of whole pixels: first row and column, height and width."""

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or self.row < 0 or self.col < 0:
            raise SceneMismatch(
                f"The window starts at row {self.row}, column {self.col} and is "
                f"{self.height} x {self.width} pixels; it must start at 0 or later and hold "
                "at least one pixel."
            )

    @property
    def rows(self) -> slice:
        return slice(self.row, self.row + self.height)

    @property
    def cols(self) -> slice:
        return slice(self.col, self.col + self.width)


@dataclass(frozen=True)
class Grid:
    """Coordinate reference system, affine transform and size of a raster.

    Attributes:
        height: number of rows.
        width: number of columns.
        crs: an authority code or WKT; None when the scene has no map coordinates.
        affine: (a, b, c, d, e, f), map units per pixel and origin; identity without a CRS.
        pixel_m: ground size (width, height) of a pixel in metres; None when unknown.
    """

    height: int
    width: int
    crs: str | None = None
    affine: tuple[float, float, float, float, float, float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    pixel_m: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise SceneMismatch(f"The grid is {self.height} x {self.width} pixels; it is empty.")
        if len(self.affine) != 6 or not all(math.isfinite(v) for v in self.affine):
            raise SceneMismatch(f"The affine transform {self.affine} is not six finite numbers.")
        a, b, _, d, e, _ = self.affine
        if a * e - b * d == 0.0:
            raise SceneMismatch(f"The affine transform {self.affine} cannot be inverted.")

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def window(self) -> Window:
        """The window that covers the whole grid."""
        return Window(0, 0, self.height, self.width)

    @property
    def pixel_ha(self) -> float | None:
        """Area of one pixel in hectares, or None when the ground size is unknown."""
        return None if self.pixel_m is None else self.pixel_m[0] * self.pixel_m[1] / 10_000.0

    def xy(self, row: float, col: float) -> tuple[float, float]:
        """Map coordinates of pixel coordinates; (0.5, 0.5) is the centre of the first pixel."""
        a, b, c, d, e, f = self.affine
        return a * col + b * row + c, d * col + e * row + f

    def fractional(self, x: float, y: float) -> tuple[float, float]:
        """Pixel coordinates (row, column) of map coordinates, also outside the grid."""
        a, b, c, d, e, f = self.affine
        det = a * e - b * d
        return (a * (y - f) - d * (x - c)) / det, (e * (x - c) - b * (y - f)) / det

    def rowcol(self, x: float, y: float) -> tuple[int, int] | None:
        """The pixel that holds map coordinates (x, y); None outside the grid."""
        row, col = self.fractional(x, y)
        if not (0 <= row < self.height and 0 <= col < self.width):
            return None
        return int(row), int(col)

    def crop(self, window: Window) -> Grid:
        """The grid of a window of this one.

        Raises:
            SceneMismatch: the window reaches beyond the grid.
        """
        if window.row + window.height > self.height or window.col + window.width > self.width:
            raise SceneMismatch(
                f"The window ends at row {window.row + window.height}, column "
                f"{window.col + window.width}, beyond the grid of {self.height} x {self.width}."
            )
        a, b, _, d, e, _ = self.affine
        x, y = self.xy(window.row, window.col)
        return Grid(window.height, window.width, self.crs, (a, b, x, d, e, y), pixel_m=self.pixel_m)

    def resized(self, height: int, width: int) -> Grid:
        """A grid over the same ground with another number of pixels (x4 images, overviews)."""
        a, b, c, d, e, f = self.affine
        sx, sy = self.width / width, self.height / height
        size = None if self.pixel_m is None else (self.pixel_m[0] * sx, self.pixel_m[1] * sy)
        return Grid(height, width, self.crs, (a * sx, b * sy, c, d * sx, e * sy, f), pixel_m=size)

    def coarser(self, factor: int) -> Grid:
        """A grid of cells of `factor` x `factor` pixels; the last may reach beyond this one."""
        a, b, _, d, e, _ = (v * factor for v in self.affine)
        height, width = -(-self.height // factor), -(-self.width // factor)
        size = (
            None if self.pixel_m is None else (self.pixel_m[0] * factor, self.pixel_m[1] * factor)
        )
        return Grid(height, width, self.crs, (a, b, self.affine[2], d, e, self.affine[5]), size)

    def corners(self) -> tuple[tuple[float, float], ...]:
        """Map coordinates of the four outer corners, clockwise from the upper left."""
        h, w = self.height, self.width
        return self.xy(0, 0), self.xy(0, w), self.xy(h, w), self.xy(h, 0)

    def covers_same_ground(self, other: Grid) -> bool:
        """Whether both grids span the same rectangle, up to a hundredth of a pixel."""
        a, b, _, d, e, _ = self.affine
        tolerance = 0.01 * (abs(a) + abs(b) + abs(d) + abs(e))
        return self.crs == other.crs and all(
            math.dist(p, q) <= tolerance
            for p, q in zip(self.corners(), other.corners(), strict=True)
        )
