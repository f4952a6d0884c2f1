"""ENVI rasters: a text header (.hdr) beside a flat data file, read by seeking."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyproj

from rsviz.core.errors import UnreadableScene
from rsviz.core.scene import Description
from rsviz.io.budget import array_bytes
from rsviz.io.calibration import Calibration
from rsviz.io.flat import FlatFile, flat_pixels, open_bytes
from rsviz.io.georef import Affine, grid_of, parsed_crs
from rsviz.io.meaning import bands_of, quantity_of
from rsviz.io.paths import data_of, header_of, printable, shown
from rsviz.io.source import Classes, Request, SceneSource
from rsviz.io.tags import iso_day, numbers, words

LONGEST_HEADER = 8 << 20
TYPES = {
    "1": "u1",
    "2": "i2",
    "3": "i4",
    "4": "f4",
    "5": "f8",
    "6": "c8",
    "9": "c16",
    "12": "u2",
    "13": "u4",
    "14": "i8",
    "15": "u8",
}
INTERLEAVES = {"bsq": "CHW", "bil": "HCW", "bip": "HWC"}

Fields = Mapping[str, str]


def open_envi(path: Path, request: Request) -> SceneSource:
    """Open an ENVI raster by its data file or its header.

    Raises:
        UnreadableScene: the pair is incomplete, damaged, or a spectral library.
    """
    request.refuse_choices("an ENVI file")
    header, data = _both(path)
    fields = parse_header(header)
    if "spectral library" in fields.get("file type", "").lower():
        raise UnreadableScene(
            f"'{shown(data.name)}' is an ENVI spectral library of {fields.get('lines', '?')} "
            "spectra, not an image.",
            "Open an image; spectra of a library have no place on a map.",
        )
    if fields.get("file compression", "0") != "0":
        raise UnreadableScene(
            f"'{shown(data.name)}' is a compressed ENVI file.", "Save it uncompressed in ENVI."
        )
    bands, lines, samples = (_whole(fields, key, 1) for key in ("bands", "lines", "samples"))
    dtype = _dtype(fields)
    interleave = fields.get("interleave", "").lower()
    if interleave not in INTERLEAVES:
        raise UnreadableScene(
            f"The header has the interleave '{interleave[:20]}'; bsq, bil or bip is expected."
        )
    axes = INTERLEAVES[interleave]
    sizes = {"C": bands, "H": lines, "W": samples}
    offset = _whole(fields, "header offset", 0, default="0")
    file = open_bytes(data)
    try:
        flat = FlatFile(file, shown(data.name), offset, dtype, tuple(sizes[a] for a in axes))
        pixels = flat_pixels(flat, False, axes)
        grid, where = grid_of(lines, samples, *_georeference(fields))
        named, told = bands_of(
            bands,
            words(fields.get("band names", "")),
            numbers(fields.get("wavelength", "")),
            fields.get("wavelength units", ""),
            numbers(fields.get("fwhm", "")),
            [v != 0 for v in numbers(fields.get("bbl", ""))],
        )
        calibration = _calibration(fields, bands)
        hint = " ".join(fields.get(k, "") for k in ("description", "z plot titles", "data units"))
        if "reflectance scale factor" in fields:
            hint += " reflectance"
        quantity, guess = quantity_of("", hint, bands, pixels, calibration, grid.window)
    except BaseException:
        file.close()
        raise
    notes = (f"The file is stored as {interleave.upper()}.", *calibration.told())
    if dtype.kind == "c":
        notes = (*notes, "The numbers are complex; their magnitude is shown.")
    day = iso_day(fields.get("acquisition time", ""))
    description = Description(
        name=shown(data.stem),
        driver="envi",
        shape=(1, bands, lines, samples),
        dtype=dtype.name,
        bands=named,
        grid=grid,
        quantity=quantity,
        dates=(day,) if day else (),
        nodata=calibration.stated_nodata,
        notes=(*notes, *where, *told, *guess),
        stored_bytes=array_bytes((bands, lines, samples), dtype.itemsize),
    )
    return SceneSource(description, pixels, calibration, request.budget, classes=_classes(fields))


def parse_header(header: Path) -> dict[str, str]:
    """The fields of an ENVI header, keys in lower case, lists still as '{...}'.

    Raises:
        UnreadableScene: it is no ENVI header, or too large.
    """
    if header.stat().st_size > LONGEST_HEADER:
        raise UnreadableScene(f"The header '{shown(header.name)}' is larger than 8 MB.")
    raw = header.read_bytes().decode("utf-8", errors="replace")
    text = "\n".join(printable(line.expandtabs(1)) for line in raw.splitlines())
    if not text.startswith("ENVI"):
        raise UnreadableScene(f"The header '{shown(header.name)}' does not begin with 'ENVI'.")
    fields: dict[str, str] = {}
    lines = iter(text.splitlines()[1:])
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or line.lstrip().startswith(";"):
            continue
        parts = [value.strip()]
        if parts[0].startswith("{"):
            while "}" not in parts[-1]:
                following = next(lines, None)
                if following is None:
                    raise UnreadableScene(
                        f"The list '{key.strip()[:40]}' in the header never ends."
                    )
                parts.append(following.strip())
        fields[" ".join(key.lower().split())] = " ".join(parts)
    return fields


def _both(path: Path) -> tuple[Path, Path]:
    with path.open("rb") as file:
        is_header = file.read(4) == b"ENVI"
    header, data = (path, data_of(path)) if is_header else (header_of(path), path)
    if header is None or data is None:
        missing = "data file" if header is not None else "header"
        raise UnreadableScene(
            f"The {missing} that belongs to '{shown(path.name)}' is not beside it.",
            "An ENVI scene is two files with the same name: data, and a header ending in .hdr; "
            "choose or upload both.",
        )
    return header, data


def _whole(fields: Fields, key: str, least: int, default: str = "") -> int:
    text = fields.get(key, default)
    if not re.fullmatch(r"\d{1,18}", text) or int(text) < least:
        raise UnreadableScene(
            f"The header gives '{text[:20]}' for '{key}'; a whole number of at least {least} is "
            "expected."
        )
    return int(text)


def _dtype(fields: Fields) -> np.dtype[np.generic]:
    code, order = fields.get("data type", ""), fields.get("byte order", "0")
    if code not in TYPES or order not in ("0", "1"):
        raise UnreadableScene(
            f"The header gives data type '{code[:10]}' and byte order '{order[:10]}'; one of "
            f"{', '.join(TYPES)} and 0 or 1 are expected."
        )
    return np.dtype(("<", ">")[int(order)] + TYPES[code])


def _calibration(fields: Fields, bands: int) -> Calibration:
    gains = numbers(fields.get("data gain values", ""))
    offsets = numbers(fields.get("data offset values", ""))
    factor = numbers(fields.get("reflectance scale factor", ""))
    nodata = numbers(fields.get("data ignore value", ""))
    scales = tuple(gains) if len(gains) == bands and all(map(math.isfinite, gains)) else (1.0,)
    if scales == (1.0,) and len(factor) == 1 and math.isfinite(factor[0]) and factor[0] > 0:
        scales = (1.0 / factor[0],)
    added = tuple(offsets) if len(offsets) == bands and all(map(math.isfinite, offsets)) else (0.0,)
    return Calibration(scales, added, tuple(nodata[:1]))


def _georeference(fields: Fields) -> tuple[Affine | None, pyproj.CRS | None]:
    """Affine and CRS from 'map info' and 'coordinate system string'.

    Rotation is in degrees, counter-clockwise as GDAL reads it.
    """
    info = words(fields.get("map info", ""))
    if len(info) < 7 or info[0].lower() in ("arbitrary", "pixel"):
        return None, None
    reference = [_number(item) for item in info[1:7]]
    if not all(map(math.isfinite, reference)):
        return None, None
    col, row, x, y, dx, dy = reference
    turned = [_number(i.partition("=")[2]) for i in info if i.lower().startswith("rotation")]
    angle = -math.radians(turned[0]) if turned and math.isfinite(turned[0]) else 0.0
    a, b = math.cos(angle) * dx, -math.sin(angle) * dx
    d, e = -math.sin(angle) * dy, -math.cos(angle) * dy
    col, row = col - 1.0, row - 1.0  # the header counts pixels from 1
    affine = (a, b, x - a * col - b * row, d, e, y - d * col - e * row)
    text = fields.get("coordinate system string", "").strip().removeprefix("{").removesuffix("}")
    return affine, parsed_crs(text) or _named_crs(info)


def _named_crs(info: Sequence[str]) -> pyproj.CRS | None:
    """CRS of the names that ENVI writes itself: UTM zones and geographic, on WGS 84."""
    if not any(item.upper().replace(" ", "").startswith("WGS-84") for item in info):
        return None
    name = info[0].lower()
    if name.startswith("geographic"):
        return parsed_crs("EPSG:4326")
    if name == "utm" and len(info) > 8 and info[7].isdigit() and 1 <= int(info[7]) <= 60:
        south = info[8].strip().lower().startswith("s")
        return parsed_crs(f"EPSG:{(32700 if south else 32600) + int(info[7])}")
    return None


def _classes(fields: Fields) -> Classes:
    """Names and colours of a classification; the first name belongs to label 0."""
    names = words(fields.get("class names", ""))[1:]
    lookup = numbers(fields.get("class lookup", ""))[3:]
    rgb = [lookup[i : i + 3] for i in range(0, len(lookup), 3)]
    if len(rgb) != len(names) or not all(0 <= v <= 255 for v in lookup):
        return Classes(tuple(names))
    colours = tuple("#" + "".join(f"{int(v):02x}" for v in c) for c in rgb)
    return Classes(tuple(names), colours)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
