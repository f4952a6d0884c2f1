"""One Source for all formats: it turns stored numbers into checked scenes.

A reader gives three things: a Description, the Pixels (how blocks of stored numbers are
fetched) and a Calibration (what the numbers mean). Everything else is the same for every
format and stands here once: byte budget, scale and offset, missing values, notes, truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import BadOption, SceneMismatch
from rsviz.core.grid import Window
from rsviz.core.scene import Band, Description, Scene, Spectrum, Truth
from rsviz.io.budget import Budget
from rsviz.io.calibration import Calibration, Stored
from rsviz.io.layout import Layout, Selection, pieces


@dataclass(frozen=True)
class Request:
    """How a file is to be opened.

    Attributes:
        budget: byte limits.
        variable: which array of the file; "" lets the reader choose.
        axes: order of its axes, e.g. "HWC"; "" lets the reader guess.
    """

    budget: Budget
    variable: str = ""
    axes: str = ""

    def refuse_choices(self, what: str) -> None:
        """For formats with one array in a fixed order.

        Raises:
            BadOption: a variable or axes were chosen.
        """
        if self.variable or self.axes:
            raise BadOption(f"The variable and the axes of {what} are fixed; none can be chosen.")


@dataclass(frozen=True)
class Block:
    """A piece of a window as stored.

    Attributes:
        bands: positions in the list of wanted bands.
        rows: rows of the file.
        data: (T, C, h, w) stored numbers.
        mask: True where the file's own mask or alpha says data, (h, w) or (T, 1, h, w); None
            without.
    """

    bands: slice
    rows: slice
    data: Stored
    mask: NDArray[np.bool_] | None = None


class Pixels(Protocol):
    """How a format hands out stored numbers, in pieces of a few megabytes."""

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        """All blocks of a window in some bands (ascending)."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@dataclass(frozen=True)
class ArrayPixels:
    """Pixels of an array with any order of axes, fetched by a function from its selection.

    Attributes:
        layout: the stored axes.
        fetch: gives a part in stored order.
        close_file: releases the file.
        by_band: whether bands are fetched apart.
        block: rows and columns that are decoded together; 0 columns for whole rows.
    """

    layout: Layout
    fetch: Callable[[Selection], Stored]
    close_file: Callable[[], None]
    by_band: bool
    block: tuple[int, int] = (1, 0)

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        t, c, _, _ = self.layout.tchw
        row_bytes = t * window.width * self.layout.itemsize * (1 if self.by_band else c)
        for group, rows in pieces(window, len(bands), self.by_band, row_bytes, self.block[0]):
            stored = self.fetch(self.layout.select(window, rows, bands[group]))
            yield Block(group, rows, self.layout.to_tchw(stored))

    def close(self) -> None:
        self.close_file()


@dataclass(frozen=True)
class Classes:
    """Class names in label order, and their colours as '#rrggbb' (or none)."""

    names: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labels:
    """Reference labels that lie in a file of their own, or in another variable.

    Attributes:
        source: one band of labels.
        classes: their names.
        groups: (H, W) which labelled pixels belong together, where that is known.
    """

    source: SceneSource
    classes: Classes
    groups: NDArray[np.int32] | None = None

    def read(self, window: Window) -> Truth:
        """Labels of a window; what is negative, no data or beyond the classes is unlabelled."""
        scene = self.source.read(window, (0,))
        labels = np.rint(scene.pixels[0, 0])
        labels[(labels < 0) | (labels > len(self.classes.names))] = 0
        groups = None if self.groups is None else self.groups[window.rows, window.cols]
        return Truth(labels.astype(np.int16), self.classes.names, self.classes.colours, groups)


Coarser = Callable[[], Mapping[int, "SceneSource"]]
"""Opens the coarser copies in a file, by the power of 2 that divides each side."""


