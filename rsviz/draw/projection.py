"""From the pixels of a grid to latitude and longitude and back, by pyproj, away from any raster.

Pixel coordinates are those of `rsviz.core.grid`: (0.5, 0.5) is the centre of the first pixel.
Longitudes are unwrapped around the scene, so that a scene across the date line stays in one piece.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError
from pyproj.network import set_network_enabled  # type: ignore[attr-defined]

from rsviz.core.grid import Grid

Array = NDArray[np.float64]
Numbers = Array | float

EARTH_RADIUS_M = 6_378_137.0
LATITUDE_LIMIT = 85.0511287798066  # where the square world of EPSG:3857 ends


class NotOnWebMap(Exception):
    """The grid cannot be drawn in web Mercator; the message is a sentence for the user."""


def mercator(lat: Numbers, lng: Numbers) -> tuple[Array, Array]:
    """Spherical Mercator metres (x, y) of latitude and longitude in degrees, as Leaflet uses."""
    clipped = np.radians(np.clip(lat, -LATITUDE_LIMIT, LATITUDE_LIMIT))
    x, y = np.radians(lng), np.arctanh(np.sin(clipped))
    return np.asarray(EARTH_RADIUS_M * x), np.asarray(EARTH_RADIUS_M * y)


def from_mercator(x: Numbers, y: Numbers) -> tuple[Array, Array]:
    """Latitude and longitude in degrees of spherical Mercator metres."""
    lat = np.degrees(np.arcsin(np.tanh(np.asarray(y) / EARTH_RADIUS_M)))
    return np.asarray(lat), np.degrees(np.asarray(x) / EARTH_RADIUS_M)


class Projection:
    """The map between a grid's pixel coordinates and latitude and longitude (WGS 84, degrees)."""

    def __init__(self, grid: Grid) -> None:
        """Prepare the transformation.

        Raises:
            NotOnWebMap: the reference system is unknown, local, or of another planet.
        """
        set_network_enabled(False)
        self.grid = grid
        crs = _earth_crs(grid.crs or "")
        try:
            self._transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        except ProjError as error:
            raise NotOnWebMap(
                f"The coordinate system '{crs.name}' has no known relation to latitude and "
                "longitude."
            ) from error
        self._in_degrees = crs.is_geographic and crs.axis_info[0].unit_name == "degree"
        self.is_geographic = crs.is_geographic
        centre_x, centre_y = grid.xy(grid.height / 2, grid.width / 2)
        lng, lat = self._transformer.transform(centre_x, centre_y)
        if not np.isfinite([lng, lat]).all():
            raise NotOnWebMap(
                f"The centre of the scene ({centre_x:g}, {centre_y:g}) lies outside the area where "
                f"'{crs.name}' is defined."
            )
        self._centre_lng = float(centre_x) if self._in_degrees else float(lng)

    def latlng(self, rows: Numbers, cols: Numbers) -> tuple[Array, Array]:
        """Latitude and unwrapped longitude of pixel coordinates; inf where undefined."""
        x, y = self._xy(rows, cols)
        lng, lat = self._transformer.transform(x, y)
        near = x if self._in_degrees else self._centre_lng
        return np.asarray(lat), _unwrap(np.asarray(lng), near)

    def rowcol(self, lat: Numbers, lng: Numbers) -> tuple[Array, Array]:
        """Fractional pixel coordinates of latitude and longitude; inf where undefined."""
        x, y = self._transformer.transform(
            _unwrap(lng, 0.0), lat, direction=TransformDirection.INVERSE
        )
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if self._in_degrees:
            x = _unwrap(x, lng)
        a, b, c, d, e, f = self.grid.affine
        det = a * e - b * d
        with np.errstate(invalid="ignore"):
            cols = (e * (x - c) - b * (y - f)) / det
            rows = (a * (y - f) - d * (x - c)) / det
        lost = ~(np.isfinite(x) & np.isfinite(y))
        return np.where(lost, np.inf, rows), np.where(lost, np.inf, cols)

    def _xy(self, rows: Numbers, cols: Numbers) -> tuple[Numbers, Numbers]:
        a, b, c, d, e, f = self.grid.affine
        return a * cols + b * rows + c, d * cols + e * rows + f


def _unwrap(lng: Numbers, near: Numbers) -> Array:
    """The longitude plus the number of turns that brings it closest to another one."""
    with np.errstate(invalid="ignore"):
        turns = np.round((np.asarray(near) - lng) / 360.0)
    return np.asarray(lng + 360.0 * np.where(np.isfinite(turns), turns, 0.0))


def _earth_crs(name: str) -> Any:
    """The reference system, if it is one of this planet."""
    try:
        crs = CRS.from_user_input(name)
    except CRSError as error:
        raise NotOnWebMap(
            f"The coordinate system '{name[:60]}' is not known to the projection library."
        ) from error
    ellipsoid = crs.ellipsoid
    if ellipsoid is None:
        raise NotOnWebMap(f"The coordinate system '{crs.name}' is local; it has no place on Earth.")
    radius = ellipsoid.semi_major_metre
    if abs(radius / EARTH_RADIUS_M - 1.0) > 0.01:
        raise NotOnWebMap(
            f"The coordinate system '{crs.name}' belongs to a body of {radius / 1000:.0f} km "
            "radius, not to Earth."
        )
    return crs
