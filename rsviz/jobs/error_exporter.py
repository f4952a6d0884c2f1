"""What the exporter does for the page of errors: report, table of pixels and layers."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis.answers import certainty_of, class_map_of
from rsviz.analysis.comparison import Comparison
from rsviz.analysis.facets import Filter
from rsviz.analysis.judged import Judged, confusion, judge
from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Window
from rsviz.core.model import Result
from rsviz.core.scene import Band, Description, Source, Truth
from rsviz.jobs import display, season
from rsviz.jobs.readers import RemoteSource

REPORT, PIXELS, LAYERS = "errors.html", "pixels.csv", "layers.zip"
MOST_CONFUSED = 6
NEAR_INFRARED_NM = 842.0


@dataclass(frozen=True)
class View:
    """How the page looks at its results, as plain data.

    Attributes:
        filter: `facet=bin` of everything that is chosen.
        area: row, column, height and width of the rectangle, or nothing.
        side: whose errors are counted: "A" or "B".
        confident_from: probability from which an answer counts as confident.
    """

    filter: tuple[str, ...] = ()
    area: tuple[int, ...] = ()
    side: str = "A"
    confident_from: float = 0.9

    @staticmethod
    def of(made: Comparison) -> View:
        """The view of a page."""
        area = made.area
        box = () if area is None else (area.row, area.col, area.height, area.width)
        return View(tuple(made.chosen.as_text()), box, made.side, made.a.confident_from)


def write(
    source: Source | RemoteSource,
    results: tuple[Result, Result | None, Result | None],
    view: View,
    folder: Path,
) -> None:
    """Write the report (`errors.html`), `pixels.csv` and `layers.zip`.

    Args:
        source: the scene.
        results: A, B, and the explanation of a pixel.
        view: what is lit.
        folder: where to; must exist.

    Raises:
        SceneMismatch: the scene has no reference labels, or A was not tested on them.
    """
    from rsviz.draw.colour import first_look
    from rsviz.io.error_files import write_layers, write_pixels
    from rsviz.io.error_report import ErrorStudy, report

    first, second, explained = results
    about, truth = source.describe(), _ask(source, "truth")
    if truth is None or first.split is None:
        raise SceneMismatch("Without reference labels that test the model there are no errors.")
    made = _comparison(first, second, truth, view)
    bands = first_look(about.bands)
    band = _telling(about.bands) if about.shape[0] > 1 else None
    known = about.wavelengths_nm if band is None else None
    count = len(about.bands) if band is None else about.shape[0]
    study = ErrorStudy(
        scene=source.read(None, bands),
        image=_ask(source, "composite", bands).image,
        bands=np.array(known or range(1, count + 1), np.float32),
        band_label=_axis(about, band),
        truth=truth,
        first=first,
        second=second,
        comparison=made,
        confused=_confused(source, made, band),
        explained=explained,
    )
    (folder / REPORT).write_text(report(study), encoding="utf8")
    write_pixels(made, about.grid, folder / PIXELS)
    parts = folder / "layers"
    parts.mkdir()
    files = write_layers(made, truth, first, second, parts)
    with zipfile.ZipFile(folder / LAYERS, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as out:
        for file in files:
            out.write(file, file.name)
            file.unlink()
    parts.rmdir()


def _ask(source: Source | RemoteSource, question: str, *arguments: object) -> Any:
    """Put a question of `display` to a source, in a reader of its own or here."""
    if isinstance(source, RemoteSource):
        return getattr(source, question)(*arguments)
    return getattr(display, question)(source, *arguments)


def _comparison(first: Result, second: Result | None, truth: Truth, view: View) -> Comparison:
    """The test pixels of A, or those that both share, as the page sees them."""
    a, b = _judged(first, truth, view), None
    if second is not None:
        b = _judged(second, truth, view).among(a.at)
        a = a.among(b.at)
    area = Window(*view.area) if view.area else None
    return Comparison(a, b, view.side, Filter.from_text(view.filter), area)


def _judged(result: Result, truth: Truth, view: View) -> Judged:
    classes = class_map_of(result)
    if classes is None or result.split is None:
        raise SceneMismatch(f"The result of {result.record.model} cannot be compared with labels.")
    certain = certainty_of(result, classes.data.shape)
    return judge(classes, certain, truth, result.split, view.confident_from)


def _telling(bands: Sequence[Band]) -> int:
    """The band whose series tells most of vegetation: NDVI, or else the nearest to 842 nm."""
    for i, band in enumerate(bands):
        if band.name.lower() == "ndvi":
            return i
    near = [abs((band.wavelength_nm or 0.0) - NEAR_INFRARED_NM) for band in bands]
    return int(np.argmin(near))


def _axis(about: Description, band: int | None) -> str:
    """Title of the axis below spectra, or below the series of a band."""
    if band is None:
        return "Wavelength [nm]" if about.wavelengths_nm else "Band"
    span = f", {about.dates[0]} to {about.dates[-1]}" if about.dates else ""
    return f"Number of the date{span}; series of {about.bands[band].name}"


def _moments(
    source: Source | RemoteSource, where: NDArray[np.bool_], band: int | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of pixels (H, W): spectra, or the series of a band."""
    if band is None:
        stats = _ask(source, "groups", np.where(where, 0, -1).astype(np.int16), 1)
        return stats.mean[0], stats.std[0]
    window = source.describe().grid.window
    if isinstance(source, RemoteSource):
        found = source.area(window, where)
    else:
        found = season.area(source, window, where)
    return found.mean[:, band], found.std[:, band]


def _confused(source: Source | RemoteSource, made: Comparison, band: int | None) -> tuple[Any, ...]:
    """The most frequent confusions among the lit pixels, with the spectra or series behind them."""
    from rsviz.io.error_report import Confused

    shown = made.shown
    counts = confusion(shown, made.lit)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:MOST_CONFUSED]
    found = []
    for place in order.tolist():
        true, predicted = divmod(place, len(shown.labels))
        if not counts[true, predicted]:
            break
        cell = made.lit & (shown.true == true) & (shown.predicted == predicted)
        masks = (shown.true == true, shown.true == predicted, cell)
        stats = []
        for mask in masks:
            where = np.zeros(shown.shape, np.bool_)
            where.flat[shown.at[mask]] = True
            stats.append(_moments(source, where, band))
        mean, std = (np.stack(values) for values in zip(*stats, strict=True))
        found.append(Confused(true, predicted, int(counts[true, predicted]), mean, std))
    return tuple(found)