class SceneSource:
    """A file that is not in memory; see `rsviz.core.scene.Source`."""

    def __init__(
        self,
        description: Description,
        pixels: Pixels,
        calibration: Calibration,
        budget: Budget,
        labels: Labels | None = None,
        classes: Classes | None = None,
        coarser: Coarser = dict,
    ) -> None:
        self.classes = classes or Classes()
        self._description = description
        self._pixels = pixels
        self._calibration = calibration
        self._budget = budget
        self._labels = labels
        self._coarser = coarser
        self._copies: Mapping[int, SceneSource] | None = None

    def paired(self, labels: Labels | None, notes: tuple[str, ...]) -> SceneSource:
        """The same file with reference labels, and the sentences that come with them."""
        d = self._description
        names = () if labels is None else labels.classes.names
        told = replace(d, truth_names=names, notes=d.notes + notes)
        parts = self._pixels, self._calibration, self._budget
        return SceneSource(told, *parts, labels, self.classes, self._coarser)

    def rewrapped(self, description: Description, wrap: Callable[[Pixels], Pixels]) -> SceneSource:
        """The same file with its pixels handed out another way, and no coarser copies."""
        parts = wrap(self._pixels), self._calibration, self._budget
        return SceneSource(description, *parts, self._labels, self.classes)

    def described(self, description: Description) -> SceneSource:
        """The same file with another description of the same size."""
        parts = self._pixels, self._calibration, self._budget
        return SceneSource(description, *parts, self._labels, self.classes, self._coarser)

    def describe(self) -> Description:
        return self._description

    def read(self, window: Window | None = None, bands: tuple[int, ...] | None = None) -> Scene:
        d = self._description
        window = window or d.grid.window
        grid = d.grid.crop(window)
        chosen = tuple(range(d.shape[1])) if bands is None else bands
        self._check_bands(chosen)
        shape = (d.shape[0], len(chosen), window.height, window.width)
        self._budget.check_read(shape)
        pixels = np.zeros(shape, dtype=np.float32)
        gaps = _Gaps(shape, tuple(d.bands[b] for b in sorted(chosen)))
        order = np.argsort(chosen, kind="stable")  # position of each fetched band in the answer
        fetched = [chosen[i] for i in order]
        for block in self._pixels.blocks(window, fetched):
            values, ok = self._calibration.values(block.data, fetched[block.bands])
            rows = slice(block.rows.start - window.row, block.rows.stop - window.row)
            if block.mask is not None:
                ok &= block.mask
                values[~ok] = 0.0
            for i, position in enumerate(order[block.bands]):
                pixels[:, position, rows] = values[:, i]
            gaps.add(block, rows, ok)
        valid = gaps.valid()
        return Scene(
            pixels=pixels,
            valid=valid,
            bands=tuple(d.bands[b] for b in chosen),
            grid=grid,
            quantity=d.quantity,
            dates=d.dates,
            truth=None if self._labels is None else self._labels.read(window),
            name=d.name,
            notes=d.notes + gaps.notes(valid, d.dates),
            simulated=d.simulated,
        )

    def spectrum(self, row: int, col: int) -> Spectrum:
        d = self._description
        if not (0 <= row < d.grid.height and 0 <= col < d.grid.width):
            raise SceneMismatch(
                f"The pixel at row {row}, column {col} lies outside the scene of "
                f"{d.grid.height} x {d.grid.width}."
            )
        out = np.full(d.shape[1], np.nan, dtype=np.float32)
        bands = range(d.shape[1])
        for block in self._pixels.blocks(Window(row, col, 1, 1), bands):
            values, ok = self._calibration.values(block.data, bands[block.bands])
            if block.mask is not None:
                ok &= block.mask
            out[block.bands] = np.where(ok, values, np.nan)[0, :, 0, 0]
        return Spectrum(row, col, out)

    def overviews(self) -> Mapping[int, SceneSource]:
        if self._copies is None:
            self._copies = self._coarser()
        return self._copies

    def close(self) -> None:
        self._pixels.close()
        for copy in (self._copies or {}).values():
            copy.close()
        if self._labels is not None:
            self._labels.source.close()

    def _check_bands(self, bands: tuple[int, ...]) -> None:
        n = self._description.shape[1]
        if not bands or len(set(bands)) != len(bands) or min(bands) < 0 or max(bands) >= n:
            raise SceneMismatch(
                f"The bands {bands} were asked for; different indices from 0 to {n - 1} are "
                "expected."
            )


MOST_DAYS = 5


class _Gaps:
    """Where values are missing: a pixel is valid when at least one usable band has a value."""

    def __init__(self, shape: tuple[int, int, int, int], bands: tuple[Band, ...]) -> None:
        t, _, h, w = shape
        good = [band.good for band in bands]
        self._good = np.array(good if any(good) else [True] * len(good))
        self._some = np.zeros((t, h, w), dtype=np.bool_)
        self._every = np.ones((t, h, w), dtype=np.bool_)

    def add(self, block: Block, rows: slice, ok: NDArray[np.bool_]) -> None:
        good = ok[:, self._good[block.bands]]
        self._some[:, rows] |= good.any(axis=1)
        self._every[:, rows] &= good.all(axis=1)

    def valid(self) -> NDArray[np.bool_]:
        return self._some

    def notes(self, valid: NDArray[np.bool_], dates: tuple[str, ...]) -> tuple[str, ...]:
        if not valid.any():
            return ("There is no valid pixel here: every value is no data, NaN or infinite.",)
        hidden = np.flatnonzero(~valid.any(axis=(1, 2)))
        if hidden.size:
            days = [dates[t] if dates else f"date {t + 1}" for t in hidden[:MOST_DAYS]]
            more = f" and {hidden.size - MOST_DAYS} more" if hidden.size > MOST_DAYS else ""
            return (
                f"No pixel is clear on {hidden.size} of {len(valid)} dates: "
                f"{', '.join(days)}{more}.",
            )
        partial = int((valid & ~self._every).sum())
        if partial:
            share = f"{100 * partial / valid.size:.2g} %"
            return (
                f"{partial} pixels ({share}) lack a value in some usable bands; 0 stands there.",
            )
        return ()
