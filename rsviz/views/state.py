"""What one visitor is looking at: one typed object that all pages read and write.

A widget's own value is lost when its page is left; `bind` ties widgets to this object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from rsviz.analysis.edges import Line
from rsviz.analysis.facets import Filter
from rsviz.core.grid import Window
from rsviz.draw.colour import Limits
from rsviz.views.taught import Teaching

Pixel = tuple[int, int]
Value = bool | int | float | str
CONFIDENT_FROM = 0.9


@dataclass
class Collected:
    """A spectrum that the visitor keeps: the pixel, a name and a colour."""

    row: int
    col: int
    name: str
    colour: str


@dataclass
class Look:
    """How bands become colours: three bands (or one), and the values at both ends.

    Attributes:
        preset: name of the chosen combination of bands.
        bands: indices from 0; empty until a preset is chosen.
        limits: (low, high) of each band in its unit; None for the 2nd and 98th percentile.
    """

    preset: str = ""
    bands: tuple[int, ...] = ()
    limits: Limits | None = None

    def reset(self) -> None:
        """Go back to the stretch from the 2nd to the 98th percentile."""
        self.limits = None


@dataclass
class Second:
    """What a result is compared with.

    Attributes:
        kind: "run" for another model, weights or settings; "changed" for the same model on changed
            spectra; "" for nothing.
        model, weights, options: of the other run, as in `Session`.
        changes: settings of each change of the spectra, by its name, in order.
    """

    kind: str = ""
    model: str = ""
    weights: str = ""
    options: dict[str, dict[str, Value]] = field(default_factory=dict)
    changes: dict[str, dict[str, Value]] = field(default_factory=dict)


@dataclass
class Session:
    """The visitor's choices; every field survives a change of page.

    Attributes:
        scene: id or path of the open scene; "" when none is open.
        variable, axes: the reader's choice among several, "" for its own.
        upload: whether the scene is a private file of this visitor.
        model, weights, device: what shall run; "" and "auto" leave the choice to us.
        options: values by model and option name.
        before: settings of the changes of a scene before it is sharpened, by their names.
        picked, pinned: the pixels (row, column) to look into.
        collected: spectra that are kept.
        keep_clicks: whether every clicked spectrum is kept.
        angle: whether the spectral angle to the picked pixel is drawn.
        rectangle: the drawn window.
        line: the drawn line.
        date: which date of a stack is shown, from 0; None until one is, then the clearest.
        dates: ISO dates that the visitor gave the stack; empty for those of the file.
        look: how bands are shown.
        least_certain: pixels with a lower probability of their class are hidden.
        fade: whether uncertain pixels are drawn fainter.
        filter: which test pixels are lit; the rectangle filters as well.
        confident_from: probability from which an answer counts as confident.
        second: what the result is compared with.
        teaching: what the visitor teaches, and the models that came of it.
        chosen: what a page shows of several, by the key of the choice.
        jobs: ids of submitted jobs by what they ask.
        wants_run: whether the address asked for a result, so that it starts by itself.
    """

    scene: str = ""
    variable: str = ""
    axes: str = ""
    upload: bool = False
    model: str = ""
    weights: str = ""
    device: str = "auto"
    options: dict[str, dict[str, Value]] = field(default_factory=dict)
    before: dict[str, dict[str, Value]] = field(default_factory=dict)
    picked: Pixel | None = None
    pinned: Pixel | None = None
    collected: list[Collected] = field(default_factory=list)
    keep_clicks: bool = False
    angle: bool = False
    rectangle: Window | None = None
    line: Line | None = None
    date: int | None = None
    dates: tuple[str, ...] = ()
    look: Look = field(default_factory=Look)
    least_certain: float = 0.0
    fade: bool = False
    filter: Filter = field(default_factory=Filter)
    confident_from: float = CONFIDENT_FROM
    second: Second = field(default_factory=Second)
    teaching: Teaching = field(default_factory=Teaching)
    chosen: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    wants_run: bool = False

    def open(self, ref: str, upload: bool = False) -> None:
        """Change to another scene; what belonged to the old one is forgotten."""
        self.scene, self.upload = ref, upload
        self.choose("", "")
        self.teaching.forget_scene()
        self.weights = self.second.weights = ""

    def choose(self, variable: str, axes: str) -> None:
        """Read another variable or axis order of the scene; its pixels are others then."""
        self.variable, self.axes = variable, axes
        self.picked = self.pinned = self.rectangle = self.line = None
        self.collected = []
        self.date, self.dates = None, ()
        self.look = Look()
        self.least_certain = 0.0
        self.filter = Filter()

    def pin(self, pixel: Pixel | None) -> None:
        """Keep a pixel beside the next ones that are picked; None forgets it."""
        self.pinned = pixel

    def draw(self, window: Window | None) -> None:
        """Choose a part of the scene; None chooses none."""
        self.rectangle = window


def bind(key: str, value: object, store: Callable[[Any], None]) -> Callable[[], None]:
    """Show a value in the widget of this key, and call `store` when the visitor changes it.

    Call it just before the widget is drawn, and give the widget what it returns as `on_change`.
    """
    st.session_state[key] = value

    def changed() -> None:
        store(st.session_state[key])

    return changed


def short_name(ref: str) -> str:
    """A scene's id, or the last part of its path."""
    return Path(ref).name or ref
