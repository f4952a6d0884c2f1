"""Wavelengths, widths, bad-band flags and names from the tags of a raster.

Three conventions are read: tags of each band (`wavelength`, `wavelength_units`, `fwhm`,
`bbl`, as EnMAP-Box writes them), GDAL's IMAGERY tags, and lists for the whole file in ENVI
style (`wavelength = {400, 410, ...}`), also under the ENVI domain.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rsviz.core.scene import Band
from rsviz.io.meaning import bands_of
from rsviz.io.paths import printable
from rsviz.io.source import Classes

_LABEL_ZERO = ("unlabelled", "unlabeled", "unclassified", "background", "no data", "nodata")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

_CENTRE = ("wavelength", "wavelengths", "center_wavelength", "central_wavelength")
_UNIT = ("wavelength_units", "wavelength_unit", "wavelengthunits", "wavelength units")
_WIDTH = ("fwhm", "bandwidth", "fwhms")
_GOOD = ("bbl", "good", "is_good")


def bands_from_tags(dataset: Any, indices: Sequence[int]) -> tuple[tuple[Band, ...], Any]:
    """Bands of an open raster, and sentences on what was guessed."""
    each = [_lower(dataset.tags(i)) for i in indices]
    if not any(_first(tags, _CENTRE) for tags in each):
        each = [_imagery(dataset, i, tags) for i, tags in zip(indices, each, strict=True)]
    whole = {**_lower(dataset.tags(ns="ENVI")), **_lower(dataset.tags())}
    names = [dataset.descriptions[i - 1] or "" for i in indices]
    units = {_first(tags, _UNIT) for tags in each} - {""}
    return bands_of(
        len(indices),
        names if any(names) else words(_first(whole, ("band_names", "band names"))),
        _column(each, _CENTRE) or numbers(_first(whole, _CENTRE)),
        units.pop() if len(units) == 1 else _first(whole, _UNIT),
        _column(each, _WIDTH) or numbers(_first(whole, _WIDTH)),
        [v > 0 or math.isnan(v) for v in _column(each, _GOOD) or numbers(_first(whole, _GOOD))],
    )


def classes_from_tags(dataset: Any) -> Classes:
    """Class names and colours of a label raster: tags `class_names`, `class_colours`.

    Both are JSON lists or lists separated by commas; a first name such as "unlabelled" belongs
    to label 0 and is left out.
    """
    tags = _lower(dataset.tags())
    names = _strings(tags.get("class_names", ""))
    colours = _strings(tags.get("class_colours", "") or tags.get("class_colors", ""))
    if len(colours) != len(names) or not all(_COLOUR.fullmatch(c) for c in colours):
        colours = []
    first = 1 if names and names[0].lower() in _LABEL_ZERO else 0
    return Classes(tuple(names[first:]), tuple(colours[first:]))


def date_from_tags(dataset: Any) -> tuple[str, ...]:
    """The day of acquisition (ISO) when the tags tell it, else empty."""
    tags = _lower(dataset.tags())
    day = iso_day(_first(tags, ("acquisition_date", "acquisition_time", "start_time")))
    return (day,) if day else ()


def iso_day(text: str) -> str:
    """The day of a date and time in ISO form; empty when the text is none."""
    return text[:10] if re.match(r"\d{4}-\d\d-\d\d", text) else ""


def _strings(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            return []
        return [str(item)[:120] for item in items]
    return [item[:120] for item in words(text)]


def words(text: str) -> list[str]:
    """The items of an ENVI list such as '{400, 410}', also without braces."""
    inner = text.strip().removeprefix("{").removesuffix("}")
    return [item.strip() for item in inner.replace("\n", " ").split(",")] if inner.strip() else []


def numbers(text: str) -> list[float]:
    """The numbers of such a list; empty when one of them is none."""
    try:
        return [float(item) for item in words(text.replace("[", "").replace("]", ""))]
    except ValueError:
        return []


def _column(each: Sequence[Mapping[str, str]], keys: Sequence[str]) -> list[float]:
    """One number a band; NaN where a band has none; empty when no band has one."""
    found = [numbers(_first(tags, keys)) for tags in each]
    if not any(found):
        return []
    return [values[0] if len(values) == 1 else math.nan for values in found]


def _imagery(dataset: Any, index: int, tags: dict[str, str]) -> dict[str, str]:
    """Tags of one band with what GDAL keeps in its IMAGERY domain (micrometres)."""
    imagery = _lower(dataset.tags(index, ns="IMAGERY"))
    centre = imagery.get("central_wavelength_um", "")
    if not centre:
        return tags
    return {
        **tags,
        "wavelength": centre,
        "wavelength_units": "um",
        "fwhm": imagery.get("fwhm_um", ""),
    }


def _lower(tags: Mapping[str, str]) -> dict[str, str]:
    return {str(key).lower(): printable(" ".join(str(v).split())) for key, v in tags.items()}


def _first(tags: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((tags[key] for key in keys if tags.get(key)), "")
