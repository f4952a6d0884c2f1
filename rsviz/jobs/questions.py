"""What a reader can be asked, how long it may take, and how an answer travels.

The same table serves both ends: the reader looks up the function, the web process the limits
and the words for a visitor whose answer never came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rsviz.core.grid import Window
from rsviz.core.scene import Source
from rsviz.jobs import display, pyramid, season

CLICKS, SLOW, TILES = range(3)
LINES = 3


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        answer: called with the source and the arguments of the question; opening
            is done by the reader itself.
        doing: what the reader is doing meanwhile, to complete "the reader ended while ...".
        seconds: processor time it may take.
        patience: how much longer it may last on the wall, for machines that do other things.
        line: which reader of the file answers: CLICKS, what a click waits for; SLOW, what may
            take longer; TILES, parts of a large image.
    """

    answer: Callable[..., Any]
    doing: str
    seconds: float
    line: int = CLICKS
    patience: float = 2.0

    @property
    def wall_seconds(self) -> float:
        """After so many seconds the reader is ended."""
        return self.patience * self.seconds


def _read(source: Source, window: Window | None, bands: tuple[int, ...] | None) -> Any:
    return source.read(window, bands)


def _spectrum(source: Source, row: int, col: int) -> Any:
    return source.spectrum(row, col)


OPENING = Question(lambda: None, "it opened the file", 20.0, patience=1.25)
QUESTIONS: dict[str, Question] = {
    "spectrum": Question(_spectrum, "it read a spectrum", 20.0),
    "composite": Question(display.composite, "it made an image", 60.0),
    "averaged": Question(pyramid.averaged, "it made a part of an image", 60.0, TILES),
    "histogram": Question(display.histogram, "it counted values", 60.0),
    "rectangle": Question(display.rectangle, "it averaged a rectangle", 120.0, SLOW),
    "groups": Question(display.groups, "it averaged groups of pixels", 120.0, SLOW),
    "angle": Question(display.angle, "it compared spectra", 120.0, SLOW),
    "read": Question(_read, "it read pixels", 120.0, SLOW),
    "series": Question(season.series, "it read a series", 20.0),
    "area": Question(season.area, "it averaged an area at every date", 120.0, SLOW),
    "pictures": Question(season.pictures, "it made a picture of every date", 120.0, SLOW),
    "truth": Question(display.truth, "it read the reference labels", 60.0, SLOW),
}
