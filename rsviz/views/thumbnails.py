"""Small pictures of raster layers, with the range of their colours and what they say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.layers import RasterLayer
from rsviz.draw.legend import Legend
from rsviz.draw.paint import draw
from rsviz.views.words import number, plain

SIDE = 300


class Thumbnail(NamedTuple):
    """A small picture (h, w, 4) and how to read it."""

    image: NDArray[np.uint8]
    legend: Legend | None


def show(key: str, name: str, layer: RasterLayer, about: bool = True) -> None:
    """Show a layer small.

    Args:
        key: of its result.
        name: of the layer.
        layer: the layer.
        about: whether to write what it says.
    """
    image, legend = _made(key, name, layer)
    st.image(image, width="stretch")
    if legend is not None and legend.ramp:
        st.html(_ramp(legend))
    st.markdown(f"**{plain(layer.title)}**")
    if about:
        st.caption(plain(layer.about))


@st.cache_resource(show_spinner=False, max_entries=64)
def _made(key: str, name: str, _layer: RasterLayer) -> Thumbnail:
    """A layer as a small image whose pixels stay square and sharp."""
    drawing = draw(_layer)
    image = drawing.image
    side = max(image.shape[:2])
    step = -(-side // (2 * SIDE))
    image = image[::step, ::step]
    times = -(-SIDE // max(image.shape[:2]))
    return Thumbnail(image.repeat(times, axis=0).repeat(times, axis=1), drawing.legend)


def _ramp(legend: Legend) -> str:
    """The colours between the two ends, with their values and the unit."""
    unit = f" {legend.unit}" if legend.unit and legend.unit.isprintable() else ""
    colours = ",".join(legend.ramp)
    bar = f"flex:1;height:.6rem;border-radius:2px;background:linear-gradient(to right,{colours})"
    ends = (number(legend.low), number(legend.high) + unit)
    low, high = (end.replace("&", "&amp;").replace("<", "&lt;") for end in ends)
    row = "display:flex;gap:.5rem;align-items:center;font-size:.85rem"
    return (
        f'<div style="{row}"><span>{low}</span><span style="{bar}"></span><span>{high}</span></div>'
    )
