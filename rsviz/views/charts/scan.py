"""The order in which a scan visits the pixels of a small grid, drawn and played."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from rsviz.core.layers import Tokens
from rsviz.core.palettes import expert_colours
from rsviz.views.charts.base import CLEAR, translucent
from rsviz.views.palettes import GREY

TRACES = 4  # a panel has its cells, their numbers, the way, and the place where the scan is


def scan_orders(layer: Tokens, width: int) -> go.Figure:
    """Each direction's way through a grid, with play, step and a slider.

    Cells are numbered and coloured in the order of the visit; a line shows the way taken so far,
    broken where the scan jumps.

    Args:
        layer: (direction, position) numbers of the pixels visited, counted row by row from 0.
        width: columns of the grid.
    """
    orders = layer.data.astype(np.int64)
    count, length = orders.shape
    names = layer.ticks[0] if layer.ticks and layer.ticks[0] else tuple(map(str, range(count)))
    across = 2 if count > 3 else count
    figure = make_subplots(
        -(-count // across), across, subplot_titles=list(names),
        horizontal_spacing=0.06, vertical_spacing=0.12,
    )  # fmt: skip
    for i, (order, colour) in enumerate(zip(orders, expert_colours(count), strict=True)):
        place = {"row": i // across + 1, "col": i % across + 1}
        _cells(figure, order, width, colour, place)
        _path(figure, order, width, colour, place)
    figure.frames = [_frame(orders, width, step) for step in range(1, length + 1)]
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, autorange="reversed")
    figure.update_annotations(font_size=13)
    figure.update_layout(
        height=90 + 170 * (-(-count // across)),
        margin={"l": 4, "r": 4, "t": 26, "b": 8},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        showlegend=False,
        updatemenus=[_buttons()],
        sliders=[_slider(length)],
    )
    return figure


def _way(order: NDArray[np.int64], width: int) -> tuple[list[int | None], list[int | None]]:
    """Columns and rows of the visited pixels, with None where the scan jumps."""
    x: list[int | None] = []
    y: list[int | None] = []
    for i, (row, col) in enumerate(zip(order // width, order % width, strict=True)):
        if i and abs(row - order[i - 1] // width) + abs(col - order[i - 1] % width) > 1:
            x.append(None)
            y.append(None)
        x.append(int(col))
        y.append(int(row))
    return x, y


def _cells(
    figure: go.Figure, order: NDArray[np.int64], width: int, colour: str, place: dict[str, int]
) -> None:
    """The grid: each pixel with the step at which it is visited, stronger the later."""
    steps = np.full(-(-order.size // width) * width, np.nan)
    steps[order] = np.arange(1, order.size + 1)
    figure.add_heatmap(
        z=steps.reshape(-1, width),  # (rows * width,) to (rows, width)
        colorscale=[[0, translucent(colour, 0.08)], [1, translucent(colour, 0.55)]],
        showscale=False, xgap=2, ygap=2, **place,
        hovertemplate="step %{z}: row %{y}, column %{x}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=order % width, y=order // width, mode="text", hoverinfo="skip",
        text=[str(step) for step in range(1, order.size + 1)], **place,
    )  # fmt: skip


def _path(
    figure: go.Figure, order: NDArray[np.int64], width: int, colour: str, place: dict[str, int]
) -> None:
    """The way taken so far, and where the scan is now."""
    x, y = _way(order, width)
    line = {"color": colour, "width": 9}
    figure.add_scatter(x=x, y=y, mode="lines", line=line, opacity=0.45, hoverinfo="skip", **place)
    marker = {"size": 14, "color": colour, "line": {"color": "#fff", "width": 2}}
    figure.add_scatter(x=x[-1:], y=y[-1:], mode="markers", marker=marker, hoverinfo="skip", **place)


def _frame(orders: NDArray[np.int64], width: int, step: int) -> go.Frame:
    data, traces = [], []
    for i, order in enumerate(orders):
        x, y = _way(order[:step], width)
        data += [go.Scatter(x=x, y=y), go.Scatter(x=x[-1:], y=y[-1:])]
        traces += [TRACES * i + 2, TRACES * i + 3]
    return go.Frame(data=data, traces=traces, name=str(step))


def _timing(milliseconds: int) -> dict[str, Any]:
    return {
        "frame": {"duration": milliseconds, "redraw": False},
        "transition": {"duration": 0},
        "fromcurrent": True,
        "mode": "immediate",
    }


def _buttons() -> dict[str, Any]:
    play = {"label": "▶", "method": "animate", "args": [None, _timing(150)]}
    fast = {"label": "▶▶", "method": "animate", "args": [None, _timing(40)]}
    stop = {"label": "❚❚", "method": "animate", "args": [[None], _timing(0)]}
    return {
        "type": "buttons", "direction": "left", "showactive": False, "x": 0, "xanchor": "left",
        "y": -0.02, "yanchor": "top", "buttons": [play, fast, stop], "pad": {"t": 8},
        "bgcolor": CLEAR, "bordercolor": GREY, "font": {"color": GREY},
    }  # fmt: skip


def _slider(length: int) -> dict[str, Any]:
    steps = [
        {"label": str(i), "method": "animate", "args": [[str(i)], _timing(0)]}
        for i in range(1, length + 1)
    ]
    return {
        "active": length - 1, "steps": steps, "x": 0.3, "len": 0.7, "y": -0.02,
        "currentvalue": {"prefix": "Step ", "font": {"color": GREY}}, "pad": {"t": 4},
        "font": {"color": CLEAR}, "tickcolor": CLEAR, "bordercolor": GREY, "bgcolor": CLEAR,
    }  # fmt: skip
