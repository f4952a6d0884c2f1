"""A loupe: the same ground in several images side by side, with one zoom for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.views.publish import Publisher, encoded

FOLDER = Path(__file__).parent
Share = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Pane:
    """One image of the loupe.

    Attributes:
        title: what it shows.
        image: (h, w, 4) uint8, of any resolution; all panes cover the same ground.
        note: written beside the title.
    """

    title: str
    image: NDArray[np.uint8]
    note: str = ""


def show(panes: Sequence[Pane], key: str, mark: Share | None = None, scale: float = 1.0) -> None:
    """Draw the loupe.

    Args:
        panes: what to compare.
        key: unique on the page.
        mark: the picked place as shares (down, right) of the ground; the loupe goes there.
        scale: pixels of the finest image in one of the coarsest; decides the first zoom.
    """
    place = Publisher(key)
    data = {
        "panes": [
            {
                "title": pane.title,
                "note": pane.note,
                "url": place(f"pane-{i}", *encoded(pane.image, False)),
                "height": pane.image.shape[0],
                "width": pane.image.shape[1],
            }
            for i, pane in enumerate(panes)
        ],
        "mark": list(mark) if mark else None,
        "scale": scale,
    }
    _component()(key=key, data=data, on_pick_change=_nothing)


def happened(key: str) -> Share | None:
    """The place clicked since the last rerun, as shares (down, right) of the ground."""
    said = (st.session_state.get(key) or {}).get("pick")
    if not isinstance(said, list) or len(said) != 2:
        return None
    if not all(isinstance(part, (int, float)) and 0 <= part < 1 for part in said):
        return None
    return float(said[0]), float(said[1])


def _nothing() -> None:
    """A click needs no callback: it is found in the state of the next rerun."""


@lru_cache(maxsize=1)
def _component() -> st.components.v2.types.ComponentRenderer:
    parts = {name: (FOLDER / f"loupe.{name}").read_text("utf8") for name in ("html", "css", "js")}
    return st.components.v2.component(
        "rsviz_loupe", html=parts["html"], css=parts["css"], js=parts["js"]
    )
