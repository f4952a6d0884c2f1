"""A page with nothing but maps: what the browser tests drive."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import streamlit as st

from rsviz.core.grid import Grid
from rsviz.core.palettes import class_colours, paint_classes, paint_ramp
from rsviz.views.map import MapLayer, Marker, Values, show_map
from rsviz.views.palettes import class_legend, ramp_legend
from rsviz.views.warp import MapFrame

UTM = Grid(120, 160, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0), (10.0, 10.0))
NAMES = ("Water", "Corn <b>no-till</b>", "Soybean", "Wheat", "Woods")


@st.cache_resource
def pictures(shape):
    rows, cols = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    classes = ((rows // 24).astype(int) + (cols // 20).astype(int)) % len(NAMES)
    wave = np.hypot(rows - 40, cols - 60) / 100
    colour = np.stack([rows * 2, cols * 1.5, 255 - rows], -1).clip(0, 255)
    noise = np.random.default_rng(0).normal(0, 12, (*shape, 1))
    rgb = np.dstack([(colour + noise).clip(0, 255), np.full(shape, 255)]).astype(np.uint8)
    return rgb, classes.astype(np.int16), wave


def scene(name):
    return UTM if name == "utm" else Grid(120, 160)


st.set_page_config(layout="wide")
which = st.sidebar.radio("scene", ["utm", "plain"], key="scene")
fade = st.sidebar.slider("opacity", 0.0, 1.0, 0.7, key="fade")
measure = st.sidebar.radio("layer", ["classes", "distance"], key="layer")
grid = scene(which)
frame = MapFrame.of(grid)
rgb, classes, wave = pictures(grid.shape)
colours = class_colours(len(NAMES))
layers = [MapLayer("image", "Composite", frame.place(rgb), photo=True)]
if measure == "classes":
    areas = tuple(f"{n} ha" for n in range(len(NAMES)))
    layers.append(
        MapLayer(
            "classes",
            "Classes",
            frame.place(paint_classes(classes, colours)),
            fade,
            legend=class_legend("Classes", NAMES, colours, areas),
            values=Values(classes.astype(np.uint8), NAMES),
        )
    )
layers.append(
    MapLayer(
        "distance",
        "Distance",
        frame.place(paint_ramp(wave, "batlow", (0.0, 1.5))),
        1.0,
        visible=measure == "distance",
        legend=ramp_legend("Distance", "km", "batlow", (0.0, 1.5)),
        values=Values(wave),
    )
)


@st.fragment
def look():
    left, right = st.columns([3, 2])
    picked = st.session_state.get("picked")
    markers = [Marker(100, 100, "pinned")] + ([Marker(*picked)] if picked else [])
    with left:
        events = show_map(
            frame,
            layers,
            "main",
            markers=markers,
            basemap=True,
            rectangle=st.session_state.get("box"),
        )
    if events.click:
        st.session_state.picked = events.click
        st.session_state.view = events.view
        st.rerun(scope="fragment")
    if events.rectangle:
        st.session_state.box = events.rectangle
        st.rerun(scope="fragment")
    with right:
        st.caption(f"picked {st.session_state.get('picked')}")
        st.caption(f"box {st.session_state.get('box')}")
        st.caption(f"view {st.session_state.get('view')}")
        st.caption(f"missed {events.missed}")


look()
