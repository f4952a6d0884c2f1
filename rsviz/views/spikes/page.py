"""The page of internals for a spiking network: topics, map with films and arrows, charts."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from rsviz.core.model import Result
from rsviz.views import ask, errors, inspector, pixel_run, workbench
from rsviz.views.ask import Question
from rsviz.views.bench import Bench
from rsviz.views.sharper.review import reviewed
from rsviz.views.spikes import panels
from rsviz.views.spikes.inside import (
    ABOUT,
    TOPICS,
    Inside,
    on_map,
    partner_strokes,
    picked_on,
)
from rsviz.views.state import bind


@errors.fragment
def content(bench: Bench, question: Question, map_key: str) -> None:
    """Topics, map and inspector, and below them the charts; a click reruns only this."""
    workbench.take_clicks(bench, map_key)
    result = ask.answer(bench.session, question)
    inside = _inside(bench, question, result) if result else None
    topic = _choose_topic(inside) if inside else ""
    left, right = st.columns([3, 2], gap="medium")
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        inspector.spectrum(bench)
        if inside and any(name in question.card.at_pixel for name in TOPICS[topic]):
            inside = _looked_into(inside, question)
    with left:
        layers, strokes = [workbench.base(bench)], []
        if inside:
            layers += on_map(inside, topic)
            if topic == "Partner":
                row = panels.chosen_partner(inside)
                strokes = partner_strokes(inside, row) if row else []
        shown = inside.bench if inside else bench
        workbench.show(shown, layers, map_key, strokes=strokes)
    if inside:
        panels.show(inside, topic)


def _inside(bench: Bench, question: Question, result: Result) -> Inside:
    """The run on a map as fine as its result."""
    judged = reviewed(bench, question.card, result)
    return Inside(judged.bench if judged else bench, question.card, result)


def _choose_topic(inside: Inside) -> str:
    """A row of topics, and a sentence on the chosen one."""
    session, names = inside.bench.session, inside.topics()
    if session.chosen.get("topic") not in names:
        session.chosen["topic"] = names[0]

    def store(name: str) -> None:
        session.chosen["topic"] = name

    st.segmented_control(
        "Topic",
        names,
        required=True,
        key="topic",
        on_change=bind("topic", session.chosen["topic"], store),
        label_visibility="collapsed",
    )
    st.caption(ABOUT[session.chosen["topic"]])
    return session.chosen["topic"]


def _looked_into(inside: Inside, question: Question) -> Inside:
    """With the layers of the picked pixel, once they are there."""
    pixel = picked_on(inside.bench, inside.grid)
    if pixel is None:
        return inside
    session = replace(inside.bench.session, picked=pixel)  # it shares the runs of the real one
    return replace(inside, pixel=pixel_run.look(session, question))
