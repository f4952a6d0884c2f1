"""The common look of all charts."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from rsviz.core.layers import TimeSeries

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg"},
}
"""How `st.plotly_chart` shows any of these charts."""

CLEAR = "rgba(0,0,0,0)"
GAP = 3.0  # lines break where samples lie this many times farther apart than usual
DASHES = ("solid", "dash", "dot", "dashdot")


def blank(x_title: str, y_title: str, height: int = 300) -> go.Figure:
    """An empty figure with titled axes, little margin and no background."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 12, "t": 28, "b": 8},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        hovermode="x unified",
        hoverlabel={"namelength": -1},
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        bargap=0.25,
    )
    figure.update_xaxes(title_text=x_title, automargin=True, title_standoff=6)
    figure.update_yaxes(title_text=y_title, automargin=True, title_standoff=6)
    return figure


def rows(x_title: str, count: int) -> go.Figure:
    """An empty figure of horizontal bars: one readable line a category, the first on top."""
    figure = blank(x_title, "", 70 + 24 * max(2, count))
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return figure


def literal(words: str) -> str:
    """Text from a file or a visitor, without meaning for plotly (which reads some HTML)."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def named_unit(layer: TimeSeries) -> str:
    """What an axis of values says: their unit, or what they are where they have none."""
    return layer.title if layer.unit in ("", "1") else layer.unit


def translucent(colour: str, alpha: float) -> str:
    """A colour '#rrggbb' as rgba."""
    red, green, blue = bytes.fromhex(colour.lstrip("#"))
    return f"rgba({red},{green},{blue},{alpha})"


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on a colour '#rrggbb'."""
    shares = np.array(list(bytes.fromhex(colour.lstrip("#")))) / 255.0
    return "#000000" if (shares**2.2) @ [0.2126, 0.7152, 0.0722] > 0.2 else "#ffffff"


def broken(x: NDArray[np.float64], good: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """Where a line over bands breaks: at bad bands and at gaps of the sensor.

    Args:
        x: (C,) positions of the bands.
        good: (C,) whether each is usable.

    Returns:
        (C,) the order of the bands by x, and the places in that order to draw one after the
        other, -1 for each break.
    """
    order = np.argsort(x, kind="stable")
    steps = np.diff(x[order])
    usual = float(np.median(steps)) if steps.size else 1.0
    places: list[int] = []
    for place, band in enumerate(order):
        if place and steps[place - 1] > GAP * usual:
            places.append(-1)
        places.append(place if good[band] else -1)
    return order, np.array(places, np.intp)
