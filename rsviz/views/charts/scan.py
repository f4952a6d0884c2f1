"""The order in which a scan visits the pixels of a small grid, drawn and played."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from rsviz.core.layers import Tokens
from rsviz.core.palettes import expert_colours
from rsviz.views.charts.base import CLEAR
from rsviz.views.palettes import GREY


def scan_orders(layer: Tokens, width: int) -> go.Figure:
    """Each direction's way through a grid, with play, step and a slider.

    Args:
        layer: (direction, position) numbers of the pixels visited, counted row by row from 0.
        width: columns of the grid.
    """
    orders = layer.data.astype(np.int64)
    count, length = orders.shape
    names = layer.ticks[0] if layer.ticks and layer.ticks[0] else tuple(map(str, range(count)))
    figure = make_subplots(1, count, subplot_titles=list(names), horizontal_spacing=0.03)
    colours = expert_colours(count)
    for column, (order, colour) in enumerate(zip(orders, colours, strict=True), start=1):
        _cells(figure, order, width, column)
        _path(figure, order, width, colour, column)
    figure.frames = [_frame(orders, width, step) for step in range(1, length + 1)]
    rows = -(-length // width)
    figure.update_xaxes(visible=False, range=[-0.6, width - 0.4], constrain="domain")
    figure.update_yaxes(visible=False, range=[rows - 0.4, -0.6])
    for column in range(1, count + 1):
        anchor = "x" if column == 1 else f"x{column}"
        figure.update_yaxes(scaleanchor=anchor, constrain="domain", row=1, col=column)
    figure.update_layout(
        height=330,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        showlegend=False,
        updatemenus=[_buttons()],
        sliders=[_slider(length)],
    )
    return figure


def _xy(order: NDArray[np.int64], width: int) -> tuple[list[int], list[int]]:
    return (order % width).tolist(), (order // width).tolist()


def _cells(figure: go.Figure, order: NDArray[np.int64], width: int, column: int) -> None:
    """One square a pixel, with the step at which it is visited."""
    x, y = _xy(order, width)
    figure.add_scatter(
        x=x, y=y, mode="markers+text", text=[str(i + 1) for i in range(order.size)],
        textfont={"size": 9, "color": GREY}, textposition="middle center",
        marker={"symbol": "square-open", "size": 22, "color": GREY, "opacity": 0.4},
        hovertemplate="step %{text}: row %{y}, column %{x}<extra></extra>", row=1, col=column,
    )  # fmt: skip


def _path(
    figure: go.Figure, order: NDArray[np.int64], width: int, colour: str, column: int
) -> None:
    """The way taken so far, and where the scan is now."""
    x, y = _xy(order, width)
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": colour, "width": 3}, opacity=0.65, hoverinfo="skip",
        row=1, col=column,
    )  # fmt: skip
    marker = {"size": 13, "color": colour, "line": {"color": "#fff", "width": 2}}
    figure.add_scatter(
        x=x[-1:], y=y[-1:], mode="markers", marker=marker, hoverinfo="skip", row=1, col=column
    )


def _frame(orders: NDArray[np.int64], width: int, step: int) -> go.Frame:
    data, traces = [], []
    for i, order in enumerate(orders):
        x, y = _xy(order[:step], width)
        data += [go.Scatter(x=x, y=y), go.Scatter(x=x[-1:], y=y[-1:])]
        traces += [3 * i + 1, 3 * i + 2]
    return go.Frame(data=data, traces=traces, name=str(step))


def _timing(milliseconds: int) -> dict[str, Any]:
    return {
        "frame": {"duration": milliseconds, "redraw": False},
        "transition": {"duration": 0},
        "fromcurrent": True,
        "mode": "immediate",
    }


def _buttons() -> dict[str, Any]:
    play = {"label": "▶ Play", "method": "animate", "args": [None, _timing(150)]}
    fast = {"label": "▶▶", "method": "animate", "args": [None, _timing(40)]}
    stop = {"label": "❚❚ Stop", "method": "animate", "args": [[None], _timing(0)]}
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
        "active": length - 1, "steps": steps, "x": 0.28, "len": 0.72, "y": -0.02,
        "currentvalue": {"prefix": "Step ", "font": {"color": GREY}}, "pad": {"t": 4},
        "font": {"color": CLEAR}, "tickcolor": CLEAR, "bordercolor": GREY, "bgcolor": CLEAR,
    }  # fmt: skip
