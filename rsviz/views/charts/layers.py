"""Charts of the layers that are not rasters, chosen by their kind alone."""

from __future__ import annotations

from itertools import product

import numpy as np
import plotly.graph_objects as go

from rsviz.core.layers import Curve, SpikeTrace, TimeSeries, Tokens
from rsviz.core.palettes import expert_colours
from rsviz.views.charts.base import blank, broken, literal, named_unit
from rsviz.views.charts.panels import SCALE, is_panels, panels


def curve(layer: Curve, colours: tuple[str, ...] = ()) -> go.Figure:
    """Named curves over one axis, broken at its gaps.

    Args:
        layer: the curves.
        colours: one for each; those of experts by default.
    """
    figure = blank(literal(layer.x_label), literal(layer.y_label))
    order, places = broken(layer.x.astype(np.float64), np.ones(layer.x.size, bool))
    x = np.where(places < 0, np.nan, layer.x[order][places])
    for name, values, colour in zip(
        layer.names, layer.data, colours or expert_colours(len(layer.names)), strict=True
    ):
        y = np.where(places < 0, np.nan, values[order][places])
        line = {"color": colour, "width": 2}
        figure.add_scatter(x=x, y=y, name=literal(name), mode="lines", line=line)
    figure.update_traces(hovertemplate="%{y:.4~g}")
    return figure


def time_series(layer: TimeSeries) -> go.Figure:
    """Values over dates; masked dates are gaps."""
    figure = blank("Date", literal(named_unit(layer)))
    for name, values, colour in zip(
        layer.names, layer.data, expert_colours(len(layer.names)), strict=True
    ):
        figure.add_scatter(
            x=list(layer.dates), y=values, name=literal(name), mode="lines+markers",
            marker={"size": 6}, line={"color": colour, "width": 2}, hovertemplate="%{y:.4~g}",
        )  # fmt: skip
    return figure


def spike_trace(layer: SpikeTrace) -> go.Figure:
    """Firing rate of each layer at each time step."""
    steps = list(range(1, layer.data.shape[1] + 1))
    names = [f"{name} (θ {t:g})" for name, t in zip(layer.layers, layer.threshold, strict=True)]
    figure = blank("Time step", "", 110 + 26 * len(names))
    _heat(figure, layer.data, steps, names, "firing rate")
    return figure


def tokens(layer: Tokens) -> go.Figure:
    """A small array: bars of one axis, a grid of two, a table of pictures; else more rows."""
    if is_panels(layer):
        return panels(layer)
    if layer.data.ndim == 1:
        figure = blank(layer.axes[0], layer.unit)
        figure.add_bar(x=_ticks(layer, 0), y=layer.data, hovertemplate="%{y:.4~g}")
        figure.update_traces(marker_color=expert_colours(1)[0])
        return figure
    lead, last = layer.data.shape[:-1], layer.data.shape[-1]
    names = [" · ".join(parts) for parts in product(*(_ticks(layer, a) for a in range(len(lead))))]
    figure = blank(layer.axes[-1], "", 110 + 26 * min(len(names), 24))
    rows = layer.data.reshape(len(names), last)  # (..., last) to (rows, last)
    _heat(figure, rows, _ticks(layer, len(lead)), names, layer.unit)
    return figure


def _heat(
    figure: go.Figure, data: np.ndarray, x: list[int] | list[str], y: list[str], unit: str
) -> None:
    figure.add_heatmap(
        z=data, x=x, y=y, colorscale=SCALE, xgap=1, ygap=1,
        texttemplate="%{z:.2f}" if data.size <= 96 else None,
        colorbar={"title": {"text": unit}, "thickness": 10},
        hovertemplate="%{y}, %{x}: %{z:.4~g}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(showgrid=False)


def _ticks(layer: Tokens, axis: int) -> list[str]:
    named = layer.ticks[axis] if axis < len(layer.ticks) else ()
    return [literal(name) for name in named] or [str(i) for i in range(layer.data.shape[axis])]
