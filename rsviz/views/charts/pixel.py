"""Charts about one or two pixels: spectra, class probabilities, uncertainty, routing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from rsviz.core.scene import Band
from rsviz.jobs.display import RegionStats
from rsviz.views.charts.base import blank, broken, ink_on, literal, rows, translucent
from rsviz.views.palettes import CHOSEN, GREY, PICKED, PINNED

Floats = NDArray[np.float32]
LEGEND_LINE = 19  # height of a line of the legend in screen pixels

FEW_BANDS = 30  # spectra with fewer bands also show their points
NUMBER_PX = 48  # width of a number of three digits, with its sign


@dataclass(frozen=True, eq=False)
class Line:
    """One spectrum of a chart.

    Attributes:
        name: for people.
        values: (C,) in the unit of the axis, NaN where there is none.
        colour: '#rrggbb'.
        dash: a plotly dash style.
        spread: (C,) standard deviation, drawn as a ribbon around the line; None for none.
    """

    name: str
    values: Floats
    colour: str
    dash: str = "solid"
    spread: Floats | None = None


@dataclass(frozen=True)
class Measure:
    """One measure of uncertainty at the picked pixel, and at the pinned one.

    Attributes:
        name: e.g. Entropy.
        unit: e.g. nat; empty for fractions.
        picked, pinned: the values; None where undefined.
        most: the greatest possible value.
    """

    name: str
    unit: str
    picked: float | None
    pinned: float | None = None
    most: float = 1.0


@dataclass(frozen=True, eq=False)
class Stage:
    """Shares of the experts at one stage.

    Attributes:
        name: the stage.
        picked: (E,) shares at the picked pixel (or of the whole scene).
        pinned: (E,) shares at the pinned pixel, if there is one.
    """

    name: str
    picked: Floats
    pinned: Floats | None = None


def spectra(
    bands: Sequence[Band],
    lines: Sequence[Line],
    quantity: str,
    region: RegionStats | None = None,
    height: int = 300,
) -> go.Figure:
    """Spectra over wavelength [nm], or band number where wavelengths are unknown.

    Bad bands are left out and lines break at gaps of the sensor.

    Args:
        bands: the C bands.
        lines: what to draw.
        quantity: title of the vertical axis, with its unit.
        region: mean and standard deviation of a rectangle, drawn as a line in a ribbon.
        height: in screen pixels.
    """
    known = [band.wavelength_nm for band in bands]
    in_nm = all(centre is not None for centre in known)
    x = np.array(known if in_nm else range(1, len(bands) + 1), np.float64)
    order, places = broken(x, np.array([band.good for band in bands], bool))
    figure = blank("Wavelength [nm]" if in_nm else "Band", quantity, height)
    at = np.where(places < 0, np.nan, x[order][places])
    mode = "lines+markers" if len(bands) <= FEW_BANDS else "lines"

    def ordered(values: Floats) -> NDArray[np.float64]:
        return np.where(places < 0, np.nan, values[order][places].astype(np.float64))

    if region is not None:
        name = f"Rectangle, mean of {region.count:,} px ± s.d."
        mean, spread = ordered(region.mean), ordered(region.std)
        _ribbon(figure, at, mean - spread, mean + spread, CHOSEN)
        line = {"color": CHOSEN, "width": 2, "dash": "dash"}
        figure.add_scatter(x=at, y=mean, name=name, mode="lines", line=line)
    for one in lines:
        if one.spread is not None:
            low, high = ordered(one.values - one.spread), ordered(one.values + one.spread)
            _ribbon(figure, at, low, high, one.colour)
        style = {"color": one.colour, "width": 2, "dash": one.dash}
        figure.add_scatter(
            x=at,
            y=ordered(one.values),
            name=literal(one.name),
            mode=mode,
            line=style,
            marker={"size": 5},
        )
    figure.update_traces(hovertemplate="%{y:.4~g}")
    figure.update_layout(showlegend=len(lines) + (region is not None) > 1)
    figure.update_xaxes(hoverformat=".0f", tickformat="d")
    if not in_nm and len(bands) <= FEW_BANDS:
        figure.update_xaxes(dtick=max(1, len(bands) // 8))
    return figure


def _ribbon(
    figure: go.Figure,
    x: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    colour: str,
) -> None:
    """The area between two broken lines, one closed shape for each unbroken piece."""
    defined = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], defined, [False]]).astype(int)))
    across: list[float | None] = []
    up: list[float | None] = []
    for start, stop in edges.reshape(-1, 2):
        across += [*x[start:stop], *x[start:stop][::-1], None]
        up += [*high[start:stop], *low[start:stop][::-1], None]
    fill = translucent(colour, 0.22)
    figure.add_scatter(
        x=across, y=up, fill="toself", fillcolor=fill, line={"width": 0}, mode="lines",
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def probabilities(
    labels: Sequence[str],
    colours: Sequence[str],
    picked: Floats,
    pinned: Floats | None = None,
    truth: int | None = None,
    most: int = 10,
    names: tuple[str, str] = ("Picked", "Pinned"),
) -> go.Figure:
    """Probability of each class at the picked pixel, the likeliest first.

    Args:
        labels: K class names.
        colours: K colours.
        picked: (K,) probabilities of the picked pixel.
        pinned: (K,) of the pinned pixel, drawn as diamonds.
        truth: index of the true class, if known; it is marked.
        most: greatest number of classes shown; the true class always is.
        names: what the bars and the diamonds are.
    """
    order = [int(i) for i in np.argsort(-picked, kind="stable")[:most]]
    if truth is not None and truth not in order:
        order[-1] = truth
    classes = [literal(labels[i]) for i in order]
    classes = [
        f"<b>{n}</b> (true)" if i == truth else n for n, i in zip(classes, order, strict=True)
    ]
    figure = rows("Probability", len(order))
    _bars(
        figure,
        classes,
        picked[order].tolist(),
        None if pinned is None else pinned[order].tolist(),
        [colours[i] for i in order],
        [_three(value) for value in picked[order]],
        None if pinned is None else [_three(value) for value in pinned[order]],
        names,
    )
    return figure


def measures(entries: Sequence[Measure]) -> go.Figure:
    """How sure the model is: each measure as a share of its greatest value, told in its unit."""
    figure = rows("Share of the maximum", len(entries))
    both = any(m.pinned is not None for m in entries)
    names = [m.name if m.unit in ("", "1") else f"{m.name} [{m.unit}]" for m in entries]
    figure.add_bar(
        x=[1.0] * len(entries), y=names, orientation="h", hoverinfo="skip", showlegend=False,
        marker_color=translucent(GREY, 0.18),
    )  # fmt: skip
    _bars(
        figure,
        names,
        [_share(m.picked, m.most) for m in entries],
        [_share(m.pinned, m.most) for m in entries] if both else None,
        [PICKED] * len(entries),
        [_three(m.picked) for m in entries],
        [_three(m.pinned) for m in entries] if both else None,
    )
    return figure


def routing(experts: Sequence[str], colours: Sequence[str], stages: Sequence[Stage]) -> go.Figure:
    """Shares of the experts stage by stage, at the picked pixel and below it at the pinned one."""
    lines: list[tuple[str, Floats]] = []
    for stage in stages:
        both = stage.pinned is not None
        lines.append((f"{stage.name}, picked" if both else stage.name, stage.picked))
        if stage.pinned is not None:
            lines.append((f"{stage.name}, pinned", stage.pinned))
    figure = rows("Share of the experts", len(lines))
    names = [name for name, _ in lines]
    for expert, (label, colour) in enumerate(zip(experts, colours, strict=True)):
        shares = [float(line[expert]) for _, line in lines]
        figure.add_bar(
            x=shares, y=names, orientation="h", name=label, marker_color=colour,
            text=[f"{share:.2f}" if share >= 0.08 else "" for share in shares],
            textposition="inside", insidetextanchor="middle", textangle=0, constraintext="none",
            insidetextfont={"color": ink_on(colour)},
            hovertemplate=f"{label}: %{{x:.3f}}<extra>%{{y}}</extra>",
        )  # fmt: skip
    room = LEGEND_LINE * len(experts)  # long names stand below each other where it is narrow
    figure.update_layout(
        barmode="stack", legend_traceorder="normal", height=figure.layout.height + room
    )
    figure.update_xaxes(range=[0, 1])
    return figure


def _bars(
    figure: go.Figure,
    names: Sequence[str],
    picked: Sequence[float | None],
    pinned: Sequence[float | None] | None,
    colours: Sequence[str],
    picked_words: Sequence[str],
    pinned_words: Sequence[str] | None,
    whose: tuple[str, str] = ("Picked", "Pinned"),
) -> None:
    """Bars for the picked pixel, diamonds for the pinned one, and both numbers at the right."""
    figure.add_bar(
        x=picked, y=names, orientation="h", marker_color=colours, customdata=picked_words,
        showlegend=False, hovertemplate=f"%{{y}}: %{{customdata}}<extra>{whose[0]}</extra>",
    )  # fmt: skip
    words = list(picked_words)
    if pinned is not None and pinned_words is not None:
        marker = {"symbol": "diamond", "size": 10, "color": PINNED}
        marker |= {"line": {"color": "#fff", "width": 1}}
        figure.add_scatter(
            x=pinned, y=names, mode="markers", name=whose[1], marker=marker,
            customdata=pinned_words,
            hovertemplate=f"%{{y}}: %{{customdata}}<extra>{whose[1]}</extra>",
        )  # fmt: skip
        words = [f"{one}  ◆ {other}" for one, other in zip(words, pinned_words, strict=True)]
    figure.add_scatter(
        x=[1.0] * len(names), y=names, mode="text", text=[f" {word}" for word in words],
        textposition="middle right", hoverinfo="skip", showlegend=False, cliponaxis=False,
    )  # fmt: skip
    figure.update_layout(barmode="overlay", showlegend=pinned is not None)
    figure.update_layout(margin_r=NUMBER_PX * (1 if pinned is None else 2) + 8)
    if pinned is not None:
        figure.update_layout(height=figure.layout.height + LEGEND_LINE)
    figure.update_xaxes(range=[-0.03, 1], tickvals=[0, 0.5, 1], showgrid=False, zeroline=False)


def _share(value: float | None, most: float) -> float | None:
    return None if value is None or not np.isfinite(value) else value / most


def _three(value: float | None) -> str:
    """Three digits after the point."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"
