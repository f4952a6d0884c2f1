"""The map: Leaflet in a Streamlit component, with no request to any other machine.

Images and code travel by address (Streamlit's media files, named by content), so that a click
resends neither. Zoom, position, order and opacity live in the browser and survive every rerun.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from typing import Any, Literal, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.analysis.edges import Line
from rsviz.core.grid import Window
from rsviz.draw.legend import Legend
from rsviz.draw.paint import Values
from rsviz.draw.warp import MapFrame
from rsviz.views.publish import HERE, Publisher, assets, encoded
from rsviz.views.strokes import Stroke, on_map

EVENTS = ("click", "rectangle", "frame", "line")
MOST_VALUES = 512  # layers up to this many pixels a side tell their value under the pointer


@dataclass(frozen=True)
class MapTiles:
    """Where the map finds the tiles of a large image.

    Attributes:
        url: their address with {z}, {x} and {y}.
        least, most: zooms between which tiles are made; beyond, they are shrunk or magnified.
        native: zoom at which a pixel of the scene is as large as one of the screen.
    """

    url: str
    least: int
    most: int
    native: float


@dataclass(frozen=True, eq=False)
class MapFrames:
    """A layer in several pictures, one a step, which a bar below the map plays.

    Attributes:
        labels: what is written at each step.
        images: (h, w, 4) uint8 of each step, as `MapFrame.place` gives it.
        index: the step to show, until the visitor changes it.
        photo: whether slight losses of compression do not matter.
    """

    labels: tuple[str, ...]
    images: tuple[NDArray[np.uint8], ...]
    index: int = 0
    photo: bool = False

    @cached_property
    def files(self) -> tuple[tuple[bytes, str], ...]:
        """The images as files with their media types."""
        return tuple(encoded(image, self.photo) for image in self.images)


@dataclass(frozen=True, eq=False)
class MapLayer:
    """One image on the map.

    Attributes:
        id: stable name; opacity and order chosen by the visitor belong to it.
        title: for people.
        image: (h, w, 4) uint8 as `MapFrame.place` gives it, or the address of such an image.
        opacity: 0 to 1, until the visitor changes it.
        visible: whether it is shown, until the visitor changes it.
        legend: how to read it.
        values: what the pointer tells.
        photo: whether slight losses of compression do not matter (composites, never classes).
        tiles: of the image in all its detail; the image is shown until they have come.
        frames: pictures of several steps, shown instead of the image.
    """

    id: str
    title: str
    image: NDArray[np.uint8] | str
    opacity: float = 1.0
    visible: bool = True
    legend: Legend | None = None
    values: Values | None = None
    photo: bool = False
    tiles: MapTiles | None = None
    frames: MapFrames | None = None

    @cached_property
    def file(self) -> tuple[bytes, str]:
        """The image as a file and its media type."""
        assert not isinstance(self.image, str)
        return encoded(self.image, self.photo)


@dataclass(frozen=True)
class Marker:
    """A marked pixel of the scene, in the colour of its role."""

    row: int
    col: int
    role: Literal["picked", "pinned"] = "picked"


@dataclass(frozen=True)
class MapEvents:
    """What the visitor did on the map since the last rerun; each happens once.

    Attributes:
        click: (row, column) of the clicked pixel.
        missed: whether the click fell outside the scene.
        rectangle: the drawn rectangle in scene pixels.
        frame: id of a layer, and which of its steps the visitor stopped at.
        line: the drawn line.
        view: the part of the scene that was visible then.
    """

    click: tuple[int, int] | None = None
    missed: bool = False
    rectangle: Window | None = None
    frame: tuple[str, int] | None = None
    line: Line | None = None
    view: Window | None = None


def show_map(
    frame: MapFrame,
    layers: Sequence[MapLayer],
    key: str,
    *,
    swipe: tuple[str, str] | None = None,
    markers: Sequence[Marker] = (),
    rectangle: Window | None = None,
    strokes: Sequence[Stroke] = (),
    lines: bool = False,
    focus: Window | None = None,
    basemap: bool = False,
    height: int = 560,
) -> MapEvents:
    """Draw a map and tell what was done on it.

    Args:
        frame: where the scene lies.
        layers: bottom first.
        key: of the component; unique on the page.
        swipe: ids of the layers left and right of a divider; None until the visitor compares.
        markers: picked and pinned pixels.
        rectangle: a chosen part of the scene to outline.
        strokes: lines and arrows over the layers.
        lines: whether the visitor can draw a line.
        focus: a part of the scene to go to, once whenever it is another one than before.
        basemap: whether a basemap from the internet may be switched on (off at first).
        height: of the map in screen pixels, without tools and legend.
    """
    place = Publisher(key)
    data = {
        "assets": assets(place),
        "key": key,
        "height": height,
        "frame": _frame(frame, place),
        "layers": [_layer(layer, place) for layer in layers],
        "swipe": list(swipe) if swipe else None,
        "markers": [_marker(frame, marker) for marker in markers],
        "rectangle": _corners(frame, rectangle) if rectangle else None,
        "strokes": [on_map(frame, stroke) for stroke in strokes],
        "lines": lines,
        "focus": _corners(frame, focus) if focus else None,
        "basemap": basemap,
    }
    told = {f"on_{event}_change": _nothing for event in EVENTS}
    return _events(frame, _component()(key=key, data=data, **told))


def happened(frame: MapFrame, key: str) -> MapEvents:
    """What was done on a map since the last rerun, known before the map is drawn again.

    Args:
        frame: the frame that the map showed.
        key: of the map.
    """
    return _events(frame, st.session_state.get(key) or {})


def _nothing() -> None:
    """A click needs no callback: the map hands it over as the result of the rerun."""


@cache
def _component() -> Callable[..., dict[str, Any]]:
    boot = (HERE / "boot.js").read_text()
    return cast(Callable[..., dict[str, Any]], st.components.v2.component("rsviz_map", js=boot))


def _frame(frame: MapFrame, place: Publisher) -> dict[str, Any]:
    nodes = None
    if frame.nodes is not None:
        table = frame.nodes[:, :: _stride(frame), :: _stride(frame)].astype(np.float32)
        url = place("nodes", table.tobytes(), "application/octet-stream")
        nodes = {"url": url, "n": table.shape[1], "m": table.shape[2]}
    pixel_m = frame.grid.pixel_m
    return {
        "id": frame.id,
        "on_map": frame.on_map,
        "bounds": frame.bounds._asdict(),
        "height": frame.grid.height,
        "width": frame.grid.width,
        "pixel_m": pixel_m[0] if pixel_m else None,
        "nodes": nodes,
    }


def _stride(frame: MapFrame) -> int:
    """The browser needs no finer table than 129 nodes a side: its readout names whole pixels."""
    assert frame.nodes is not None
    return max(1, (int(frame.nodes.shape[1]) - 1) // 128)


def _layer(layer: MapLayer, place: Publisher) -> dict[str, Any]:
    url = layer.image
    if layer.frames:
        url = ""
    elif not isinstance(url, str):
        url = place(f"image-{layer.id}", *layer.file)
    values = None
    if layer.values is not None and max(layer.values.data.shape) <= MOST_VALUES:
        data = layer.values.data
        values = {
            "url": place(f"values-{layer.id}", layer.values.file, "application/octet-stream"),
            "dtype": str(data.dtype),
            "height": data.shape[0],
            "width": data.shape[1],
            "names": layer.values.names,
        }
    return {
        "id": layer.id,
        "title": layer.title,
        "url": url,
        "opacity": layer.opacity,
        "visible": layer.visible,
        "tiles": asdict(layer.tiles) if layer.tiles else None,
        "legend": asdict(layer.legend) if layer.legend else None,
        "values": values,
        "frames": _frames(layer, place),
    }


def _frames(layer: MapLayer, place: Publisher) -> dict[str, Any] | None:
    frames = layer.frames
    if frames is None:
        return None
    files = enumerate(frames.files)
    return {
        "labels": frames.labels,
        "urls": [place(f"image-{layer.id}-{i}", *file) for i, file in files],
        "index": frames.index,
    }


def _marker(frame: MapFrame, marker: Marker) -> dict[str, Any]:
    lat, lng = frame.latlng(marker.row + 0.5, marker.col + 0.5)
    corners = _corners(frame, Window(marker.row, marker.col, 1, 1))
    return {"role": marker.role, "lat": lat, "lng": lng, "corners": corners}


def _corners(frame: MapFrame, window: Window) -> list[tuple[float, float]]:
    """Outline of a window on the map, clockwise from its first pixel."""
    top, left = window.row, window.col
    bottom, right = top + window.height, left + window.width
    return [
        frame.latlng(r, c) for r, c in ((top, left), (top, right), (bottom, right), (bottom, left))
    ]


def _events(frame: MapFrame, said: Mapping[str, Any]) -> MapEvents:
    """Translate what the browser says, which is checked like any other input."""
    click, rectangle, step, line = (said.get(event) for event in EVENTS)
    pixel, missed, window, view = None, False, None, None
    place = _numbers(click, "place", 2)
    if place is not None:
        pixel = frame.rowcol(*place)
        missed = pixel is None
    box = _numbers(rectangle, "place", 4)
    if box is not None:
        window = frame.window(*box)
    seen = _numbers(click or rectangle, "view", 4)
    if seen is not None:
        view = frame.window(*seen)
    return MapEvents(pixel, missed, window, _step(step), _line(frame, line), view)


def _line(frame: MapFrame, message: Any) -> Line | None:
    """The drawn line in pixel coordinates of the scene, if it has any length."""
    ends = _numbers(message, "place", 4)
    if ends is None:
        return None
    (r0, c0), (r1, c1) = (frame.fractional(*ends[i : i + 2]) for i in (0, 2))
    drawn = Line((float(r0), float(c0)), (float(r1), float(c1)))
    return drawn if math.isfinite(drawn.length_px) and drawn.length_px > 0 else None


def _step(message: Any) -> tuple[str, int] | None:
    """A layer and one of its steps, when the browser tells of one."""
    if not isinstance(message, dict):
        return None
    layer, index = message.get("layer"), message.get("index")
    return (layer, int(index)) if isinstance(layer, str) and isinstance(index, int) else None


def _numbers(message: Any, name: str, count: int) -> list[float] | None:
    values = message.get(name) if isinstance(message, dict) else None
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(v, (int, float)) and np.isfinite(v) for v in values):
        return None
    return [float(v) for v in values]
