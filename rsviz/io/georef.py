"""From a coordinate reference system and an affine transform to a Grid, with its sentences."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pyproj

from rsviz.core.errors import SceneMismatch, UnreadableScene
from rsviz.core.grid import Grid
from rsviz.io.paths import world_file_names

Affine = tuple[float, float, float, float, float, float]

NO_CRS = "The file has no map coordinates: the scene is shown in pixel coordinates."
IDENTITY: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
LONGEST_WKT = 65_536
_REACHES_OUT = re.compile(r"grids=|\+proj=pipeline|\+init=|file=|file:", re.IGNORECASE)
EARTH_RADIUS_M = 6_371_000.0


def parsed_crs(text: str) -> pyproj.CRS | None:
    """A CRS from WKT, an authority code or a plain projection string; None when not understood.

    Strings that name grid files or pipelines are not followed.
    """
    text = text.strip()
    if not text or len(text) > LONGEST_WKT:
        return None
    if _REACHES_OUT.search(text.replace("+nadgrids=@null", "")):
        return None
    try:
        return pyproj.CRS.from_user_input(text)
    except (pyproj.exceptions.CRSError, ValueError, TypeError):
        return None


def grid_of(
    height: int, width: int, affine: Affine | None, crs: pyproj.CRS | None
) -> tuple[Grid, tuple[str, ...]]:
    """The grid of a scene and what the user should know about it.

    Args:
        height: rows.
        width: columns.
        affine: (a, b, c, d, e, f) as in Grid, or None when the file has none.
        crs: the CRS, or None.

    Raises:
        UnreadableScene: the affine transform is not usable.
    """
    if crs is None or affine is None or affine == IDENTITY:
        return Grid(height, width), (NO_CRS,)
    try:
        bare = Grid(height, width, _crs_text(crs), affine)
    except SceneMismatch as error:
        raise UnreadableScene(f"The georeference is damaged. {error.message}") from error
    pixel_m, notes = _ground_size(bare, crs)
    grid = Grid(height, width, bare.crs, affine, pixel_m)
    return grid, (*notes, *_peculiarities(grid, crs))


def world_file(path: Path) -> Affine | None:
    """The affine transform of a world file beside an image, or None."""
    for candidate in world_file_names(path):
        if not candidate.is_file() or candidate.stat().st_size > 4096:
            continue
        try:
            numbers = [float(v) for v in candidate.read_text("ascii").split()]
        except ValueError:
            continue
        if len(numbers) == 6 and all(math.isfinite(v) for v in numbers):
            a, d, b, e, x, y = numbers  # the file names the centre of the first pixel
            return a, b, x - (a + b) / 2, d, e, y - (d + e) / 2
    return None


def _crs_text(crs: pyproj.CRS) -> str:
    """An authority code when one means exactly the same, else WKT."""
    known = crs.to_json_dict().get("id")
    nameless = crs.name.lower() in ("unnamed", "unknown", "undefined")
    if known is not None or (not nameless and _on_earth(crs)):
        authority = crs.to_authority(min_confidence=25)
        if authority is not None:
            code = ":".join(authority)
            if pyproj.CRS.from_user_input(code).equals(crs, ignore_axis_order=True):
                return code
    return str(crs.to_wkt())


def _on_earth(crs: pyproj.CRS) -> bool:
    ellipsoid = crs.ellipsoid
    return ellipsoid is None or abs(ellipsoid.semi_major_metre / EARTH_RADIUS_M - 1) < 0.01


def _ground_size(grid: Grid, crs: pyproj.CRS) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Ground size (width, height) of the pixel at the centre in metres, if it can be told."""
    try:
        if crs.is_geographic:
            return _geographic_size(grid, crs)
        if crs.is_projected:
            return _projected_size(grid, crs)
    except pyproj.exceptions.ProjError:
        return None, ("The ground size of a pixel could not be computed from the CRS.",)
    return None, ("The CRS is neither geographic nor projected: no ground size is known.",)


def _geographic_size(
    grid: Grid, crs: pyproj.CRS
) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    geod = crs.get_geod()
    unit = math.degrees(crs.axis_info[0].unit_conversion_factor)  # map units -> degrees
    row, col = grid.height / 2, grid.width / 2
    steps = ((0.0, -0.5), (0.0, 0.5), (-0.5, 0.0), (0.5, 0.0))
    ends = [grid.xy(row + dr, col + dc) for dr, dc in steps]
    (lon1, lat1), (lon2, lat2), (lon3, lat3), (lon4, lat4) = [(x * unit, y * unit) for x, y in ends]
    if geod is None or max(abs(lat) for lat in (lat1, lat2, lat3, lat4)) > 90:
        return None, ("Latitudes beyond the poles: the ground size is unknown.",)
    width = float(geod.inv(lon1, lat1, lon2, lat2)[2])
    return (width, float(geod.inv(lon3, lat3, lon4, lat4)[2])), ()


def _projected_size(
    grid: Grid, crs: pyproj.CRS
) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    a, b, _, d, e, _ = grid.affine
    unit = crs.axis_info[0].unit_conversion_factor  # map units -> metres
    width, height = math.hypot(a, d) * unit, math.hypot(b, e) * unit
    projection = pyproj.Proj(crs)
    lon, lat = projection(*grid.xy(grid.height / 2, grid.width / 2), inverse=True)
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return (width, height), ()
    area = projection.get_factors(lon, lat).areal_scale
    if not math.isfinite(area) or area <= 0 or abs(area - 1) < 0.02:
        return (width, height), ()
    true = math.sqrt(area)
    return (width / true, height / true), (
        f"The projection stretches areas by {area:.2f} here; ground sizes are corrected for it.",
    )


def _peculiarities(grid: Grid, crs: pyproj.CRS) -> tuple[str, ...]:
    notes = []
    a, b, _, d, e, _ = grid.affine
    if abs(b) + abs(d) > 1e-9 * (abs(a) + abs(e)):
        notes.append(f"The grid is rotated by {math.degrees(math.atan2(d, a)):.1f} degrees.")
    elif e > 0:
        notes.append("Rows run from south to north.")
    across, down = math.hypot(a, d), math.hypot(b, e)
    if abs(across / down - 1) > 0.01:
        notes.append(f"Pixels are not square: {across:.6g} x {down:.6g} map units.")
    if not _on_earth(crs) and crs.ellipsoid is not None:
        body = f"{crs.name}: a body of {crs.ellipsoid.semi_major_metre / 1000:.0f} km radius"
        notes.append(f"The scene does not lie on Earth ({body}); no basemap fits.")
    elif _crosses_date_line(grid, crs):
        notes.append("The scene crosses the date line (longitude 180 degrees).")
    return tuple(notes)


def _crosses_date_line(grid: Grid, crs: pyproj.CRS) -> bool:
    corners = grid.corners()
    if crs.is_geographic:
        longitudes = [x for x, _ in corners]
        return min(longitudes) < 180 < max(longitudes) or min(longitudes) < -180 < max(longitudes)
    try:
        longitudes = [pyproj.Proj(crs)(x, y, inverse=True)[0] for x, y in corners]
    except pyproj.exceptions.ProjError:
        return False
    finite = [v for v in longitudes if math.isfinite(v)]
    return bool(finite) and max(finite) - min(finite) > 180
