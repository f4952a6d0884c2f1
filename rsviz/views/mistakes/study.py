"""What the page of errors looks at: one result or two, their test pixels, and what is lit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.analysis import judged
from rsviz.analysis.answers import certainty_of, class_map_of
from rsviz.analysis.comparison import Comparison
from rsviz.analysis.facets import Facet, Filter
from rsviz.analysis.judged import Judged
from rsviz.core.card import ModelCard
from rsviz.core.layers import ClassMap, Layer
from rsviz.core.model import Result
from rsviz.core.palettes import colours_of
from rsviz.core.scene import Truth
from rsviz.views import clients
from rsviz.views.bench import Bench
from rsviz.views.state import Session
from rsviz.views.words import plain

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDES = ("A", "B")


@dataclass(frozen=True)
class Answer:
    """A result with a class map that can be compared with the reference.

    Attributes:
        card: of its model.
        result: what it gave.
        key: hash of the result.
        classes: its class map.
        certain: (H, W) probability of each pixel's class; 1 when the model tells none.
        truth: reference labels with the same classes.
        split: which labelled pixels count.
    """

    card: ModelCard
    result: Result
    key: str
    classes: ClassMap
    certain: Floats
    truth: Truth
    split: ClassMap

    @property
    def told(self) -> dict[str, Layer]:
        """The layers that every run gives."""
        return {name: self.result.layers[name] for name in self.card.emits}


@dataclass(frozen=True)
class Study(Comparison):
    """The test pixels of one result, or those that two results share.

    Attributes:
        bench: the open scene.
        first: the result A.
        second: the result B, when there is one.
    """

    bench: Bench
    first: Answer
    second: Answer | None

    @property
    def answer(self) -> Answer:
        """The result of the side that the charts show."""
        return self.second if self.side == "B" and self.second is not None else self.first

    @property
    def colours(self) -> tuple[str, ...]:
        """Colours of the classes."""
        truth = self.first.truth
        return colours_of(truth.colours, len(truth.names))

    @cached_property
    def state(self) -> str:
        """What decides which pixels are lit: the key of whatever is drawn of them."""
        second = self.second.key if self.second is not None else ""
        level = self.a.confident_from
        return repr((self.first.key, second, self.side, self.chosen, self.area, level))

    @property
    def cell_of_picked(self) -> tuple[int, int] | None:
        """The (true, predicted) class of the picked pixel, if it is a test pixel."""
        pixel = self.bench.session.picked
        if pixel is None:
            return None
        place = np.searchsorted(self.shown.at, pixel[0] * self.shown.shape[1] + pixel[1])
        if place >= self.shown.at.size or self.shown.at[place] != (
            pixel[0] * self.shown.shape[1] + pixel[1]
        ):
            return None
        return int(self.shown.true[place]), int(self.shown.predicted[place])


def answer_of(bench: Bench, card: ModelCard, result: Result) -> Answer | str:
    """The class map of a result with its reference, or a sentence on why there is no comparison."""
    classes = class_map_of(result)
    assert classes is not None
    truth = bench.truth()
    if truth is None:
        return "This scene brings no reference labels, so nobody can say where a model is wrong."
    if truth.names != classes.labels or truth.labels.shape != classes.data.shape:
        return (
            f"{plain(card.title)} names other classes than the reference labels of this scene, so "
            "the two cannot be compared pixel by pixel."
        )
    if result.split is None:
        return (
            f"These weights of {plain(card.title)} were trained on other labels than those of this "
            "scene. Which of its pixels may count as a test is not known."
        )
    key = clients.result_key(result)
    return Answer(card, result, key, classes, _certain(key, result), truth, result.split)


def study(bench: Bench, first: Answer, second: Answer | None) -> Study | str:
    """Bring one or two results into a form that all parts of the page share.

    Returns:
        The study, or a sentence on why two results share no test pixel.
    """
    session = bench.session
    level = session.confident_from
    a, b = _judged(first.key, level, first), None
    if second is not None:
        b = _among(first.key, second.key, level, _judged(second.key, level, second), a)
        a = _among(second.key, first.key, level, a, b)
        if not a.at.size:
            return "A and B share no test pixel: what one learned from is all that tests the other."
    if session.chosen.get("errors-side") not in SIDES[: 1 + (b is not None)]:
        session.chosen["errors-side"] = "A"
    side = session.chosen["errors-side"]
    area = session.rectangle
    made = Study(a, b, side, session.filter, area, bench, first, second)
    return replace(made, chosen=settled(session, made.facets))


def settled(session: Session, facets: dict[str, Facet]) -> Filter:
    """The filter without facets and bins that are not there; kept so."""
    gone = [
        name
        for name, place in session.filter.chosen.items()
        if name not in facets or place >= len(facets[name].bins)
    ]
    session.filter = session.filter.without(gone)
    return session.filter


@st.cache_resource(show_spinner=False, max_entries=8)
def _certain(key: str, _result: Result) -> Floats:
    return certainty_of(_result, _result.split.grid.shape if _result.split else ())


@st.cache_resource(show_spinner=False, max_entries=16)
def _judged(key: str, level: float, _answer: Answer) -> Judged:
    return judged.judge(_answer.classes, _answer.certain, _answer.truth, _answer.split, level)


@st.cache_resource(show_spinner=False, max_entries=16)
def _among(key: str, other: str, level: float, _all: Judged, _other: Judged) -> Judged:
    return _all.among(_other.at)
