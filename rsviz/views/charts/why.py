"""Charts of attributions: parts of each band above the spectrum, and the deletion curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rsviz.core.layers import Curve
from rsviz.core.palettes import DIVERGING, ramp
from rsviz.core.scene import Band
from rsviz.views.charts.base import blank, broken, literal, translucent
from rsviz.views.charts.pixel import Line
from rsviz.views.palettes import CHOSEN, GREY, MEASURED

FOR, AGAINST = (
    "#{:02x}{:02x}{:02x}".format(*ramp(DIVERGING)[place].tolist()) for place in (205, 50)
)
RANDOM = "Random order"


def attribution(
    bands: Sequence[Band], gradients: Curve, occlusion: Curve, lines: Sequence[Line], quantity: str
) -> go.Figure:
    """Parts of each band in the lead of a class, and below them spectra over the same axis.

    Args:
        bands: the C bands, or dates under their names.
        gradients: integrated gradients (1, C).
        occlusion: loss of lead of groups of bands, told for each of their bands (1, C).
        lines: spectra to draw below.
        quantity: title of their axis, with its unit.
    """
    x = gradients.x.astype(np.float64)
    order, places = broken(x, np.array([band.good for band in bands], bool))
    at = np.where(places < 0, np.nan, x[order][places])
    look = blank(gradients.x_label, "").layout
    figure = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.55, 0.45], vertical_spacing=0.06)
    parts = gradients.data[0][order]
    width = float(np.median(np.diff(x[order]))) if x.size > 1 else 1.0
    figure.add_bar(
        x=x[order], y=parts, width=width, name="Integrated gradients", row=1, col=1,
        marker={"color": np.where(parts >= 0, FOR, AGAINST), "line": {"width": 0}},
        hovertemplate="%{y:.3~g}", showlegend=False,
    )  # fmt: skip
    groups, unit = occlusion.data[0], "date" if gradients.x_label == "Date" else "band"
    figure.add_scatter(
        x=at, y=np.where(places < 0, np.nan, groups[order][places]), mode="lines", row=1, col=1,
        name=f"Occlusion of a group of {unit}s", line={"color": CHOSEN, "width": 2, "shape": "hvh"},
        hovertemplate="%{y:.3~g}",
    )  # fmt: skip
    for line in lines:
        values = np.where(places < 0, np.nan, line.values[order][places])
        style = {"color": line.colour, "width": 2, "dash": line.dash}
        figure.add_scatter(
            x=at, y=values, mode="lines", name=literal(line.name), line=style, row=2, col=1,
            hovertemplate="%{y:.4~g}",
        )  # fmt: skip
    figure.update_layout(look)
    figure.update_layout(height=430, xaxis_title_text="", bargap=0)
    figure.update_yaxes(title_text="Part in the lead", automargin=True, row=1, col=1)
    figure.update_yaxes(title_text=quantity, automargin=True, row=2, col=1)
    figure.update_xaxes(
        title_text=gradients.x_label, tickformat="d", hoverformat=".0f", row=2, col=1
    )
    return figure


def deletion(curve: Curve) -> go.Figure:
    """Probability of a class as bands are removed: by two attributions, and at random.

    Args:
        curve: "Integrated gradients", "Occlusion", and random orders with their spread.
    """
    by_name = dict(zip(curve.names, curve.data, strict=True))
    figure = blank(literal(curve.x_label), literal(curve.y_label), 300)
    low, high = by_name["Random, minus s.d."], by_name["Random, plus s.d."]
    figure.add_scatter(
        x=[*curve.x, *curve.x[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines",
        fillcolor=translucent(GREY, 0.25), line={"width": 0}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    for name, colour, dash in (
        ("Integrated gradients", MEASURED, "solid"),
        ("Occlusion", CHOSEN, "solid"),
        (RANDOM, GREY, "dash"),
    ):
        figure.add_scatter(
            x=curve.x, y=by_name[name], name=name, mode="lines+markers", marker={"size": 5},
            line={"color": colour, "width": 2, "dash": dash}, hovertemplate="%{y:.3f}",
        )  # fmt: skip
    figure.update_yaxes(range=[0, 1.02])
    return figure
