"""Charts about the sharpness of images: power by frequency, and edges along a line."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from rsviz.core.layers import Curve
from rsviz.views.charts.base import blank, literal, translucent
from rsviz.views.palettes import GREY

NYQUIST = 0.5  # cycles a pixel
BELOW_DB = 70.0  # what lies farther below the greatest power is not worth room


def power(layer: Curve, colours: Mapping[str, str]) -> go.Figure:
    """Power by spatial frequency, with the frequency at which the input ends.

    Args:
        layer: decibels of each image over cycles an input pixel.
        colours: of each image by name.
    """
    figure = blank(literal(layer.x_label), literal(layer.y_label), 340)
    for name, values in zip(layer.names, layer.data, strict=True):
        dash = "dot" if name == "Input" else "solid"
        line = {"color": colours.get(name, GREY), "width": 2, "dash": dash}
        figure.add_scatter(
            x=layer.x, y=values, name=literal(name), mode="lines", line=line,
            hovertemplate="%{y:.1f} dB",
        )  # fmt: skip
    end = float(layer.x[-1]) if layer.x.size else 1.0
    figure.add_vrect(NYQUIST, max(end, NYQUIST), fillcolor=translucent(GREY, 0.12), line_width=0)
    figure.add_vline(
        NYQUIST, line={"color": GREY, "width": 2, "dash": "dash"},
        annotation={"text": "Nyquist of the input", "yanchor": "top", "xanchor": "left"},
    )  # fmt: skip
    most = float(np.nanmax(layer.data, initial=0.0))
    least = max(float(np.nanmin(layer.data, initial=most)), most - BELOW_DB)
    figure.update_yaxes(range=[least - 3, most + 5])
    figure.update_xaxes(range=[0, end], hoverformat=".2f")
    return figure


def edge(
    profiles: Mapping[str, NDArray[np.float64]],
    distance: NDArray[np.float64],
    colours: Mapping[str, str],
    unit: str,
    quantity: str,
) -> go.Figure:
    """Values along a drawn line, in every image.

    Args:
        profiles: {image: (N,) values}.
        distance: (N,) from the start of the line.
        colours: of each image by name.
        unit: of the distance.
        quantity: title of the vertical axis, with its unit.
    """
    figure = blank(f"Distance along the line [{unit}]", literal(quantity), 320)
    for name, values in profiles.items():
        dash = "dot" if name == "Input" else "solid"
        figure.add_scatter(
            x=distance, y=values, name=literal(name), mode="lines",
            line={"color": colours.get(name, GREY), "width": 2, "dash": dash},
            hovertemplate="%{y:.4~g}",
        )  # fmt: skip
    figure.update_xaxes(hoverformat=".2f")
    return figure
