"""Charts whose parts are buttons: a confusion matrix, bars, and small pictures.

What is chosen comes with the data, so that it can also be changed elsewhere; a click is told
once, and chooses nothing by itself. All parts can be reached by keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.views.palettes import MEASURED

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Bar:
    """One bar, which is a button.

    Attributes:
        name: what it stands for.
        share: its length, 0 to 1; None where there is nothing to measure.
        note: numbers in words, at its end.
        colour: '#rrggbb'.
        chosen: whether it filters.
        about: what a screen reader and the tooltip say.
    """

    name: str
    share: float | None
    note: str
    colour: str = MEASURED
    chosen: bool = False
    about: str = ""


@dataclass(frozen=True)
class Picture:
    """A small picture, which is a button.

    Attributes:
        image: address of the image.
        title, note: what is written below.
        chosen: whether it filters.
    """

    image: str
    title: str
    note: str
    chosen: bool = False


def happened(key: str) -> tuple[int, ...]:
    """What was clicked since the last rerun, known before the chart is drawn again.

    Returns:
        (true, predicted) of a cell of a matrix, -1 for the whole row or column of a name; (i,) of
        a bar or picture; () for nothing. Checked like any other input, but for its range.
    """
    said = st.session_state.get(key) or {}
    place = said.get("click")
    if not isinstance(place, list) or not all(type(part) is int for part in place):
        return ()
    return tuple(place)


def matrix(
    counts: NDArray[np.integer],
    names: Sequence[str],
    colours: Sequence[str],
    key: str,
    chosen: tuple[int, int] = (-1, -1),
    marked: tuple[int, int] | None = None,
) -> None:
    """A confusion matrix: counts, coloured by the share of the true class.

    Args:
        counts: (K, K); rows are the true classes, columns the predicted ones.
        names: K class names.
        colours: their colours.
        key: unique on the page.
        chosen: the chosen cell; -1 for a whole row or column.
        marked: the cell of the picked pixel.
    """
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    data = {
        "kind": "matrix",
        "counts": counts.tolist(),
        "shares": np.round(share, 4).tolist(),
        "names": list(names),
        "colours": list(colours),
        "chosen": list(chosen),
        "marked": list(marked) if marked else None,
    }
    _draw(key, data)


def bars(items: Sequence[Bar], key: str, title: str, axis: str = "") -> None:
    """Horizontal bars.

    Args:
        items: from top to bottom.
        key: unique on the page.
        title: what they show.
        axis: what their length means.
    """
    listed = [asdict(item) for item in items]
    _draw(key, {"kind": "bars", "title": title, "axis": axis, "items": listed})


def pictures(items: Sequence[Picture], key: str) -> None:
    """Small pictures beside each other."""
    _draw(key, {"kind": "pictures", "items": [asdict(item) for item in items]})


def _draw(key: str, data: dict[str, Any]) -> None:
    _component()(key=key, data=data, on_click_change=_nothing)


def _nothing() -> None:
    """A click needs no callback: it is read at the start of the rerun."""


@lru_cache(maxsize=1)
def _component() -> st.components.v2.types.ComponentRenderer:
    parts = {name: (FOLDER / f"picks.{name}").read_text("utf8") for name in ("css", "js")}
    return st.components.v2.component(
        "rsviz_picks", html='<div class="picks"></div>', css=parts["css"], js=parts["js"]
    )
