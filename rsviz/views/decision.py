"""Why a model of a season decided as it did: dates, reconstruction, the state of its scan.

Charts are chosen by the names that a card gives its series; a series of another name is drawn
as lines over dates.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from rsviz.core.layers import Layer, ProbabilityMap, TimeSeries
from rsviz.core.model import Result
from rsviz.core.palettes import colours_of
from rsviz.views import charts, errors
from rsviz.views.bench import Bench
from rsviz.views.layers import show_layer
from rsviz.views.season import axis, shown
from rsviz.views.spectra import UNITS
from rsviz.views.state import bind
from rsviz.views.words import plain

BAND = "rebuilt-band"
BY_DATE = {"deciding_dates": "Share of channels", "occlusion": "Loss of probability"}
WHY = ("season_probability", *BY_DATE)
CHARTED = ("time_series", "curve", "tokens", "table")
REBUILT = ("pixel_series", "pixel_reconstruction", "pixel_residual", "reconstruction_error")


def why_panel(bench: Bench, result: Result, pixel: Result) -> None:
    """How the answer came about as the season unfolded, and which dates carried it."""
    layers = pixel.layers
    unfolding = layers.get("season_probability")
    if isinstance(unfolding, TimeSeries):
        _head(unfolding)
        figure = charts.unfolding(unfolding, _class_colours(result, unfolding))
        st.plotly_chart(figure, key="unfolding", config=charts.CONFIG)
    left, right = st.columns(2, gap="medium")
    for column, (name, quantity) in zip((left, right), BY_DATE.items(), strict=True):
        layer = layers.get(name)
        if isinstance(layer, TimeSeries):
            with column:
                _head(layer)
                figure = charts.by_date(layer, quantity, shown(bench))
                st.plotly_chart(figure, key=f"chart-{name}", config=charts.CONFIG)


def rebuilt_panel(bench: Bench, result: Result, pixel: Result | None) -> None:
    """What the reconstruction branch gives back at the picked pixel, and its error by date."""
    layers = _of_both(result, pixel)
    seen, back = layers.get("pixel_series"), layers.get("pixel_reconstruction")
    if isinstance(seen, TimeSeries) and isinstance(back, TimeSeries):
        _head(back)
        band = _choose_band(bench, seen)
        unit = UNITS[bench.about.quantity]
        figure = charts.compared(
            axis(bench), seen.data[band], back.data[band], f"{seen.names[band]}, {unit.lower()}"
        )
        st.plotly_chart(figure, key="rebuilt", config=charts.CONFIG)
    error = layers.get("reconstruction_error")
    if isinstance(error, TimeSeries):
        _head(error)
        st.plotly_chart(charts.heat(error), key="rebuilt-error", config=charts.CONFIG)


def inside_panel(result: Result, pixel: Result | None) -> None:
    """Everything else that the model gives: step sizes and states, and what lost dates cost."""
    for name, layer in others(_of_both(result, pixel)).items():
        with errors.boundary(f"The chart {layer.title}"):
            _head(layer)
            show_layer(layer, f"inside-{name}")


def _of_both(result: Result, pixel: Result | None) -> dict[str, Layer]:
    """The layers of the scene, and those of the picked pixel once it has been looked into."""
    return {**result.layers, **(pixel.layers if pixel else {})}


def others(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """The layers without a place of their own that are no rasters."""
    return {
        name: layer
        for name, layer in layers.items()
        if name not in (*WHY, *REBUILT) and layer.kind in CHARTED
    }


def _head(layer: Layer) -> None:
    st.markdown(f"**{plain(layer.title)}**")
    st.caption(plain(layer.about))


def _choose_band(bench: Bench, layer: TimeSeries) -> int:
    session = bench.session
    if session.chosen.get(BAND) not in layer.names:
        session.chosen[BAND] = layer.names[0]

    def store(name: str) -> None:
        session.chosen[BAND] = name

    st.selectbox(
        "Band",
        layer.names,
        key=BAND,
        on_change=bind(BAND, session.chosen[BAND], store),
        width=240,
    )
    return layer.names.index(session.chosen[BAND])


def _class_colours(result: Result, layer: TimeSeries) -> tuple[str, ...]:
    """The colours of the classes on the map, in the order of a series' names."""
    for found in result.layers.values():
        if isinstance(found, ProbabilityMap) and found.labels == layer.names:
            return colours_of(found.colours, len(found.labels))
    return colours_of((), len(layer.names))
