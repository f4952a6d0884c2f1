"""A scene whose pixels are already in memory, behind the same door as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.core.grid import Grid, Window
from rsviz.core.scene import Band, Description, Quantity, Truth
from rsviz.io.budget import Budget
from rsviz.io.calibration import Calibration
from rsviz.io.source import Block, Classes, Labels, SceneSource


@dataclass(frozen=True)
class LoadedPixels:
    """Pixels (T, C, H, W) in memory, with a mask (T, H, W) where they are known, or None."""

    data: NDArray[np.float32]
    valid: NDArray[np.bool_] | None = None

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        part = self.data[:, list(bands), window.rows, window.cols]
        mask = None if self.valid is None else self.valid[:, None, window.rows, window.cols]
        yield Block(slice(0, len(bands)), window.rows, part, mask)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Series:
    """A series of images, or of point samples, whole in memory.

    Attributes:
        name: title for people.
        driver: name of the reader.
        pixels: (T, C, H, W); point samples are (T, C, 1, N).
        bands: C bands.
        quantity: what the numbers mean.
        dates: T ISO days, or empty.
        valid: (T, H, W), or None when all are known.
        grid: where they lie; None for no map coordinates.
        truth: reference labels.
        notes: what the user should know.
        choices, variable: parts of the collection to choose from, and the one chosen.
    """

    name: str
    driver: str
    pixels: NDArray[np.float32]
    bands: tuple[Band, ...]
    quantity: Quantity
    dates: tuple[str, ...] = ()
    valid: NDArray[np.bool_] | None = None
    grid: Grid | None = None
    truth: Truth | None = None
    notes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    variable: str = ""

    def source(self, budget: Budget) -> SceneSource:
        """The series as a source."""
        t, c, h, w = self.pixels.shape
        grid = self.grid or Grid(h, w)
        described = Description(
            name=self.name,
            driver=self.driver,
            shape=(t, c, h, w),
            dtype="float32",
            bands=self.bands,
            grid=grid,
            quantity=self.quantity,
            dates=self.dates,
            notes=self.notes,
            choices=self.choices,
            variable=self.variable,
            stored_bytes=self.pixels.nbytes,
        )
        pixels = LoadedPixels(self.pixels, self.valid)
        source = SceneSource(described, pixels, Calibration(), budget)
        if self.truth is None:
            return source
        labels = LoadedPixels(self.truth.labels[None, None].astype(np.float32))
        plane = Description("labels", self.driver, (1, 1, h, w), "int16", (Band("class"),), grid)
        classes = Classes(self.truth.names, self.truth.colours)
        beside = SceneSource(plane, labels, Calibration(), budget, classes=classes)
        return source.paired(Labels(beside, classes, self.truth.groups), ())
