"""A judged super-resolution beside its scene: which images there are, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.card import ModelCard
from rsviz.core.layers import ScalarMap, SRImage
from rsviz.core.model import Result
from rsviz.core.scene import Band
from rsviz.draw.colour import Limits
from rsviz.draw.paint import Style, draw
from rsviz.draw.warp import MapFrame
from rsviz.views import clients, workbench
from rsviz.views.bench import Bench
from rsviz.views.layers import map_layer
from rsviz.views.map import MapLayer
from rsviz.views.palettes import GREY, MEASURED

COLOURS = {
    "Input": GREY,
    "Bicubic": "#e69f00",
    "Lanczos": "#009e73",
    "Result": MEASURED,
    "Truth": "#cc79a7",
}
MAPS = ("difference", "local_psnr", "local_ssim", "hallucination", "inconsistency")
BASE = ("input", "lanczos", "bicubic")
KEPT = 32


@dataclass(frozen=True)
class Review:
    """A result and the scene that it sharpens.

    Attributes:
        bench: the open scene, on a map as fine as the result.
        result: what the model gave, judged.
        name: of the layer that holds the sharpened image.
    """

    bench: Bench
    result: Result
    name: str

    @property
    def image(self) -> SRImage:
        return cast(SRImage, self.result.layers[self.name])

    @property
    def has_truth(self) -> bool:
        """Whether the truth is known."""
        return self.image.reference is not None

    @cached_property
    def images(self) -> dict[str, SRImage]:
        """All images by a short name: input, interpolations, the result, the truth."""
        layers = self.result.layers
        named = {"Input": "input", "Bicubic": "bicubic", "Lanczos": "lanczos", "Result": self.name}
        found = {
            title: cast(SRImage, layers[name]) for title, name in named.items() if name in layers
        }
        if self.image.reference is not None:
            found["Truth"] = replace(
                self.image,
                title="Truth",
                about="The scene before it was made coarser.",
                data=self.image.reference,
                reference=None,
            )
        return found

    @property
    def maps(self) -> dict[str, ScalarMap]:
        """What there is to see of errors and detail, by layer name."""
        layers = self.result.layers
        return {name: cast(ScalarMap, layers[name]) for name in MAPS if name in layers}

    @cached_property
    def look(self) -> tuple[tuple[Band, ...], Limits]:
        """The bands on the screen and what is drawn dark and bright: the same for every image."""
        look = self.bench.session.look
        composite = clients.composite(self.bench.key, look.bands, look.limits)
        return tuple(self.bench.about.bands[i] for i in look.bands), composite.limits

    def planes(self, image: SRImage) -> tuple[int, ...]:
        """Which planes of an image are the bands on the screen; the first ones if it lacks one."""
        wanted = self.look[0]
        if all(band in image.bands for band in wanted):
            return tuple(image.bands.index(band) for band in wanted)
        return tuple(range(len(image.bands)))[: len(wanted)] or (0,)

    def drawn(self, image: SRImage) -> NDArray[np.uint8]:
        """An image (h, w, 4) in the colours of the scene."""
        key = clients.result_key(self.result)
        return _drawn(key, image.title, self.planes(image), self.look[1], image)


def reviewed(bench: Bench, card: ModelCard, result: Result) -> Review | None:
    """The review of a result; None when it could not be judged against its input."""
    name = next(name for name, kind in card.emits.items() if kind == SRImage.kind)
    if "scores" not in result.layers:
        return None
    image = cast(SRImage, result.layers[name])
    a, _, _, d, _, _ = bench.grid.affine
    fine, _, _, down, _, _ = image.grid.affine
    finest = max(1, round(np.hypot(a, d) / np.hypot(fine, down)))
    return Review(replace(bench, frame=clients.frame(bench.grid, finest)), result, name)


def on_map(review: Review) -> list[MapLayer]:
    """All images above the scene, the result on top; maps of errors and detail, hidden."""
    layers = [_image(review, title) for title in review.images if title != "Result"]
    layers.append(_image(review, "Result"))
    key = clients.result_key(review.result)
    for name, layer in review.maps.items():
        one = workbench.overlay(review.bench, key, name, layer, opacity=0.85)
        if one is not None:
            layers.append(one)
    return layers


def _image(review: Review, title: str) -> MapLayer:
    image = review.images[title]
    key = clients.result_key(review.result)
    return _on_map(
        key, title, review.planes(image), review.look[1], review.bench.frame.shape, image,
        review.bench.frame,
    )  # fmt: skip


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _on_map(
    key: str,
    title: str,
    planes: tuple[int, ...],
    limits: Limits,
    shape: tuple[int, int],
    _image: SRImage,
    _frame: MapFrame,
) -> MapLayer:
    named = replace(_image, title=title)
    style = Style(bands=planes, limits=_limits(planes, limits))
    return map_layer(_frame, title.lower(), named, style, visible=title == "Result")


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _drawn(
    key: str, title: str, planes: tuple[int, ...], limits: Limits, _image: SRImage
) -> NDArray[np.uint8]:
    return draw(_image, Style(bands=planes, limits=_limits(planes, limits))).image


def _limits(planes: tuple[int, ...], limits: Limits) -> Limits | None:
    """The limits when they belong to these planes."""
    return limits if len(planes) == len(limits) else None
