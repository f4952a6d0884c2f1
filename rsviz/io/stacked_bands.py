"""One raster that holds several dates as bands: which band belongs to which date.

Three ways to say so are read: a tag `dates` of the whole file (date by date, as many bands each),
a date in the tags or the description of every band, and a file of days beside the raster.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.dates import HINT, day_in, listed_days, side_days, side_file
from rsviz.io.layout import pieces
from rsviz.io.paths import shown
from rsviz.io.source import Block, Pixels

BAND_KEYS = ("date", "acquisition_date", "acquisition_time", "time", "timestamp", "datetime")
ROW_BYTES = 8
MOST_NAMED = 5


@dataclass(frozen=True)
class Stack:
    """The dates of a raster.

    Attributes:
        days: T ISO days, as they lie in the file.
        places: (T, C) place of each band of each date among the bands of the file.
        notes: where the days come from.
    """

    days: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]


def stack_of(path: Path, dataset: Any, indices: Sequence[int]) -> Stack | None:
    """The dates of an open raster; None where it is a single image.

    Raises:
        UnreadableScene: days are given that cannot be read, or that do not fit the bands.
    """
    count = len(indices)
    tags = {str(key).lower(): str(value) for key, value in dataset.tags().items()}
    beside = side_file(path)
    if beside is not None:
        days = side_days(beside)
        return _regular(days, count, path, f"'{shown(beside.name)}'")
    if "dates" in tags:
        days = listed_days(tags["dates"])
        if not all(days):
            raise UnreadableScene(
                f"The tag `dates` of '{shown(path.name)}' holds {days.count('')} entries that are "
                "no days.",
                HINT,
            )
        return _regular(days, count, path, "the tag `dates`")
    return _by_band(path, dataset, indices)


def _regular(days: tuple[str, ...], count: int, path: Path, origin: str) -> Stack | None:
    """Dates that follow each other with as many bands each."""
    if len(days) < 2 and count > 1:
        return None
    if not days or count % len(days):
        raise UnreadableScene(
            f"{origin} gives {len(days)} days for the {count} bands of '{shown(path.name)}'; as "
            "many bands a day are expected.",
            HINT,
        )
    each = count // len(days)
    places = tuple(tuple(range(t * each, (t + 1) * each)) for t in range(len(days)))
    return Stack(days, places, (f"The days come from {origin}.",))


def _by_band(path: Path, dataset: Any, indices: Sequence[int]) -> Stack | None:
    """Dates in the tags or descriptions of the bands."""
    texts = [_told(dataset, i) for i in indices]
    days = [day_in(text) for text in texts]
    found = len(set(days) - {""})
    if found < 2:
        return None
    if "" in days:
        lacking = [i for i, day in zip(indices, days, strict=True) if not day]
        raise UnreadableScene(
            f"{len(lacking)} of {len(indices)} bands of '{shown(path.name)}' have no day in their "
            f"tags or names: bands {', '.join(map(str, lacking[:MOST_NAMED]))}"
            + ("…." if len(lacking) > MOST_NAMED else "."),
            HINT,
        )
    of_day: dict[str, list[int]] = defaultdict(list)
    for place, day in enumerate(days):
        of_day[day].append(place)
    sizes = {len(places) for places in of_day.values()}
    if len(sizes) > 1:
        raise UnreadableScene(
            f"The days of '{shown(path.name)}' have {min(sizes)} to {max(sizes)} bands; as many a "
            "day are expected.",
            HINT,
        )
    names = [without_day(str(dataset.descriptions[i - 1] or "")) for i in indices]
    first = [names[place] for place in next(iter(of_day.values()))]
    places = [_like(first, found, names) for found in of_day.values()]
    notes = ("The days come from the tags or names of the bands.",)
    return Stack(tuple(of_day), tuple(places), notes)


def _like(first: list[str], places: list[int], names: list[str]) -> tuple[int, ...]:
    """The bands of a date in the order of the first date, where their names tell it."""
    by_name = {names[place]: place for place in places}
    if len(set(first)) == len(first) and set(by_name) == set(first):
        return tuple(by_name[name] for name in first)
    return tuple(places)


def _told(dataset: Any, index: int) -> str:
    """What a band says of its day: its tags, else its description."""
    tags = {str(key).lower(): str(value) for key, value in dataset.tags(index).items()}
    stated = next((tags[key] for key in BAND_KEYS if key in tags), "")
    return stated or str(dataset.descriptions[index - 1] or "")


def without_day(name: str) -> str:
    """The name of a band without the day in it."""
    short = re.sub(r"\d{4}[-_.]?\d{2}[-_.]?\d{2}|\d{4}-?\d{3}", "", name)
    return short.strip(" _-.,:") or name


@dataclass(frozen=True)
class StackedDates:
    """Pixels whose bands are dates and bands: gives them as (T, C, h, w)."""

    inner: Pixels
    places: tuple[tuple[int, ...], ...]

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        wanted = [date[band] for date in self.places for band in bands]
        order = np.argsort(wanted, kind="stable")
        ascending = [wanted[i] for i in order]
        row_bytes = ROW_BYTES * len(wanted) * window.width
        for _, rows in pieces(window, len(bands), False, row_bytes):
            part = Window(rows.start, window.col, rows.stop - rows.start, window.width)
            out, mask = None, None
            for block in self.inner.blocks(part, ascending):
                if out is None:
                    out = np.empty((len(wanted), part.height, part.width), block.data.dtype)
                inside = slice(block.rows.start - part.row, block.rows.stop - part.row)
                out[order[block.bands], inside] = block.data[0]
                if block.mask is not None:
                    mask = np.ones(out.shape[1:], np.bool_) if mask is None else mask
                    mask[inside] = block.mask
            assert out is not None
            data = out.reshape(
                len(self.places), len(bands), *out.shape[1:]
            )  # (T*C,..) -> (T, C,..)
            yield Block(slice(0, len(bands)), rows, data, mask)

    def close(self) -> None:
        self.inner.close()


@dataclass(frozen=True)
class SortedDates:
    """Pixels with their dates in another order."""

    inner: Pixels
    order: tuple[int, ...]

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        places = list(self.order)
        for block in self.inner.blocks(window, bands):
            mask = block.mask
            if mask is not None and mask.ndim == 4:
                mask = mask[places]
            yield Block(block.bands, block.rows, block.data[places], mask)

    def close(self) -> None:
        self.inner.close()
