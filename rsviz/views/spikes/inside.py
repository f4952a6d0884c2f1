"""What a spiking network gives of its inside, by topic, and how it lies on the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.card import ModelCard
from rsviz.core.grid import Grid
from rsviz.core.layers import Layer, RasterLayer, SRImage, Table, Tokens
from rsviz.core.model import Result
from rsviz.core.palettes import paint_ramp
from rsviz.draw.legend import ramp_legend
from rsviz.draw.paint import Style, draw
from rsviz.draw.warp import MapFrame
from rsviz.views import clients
from rsviz.views.bench import Bench
from rsviz.views.map import MapFrames, MapLayer
from rsviz.views.sharper import review
from rsviz.views.strokes import Stroke, arrow
from rsviz.views.words import percent
from rsviz.views.workbench import overlay

FILM_AXES = ("step", "row", "column")
FILM = "lajolla"
LEAST_RATE = 0.05  # the colours of firing rates never end below
FAINTEST = 40  # opacity of a pixel where few neurons fire, of 255
STEP_IMAGE = "step_image_"
TOPICS = {
    "Spikes": ("spike_steps", "rate_map", "rate_map_all", "spike_rates", "channel_rates", "silent"),
    "Membrane": ("charge_steps", "membrane", "raster", "texture"),
    "Attention": ("attention", "branches"),
    "Partner": ("partner", "similarity_map", "offset_map", "offsets"),
    "Steps": (STEP_IMAGE, "convergence"),
    "Energy": ("energy", "counts"),
}
ABOUT = {
    "Spikes": "Neurons answer with spikes, 1 or 0. Play the steps on the map: brighter where more "
    "neurons fire of the layer that is chosen under Settings.",
    "Membrane": "Each neuron adds up its input, forgets half of it at every step, and fires when "
    "it reaches the threshold. Click a pixel to look into its neurons.",
    "Attention": "At each step, each channel is weighed by a number between 0 and 1.",
    "Partner": "Each patch looks for the patch most like it, and borrows its detail. Click a "
    "pixel to see the partner of its patch.",
    "Steps": "The answer is the mean over time steps; fewer steps are cheaper.",
    "Energy": "What the run costs, counted honestly: most operations are not driven by spikes.",
}


@dataclass(frozen=True)
class Inside:
    """A run of a spiking network.

    Attributes:
        bench: the open scene, on a map as fine as the result.
        card: of the network.
        result: of the run, with its layers on request.
        pixel: layers of the picked pixel, if they are there.
    """

    bench: Bench
    card: ModelCard
    result: Result
    pixel: Result | None = None

    @property
    def key(self) -> str:
        return clients.result_key(self.result)

    @property
    def grid(self) -> Grid:
        """Grid of the input of the run."""
        given = self.result.layers.get("input")
        return given.grid if isinstance(given, RasterLayer) else self.bench.grid

    def layer(self, name: str) -> Layer | None:
        """A layer of the picked pixel, else of the run; None where there is none."""
        if name in self.card.at_pixel:
            return self.pixel.layers.get(name) if self.pixel else None
        return self.result.layers.get(name)

    def topics(self) -> list[str]:
        """Topics of which the card declares a layer."""
        return [
            topic
            for topic, names in TOPICS.items()
            if any(have.startswith(name) for name in names for have in self.card.on_request)
        ]


def spiking(card: ModelCard) -> bool:
    """Whether a model has spikes to show."""
    return "spike_trace" in card.on_request.values()


def picked_on(bench: Bench, grid: Grid) -> tuple[int, int] | None:
    """The picked pixel on the grid of a run; None when it lies outside, or nothing is picked."""
    picked = bench.session.picked
    if picked is None:
        return None
    return grid.rowcol(*bench.grid.xy(picked[0] + 0.5, picked[1] + 0.5))


def on_map(inside: Inside, topic: str) -> list[MapLayer]:
    """The layers of a topic for the map: films first, maps of numbers hidden, to switch on."""
    found: list[MapLayer | None] = []
    if topic == "Steps":
        found.append(_images(inside))
    first = topic != "Partner"  # whose arrow is to be seen on the scene itself
    for name in TOPICS[topic]:
        layer = inside.layer(name)
        if isinstance(layer, RasterLayer):
            found.append(overlay(inside.bench, inside.key, name, layer, None, 0.85, first))
            first = False
        elif isinstance(layer, Tokens) and layer.axes == FILM_AXES:
            found.append(_film(inside, name, layer))
            first = False
    return [layer for layer in found if layer is not None]


def _film(inside: Inside, name: str, layer: Tokens) -> MapLayer:
    rates = "share" in layer.unit
    limits = (0.0, max(LEAST_RATE, float(np.nanmax(layer.data)))) if rates else _span(layer.data)
    grid = inside.grid.resized(*layer.data.shape[1:])
    frames = _frames(inside.key, name, limits, rates, layer, grid, inside.bench.frame)
    legend = ramp_legend(layer.title, layer.unit, FILM, limits)
    return MapLayer(name, layer.title, frames.images[0], 0.9, True, legend, frames=frames)


@st.cache_resource(show_spinner=False, max_entries=8)
def _frames(
    key: str,
    name: str,
    limits: tuple[float, float],
    rates: bool,
    _layer: Tokens,
    _grid: Grid,
    _frame: MapFrame,
) -> MapFrames:
    ticks = _layer.ticks[0] if _layer.ticks else ()
    names = ticks or tuple(f"t = {i + 1}" for i in range(len(_layer.data)))
    labels = tuple(
        f"{tick} · {percent(float(np.nanmean(plane)))} fire" if rates else tick
        for tick, plane in zip(names, _layer.data, strict=True)
    )
    images = tuple(_frame.place(_fading(plane, limits), _grid) for plane in _layer.data)
    return MapFrames(labels, images)


def _fading(plane: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Values as colours that are the fainter the lower they are; nothing at the lower limit."""
    image = paint_ramp(plane, FILM, limits)
    share = np.clip((np.nan_to_num(plane) - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)
    alpha = np.where(share > 0, FAINTEST + (255 - FAINTEST) * share, 0.0)
    image[..., 3] = np.where(image[..., 3] > 0, np.rint(alpha), 0).astype(np.uint8)
    return image


def _span(data: NDArray[np.float32]) -> tuple[float, float]:
    low, high = (float(v) for v in np.nanpercentile(data, (2, 98)))
    return (low, high) if high > low else (low, low + 1.0)


def step_images(result: Result) -> dict[int, SRImage]:
    """Images of the first steps alone, by their number."""
    return {
        int(name.removeprefix(STEP_IMAGE)): cast(SRImage, layer)
        for name, layer in result.layers.items()
        if name.startswith(STEP_IMAGE)
    }


def _images(inside: Inside) -> MapLayer | None:
    """Images of the first steps alone, as steps of one layer in the colours of the scene."""
    seen = review.reviewed(inside.bench, inside.card, inside.result)
    images = step_images(inside.result)
    if seen is None or not images:
        return None
    style = Style(bands=seen.planes(seen.image), limits=seen.look[1])
    look = repr((style.bands, style.limits))
    frames = _step_frames(inside.key, look, images, style, inside.bench.frame)
    last = len(images) - 1
    return MapLayer("steps", "Image by steps", frames.images[last], frames=frames, photo=True)


@st.cache_resource(show_spinner=False, max_entries=4)
def _step_frames(
    key: str, look: str, _images: dict[int, SRImage], _style: Style, _frame: MapFrame
) -> MapFrames:
    drawn = tuple(_frame.place(draw(x, _style).image, x.grid) for x in _images.values())
    labels = tuple(f"{step} of {len(drawn)} steps" for step in _images)
    return MapFrames(labels, drawn, len(drawn) - 1, photo=True)


def partners(inside: Inside) -> Table | None:
    """Which patch was chosen for that of the picked pixel, by block and step."""
    table = inside.layer("partner")
    return table if isinstance(table, Table) and table.rows else None


def partner_strokes(inside: Inside, row: dict[str, float | str]) -> list[Stroke]:
    """Both patches outlined, and an arrow from the picked one to its partner.

    Args:
        inside: the run.
        row: of the table of partners, by column.
    """
    height, width = float(row["height"]), float(row["width"])
    here = float(row["row"]), float(row["column"])
    there = float(row["partner row"]), float(row["partner column"])

    def moved(point: tuple[float, float]) -> tuple[float, float]:
        return inside.bench.grid.fractional(*inside.grid.xy(*point))

    def outline(corner: tuple[float, float]) -> tuple[tuple[float, float], ...]:
        top, left = corner
        corners = ((0, 0), (0, width), (height, width), (height, 0), (0, 0))
        return tuple(moved((top + down, left + right)) for down, right in corners)

    def middle(corner: tuple[float, float]) -> tuple[float, float]:
        return moved((corner[0] + height / 2, corner[1] + width / 2))

    strokes = [Stroke(outline(here), "picked"), Stroke(outline(there), "pinned")]
    if here != there:
        label = f"similarity {float(row['similarity']):.2f}"
        strokes.append(arrow(middle(here), middle(there), label))
    return strokes
