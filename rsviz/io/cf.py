"""What the variables of NetCDF and HDF5 files mean, by the CF conventions.

CF 1.11, sections 4 (coordinate types), 5.6 (grid mappings), 8.1 (packed data) and 2.5.1
(missing data). The rules work on plain names, sizes and attributes, whatever library read them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyproj

from rsviz.io.calibration import Calibration
from rsviz.io.georef import IDENTITY, Affine, parsed_crs
from rsviz.io.paths import printable
from rsviz.io.source import ArrayPixels

LONGEST_COORDINATE = 200_000
FILL_FLOAT = 9.969209968386869e36
"""What the NetCDF libraries leave in floats that were never written."""

_NAMES = {
    "H": r"y|lat|latitude|rows?|lines?|northing|down_?track|along_?track|ydim|height|nlat|ny",
    "W": r"x|lon|longitude|cols?|columns?|samples?|easting|(a?cross)_?track|xdim|width|nlon|nx",
    "T": r"t|time|dates?",
    "C": r"(n?_?)bands?|wavelengths?|wl|lambda|channels?|spectral.*|number_of_bands",
}
_STANDARD = {
    "latitude": "H",
    "projection_y_coordinate": "H",
    "longitude": "W",
    "projection_x_coordinate": "W",
    "time": "T",
    "radiation_wavelength": "C",
    "sensor_band_central_radiation_wavelength": "C",
}
_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")
_CENTRES = r"(sensor_band_)?(central_|center_)?wave_?lengths?(_.*)?|wl|lambda"
_SINCE = re.compile(
    r"\s*(days?|hours?|minutes?|seconds?|d|h|min|s)\s+since\s+(\d{1,4}-\d{1,2}-\d{1,2})"
    r"(?:[T ]+(\d{1,2}:\d{1,2}(?::\d{1,2})?))?"
)


@dataclass(frozen=True)
class Header:
    """What a variable says of itself; those of text or without values only carry attributes.

    Attributes:
        path: name with all groups, without the leading slash.
        shape: sizes, slowest axis first.
        dtype: stored type.
        dims: name of the dimension of each axis, or "".
        attributes: text and short lists of numbers.
    """

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    attributes: Mapping[str, str | tuple[float, ...]]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def is_numeric(self) -> bool:
        return self.dtype.kind in "biuf"

    def text(self, *names: str) -> str:
        """The first of some attributes that is text, or ""."""
        values = (self.attributes.get(n) for n in names)
        return next((printable(v) for v in values if isinstance(v, str)), "")

    def values(self, *names: str) -> tuple[float, ...]:
        """All numbers of some attributes."""
        found = (self.attributes.get(n) for n in names)
        return tuple(x for v in found if isinstance(v, tuple) for x in v)


@dataclass(frozen=True)
class Array(Header):
    """A variable that can be read.

    Attributes:
        open: gives its pixels; takes the meaning of each axis and the type to view it as.
        numbers: gives all its values when there are at most so many.
    """

    open: Callable[[str, np.dtype[Any]], ArrayPixels]
    numbers: Callable[[int], tuple[float, ...]]


Variables = Mapping[str, Array]
"""Variables by path."""


def nearest(variables: Variables, name: str, beside: str) -> Array | None:
    """The variable of a name in the group of another, or in a group above it, or anywhere."""
    group = beside.rpartition("/")[0]
    while True:
        found = variables.get(f"{group}/{name}".lstrip("/"))
        if found is not None or not group:
            break
        group = group.rpartition("/")[0]
    return found or next((v for v in variables.values() if v.name == name), None)


def axes_of(array: Array, variables: Variables) -> str:
    """A letter for each axis: T, C, H, W, "-" for a single step, "?" for what is unknown."""
    letters = [
        _role(dim, nearest(variables, dim, array.path)) if dim else "?" for dim in array.dims
    ]
    letters = [
        "-" if (letter == "?" or letter in letters[:i]) and array.shape[i] == 1 else letter
        for i, letter in enumerate(letters)
    ]
    unknown = [i for i, letter in enumerate(letters) if letter == "?"]
    missing = [letter for letter in "HW" if letter not in letters]
    if len(missing) == 1 and len(unknown) == 1:
        letters[unknown[0]] = missing[0]
    elif not missing and len(unknown) == 1 and "C" not in letters:
        letters[unknown[0]] = "C"
    axes = "".join(letters)
    return axes if all(axes.count(letter) <= 1 for letter in "TCHW") else "?" * len(axes)


def calibration_of(array: Array) -> tuple[Calibration, np.dtype[Any]]:
    """Scale, offset and missing values, and the type the stored bytes are to be viewed as."""
    dtype = array.dtype
    unsigned = array.text("_Unsigned").lower()
    if unsigned == "true" and dtype.kind == "i":
        dtype = np.dtype(dtype.str.replace("i", "u"))
    elif unsigned == "false" and dtype.kind == "u":
        dtype = np.dtype(dtype.str.replace("u", "i"))
    span = 2 ** (8 * dtype.itemsize)
    nodata = array.values("_FillValue", "missing_value", "nodata")
    if dtype.kind == "u":
        nodata = tuple(v + span if v < 0 else v for v in nodata)
    if dtype.kind == "f":
        nodata = (*nodata, FILL_FLOAT)
    limits = array.values("valid_range") or (
        *(array.values("valid_min") or (-math.inf,)),
        *(array.values("valid_max") or (math.inf,)),
    )
    ordered = len(limits) == 2 and limits[0] < limits[1]
    bounded = ordered and any(math.isfinite(v) for v in limits)
    return Calibration(
        (array.values("scale_factor") or (1.0,))[:1],
        (array.values("add_offset") or (0.0,))[:1],
        tuple(dict.fromkeys(nodata)),
        (limits[0], limits[1]) if bounded else None,
    ), dtype


def georeference_of(
    array: Array, axes: str, variables: Variables
) -> tuple[Affine | None, pyproj.CRS | None, tuple[str, ...]]:
    """Affine and CRS from coordinates and grid mapping, and what was guessed."""
    dims = {letter: dim for letter, dim in zip(axes, array.dims, strict=True) if letter != "-"}
    x, y = (nearest(variables, dims.get(letter, ""), array.path) for letter in "WH")
    mapping = array.text("grid_mapping").split(":")[0].split(" ")[0]
    carrier = nearest(variables, mapping, array.path) if mapping else None
    crs = _mapped_crs(carrier) if carrier is not None else None
    crs = crs or parsed_crs(array.text("crs", "crs_wkt", "spatial_ref"))
    notes: tuple[str, ...] = ()
    if crs is None and x is not None and x.text("units").lower().startswith("degree"):
        crs = parsed_crs("EPSG:4326")
        notes = ("The file names no CRS; its latitudes and longitudes are taken as WGS 84.",)
    affine = _from_coordinates(x, y) or _from_attributes(carrier, array)
    if affine is None and crs is not None:
        notes = ("The coordinates are not evenly spaced, so the scene is not placed on a map.",)
    if affine is not None and crs is None:
        notes = ("The file gives coordinates without a CRS, so the scene cannot be placed.",)
    return affine, crs, notes


def dates_of(array: Array, count: int, variables: Variables) -> tuple[str, ...]:
    """ISO days of the dates of a variable; empty when the file does not tell."""
    names = (*array.dims, *array.text("coordinates").split())
    for name in names:
        time = nearest(variables, name, array.path)
        match = None if time is None else _SINCE.match(time.text("units"))
        if time is None or match is None or math.prod(time.shape) != count:
            continue
        if not time.is_numeric or time.text("calendar").lower() not in _CALENDARS:
            continue
        unit, day, clock = match.groups()
        seconds = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}[unit[0]]
        try:
            start = datetime.fromisoformat(_padded(day)) + _clock(clock)
            steps = time.numbers(count)
            return tuple((start + timedelta(seconds=s * seconds)).date().isoformat() for s in steps)
        except (ValueError, OverflowError):
            continue
    return ()


def spectral_of(
    array: Array, count: int, axes: str, variables: Variables
) -> tuple[tuple[float, ...], str, tuple[float, ...], tuple[float, ...]]:
    """Wavelengths, their unit, widths and good-band flags that the file has for its bands."""
    dim = array.dims[axes.index("C")] if "C" in axes else ""
    lists = [v for v in variables.values() if v.shape == (count,) and v.is_numeric]
    of_dim = [v for v in lists if v.dims == (dim,)] or lists
    centres = _first(of_dim, _CENTRES) or _first((v for v in of_dim if v.text("units")), "band")
    widths = _first(of_dim, r"fwhm|band_?widths?")
    good = _first(of_dim, r"good_wavelengths|good_bands|bbl")
    return (
        () if centres is None else centres.numbers(count),
        "" if centres is None else centres.text("units"),
        () if widths is None else widths.numbers(count),
        () if good is None else good.numbers(count),
    )


def _role(dim: str, coordinate: Array | None) -> str:
    if coordinate is not None:
        known = {"X": "W", "Y": "H", "T": "T"}.get(coordinate.text("axis").upper())
        known = known or _STANDARD.get(coordinate.text("standard_name"))
        units = coordinate.text("units").lower()
        if known is None and re.match(r"degrees?_?n", units):
            known = "H"
        elif known is None and re.match(r"degrees?_?e", units):
            known = "W"
        elif known is None and _SINCE.match(units):
            known = "T"
        if known is not None:
            return known
    word = dim.lower()
    return next((letter for letter, p in _NAMES.items() if re.fullmatch(p, word)), "?")


def _first(arrays: Iterable[Array], pattern: str) -> Array | None:
    return next((a for a in arrays if re.fullmatch(pattern, a.name.lower())), None)


def _mapped_crs(carrier: Array) -> pyproj.CRS | None:
    """The CRS of a grid-mapping variable: from WKT when it has some, else from CF parameters."""
    crs = parsed_crs(carrier.text("crs_wkt", "spatial_ref"))
    if crs is not None or not carrier.text("grid_mapping_name"):
        return crs
    parameters = {
        name: value if isinstance(value, str) else (value[0] if len(value) == 1 else list(value))
        for name, value in carrier.attributes.items()
        if isinstance(value, str) or len(value) > 0
    }
    try:
        return pyproj.CRS.from_cf(parameters)
    except (pyproj.exceptions.CRSError, KeyError, ValueError, TypeError):
        return None


def _from_coordinates(x: Array | None, y: Array | None) -> Affine | None:
    """The affine of evenly spaced coordinates of pixel centres."""
    if x is None or y is None or len(x.shape) != 1 or len(y.shape) != 1:
        return None
    lines = [_spacing(v) for v in (x, y)]
    if lines[0] is None or lines[1] is None:
        return None
    (x0, dx), (y0, dy) = lines[0], lines[1]
    return dx, 0.0, x0 - dx / 2, 0.0, dy, y0 - dy / 2


def _spacing(coordinate: Array) -> tuple[float, float] | None:
    """First value and step of evenly spaced values (within 1 % of a step), else None."""
    if not coordinate.is_numeric or not 2 <= coordinate.shape[0] <= LONGEST_COORDINATE:
        return None
    values = np.array(coordinate.numbers(LONGEST_COORDINATE))
    step = (values[-1] - values[0]) / (len(values) - 1)
    if not np.isfinite(values).all() or step == 0:
        return None
    even = values[0] + step * np.arange(len(values))
    if np.abs(values - even).max() > 0.01 * abs(step):
        return None
    return float(values[0]), float(step)


def _from_attributes(carrier: Array | None, array: Array) -> Affine | None:
    """The affine that GDAL (GeoTransform) or rasterio (transform) wrote."""
    text = "" if carrier is None else carrier.text("GeoTransform")
    try:
        c, a, b, f, d, e = (float(v) for v in text.split())
        affine: Affine = (a, b, c, d, e, f)
    except ValueError:
        numbers = array.values("transform")[:6]
        if len(numbers) != 6:
            return None
        affine = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
    return affine if all(map(math.isfinite, affine)) and affine != IDENTITY else None


def _padded(day: str) -> str:
    year, month, date = day.split("-")
    return f"{int(year):04d}-{int(month):02d}-{int(date):02d}"


def _clock(clock: str | None) -> timedelta:
    parts: Sequence[int] = [int(p) for p in clock.split(":")] if clock else []
    hours, minutes, seconds = (*parts, 0, 0, 0)[:3]
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
