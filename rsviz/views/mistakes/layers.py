"""Errors on the map: verdicts of A and B, who is right, who is surer; what is not lit is faint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.judged import AGREEMENTS, VERDICTS, Judged
from rsviz.core.layers import ClassMap, RasterLayer, ScalarMap
from rsviz.draw.paint import Style
from rsviz.draw.warp import MapFrame
from rsviz.views.classes import reference
from rsviz.views.layers import map_layer
from rsviz.views.map import MapLayer
from rsviz.views.mistakes.study import TRAIN, Answer, Study
from rsviz.views.state import bind
from rsviz.views.workbench import overlay

VERDICT_COLOURS = ("#009e73", "#e69f00", "#b3123f")
AGREEMENT_COLOURS = ("#009e73", "#56b4e9", "#e69f00", "#b3123f", "#8b3fa8")
VEILS = ("trained on", "not labelled", "not lit")
VEIL_COLOURS = ("#4a4f57", "#8a8f98", "#8a8f98")
VEIL_STRENGTHS = (0.75, 0.45, 0.45)
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


def errors(study: Study, side: str) -> ClassMap:
    """Right, wrong, wrong and confident; what was trained on, has no label or is not lit."""
    judged, answer = study.a, study.first
    if side == "B" and study.b is not None and study.second is not None:
        judged, answer = study.b, study.second
    title = "Errors" if study.b is None else f"Errors of {side}"
    about = (
        "Test pixels whose class is right or wrong; confident from a probability of "
        f"{judged.confident_from:g}."
    )
    codes = judged.facets["verdict"].codes
    return _veiled(study, answer, judged, codes, title, about, VERDICTS, VERDICT_COLOURS)


def agreement(study: Study) -> ClassMap:
    """Who of A and B is right on the test pixels that they share."""
    assert study.b is not None
    codes = study.facets["agreement"].codes
    about = "Who is right on the test pixels that A and B share."
    return _veiled(
        study, study.first, study.a, codes, "Agreement", about, AGREEMENTS, AGREEMENT_COLOURS
    )


def difference(study: Study) -> ScalarMap:
    """By how much A is surer of its class than B of its own, everywhere."""
    assert study.second is not None
    return ScalarMap(
        "Difference of confidence, A minus B",
        "Probability that A gives to its class, minus what B gives to its own.",
        study.first.classes.grid,
        study.first.certain - study.second.certain,
        "difference of probability",
        "1",
        diverging=True,
        limits=(-1.0, 1.0),
    )


def made(study: Study, shown: str) -> tuple[RasterLayer, Style]:
    """A layer by the name under which it is chosen, and how it is to be drawn."""
    if shown == "Difference of confidence":
        return difference(study), Style(strength=_faint(study) if study.filtered else None)
    layer = agreement(study) if shown == "Agreement" else errors(study, shown[-1])
    return layer, Style(strength=_strength(layer))


def _veiled(
    study: Study,
    answer: Answer,
    judged: Judged,
    codes: NDArray[np.int64],
    title: str,
    about: str,
    names: tuple[str, ...],
    colours: tuple[str, ...],
) -> ClassMap:
    """Codes of lit test pixels in colour, everything else under one of three veils."""
    count = len(names)
    labelled = answer.truth.labels > 0
    plane = np.where(labelled, count + 2, count + 1).astype(np.int16)
    plane[labelled & (answer.split.data == TRAIN)] = count
    plane.flat[judged.at[study.lit]] = codes[study.lit]
    return ClassMap(title, about, answer.classes.grid, plane, names + VEILS, colours + VEIL_COLOURS)


def _strength(layer: ClassMap) -> NDArray[np.float32]:
    """Full for colours, less for veils."""
    kinds = len(layer.labels) - len(VEILS)
    table = np.array([1.0] * kinds + list(VEIL_STRENGTHS), np.float32)
    return table[layer.data]


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
