"""Charts of spiking neurons: who fires when, how the membrane gets there, where kernels look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from rsviz.core.layers import Curve, Tokens
from rsviz.core.palettes import SEQUENTIAL, expert_colours, ramp
from rsviz.views.charts.base import blank, literal, translucent
from rsviz.views.palettes import GREY, MEASURED, PICKED
from rsviz.views.words import many

THRESHOLD = "threshold"


@dataclass(frozen=True)
class Tap:
    """Where one tap of a deformable 3 x 3 kernel looks.

    Attributes:
        row, col: of the tap in the plain kernel, -1 to 1.
        down, right: shift in pixels.
        weight: by which it counts.
    """

    row: int
    col: int
    down: float
    right: float
    weight: float


def raster(layer: Tokens) -> go.Figure:
    """Which channels fire at which step, at one pixel: (channel, step) of 0 and 1."""
    channels, steps = layer.data.shape
    figure = blank("Time step", "Channel", 120 + 6 * channels)
    fired, at = np.nonzero(layer.data > 0)
    figure.add_heatmap(
        z=layer.data, x=list(range(1, steps + 1)), y=list(range(channels)), showscale=False,
        colorscale=[[0, translucent(GREY, 0.08)], [1, MEASURED]], zmin=0, zmax=1, xgap=2, ygap=1,
        hovertemplate="channel %{y}, t = %{x}: %{z}<extra></extra>",
    )  # fmt: skip
    silent = channels - len(set(fired.tolist()))
    told = f"{many(at.size, 'spike')}, {many(silent, 'silent channel')}"
    figure.update_layout(hovermode="closest", title={"text": told, "font": {"size": 13}})
    figure.update_xaxes(showgrid=False, dtick=1)
    figure.update_yaxes(showgrid=False)
    return figure


def membrane(layer: Curve) -> go.Figure:
    """Membrane of some channels before the reset, against the threshold; spikes are marked.

    The last of the curves is the threshold.
    """
    figure = blank("Time step", literal(layer.y_label), 340)
    threshold = layer.data[layer.names.index(THRESHOLD)]
    names = [name for name in layer.names if name != THRESHOLD]
    for name, colour in zip(names, expert_colours(len(names)), strict=True):
        values = layer.data[layer.names.index(name)]
        fires = values >= threshold
        figure.add_scatter(
            x=layer.x, y=values, name=literal(name), mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={
                "size": np.where(fires, 13, 6), "symbol": ["star" if f else "circle" for f in fires]
            },
            hovertemplate="%{y:.3f}",
        )  # fmt: skip
    figure.add_scatter(
        x=layer.x, y=threshold, name="Threshold; ★ fires", mode="lines", hoverinfo="skip",
        line={"color": GREY, "width": 2, "dash": "dash"},
    )  # fmt: skip
    figure.update_xaxes(dtick=1)
    return figure


def by_depth(layer: Curve) -> go.Figure:
    """Curves of layers, coloured from the first to the last."""
    figure = blank(literal(layer.x_label), literal(layer.y_label), 380)
    steps = ramp(SEQUENTIAL)[50:230]  # neither end vanishes on dark or light
    places = np.linspace(0, len(steps) - 1, len(layer.names)).astype(int)
    for name, values, (red, green, blue) in zip(
        layer.names, layer.data, steps[places], strict=True
    ):
        figure.add_scatter(
            x=layer.x, y=values, name=literal(name), mode="lines+markers", marker={"size": 5},
            line={"color": f"rgb({red},{green},{blue})", "width": 2}, hovertemplate="%{y:.3~g}",
        )  # fmt: skip
    figure.update_layout(legend={"orientation": "v", "x": 1.02, "y": 1.0, "yanchor": "top"})
    figure.update_layout(hovermode="closest")
    return figure


def taps(found: Sequence[Tap]) -> go.Figure:
    """The nine taps of a deformable kernel: where a plain one looks, and where this one does."""
    figure = blank("Columns [px]", "Rows [px]", 340)
    for tap in found:
        figure.add_scatter(
            x=[tap.col, tap.col + tap.right], y=[tap.row, tap.row + tap.down], mode="lines",
            line={"color": GREY, "width": 1.5}, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=[tap.col for tap in found], y=[tap.row for tap in found], mode="markers",
        name="plain kernel", hoverinfo="skip",
        marker={"symbol": "square-open", "size": 11, "color": GREY},
    )  # fmt: skip
    figure.add_scatter(
        x=[tap.col + tap.right for tap in found], y=[tap.row + tap.down for tap in found],
        mode="markers", name="this one; size is weight", customdata=[tap.weight for tap in found],
        marker={"size": [6 + 10 * max(0.0, tap.weight) for tap in found], "color": PICKED},
        hovertemplate="row %{y:.2f}, column %{x:.2f}, weight %{customdata:.2f}<extra></extra>",
    )  # fmt: skip
    reach = max(1.5, *(abs(v) for t in found for v in (t.row + t.down, t.col + t.right))) + 0.3
    figure.update_xaxes(range=[-reach, reach], scaleanchor="y", zeroline=False)
    figure.update_yaxes(range=[reach, -reach], zeroline=False)
    figure.update_layout(hovermode="closest")
    return figure


def energy(parts: Sequence[str], values: Sequence[float], spiking: Sequence[bool]) -> go.Figure:
    """Energy of each part [mJ], those driven by spikes in another colour."""
    figure = blank("Energy [mJ]", "", 80 + 26 * len(parts))
    for name, wanted, colour in (
        ("driven by spikes (AC)", True, "#e69f00"),
        ("real-valued (MAC)", False, MEASURED),
    ):
        rows = [i for i, kind in enumerate(spiking) if kind is wanted]
        figure.add_bar(
            x=[values[i] for i in rows], y=[literal(parts[i]) for i in rows], name=name,
            orientation="h", marker_color=colour, hovertemplate="%{y}: %{x:.3~g} mJ<extra></extra>",
        )  # fmt: skip
    order = [literal(part) for part in parts]
    figure.update_yaxes(categoryorder="array", categoryarray=order, autorange="reversed")
    figure.update_layout(hovermode="closest", barmode="overlay")
    return figure


def psnr_by_steps(
    steps: NDArray[np.int64], lines: Sequence[tuple[str, NDArray[np.float64], str]]
) -> go.Figure:
    """PSNR of images from the first steps alone.

    Args:
        steps: (N,) steps used.
        lines: name, (N,) decibels and colour of each.
    """
    figure = blank("Time steps used", "PSNR [dB]", 320)
    for name, values, colour in lines:
        figure.add_scatter(
            x=steps, y=values, name=literal(name), mode="lines+markers",
            line={"color": colour, "width": 2}, hovertemplate="%{y:.2f} dB",
        )  # fmt: skip
    figure.update_xaxes(dtick=1)
    return figure
