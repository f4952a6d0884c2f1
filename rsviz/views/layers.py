"""Layers on a page: raster kinds on the map, tables as tables, the others as charts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import plotly.graph_objects as go
import streamlit as st

from rsviz.core.layers import Layer, RasterLayer, Table
from rsviz.draw.paint import PLAIN, Style, draw
from rsviz.draw.warp import MapFrame
from rsviz.views import charts
from rsviz.views.map import MapLayer


def map_layer(
    frame: MapFrame,
    id: str,
    layer: RasterLayer,
    style: Style = PLAIN,
    opacity: float = 1.0,
    visible: bool = True,
) -> MapLayer:
    """A raster layer ready for the map."""
    drawing = draw(layer, style)
    image = frame.place(drawing.image, layer.grid)
    return MapLayer(
        id, layer.title, image, opacity, visible, drawing.legend, drawing.values, drawing.photo
    )


def chart(layer: Layer) -> go.Figure:
    """The chart of a layer that is neither a raster nor a table."""
    return CHARTS[layer.kind](layer)


def show_layer(layer: Layer, key: str) -> None:
    """Show a layer that is not a raster: a table as a table, any other kind as its chart."""
    if layer.kind == Table.kind:
        _show_table(cast(Table, layer), key)
    else:
        st.plotly_chart(chart(layer), key=key, config=charts.CONFIG)


def _show_table(layer: Table, key: str) -> None:
    """Rows under their headings; text is shown as it is."""
    columns = {name: [row[i] for row in layer.rows] for i, name in enumerate(layer.columns)}
    st.dataframe(columns, key=key, hide_index=True)


CHARTS: dict[str, Callable[[Any], go.Figure]] = {
    "spike_trace": charts.spike_trace,
    "time_series": charts.time_series,
    "curve": charts.curve,
    "tokens": charts.tokens,
}
"""How kinds that are neither rasters nor tables become charts."""
