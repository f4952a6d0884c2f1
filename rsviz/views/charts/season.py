"""Charts over a season: series of pixels and areas, and what each date meant to a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from rsviz.analysis.phenology import Season
from rsviz.core.layers import TimeSeries
from rsviz.core.palettes import expert_colours, ramp
from rsviz.views.charts.base import blank, literal, named_unit, translucent
from rsviz.views.palettes import CHOSEN, GREY, MEASURED

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class SeriesLine:
    """One series of a chart.

    Attributes:
        name: for people.
        values: (T,) NaN where a date is masked.
        colour: '#rrggbb'.
        dash: a plotly dash style.
    """

    name: str
    values: Floats
    colour: str
    dash: str = "solid"


def series(
    x: Sequence[str | int],
    lines: Sequence[SeriesLine],
    quantity: str,
    spread: tuple[Floats, Floats] | None = None,
    shown: int | None = None,
    height: int = 280,
) -> go.Figure:
    """Series over dates: clear dates as filled points, masked ones hollow on the line between.

    Args:
        x: T dates, or numbers of steps.
        lines: what to draw.
        quantity: title of the vertical axis, with its unit.
        spread: mean and standard deviation (T,) of an area, drawn as a line in a ribbon.
        shown: index of the date on the map, marked by a line.
        height: in screen pixels.
    """
    figure = blank(_axis(x), literal(quantity), height)
    if spread is not None:
        mean, deviation = spread
        clear = np.isfinite(mean)
        along = [x[i] for i in np.flatnonzero(clear).tolist()]
        low, high = (mean - deviation)[clear].tolist(), (mean + deviation)[clear].tolist()
        figure.add_scatter(
            x=[*along, *along[::-1]], y=[*low, *high[::-1]], fill="toself", mode="lines",
            fillcolor=translucent(CHOSEN, 0.22), line={"width": 0}, hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip
        lines = [*lines, SeriesLine("Rectangle, mean ± s.d.", mean, CHOSEN, "dash")]
    for line in lines:
        _points(figure, x, line)
    if shown is not None and shown < len(x):
        figure.add_vline(x[shown], line={"color": GREY, "width": 1.5, "dash": "dot"})
    figure.update_layout(showlegend=len(lines) > 1, hovermode="x unified")
    return figure


def _points(figure: go.Figure, x: Sequence[str | int], line: SeriesLine) -> None:
    """A line through the clear dates, with hollow points where dates are masked."""
    values = np.asarray(line.values, np.float64)
    known = np.flatnonzero(np.isfinite(values))
    style = {"color": line.colour, "width": 2, "dash": line.dash}
    figure.add_scatter(
        x=[x[i] for i in known.tolist()], y=values[known], name=literal(line.name),
        mode="lines+markers", line=style, marker={"size": 6}, hovertemplate="%{y:.4~g}",
        legendgroup=line.name,
    )  # fmt: skip
    gaps = np.flatnonzero(~np.isfinite(values))
    if known.size and gaps.size:
        between = np.interp(gaps, known, values[known])
        figure.add_scatter(
            x=[x[i] for i in gaps.tolist()], y=between, mode="markers", showlegend=False,
            hoverinfo="skip",
            marker={"size": 7, "symbol": "circle-open", "color": line.colour, "opacity": 0.55},
            legendgroup=line.name,
        )  # fmt: skip


def mark_season(figure: go.Figure, x: Sequence[str | int], found: Season, dated: bool) -> None:
    """Draw a smoothed season and its start, peak and end over a series.

    Args:
        figure: a chart of `series`.
        x: its dates.
        found: the season.
        dated: whether the dates are dates, and not numbers of steps.
    """

    def at(day: float) -> str | float:
        if not dated:
            return day + 1
        return str(np.datetime64(str(x[0])[:10]) + np.timedelta64(round(day), "D"))

    figure.add_scatter(
        x=[at(day) for day in found.days], y=found.smooth, mode="lines", name="smoothed",
        line={"color": GREY, "width": 1.5}, hoverinfo="skip",
    )  # fmt: skip
    for name, day in (("start", found.start), ("peak", found.peak), ("end", found.end)):
        if day is not None:
            height = float(np.interp(day, found.days, found.smooth))
            figure.add_scatter(
                x=[at(day)], y=[height], mode="markers+text", text=[name], showlegend=False,
                textposition="top center", hovertemplate=f"{name}: %{{x}}<extra></extra>",
                marker={"size": 10, "symbol": "diamond", "color": GREY},
            )  # fmt: skip


def by_date(
    layer: TimeSeries, y_title: str, shown: int | None = None, height: int = 240
) -> go.Figure:
    """One or two values a date as bars; dates without a value have none.

    Args:
        layer: (S, T) values.
        y_title: of the vertical axis, with its unit.
        shown: index of the date on the map.
        height: in screen pixels.
    """
    figure = blank(_axis(layer.dates), y_title, height)
    colours = (MEASURED, translucent(GREY, 0.6))
    for name, values, colour in zip(layer.names, layer.data, colours, strict=False):
        figure.add_bar(
            x=list(_numbers(layer.dates)), y=values, name=literal(name), marker_color=colour,
            hovertemplate="%{y:.3~g}",
        )  # fmt: skip
    if shown is not None:
        figure.add_vline(
            _numbers(layer.dates)[shown], line={"color": GREY, "width": 1.5, "dash": "dot"}
        )
    figure.update_layout(showlegend=len(layer.names) > 1)
    return figure


def unfolding(
    layer: TimeSeries, colours: Sequence[str], most: int = 6, height: int = 280
) -> go.Figure:
    """Probability of the classes as dates come in, those that were ever likeliest.

    Args:
        layer: (K, T) probability of each class after dates 1..t.
        colours: K colours.
        most: greatest number of classes drawn.
        height: in screen pixels.
    """
    figure = blank(_axis(layer.dates), "Class probability", height)
    peaks = np.nan_to_num(layer.data).max(axis=1)
    for i in sorted(np.argsort(-peaks)[:most]):
        figure.add_scatter(
            x=list(_numbers(layer.dates)), y=layer.data[i], name=literal(layer.names[i]),
            mode="lines", line={"color": colours[i], "width": 2.5, "shape": "hv"},
            connectgaps=True, hovertemplate="%{y:.2f}",
        )  # fmt: skip
    figure.update_yaxes(range=[0, 1.02])
    return figure


def heat(layer: TimeSeries, height_a_row: int = 26) -> go.Figure:
    """Values by series and date as a grid of colours."""
    figure = blank(_axis(layer.dates), "", 120 + height_a_row * len(layer.names))
    steps = ramp("batlow")[::17]
    scale = [[i / (len(steps) - 1), f"rgb({r},{g},{b})"] for i, (r, g, b) in enumerate(steps)]
    title = literal(named_unit(layer))
    figure.add_heatmap(
        z=layer.data, x=list(_numbers(layer.dates)), y=[literal(n) for n in layer.names],
        colorscale=scale, colorbar={"title": {"text": title, "side": "right"}, "thickness": 10},
        hovertemplate="%{y}, %{x}: %{z:.3~g}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure


def compared(
    x: Sequence[str | int], observed: Floats, rebuilt: Floats, quantity: str, height: int = 260
) -> go.Figure:
    """What was observed, what a model gives back, and the difference as bars."""
    figure = series(
        x,
        [
            SeriesLine("observed", observed, MEASURED),
            SeriesLine("reconstruction", rebuilt, expert_colours(2)[1], "dash"),
        ],
        quantity,
        height=height,
    )
    figure.add_bar(
        x=list(x), y=observed - rebuilt, name="residual", marker_color=translucent(GREY, 0.5),
        hovertemplate="%{y:.3~g}",
    )  # fmt: skip
    return figure


def _axis(x: Sequence[str | int]) -> str:
    return "Date" if x and "-" in str(x[0]) else "Step"


def _numbers(dates: Sequence[str]) -> Sequence[str | int]:
    """Dates as they are; numbers of steps as numbers, so that their axis is one."""
    return dates if dates and "-" in dates[0] else [int(d) for d in dates]
