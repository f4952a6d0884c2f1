"""Temperatures by all methods as the page shows them: chosen map, differences, units."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.layers import RasterLayer, ScalarMap, UncertaintyMap
from rsviz.core.model import Result
from rsviz.views import clients, workbench
from rsviz.views.ask import Question
from rsviz.views.bench import Bench
from rsviz.views.clients import SceneKey
from rsviz.views.map import MapLayer
from rsviz.views.state import Session, bind
from rsviz.views.warmth import given

Floats = NDArray[np.float32]
GROUND = "land surface temperature"
NOTHING, TRUE = "nothing", "truth"
SHARE = (1.0, 99.0)
"""Percentiles between which a map of temperatures has its colours."""


@dataclass(frozen=True)
class Review:
    """An answer and what it is read with.

    Attributes:
        bench: the open scene.
        question: what was asked.
        result: what the model gave.
        key: hash of the result.
        maps: raster layers by name, in the card's order; temperatures in K.
        truth_k: (H, W) true temperature of a simulated scene; None otherwise.
    """

    bench: Bench
    question: Question
    result: Result
    key: str
    maps: dict[str, RasterLayer]
    truth_k: Floats | None

    @property
    def methods(self) -> dict[str, ScalarMap]:
        """The maps of ground temperature by name."""
        return {
            name: layer
            for name, layer in self.maps.items()
            if isinstance(layer, ScalarMap) and layer.quantity == GROUND
        }

    def at(self, name: str) -> float | None:
        """The value of a map at the picked pixel; None where there is none."""
        pixel = self.bench.session.picked
        layer = self.maps.get(name)
        if pixel is None or not isinstance(layer, (ScalarMap, UncertaintyMap)):
            return None
        value = float(layer.data[pixel])
        return value if np.isfinite(value) else None


def reviewed(bench: Bench, question: Question, result: Result) -> Review:
    """Gather what the page needs of a result."""
    order = [*question.card.emits, *question.card.on_request]
    maps = {
        name: layer for name in order if isinstance(layer := result.layers.get(name), RasterLayer)
    }
    at = given.raster(bench.about, given.TRUTH)
    truth = None if at is None else _band(bench.key, at)
    return Review(bench, question, result, clients.result_key(result), maps, truth)


def choose(review: Review) -> tuple[str, str]:
    """Which map to show, and which temperature to take from it; drawn above the map."""
    session = review.bench.session
    names = list(review.maps)
    shown = _kept(session, "heat-map", names, names[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _select(session, "heat-map", "Map", names, shown, review)
        minus = NOTHING
        if shown in review.methods:
            others = [NOTHING, *([TRUE] if review.truth_k is not None else [])]
            others += [name for name in review.methods if name != shown]
            minus = _kept(session, "heat-minus", others, NOTHING)
            _select(session, "heat-minus", "minus", others, minus, review)
    return shown, minus


def on_map(review: Review, shown: str, minus: str) -> list[MapLayer]:
    """The chosen map."""
    layer = layer_of(review, shown, minus)
    name = f"{shown}-{minus}-{given.unit(review.bench.session)}"
    drawn = workbench.overlay(review.bench, review.key, name, layer, None, 0.9, True)
    return [] if drawn is None else [drawn]


def layer_of(review: Review, shown: str, minus: str) -> RasterLayer:
    """A map in the visitor's unit, or the difference of two."""
    layer = review.maps[shown]
    if not isinstance(layer, ScalarMap):
        return layer
    if minus != NOTHING and shown in review.methods:
        other = review.truth_k if minus == TRUE else review.methods[minus].data
        assert other is not None
        difference = layer.data - other
        most = float(np.nanpercentile(np.abs(difference), SHARE[1])) or 1.0
        return replace(
            layer,
            title=f"{layer.title} minus {title(review, minus)}",
            about="Red where the first is hotter.",
            data=difference,
            quantity="temperature difference",
            diverging=True,
            limits=(-most, most),
        )
    if layer.unit != "K" or layer.diverging:
        return layer
    data = layer.data - (given.ZERO_K if given.unit(review.bench.session) == given.CELSIUS else 0)
    return replace(layer, data=data, unit=given.unit(review.bench.session), limits=_limits(data))


def title(review: Review, name: str) -> str:
    """A map's name for people."""
    words = {NOTHING: "nothing", TRUE: "Truth"}
    return words.get(name) or review.maps[name].title


def _limits(data: Floats) -> tuple[float, float] | None:
    """The ends of the colours: all but the most extreme hundredths."""
    if not np.isfinite(data).any():
        return None
    low, high = (float(v) for v in np.nanpercentile(data, SHARE))
    return (low, high) if high > low else None


def _kept(session: Session, key: str, names: list[str], default: str) -> str:
    now = session.chosen.get(key, default)
    return now if now in names else default


def _select(
    session: Session, key: str, label: str, names: list[str], now: str, review: Review
) -> None:
    def store(name: str) -> None:
        session.chosen[key] = name

    st.selectbox(
        label,
        names,
        format_func=lambda name: title(review, name),
        key=key,
        on_change=bind(key, now, store),
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _band(key: SceneKey, band: int) -> Floats:
    """One band of the scene, NaN where there is no data."""
    scene = clients.source(key).read(None, (band,))
    return np.where(scene.valid[0], scene.pixels[0, 0], np.nan).astype(np.float32)
