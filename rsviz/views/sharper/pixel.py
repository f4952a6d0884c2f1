"""The picked pixel of a super-resolution: its spectrum in every image, and what maps say there."""

from __future__ import annotations

import numpy as np
import streamlit as st

from rsviz.core.layers import RasterLayer, SRImage, pixel_values
from rsviz.views import charts, inspector
from rsviz.views.charts import Line
from rsviz.views.sharper.review import COLOURS, Review
from rsviz.views.spectra import UNITS
from rsviz.views.words import number, plain

DASHES = {"Input": "dot", "Bicubic": "dash", "Lanczos": "dashdot", "Truth": "solid"}


def inspect(review: Review) -> None:
    """Spectra of input, interpolation, result and truth at the picked pixel, and values of maps."""
    bench = review.bench
    if bench.session.picked is None:
        return
    lines, bands = [], review.image.bands
    for title, image in review.images.items():
        values = at(review, image)
        if values is not None and image.bands == bands:
            dash = DASHES.get(title, "solid")
            lines.append(Line(title, values.astype(np.float32), COLOURS[title], dash))
    if not lines:
        st.caption("This pixel lies outside what was sharpened.")
        return
    figure = charts.spectra(
        bands, lines, UNITS[bench.about.quantity], None, inspector.SPECTRUM_HEIGHT
    )
    st.plotly_chart(figure, key="sr-spectrum", config=charts.CONFIG)
    told = []
    for layer in review.maps.values():
        value = at(review, layer)
        if value is not None and np.isfinite(value):
            told.append(
                f"- {plain(layer.title)}: **{plain(f'{number(float(value))} {layer.unit}')}**"
            )
    st.markdown("\n".join(told))


def at(review: Review, layer: RasterLayer | SRImage) -> np.ndarray | None:
    """Values of a layer over the centre of the picked pixel; None outside of it."""
    picked = review.bench.session.picked
    assert picked is not None
    place = layer.grid.rowcol(*review.bench.grid.xy(picked[0] + 0.5, picked[1] + 0.5))
    return None if place is None else np.asarray(pixel_values(layer, *place))
