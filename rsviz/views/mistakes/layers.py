"""Errors on the map: verdicts of A and B, who is right, who is surer; what is not lit is faint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.layers import RasterLayer
from rsviz.draw.paint import Style
from rsviz.draw.verdicts import agreement_map, difference_map, veil_strength, verdict_map
from rsviz.draw.warp import MapFrame
from rsviz.views.classes import reference
from rsviz.views.layers import map_layer
from rsviz.views.map import MapLayer
from rsviz.views.mistakes.study import Study
from rsviz.views.state import bind
from rsviz.views.workbench import overlay

CHOICE = "errors-shown"
OPTIONS = ("Agreement", "Errors of A", "Errors of B", "Difference of confidence")


def choose(study: Study) -> str:
    """Which layer is on top; remembered when the page is left."""
    if study.b is None:
        return "Errors of A"
    session = study.bench.session

    def store(name: str) -> None:
        session.chosen[CHOICE] = name
        if name.startswith("Errors of"):
            session.chosen["errors-side"] = name[-1]

    st.segmented_control(
        "On the map",
        OPTIONS,
        required=True,
        key=CHOICE,
        on_change=bind(CHOICE, session.chosen.setdefault(CHOICE, OPTIONS[0]), store),
        label_visibility="collapsed",
    )
    return session.chosen[CHOICE]


def on_map(study: Study, shown: str) -> list[MapLayer]:
    """All layers, the chosen one on top; bottom first."""
    bench = study.bench
    truth = reference(study.first.truth, bench.grid)
    layers = [overlay(bench, study.first.key, "reference", truth)]
    for side, answer in (("A", study.first), ("B", study.second)):
        if answer is None:
            continue
        named = "" if study.second is None else f" of {side}"
        for name, layer in answer.told.items():
            if isinstance(layer, RasterLayer) and layer.kind != "probability_map":
                titled = _titled(layer, f"{layer.title}{named}")
                layers.append(overlay(bench, answer.key, f"{side}-{name}", titled))
    layers.append(_drawn(study.state, shown, study, bench.frame))
    return [layer for layer in layers if layer is not None]


def made(study: Study, shown: str) -> tuple[RasterLayer, Style]:
    """A layer by the name under which it is chosen, and how it is to be drawn."""
    first, second = study.first, study.second
    if second is None or study.b is None:
        layer = verdict_map(study.a, first.truth, first.split, study.lit)
    elif shown == OPTIONS[-1]:
        difference = difference_map(first.certain, second.certain, first.classes.grid)
        return difference, Style(strength=_faint(study) if study.filtered else None)
    elif shown == "Agreement":
        codes = study.facets["agreement"].codes
        layer = agreement_map(study.a, codes, first.truth, first.split, study.lit)
    else:
        judged, answer = (study.a, first) if shown[-1] == "A" else (study.b, second)
        layer = verdict_map(judged, answer.truth, answer.split, study.lit, shown)
    return layer, Style(strength=veil_strength(layer))


def _faint(study: Study) -> NDArray[np.float32]:
    plane = np.full(study.shown.shape, 0.15, np.float32)
    plane.flat[study.shown.at[study.lit]] = 1.0
    return plane


def _titled(layer: RasterLayer, title: str) -> RasterLayer:
    return replace(layer, title=title)


@st.cache_resource(show_spinner=False, max_entries=32)
def _drawn(state: str, shown: str, _study: Study, _frame: MapFrame) -> MapLayer:
    layer, style = made(_study, shown)
    return map_layer(_frame, "shown", layer, style)
