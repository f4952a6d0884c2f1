"""A page with nothing but a map: what the browser tests drive."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import streamlit as st

from rsviz.core.grid import Grid
from rsviz.core.palettes import class_colours, paint_classes, paint_ramp
from rsviz.draw.legend import class_legend, ramp_legend
from rsviz.draw.paint import Values
from rsviz.draw.warp import MapFrame
from rsviz.views.map import MapFrames, MapLayer, Marker, happened, show_map
from rsviz.views.strokes import arrow

UTM = Grid(120, 160, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0), (10.0, 10.0))
SCENES = {"utm": UTM, "plain": Grid(120, 160)}
NAMES = ("Water", "Corn <b>no-till</b>", "Soybean", "Wheat", "Woods")
PINNED = Marker(100, 100, "pinned")


@st.cache_resource
def pictures(shape):
    rows, cols = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    classes = ((rows // 24).astype(int) + (cols // 20).astype(int)) % len(NAMES)
    colour = np.stack([rows * 2, cols * 1.5, 255 - rows], -1)
    noisy = colour + np.random.default_rng(0).normal(0, 12, (*shape, 1))
    rgb = np.dstack([noisy.clip(0, 255), np.full(shape, 255)]).astype(np.uint8)
    return rgb, classes.astype(np.uint8), np.hypot(rows - 40, cols - 60) / 100


def layers_of(frame, which, fade):
    rgb, classes, far = pictures(frame.grid.shape)
    colours = class_colours(len(NAMES))
    classes_image = frame.place(paint_classes(classes, colours))
    far_image = frame.place(paint_ramp(far, "batlow", (0.0, 1.5)))
    legend = class_legend("Classes", NAMES, colours)
    ramp = ramp_legend("Distance", "km", "batlow", (0.0, 1.5))
    names, numbers = Values(classes, NAMES), Values(far)
    found = [MapLayer("image", "Composite", frame.place(rgb), photo=True)]
    if which == "classes":
        found.append(MapLayer("classes", "Classes", classes_image, fade, True, legend, names))
    if which == "steps":
        steps = tuple(np.roll(classes_image, 20 * step, axis=1) for step in range(5))
        frames = MapFrames(tuple(f"step {step + 1}" for step in range(5)), steps)
        found.append(MapLayer("steps", "Steps", steps[0], fade, True, legend, frames=frames))
    shown = which == "distance"
    found.append(MapLayer("distance", "Distance", far_image, fade, shown, ramp, numbers))
    return found


st.set_page_config(layout="wide")
fade = st.sidebar.slider("opacity", 0.0, 1.0, 0.7, 0.05, key="fade")
which = st.sidebar.radio("layer", ["classes", "distance", "steps"], key="layer")
scene = st.sidebar.radio("scene", [*SCENES, "none"], key="scene")
swiping = st.sidebar.toggle("swipe", key="swiping")
lining = st.sidebar.toggle("lines", key="lining")
if scene in SCENES:
    frame = MapFrame.of(SCENES[scene])
    events = happened(frame, "main")
    if events.click:
        st.session_state.picked = events.click
    if events.rectangle:
        st.session_state.box = events.rectangle
    picked, box = st.session_state.get("picked"), st.session_state.get("box")
    marked = [PINNED, Marker(*picked)] if picked else [PINNED]
    left, right = st.columns([3, 2])
    with left:
        layers = layers_of(frame, which, fade)
        pair = ("image", layers[1].id) if swiping else None
        show_map(
            frame,
            layers,
            "main",
            swipe=pair,
            markers=marked,
            rectangle=box,
            strokes=[arrow((20.0, 20.0), (20.0, 60.0), "0.93")] if lining else (),
            lines=lining,
            basemap=True,
        )
    with right:
        st.text(f"picked {picked}")
        st.text(f"box {box}")
        st.text(f"view {events.view}")
        st.text(f"missed {events.missed}")
        st.text(f"frame {events.frame}")
        ends = (events.line.start, events.line.end) if events.line else ()
        st.text(f"line {[tuple(round(v, 1) for v in end) for end in ends]}")
