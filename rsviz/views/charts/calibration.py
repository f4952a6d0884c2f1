"""Charts of what probabilities are worth: confidence against accuracy, sizes of prediction sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rsviz.analysis.calibration import Reliability
from rsviz.views.charts.base import blank, translucent
from rsviz.views.palettes import CHOSEN, GREY, MEASURED

HEIGHT = 260


def reliability(plain: Reliability, mended: Reliability | None = None) -> go.Figure:
    """Accuracy in each bin of confidence; a calibrated model lies on the diagonal.

    Args:
        plain: of the probabilities as they are.
        mended: of the probabilities at the fitted temperature.
    """
    figure = blank("Confidence [%]", "Accuracy [%]", HEIGHT)
    figure.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", name="calibrated", hoverinfo="skip",
        line={"color": GREY, "dash": "dot", "width": 1.5},
    )  # fmt: skip
    share = plain.count / max(1, plain.count.sum())
    middle = 50 * (plain.edges[:-1] + plain.edges[1:])
    figure.add_bar(
        x=middle, y=100 * share, width=100 * np.diff(plain.edges), name="share of pixels [%]",
        marker={"color": translucent(GREY, 0.35), "line": {"width": 0}},
        hovertemplate="%{y:.1f} %",
    )  # fmt: skip
    for found, name, colour in ((plain, "as it is", MEASURED), (mended, "tempered", CHOSEN)):
        if found is None:
            continue
        there = found.count > 0
        figure.add_scatter(
            x=100 * found.confidence[there], y=100 * found.accuracy[there], name=name,
            mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 6},
            hovertemplate="%{y:.1f} % right",
        )  # fmt: skip
    figure.update_layout(bargap=0, hovermode="closest")
    figure.update_xaxes(range=[0, 101])
    figure.update_yaxes(range=[0, 101])
    return figure


def set_sizes(shares: Sequence[float]) -> go.Figure:
    """How many pixels have a prediction set of each size.

    Args:
        shares: fraction of the pixels with 0, 1, 2, ... classes.
    """
    figure = blank("Classes in the set", "Share of pixels [%]", HEIGHT)
    figure.add_bar(
        x=list(range(len(shares))), y=[100 * share for share in shares], showlegend=False,
        marker={"color": MEASURED, "line": {"width": 0}}, hovertemplate="%{y:.1f} %",
    )  # fmt: skip
    figure.update_xaxes(dtick=1 if len(shares) <= 16 else 5)
    return figure
