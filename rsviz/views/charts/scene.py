"""Charts about a whole scene or model: distributions, areas, accuracy, confusion, speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from rsviz.analysis.calibration import RiskCoverage
from rsviz.jobs.display import Histogram
from rsviz.views.charts.base import DASHES, blank, literal, rows, translucent
from rsviz.views.palettes import GREY, MEASURED, PICKED

MOST_NUMBERED = 20  # classes up to which every cell of a confusion matrix shows its number
CHANNELS = {"Red": "#d9534f", "Green": "#3c9d4f", "Blue": "#3b7dd8"}


def histogram(
    counts: Histogram, limits: tuple[float, float], name: str = "", unit: str = ""
) -> go.Figure:
    """Distribution of a band's values; what lies outside the stretch is pale.

    Args:
        counts: the distribution.
        limits: values drawn black and at full brightness.
        name: Red, Green or Blue for the colour of that channel; anything else is neutral.
        unit: of the values, for the axis.
    """
    figure = blank(unit, "", 130)
    colour = CHANNELS.get(name, MEASURED)
    middle = (counts.edges[:-1] + counts.edges[1:]) / 2
    inside = (middle >= limits[0]) & (middle <= limits[1])
    figure.add_bar(
        x=middle, y=counts.counts, width=np.diff(counts.edges), showlegend=False,
        marker={"color": np.where(inside, colour, translucent(colour, 0.3)), "line": {"width": 0}},
        hovertemplate="%{y:,} pixels at %{x:.4~g}<extra></extra>",
    )  # fmt: skip
    for value in limits:
        figure.add_vline(value, line={"color": GREY, "width": 2})
    figure.update_layout(bargap=0, hovermode="closest", margin={"l": 4, "r": 4, "t": 6, "b": 4})
    figure.update_yaxes(visible=False)
    return figure


def areas(
    labels: Sequence[str], colours: Sequence[str], sizes: Sequence[float], unit: str = "ha"
) -> go.Figure:
    """Area of each class, the greatest first.

    Args:
        labels: K class names.
        colours: K colours.
        sizes: K areas.
        unit: of the areas; "px" where the ground size is unknown.
    """
    order = sorted(range(len(labels)), key=lambda i: -sizes[i])
    total = sum(sizes) or 1.0
    figure = rows(f"Area [{unit}]", len(order))
    figure.add_bar(
        x=[sizes[i] for i in order], y=[literal(labels[i]) for i in order], orientation="h",
        marker_color=[colours[i] for i in order], showlegend=False,
        text=[f"{_short(sizes[i])} · {sizes[i] / total:.1%}" for i in order],
        textposition="outside", cliponaxis=False, hovertemplate="%{y}: %{text}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.3 * max([*sizes, 1e-9])])
    return figure


def coverage(curve: RiskCoverage, least: float) -> go.Figure:
    """Accuracy on the test pixels that stay when less certain ones are hidden.

    Args:
        curve: accuracy over coverage.
        least: the chosen threshold on confidence, marked on the curve.
    """
    figure = blank("Share of test pixels kept [%]", "Overall accuracy [%]", 260)
    figure.add_scatter(
        x=curve.coverage * 100, y=curve.accuracy * 100, customdata=curve.threshold, mode="lines",
        line={"color": MEASURED, "width": 2}, showlegend=False,
        hovertemplate="%{y:.1f} % of the kept pixels are right<br>least certain: %{customdata:.3f}"
        "<extra></extra>",
    )  # fmt: skip
    stay = np.flatnonzero(curve.threshold >= least)
    if stay.size:
        at = int(stay[-1])
        marker = {"size": 12, "color": PICKED, "line": {"color": "#fff", "width": 1.5}}
        figure.add_scatter(
            x=[curve.coverage[at] * 100], y=[curve.accuracy[at] * 100], mode="markers",
            marker=marker, name=f"Threshold {least:.2f}", hoverinfo="skip",
        )  # fmt: skip
    figure.update_xaxes(range=[0, 102])
    figure.update_layout(hovermode="closest", showlegend=bool(stay.size))
    return figure


def confusion(
    matrix: NDArray[np.integer], labels: Sequence[str], unit: str = "pixels"
) -> go.Figure:
    """Truth against prediction: counts, coloured by the share of the true class.

    Args:
        matrix: (K, K) counts; rows are the true classes, columns the predicted ones.
        labels: K class names.
        unit: what is counted.
    """
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    names = [literal(label) for label in labels]
    figure = blank("Predicted", "True", 160 + 26 * len(names))
    figure.add_heatmap(
        z=share, x=names, y=names, customdata=matrix, zmin=0, zmax=1,
        colorscale=[[0, translucent(MEASURED, 0.04)], [1, translucent(MEASURED, 0.75)]],
        xgap=1, ygap=1,
        hovertemplate="true %{y}, predicted %{x}<br>%{customdata:,} "
        f"{unit}, %{{z:.1%}} of the class<extra></extra>",
        colorbar={"title": {"text": "share"}, "thickness": 10, "tickformat": ".0%"},
    )  # fmt: skip
    if len(names) <= MOST_NUMBERED:
        true, predicted = (places.tolist() for places in np.nonzero(matrix))
        figure.add_scatter(
            x=[names[i] for i in predicted], y=[names[i] for i in true], mode="text",
            text=[f"{count:,}" for count in matrix[true, predicted].tolist()], hoverinfo="skip",
        )  # fmt: skip
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(showgrid=False, tickangle=-45)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def benchmark(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_title: str = "Sequence length",
    y_title: str = "Time [s]",
) -> go.Figure:
    """Time against size on logarithmic axes: a straight line of slope 1 grows linearly.

    Args:
        series: name to (sizes, seconds).
        x_title, y_title: of the axes, with units.
    """
    figure = blank(x_title, y_title, 320)
    colours = (MEASURED, "#e69f00", "#009e73", "#cc79a7", GREY)
    for i, (name, (sizes, seconds)) in enumerate(series.items()):
        line = {"color": colours[i % len(colours)], "dash": DASHES[i // len(colours) % 4]}
        figure.add_scatter(
            x=list(sizes), y=list(seconds), name=literal(name), mode="lines+markers", line=line,
            hovertemplate="%{y:.3~s}s",
        )  # fmt: skip
    figure.update_xaxes(type="log", dtick=1, minor={"ticks": "inside"})
    figure.update_yaxes(type="log", dtick=1, exponentformat="power")
    return figure


def _short(value: float) -> str:
    """Three significant digits, thousands apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
