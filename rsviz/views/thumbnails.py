"""Small pictures of raster layers, with the range of their colours and what they say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.layers import RasterLayer
from rsviz.core.palettes import rgb
from rsviz.draw.legend import Legend
from rsviz.draw.paint import draw
from rsviz.views.words import number, plain

SIDE = 300
RAMP_WIDTH, RAMP_HEIGHT = 16, 8  # of one colour, before it is stretched


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
        _ramp(legend)
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


def _ramp(legend: Legend) -> None:
    """The colours from end to end, and below them the values there with the unit."""
    colours = rgb(legend.ramp).astype(np.uint8)[None]  # (1, n, 3)
    unit = f" {plain(legend.unit)}" if legend.unit else ""
    st.image(colours.repeat(RAMP_WIDTH, axis=1).repeat(RAMP_HEIGHT, axis=0), width="stretch")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.caption(number(legend.low), width="content")
        st.caption(number(legend.high) + unit, width="content")
