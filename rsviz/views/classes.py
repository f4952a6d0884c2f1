"""A classification on the map: classes with doubt, the reference, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap, Layer, ProbabilityMap, RasterLayer, RoutingMap
from rsviz.core.model import Result
from rsviz.core.palettes import colours_of
from rsviz.core.scene import Truth
from rsviz.draw.paint import Style, areas, strength
from rsviz.draw.verdicts import VEIL_COLOURS, VERDICT_COLOURS
from rsviz.draw.warp import MapFrame
from rsviz.views import certainty, charts, clients
from rsviz.views.bench import Bench
from rsviz.views.layers import map_layer
from rsviz.views.map import MapLayer
from rsviz.views.state import Session, bind
from rsviz.views.words import many, percent
from rsviz.views.workbench import overlay

Floats = NDArray[np.float32]

TRAIN, TEST = 1, 2
OPACITY = 0.8
VERDICTS = ("right", "wrong", "trained on")
COLOURS = (*VERDICT_COLOURS[:2], VEIL_COLOURS[0])


@dataclass(frozen=True)
class Classified:
    """The layers of a classification that its views need.

    Attributes:
        result: what the model gave.
        key: hash of the result.
        classes: the class map.
        probabilities: the class probabilities.
        certain: (H, W) probability of each pixel's class.
        truth: reference labels, if the scene has them.
    """

    result: Result
    key: str
    classes: ClassMap
    probabilities: ProbabilityMap
    certain: Floats
    truth: Truth | None

    @property
    def unfinished(self) -> bool:
        """Whether the run is still under way, and finer or other classes will follow."""
        return self.result.record.partial > 0

    @property
    def scored_truth(self) -> Truth | None:
        """The reference, if the class map is finished and has its pixels and its classes."""
        same = (
            self.truth is not None
            and not self.unfinished
            and self.truth.names == self.classes.labels
            and self.truth.labels.shape == self.classes.data.shape
        )
        return self.truth if same else None


def classified(bench: Bench, card: ModelCard, result: Result) -> Classified:
    """Pick the layers of a classification out of a result, by the kinds that the card declares."""
    names = {kind: name for name, kind in reversed(card.emits.items())}
    classes = result.layers[names[ClassMap.kind]]
    probabilities = result.layers[names[ProbabilityMap.kind]]
    assert isinstance(classes, ClassMap) and isinstance(probabilities, ProbabilityMap)
    key = clients.result_key(result)
    certain = _certain(key, probabilities)
    return Classified(result, key, classes, probabilities, certain, bench.truth())


def on_map(bench: Bench, card: ModelCard, found: Classified) -> list[MapLayer]:
    """All layers of a classification, the class map on top; bottom first."""
    session = bench.session
    layers: list[MapLayer | None] = []
    truth = found.scored_truth
    if found.truth is not None:
        layers.append(overlay(bench, found.key, "reference", reference(found.truth, bench.grid)))
    if found.result.split is not None:
        layers.append(overlay(bench, found.key, "split", found.result.split))
    others = [
        (name, found.result.layers[name])
        for name, kind in card.emits.items()
        if kind not in (ClassMap.kind, ProbabilityMap.kind)
    ]
    for name, layer in others:
        if isinstance(layer, RasterLayer):
            layers.append(overlay(bench, found.key, name, layer))
    layers.append(
        _class_layer(
            found.key,
            session.least_certain,
            session.fade,
            found.classes,
            found.certain,
            bench.frame,
        )
    )
    if truth is not None:
        layers.append(overlay(bench, found.key, "errors", verdicts(found, truth)))
    return [layer for layer in layers if layer is not None]


def reference(truth: Truth, grid: Grid) -> ClassMap:
    """Reference labels as a layer; unlabelled pixels are transparent."""
    return ClassMap(
        "Reference",
        "The labels that came with the scene.",
        grid,
        truth.labels - np.int16(1),
        truth.names,
        truth.colours,
    )


def verdicts(found: Classified, truth: Truth) -> ClassMap:
    """Where the class is right, wrong, or was learned from, on labelled pixels."""
    right = certainty.right(found.classes, truth)
    verdict = np.where(right, 0, 1).astype(np.int16)
    if found.result.split is not None:
        verdict[found.result.split.data == TRAIN] = 2
    verdict[truth.labels == 0] = -1
    return ClassMap(
        "Errors",
        "Labelled pixels whose class is right or wrong; those of the training say nothing.",
        found.classes.grid,
        verdict,
        VERDICTS,
        COLOURS,
    )


def worth_telling(found: Classified) -> dict[str, Layer]:
    """Layers that the inspector tells of: what every run gives, and where pixels were routed."""
    emits = registry.card(found.result.record.model).emits
    return {
        name: layer
        for name, layer in found.result.layers.items()
        if name in emits or (isinstance(layer, RoutingMap) and layer.role != "contribution")
    }


def certainty_controls(session: Session, found: Classified) -> None:
    """Hide what is less certain than a threshold, and say what remains."""

    def least_chosen(value: float) -> None:
        session.least_certain = value

    def fade_chosen(on: bool) -> None:
        session.fade = on

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.slider(
            "Hide pixels less certain than",
            0.0,
            1.0,
            step=0.01,
            key="least-certain",
            on_change=bind("least-certain", session.least_certain, least_chosen),
            help="Certainty is the probability that the model gives to the class it names.",
        )
        st.toggle(
            "Fade doubt",
            key="fade",
            on_change=bind("fade", session.fade, fade_chosen),
            help="The less certain a pixel, the fainter its class.",
        )
    left = certainty.kept(
        found.classes,
        found.certain,
        found.scored_truth,
        found.result.split,
        session.least_certain,
    )
    text = f"{percent(left.share)} of the pixels stay" if left.share < 1 else "All pixels are shown"
    if left.accuracy is not None:
        tested = many(left.tested, "test pixel")
        text += f"; of {tested} among them {percent(left.accuracy)} are right"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(text + ".", width="stretch")
        if session.least_certain > 0:
            st.button(
                f"Below {session.least_certain:.2f} hidden",
                key="least-certain-chip",
                icon=":material/close:",
                type="tertiary",
                on_click=least_chosen,
                args=(0.0,),
            )


def areas_panel(found: Classified) -> None:
    """Area of each class, in hectares or pixels."""
    st.plotly_chart(_areas_chart(found.key, found.classes), key="areas", config=charts.CONFIG)


@st.cache_resource(show_spinner=False, max_entries=12)
def _areas_chart(key: str, _classes: ClassMap) -> go.Figure:
    """Drawn once: making a chart takes longer than the rest of a click."""
    sizes, unit = areas(_classes)
    labels = _classes.labels
    return charts.areas(labels, colours_of(_classes.colours, len(labels)), sizes, unit)


@st.cache_resource(show_spinner=False, max_entries=12)
def _certain(key: str, _probabilities: ProbabilityMap) -> Floats:
    return certainty.confidence(_probabilities)


@st.cache_resource(show_spinner=False, max_entries=16)
def _class_layer(
    key: str, least: float, fade: bool, _classes: ClassMap, _certain: Floats, _frame: MapFrame
) -> MapLayer:
    opacity = None
    if least > 0 or fade:
        opacity = strength(_certain, least, fade, len(_classes.labels))
    return map_layer(_frame, "classes", _classes, Style(strength=opacity), OPACITY)
