"""From layers to pictures: one drawer for each kind, chosen by `layer.kind` alone.

Raster kinds become an image with its legend, the others a chart. A kind without a drawer is an
error that a test finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.layers import (
    ClassMap,
    Layer,
    ProbabilityMap,
    RasterLayer,
    RoutingMap,
    ScalarMap,
    SRImage,
    Table,
    UncertaintyMap,
)
from rsviz.core.palettes import (
    colours_of,
    expert_colours,
    limits_for,
    paint_classes,
    paint_ramp,
    ramp_for,
)
from rsviz.core.scene import Band
from rsviz.views import charts
from rsviz.views.map import MapLayer, Values
from rsviz.views.palettes import Legend, class_legend, ramp_legend
from rsviz.views.warp import MapFrame

Floats = NDArray[np.float32]
Rgba = NDArray[np.uint8]

FAINTEST = 0.12  # opacity of the least certain pixel that is still shown
LOSSLESS_PIXELS = 1_000_000  # larger ramps are sent with slight losses, a fifth of the size
TRUE_COLOUR_NM = (640.0, 550.0, 460.0)


@dataclass(frozen=True, eq=False)
class Style:
    """How a raster layer is to be drawn.

    Attributes:
        plane: which class or expert of a stack; None for the dominant one.
        strength: (H, W) opacity 0 to 1 of each pixel of the layer; None for full.
        bands: three band indices of an image; None for true colour.
    """

    plane: int | None = None
    strength: Floats | None = None
    bands: tuple[int, int, int] | None = None


@dataclass(frozen=True, eq=False)
class Drawing:
    """A layer as an image (h, w, 4) uint8 on its own grid, with what explains it."""

    image: Rgba
    legend: Legend | None
    values: Values | None
    photo: bool = False


PLAIN = Style()


def draw(layer: RasterLayer, style: Style = PLAIN) -> Drawing:
    """Draw a raster layer of any kind."""
    drawing = PAINTERS[layer.kind](layer, style)
    if style.strength is None:
        return drawing
    return replace(drawing, image=faded(drawing.image, style.strength))


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
    image = frame.place(drawing.image)
    return MapLayer(
        id, layer.title, image, opacity, visible, drawing.legend, drawing.values, drawing.photo
    )


def chart(layer: Layer) -> go.Figure:
    """The chart of a layer that is neither a raster nor a table."""
    return CHARTS[layer.kind](layer)


def show_layer(layer: Layer, key: str) -> None:
    """Show a layer that is not a raster: a table as a table, any other kind as its chart."""
    if layer.kind == "table":
        show_table(cast(Table, layer), key)
    else:
        st.plotly_chart(chart(layer), key=key, config=charts.CONFIG)


def show_table(layer: Table, key: str) -> None:
    """Rows under their headings; text is shown as it is."""
    columns = {name: [row[i] for row in layer.rows] for i, name in enumerate(layer.columns)}
    st.dataframe(columns, key=key, hide_index=True)


def strength(certain: Floats, least: float = 0.0, fade: bool = False, classes: int = 2) -> Floats:
    """Opacity of each pixel from the probability of its class.

    Args:
        certain: (H, W) greatest probability, NaN where undefined.
        least: pixels below are hidden.
        fade: whether less certain pixels are fainter, from 1/classes (faint) to 1 (full).
        classes: number of classes K.
    """
    known = np.isfinite(certain) & (certain >= least)
    if not fade:
        return known.astype(np.float32)
    chance = 1.0 / max(2, classes)
    sure = np.clip((np.nan_to_num(certain) - chance) / (1.0 - chance), 0.0, 1.0)
    return np.where(known, FAINTEST + (1.0 - FAINTEST) * sure, 0.0).astype(np.float32)


def faded(image: Rgba, opacity: Floats) -> Rgba:
    """An image (h, w, 4) whose alpha is multiplied by an opacity (h, w) from 0 to 1."""
    result = image.copy()
    result[..., 3] = np.rint(image[..., 3] * np.clip(opacity, 0.0, 1.0)).astype(np.uint8)
    return result


def areas(layer: ClassMap) -> tuple[tuple[float, ...], str]:
    """Area of each class and its unit: ha, or px where the ground size is unknown."""
    known = layer.data[layer.data != layer.ignore]
    counts = np.bincount(known, minlength=len(layer.labels))
    hectares = layer.grid.pixel_ha
    if hectares is None:
        return tuple(float(count) for count in counts), "px"
    return tuple(float(count * hectares) for count in counts), "ha"


def _classes(layer: ClassMap, style: Style) -> Drawing:
    colours = colours_of(layer.colours, len(layer.labels))
    sizes, unit = areas(layer)
    shown = [i for i, size in enumerate(sizes) if size > 0]
    legend = class_legend(
        layer.title,
        tuple(layer.labels[i] for i in shown),
        tuple(colours[i] for i in shown),
        tuple(f"{_digits(sizes[i])} {unit}" for i in shown),
    )
    return Drawing(
        paint_classes(layer.data, colours, layer.ignore),
        legend,
        _indices(np.where(layer.data == layer.ignore, -1, layer.data), layer.labels),
    )


def _probabilities(layer: ProbabilityMap, style: Style) -> Drawing:
    if style.plane is not None:
        name = f"Probability of {layer.labels[style.plane]}"
        return _ramp(layer.data[style.plane], name, "", layer.kind, (0.0, 1.0))
    colours = colours_of(layer.colours, len(layer.labels))
    return _dominant(layer.data, layer.title, layer.labels, colours)


def _routing(layer: RoutingMap, style: Style) -> Drawing:
    if style.plane is not None:
        name = f"{layer.title}: {layer.experts[style.plane]}"
        return _ramp(layer.data[style.plane], name, "share", layer.kind, (0.0, 1.0))
    return _dominant(layer.data, layer.title, layer.experts, expert_colours(len(layer.experts)))


def _uncertainty(layer: UncertaintyMap, style: Style) -> Drawing:
    limits = limits_for(layer.data, layer.limits)
    return _ramp(layer.data, layer.title, layer.unit, layer.kind, limits, layer.measure)


def _scalar(layer: ScalarMap, style: Style) -> Drawing:
    limits = limits_for(layer.data, layer.limits, layer.diverging)
    return _ramp(
        layer.data, layer.title, layer.unit, layer.kind, limits, layer.quantity, layer.diverging
    )


def _sr_image(layer: SRImage, style: Style) -> Drawing:
    planes = layer.data[list(style.bands or _true_colour(layer.bands))]  # (3, H, W)
    image = np.zeros((*layer.grid.shape, 4), np.uint8)
    for channel, plane in enumerate(planes):
        low, high = np.nanpercentile(plane, (2, 98)) if np.isfinite(plane).any() else (0.0, 1.0)
        share = (np.nan_to_num(plane, nan=low) - low) / max(high - low, 1e-12)
        image[..., channel] = np.rint(np.clip(share, 0.0, 1.0) * 255)
    image[np.isfinite(planes).all(axis=0), 3] = 255
    return Drawing(image, None, None, photo=True)


def _true_colour(bands: tuple[Band, ...]) -> tuple[int, int, int]:
    """The bands nearest to red, green and blue; the first (or only) ones without wavelengths."""
    centres = [band.wavelength_nm for band in bands]
    if None in centres:
        last = len(bands) - 1
        return 0, min(1, last), min(2, last)
    known = np.array(centres, np.float64)
    red, green, blue = (int(np.abs(known - nm).argmin()) for nm in TRUE_COLOUR_NM)
    return red, green, blue


def _ramp(
    data: Floats,
    title: str,
    unit: str,
    kind: str,
    limits: tuple[float, float],
    quantity: str = "",
    diverging: bool = False,
) -> Drawing:
    name = ramp_for(kind, quantity, diverging)
    legend = ramp_legend(title, unit, name, limits)
    large = data.size > LOSSLESS_PIXELS
    return Drawing(paint_ramp(data, name, limits), legend, Values(data), photo=large)


def _dominant(
    shares: Floats, title: str, names: tuple[str, ...], colours: tuple[str, ...]
) -> Drawing:
    """The plane with the greatest share (E, H, W), the fainter the smaller that share."""
    known = np.isfinite(shares).all(axis=0)
    best = np.where(known, np.where(known, shares, 0.0).argmax(axis=0), -1)
    image = paint_classes(best, colours)
    image = faded(image, strength(shares.max(axis=0), fade=True, classes=len(names)))
    mean = shares[:, known].mean(axis=1) if known.any() else np.zeros(len(names))
    legend = class_legend(title, names, colours, tuple(f"mean share {share:.0%}" for share in mean))
    return Drawing(image, legend, _indices(best, names))


def _indices(classes: NDArray[np.integer], names: tuple[str, ...]) -> Values | None:
    """Class numbers for the pointer; -1 becomes 255, which has no name."""
    return Values(classes.astype(np.uint8), names) if len(names) < 255 else None


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


Painter = Callable[[Any, Style], Drawing]

PAINTERS: dict[str, Painter] = {
    "class_map": _classes,
    "probability_map": _probabilities,
    "uncertainty_map": _uncertainty,
    "scalar_map": _scalar,
    "routing_map": _routing,
    "sr_image": _sr_image,
}
"""How raster kinds become images."""

CHARTS: dict[str, Callable[[Any], go.Figure]] = {
    "spike_trace": charts.spike_trace,
    "time_series": charts.time_series,
    "curve": charts.curve,
    "tokens": charts.tokens,
}
"""How the other kinds become charts."""

DRAWERS: dict[str, Callable[..., Any]] = {**PAINTERS, **CHARTS, "table": show_table}
"""One drawer for every kind of layer."""
