"""What one visitor is looking at: one typed object, kept in the address to be shared.

A widget's own value is lost when its page is left, so that pages read and write this object.
The address holds scene, model, weights, options and pixels under the names that the command
line uses (`set` = name=value); files that a visitor uploaded are private and stay out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from rsviz.core.grid import Window

KEY = "rsviz"
ADDRESS = ("scene", "variable", "axes", "model", "weights", "set", "pixel", "pin")

Pixel = tuple[int, int]
Value = bool | int | float | str
Limits = tuple[tuple[float, float], ...]


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


@dataclass
class Session:
    """The visitor's choices; every field survives a change of page.

    Attributes:
        scene: id or path of the open scene; "" when none is open.
        variable, axes: the reader's choice among several, "" for its own.
        upload: whether the scene is a private file of this visitor.
        model, weights, device: what shall run; "" and "auto" leave the choice to us.
        options: values by model and option name.
        picked, pinned: the pixels (row, column) to look into.
        collected: spectra that are kept.
        keep_clicks: whether every clicked spectrum is kept.
        angle: whether the spectral angle to the picked pixel is drawn.
        rectangle: the drawn window.
        look: how bands are shown.
        least_certain: pixels with a lower probability of their class are hidden.
        fade: whether uncertain pixels are drawn fainter.
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
    picked: Pixel | None = None
    pinned: Pixel | None = None
    collected: list[Collected] = field(default_factory=list)
    keep_clicks: bool = False
    angle: bool = False
    rectangle: Window | None = None
    look: Look = field(default_factory=Look)
    least_certain: float = 0.0
    fade: bool = False
    chosen: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    wants_run: bool = False

    def open(self, ref: str, upload: bool = False) -> None:
        """Change to another scene; what belonged to the old one is forgotten."""
        self.scene, self.upload = ref, upload
        self.choose("", "")
        self.weights = ""

    def choose(self, variable: str, axes: str) -> None:
        """Read another variable or axis order of the scene; its pixels are others then."""
        self.variable, self.axes = variable, axes
        self.picked = self.pinned = self.rectangle = None
        self.collected = []
        self.look = Look()
        self.least_certain = 0.0


def current() -> Session:
    """This visitor's session; the first call restores it from the address."""
    if KEY not in st.session_state:
        query = {name: st.query_params.get_all(name) for name in ADDRESS}
        st.session_state[KEY] = from_address(query)
    session: Session = st.session_state[KEY]
    return session


def bind(key: str, value: object, store: Callable[[Any], None]) -> Callable[[], None]:
    """Show a value in the widget of this key, and call `store` when the visitor changes it.

    Call it just before the widget is drawn, and give the widget what it returns as `on_change`.
    """
    st.session_state[key] = value

    def changed() -> None:
        store(st.session_state[key])

    return changed


def from_address(query: Mapping[str, Sequence[str]]) -> Session:
    """The session that an address asks for; parts that cannot be read are left out."""

    def last(name: str) -> str:
        return query[name][-1] if query.get(name) else ""

    session = Session(
        scene=last("scene"),
        variable=last("variable"),
        axes=last("axes"),
        model=last("model"),
        weights=last("weights"),
        picked=_pixel(last("pixel")),
        pinned=_pixel(last("pin")),
        wants_run=bool(last("model")),
    )
    pairs = [text.partition("=") for text in query.get("set", ())]
    session.options[session.model] = {name: value for name, _, value in pairs if name}
    return session


def to_address(session: Session, defaults: Mapping[str, Value]) -> dict[str, str | list[str]]:
    """The address of what is shown.

    Args:
        session: the visitor's choices.
        defaults: values of the model's options that need no mention.
    """
    chosen = session.options.get(session.model, {})
    parts: dict[str, str | list[str]] = {
        "scene": "" if session.upload else session.scene,
        "variable": session.variable,
        "axes": session.axes,
        "model": session.model,
        "weights": session.weights,
        "set": [f"{k}={v}" for k, v in chosen.items() if str(v) != str(defaults.get(k))],
        "pixel": _text(session.picked),
        "pin": _text(session.pinned),
    }
    return {name: value for name, value in parts.items() if value}


def write_address(session: Session, defaults: Mapping[str, Value]) -> None:
    """Put what is shown into the browser's address line, when it has changed."""
    wanted = to_address(session, defaults)
    as_lists = {k: [v] if isinstance(v, str) else v for k, v in wanted.items()}
    if {name: st.query_params.get_all(name) for name in st.query_params} != as_lists:
        st.query_params.from_dict(wanted)


def short_name(ref: str) -> str:
    """A scene's id, or the last part of its path."""
    return Path(ref).name or ref


def _pixel(text: str) -> Pixel | None:
    """'87,42' as (row, column); None when it is not two whole numbers."""
    row, _, col = text.partition(",")
    return (int(row), int(col)) if row.isdecimal() and col.isdecimal() else None


def _text(pixel: Pixel | None) -> str:
    return "" if pixel is None else f"{pixel[0]},{pixel[1]}"
