"""Small pictures side by side: an array of (row of panels, column of panels, row, column)."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from rsviz.core.layers import Tokens
from rsviz.core.palettes import SEQUENTIAL, ramp
from rsviz.views.charts.base import blank, literal

CELL = 13  # height of a cell in pixels
SCALE = [[i / 15, f"rgb({r},{g},{b})"] for i, (r, g, b) in enumerate(ramp(SEQUENTIAL)[::17])]


def is_panels(layer: Tokens) -> bool:
    """Whether an array is a table of small pictures."""
    return layer.data.ndim == 4 and layer.axes[2:] == ("row", "column")


def panels(layer: Tokens) -> go.Figure:
    """All pictures in one chart on one scale, a free cell between two."""
    down, across, rows, cols = layer.data.shape
    z = np.full((down * (rows + 1) - 1, across * (cols + 1) - 1), np.nan)
    words = np.full(z.shape, "", dtype=object)
    for i in range(down):
        for j in range(across):
            top, left = i * (rows + 1), j * (cols + 1)
            z[top : top + rows, left : left + cols] = layer.data[i, j]
            names = f"{_tick(layer, 0, i)}, {_tick(layer, 1, j)}"
            for r in range(rows):
                for c in range(cols):
                    words[top + r, left + c] = f"{names}, row {r + 1}, column {c + 1}"
    figure = blank("", "", 60 + CELL * len(z))
    figure.add_heatmap(
        z=z, text=words, colorscale=SCALE, xgap=1, ygap=1, hoverongaps=False,
        colorbar={"title": {"text": layer.unit}, "thickness": 10},
        hovertemplate="%{text}: %{z:.3~g}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(**_names(layer, 1, across, cols), side="top")
    figure.update_yaxes(**_names(layer, 0, down, rows), autorange="reversed")
    return figure


def _names(layer: Tokens, axis: int, count: int, size: int) -> dict[str, Any]:
    """One name in the middle of each panel of an axis."""
    places = [i * (size + 1) + (size - 1) / 2 for i in range(count)]
    return {
        "tickvals": places,
        "ticktext": [_tick(layer, axis, i) for i in range(count)],
        "showgrid": False,
        "zeroline": False,
    }


def _tick(layer: Tokens, axis: int, at: int) -> str:
    named = layer.ticks[axis] if axis < len(layer.ticks) else ()
    return literal(named[at]) if named else f"{layer.axes[axis]} {at + 1}"
