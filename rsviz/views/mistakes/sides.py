"""The sides A and B: their scores in one line each, and both answers at the picked pixel."""

from __future__ import annotations

import numpy as np
import streamlit as st

from rsviz.core import registry
from rsviz.core.layers import ProbabilityMap
from rsviz.core.model import Result, RunRecord
from rsviz.views import accuracy, ask, inspector
from rsviz.views.bench import Bench
from rsviz.views.mistakes import files
from rsviz.views.mistakes.study import SIDES, Answer, Study
from rsviz.views.state import Session, bind
from rsviz.views.words import percent, plain


def headlines(study: Study, explained: Result | None) -> None:
    """Scores of A and the menu of files, and the scores of B below them."""
    both = study.second is not None
    for side, answer in (("A", study.first), ("B", study.second)):
        if answer is None:
            continue
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if both:
                st.badge(side, color="gray")
            accuracy.headline(answer.result)
            if side == "A":
                files.menu(study, explained)
    if study.second is not None:
        first, second = (title_of(a.result.record) for a in (study.first, study.second))
        st.caption(f"A: {first} · B: {second}")


def title_of(made: RunRecord) -> str:
    """Model, weights and changes of a run in a few words."""
    changes = ", ".join(change.name.replace("_", " ") for change in made.changes)
    text = f"{registry.card(made.model).title}, {made.weights}"
    return plain(f"{text}, after {changes}" if changes else text)


def choose(study: Study) -> None:
    """Whose errors the charts show, when there are two; remembered when the page is left."""
    if study.b is None:
        return
    session = study.bench.session

    def store(side: str) -> None:
        session.chosen["errors-side"] = side

    st.segmented_control(
        "Charts show",
        list(SIDES),
        required=True,
        format_func=lambda side: f"Errors of {side}",
        key="errors-side",
        on_change=bind("errors-side", study.side, store),
        help="Whose errors the charts count, on the test pixels that A and B share.",
    )


def question(study: Study, first: ask.Question, second: ask.Question | None) -> ask.Question:
    """What was asked on the side that the charts show."""
    return second if study.side == "B" and second is not None else first


def confident(session: Session) -> None:
    """From which probability a wrong answer counts as confident."""

    def store(value: float) -> None:
        session.confident_from = value

    st.slider(
        "Confident from a probability of",
        0.5,
        1.0,
        step=0.01,
        key="confident-from",
        on_change=bind("confident-from", min(1.0, max(0.5, session.confident_from)), store),
        help="A wrong answer with at least this probability is wrong and confident.",
    )


def inspect(bench: Bench, study: Study) -> None:
    """What A says of the picked pixel and, below it, what B says."""
    if study.second is None:
        inspector.answer(bench, study.first.result, study.first.truth, study.first.told)
        return
    both = (("A", study.first), ("B", study.second))
    for side, answer in both:
        _says(bench, side, answer)
    for side, answer in both:
        layers = {
            f"{side}-{name}": layer
            for name, layer in answer.told.items()
            if isinstance(layer, ProbabilityMap)
        }
        if bench.session.picked is not None:
            st.caption(f"{side}: {title_of(answer.result.record)}")
        inspector.answer(bench, answer.result, answer.truth, layers)


def _says(bench: Bench, side: str, answer: Answer) -> None:
    pixel = bench.session.picked
    if pixel is None:
        return
    code, sure = int(answer.classes.data[pixel]), float(answer.certain[pixel])
    if code == answer.classes.ignore or not np.isfinite(sure):
        st.markdown(f"**{side}** says nothing here.")
        return
    name = plain(answer.classes.labels[code])
    st.markdown(f"**{side}** says **{name}**, {percent(sure)} sure.")
