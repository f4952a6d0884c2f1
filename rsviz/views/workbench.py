"""The map of every page with a scene: the scene below, layers above, pixels picked on it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rsviz.core.grid import Window
from rsviz.core.layers import RasterLayer
from rsviz.draw.paint import PLAIN, Style
from rsviz.draw.warp import MapFrame
from rsviz.views import address, bands, clients, errors, tiles
from rsviz.views.bench import Bench
from rsviz.views.layers import map_layer
from rsviz.views.map import MapLayer, Marker, happened, show_map
from rsviz.views.state import Pixel
from rsviz.views.strokes import Stroke
from rsviz.views.words import plain

MAP_HEIGHT = 480
BESIDE_HEIGHT = 640


def take_clicks(bench: Bench, map_key: str) -> Pixel | None:
    """Note what was done on the map since it was drawn; call this before drawing anything.

    Returns:
        The pixel clicked just now, if any.
    """
    events = happened(bench.frame, map_key)
    if events.click is not None:
        bench.session.picked = events.click
    if events.rectangle is not None:
        bench.session.rectangle = events.rectangle
    if events.line is not None:
        bench.session.line = events.line
    if events.click is not None:
        address.write(bench.session)
    if events.missed:
        st.toast("That was outside the scene.")
    return events.click


def show(
    bench: Bench,
    layers: Sequence[MapLayer],
    map_key: str,
    focus: Window | None = None,
    *,
    swipe: tuple[str, str] | None = None,
    strokes: Sequence[Stroke] = (),
    lines: bool = False,
) -> None:
    """Draw the map: the scene below, layers above, and the marked pixels.

    Args:
        bench: the open scene.
        layers: bottom first.
        map_key: of the map; unique on the page.
        focus: a part of the scene to go to.
        swipe: ids of the layers left and right of a divider.
        strokes: lines and arrows over the layers.
        lines: whether the visitor can draw a line; the one drawn is shown.
    """
    session = bench.session
    marked = []
    if session.pinned is not None:
        marked.append(Marker(*session.pinned, "pinned"))
    if session.picked is not None:
        marked.append(Marker(*session.picked, "picked"))
    if lines and session.line is not None:
        strokes = [*strokes, Stroke((session.line.start, session.line.end))]
    with errors.boundary("The map"):
        show_map(
            bench.frame,
            layers,
            map_key,
            markers=marked,
            rectangle=session.rectangle,
            swipe=swipe,
            strokes=strokes,
            lines=lines,
            focus=focus,
            basemap=bench.frame.on_map,
            height=MAP_HEIGHT,
        )


def beside_map() -> DeltaGenerator:
    """The place of the inspector: it scrolls by itself, so that the map stays in sight."""
    return st.container(height=BESIDE_HEIGHT, border=False, key="inspector")


def base(bench: Bench) -> MapLayer:
    """The scene itself, in the colours that the visitor chose."""
    look = bench.session.look
    bands.settle(look, bench.about)
    image = clients.placed(bench.key, look.bands, look.limits)
    detail = tiles.of(bench)
    names = ", ".join(bands.label(bench.about.bands, i) for i in look.bands)
    return MapLayer("scene", f"Scene ({names})", image, photo=True, tiles=detail)


def overlay(
    bench: Bench,
    of: str,
    name: str,
    layer: RasterLayer,
    plane: int | None = None,
    opacity: float = 1.0,
    visible: bool = False,
) -> MapLayer | None:
    """A layer on the map; a layer that cannot be drawn says so and hides no other.

    Args:
        bench: the open scene.
        of: key of the result (`clients.result_key`), so that it is drawn once.
        name: the layer's name in the result.
        layer: the layer.
        plane: one class or expert of a stack.
        opacity, visible: until the visitor changes them.
    """
    with errors.boundary(f"The layer {layer.title}"):
        return _drawn(of, name, plane, opacity, visible, layer, bench.frame)
    return None


@st.cache_resource(show_spinner=False, max_entries=48)
def _drawn(
    of: str,
    name: str,
    plane: int | None,
    opacity: float,
    visible: bool,
    _layer: RasterLayer,
    _frame: MapFrame,
) -> MapLayer:
    style = PLAIN if plane is None else Style(plane=plane)
    return map_layer(_frame, name, _layer, style, opacity, visible)


def notes(bench: Bench, more: Sequence[str] = ()) -> None:
    """Everything that was guessed, and what else one should know, in sentences."""
    lines = [*bench.about.notes, *bench.frame.notes, *tiles.notes(bench), *more]
    if bench.about.simulated:
        lines.insert(0, "This scene is simulated; no satellite or aircraft has seen it.")
    if lines:
        with st.expander(f"Notes ({len(lines)})", icon=":material/info:", key="notes"):
            st.markdown("\n".join(f"- {plain(line)}" for line in lines))
