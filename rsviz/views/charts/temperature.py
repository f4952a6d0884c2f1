"""Charts about surface temperature: shares of the signal, errors, profiles of the air."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from rsviz.core.palettes import OKABE_ITO
from rsviz.draw.coasts import coasts
from rsviz.views.charts.base import DASHES, blank, ink_on, literal, rows, translucent
from rsviz.views.palettes import GREY, MEASURED

Floats = NDArray[np.float64]
LINES = (*(c for c in OKABE_ITO if c != "#f0e442"), GREY)
"""Without the yellow, which is faint as a line on white."""
SHARES = ("Ground", "Reflected sky", "Path")
SHARE_COLOURS = ("#d55e00", "#56b4e9", "#0072b2")
ROOM = 130
"""Height of a chart of few bars: axis title, ticks and legend need as much."""
EARTH = ((-180, 180), (-90, 90))


def signal_shares(lines: Mapping[str, tuple[float, float, float]], unit: str) -> go.Figure:
    """Where the radiance at the sensor comes from, a bar for each line."""
    figure = rows(f"Radiance at the sensor [{unit}]", len(lines))
    names = list(lines)
    for part, (label, colour) in enumerate(zip(SHARES, SHARE_COLOURS, strict=True)):
        values = [lines[name][part] for name in names]
        shares = [lines[name][part] / sum(lines[name]) for name in names]
        figure.add_bar(
            x=values, y=names, orientation="h", name=label, marker_color=colour,
            text=[f"{share:.0%}" if share > 0.06 else "" for share in shares],
            textposition="inside", insidetextanchor="middle", textangle=0, constraintext="none",
            insidetextfont={"color": ink_on(colour)},
            hovertemplate=f"{label}: %{{x:.3f}} {unit}<extra>%{{y}}</extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack", height=ROOM + 30 * len(lines))
    figure.update_layout(legend_traceorder="normal")  # as the parts stand in the bar
    return figure


def error_by_water(curves: Mapping[str, Sequence[Sequence[float]]]) -> go.Figure:
    """RMSE of methods in classes of water vapour.

    Args:
        curves: by method, rows of (from, to, RMSE, ...); the first one stands out.
    """
    figure = blank("Water vapour [g/cm²]", "RMSE [K]", 340)
    for i, ((name, table), colour) in enumerate(zip(curves.items(), LINES, strict=False)):
        figure.add_scatter(
            x=[(row[0] + row[1]) / 2 for row in table],
            y=[row[2] for row in table],
            name=literal(name),
            mode="lines+markers",
            line={"color": colour, "width": 2 if i else 5, "dash": DASHES[i % len(DASHES)]},
            hovertemplate="%{y:.2f} K",
        )
    figure.update_yaxes(rangemode="tozero")
    return figure


def sites(latitude: Floats, longitude: Floats, rmse_k: Floats, land: Sequence[bool]) -> go.Figure:
    """Errors of sites on a map of the world, the larger and the darker the worse.

    Sites on land are squares, those at sea circles.
    """
    figure = blank("Longitude [°]", "Latitude [°]", 360)
    land_x, land_y = coasts().T
    figure.add_scatter(
        x=land_x, y=land_y, mode="lines", line={"color": GREY, "width": 0.8}, fill="toself",
        fillcolor=translucent(GREY, 0.15), hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=longitude,
        y=latitude,
        mode="markers",
        text=["land" if there else "sea" for there in land],
        marker={
            "symbol": ["square" if there else "circle" for there in land],
            "size": np.clip(5 + 4 * rmse_k, 6, 26),
            "color": rmse_k,
            "colorscale": "Cividis",
            "reversescale": True,
            "showscale": True,
            "line": {"width": 1, "color": GREY},
            "colorbar": {"title": "RMSE [K]", "thickness": 12},
        },
        hovertemplate="%{text}<br>%{marker.color:.2f} K<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(range=EARTH[0], dtick=60, zeroline=True)
    figure.update_yaxes(range=EARTH[1], dtick=30, zeroline=True)
    return figure


def error_bars(values: Mapping[str, tuple[float, float | None]], marked: str = "") -> go.Figure:
    """RMSE of methods or places in K, with spread over seeds where there is one.

    Args:
        values: RMSE and spread by name.
        marked: the name whose bar stands out.
    """
    figure = rows("RMSE [K]", len(values))
    spread = [pair[1] or 0.0 for pair in values.values()]
    figure.add_bar(
        x=[pair[0] for pair in values.values()],
        y=[f"{literal(name)}  <b>{pair[0]:.2f}</b>" for name, pair in values.items()],
        orientation="h",
        error_x={"type": "data", "array": spread, "visible": any(spread), "color": GREY},
        marker_color=["#d55e00" if name == marked else MEASURED for name in values],
        showlegend=False,
        hovertemplate="%{x:.2f} K<extra>%{y}</extra>",
    )
    return figure


def air_profiles(lines: Mapping[str, tuple[Floats, Floats]], x_title: str) -> go.Figure:
    """Curves against pressure, the ground below.

    Args:
        lines: by name, values and pressures in hPa.
        x_title: what the values are, with the unit.
    """
    figure = blank(x_title, "Pressure [hPa]", 380)
    for (name, (values, pressure)), colour in zip(lines.items(), LINES, strict=False):
        figure.add_scatter(
            x=values, y=pressure, name=literal(name), mode="lines", line={"color": colour},
            hovertemplate="%{x:.1f} at %{y:.0f} hPa<extra>" + literal(name) + "</extra>",
        )  # fmt: skip
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(range=[1020, 100])
    return figure
