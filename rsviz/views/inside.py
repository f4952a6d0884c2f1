"""Which model the page of internals looks into: one that names classes, or one that sharpens."""

from __future__ import annotations

import streamlit as st

from rsviz.core import registry
from rsviz.core.scene import Description
from rsviz.views import ask
from rsviz.views.ask import Question
from rsviz.views.bench import Bench
from rsviz.views.sharper import given
from rsviz.views.state import bind

CLASSES, IMAGE = "class_map", given.KIND
NAMES = {CLASSES: "Land cover", IMAGE: "Sharper image"}


def panel(bench: Bench) -> tuple[Description, str, Question | None]:
    """Choose a kind of model, the model, and what it is asked (in the sidebar).

    Returns:
        What the model is asked to take, the kind of layer that it emits, and the question; None
        when no model takes the scene.
    """
    session = bench.session
    kinds = [kind for kind in NAMES if any(card.on_request for card in registry.emitting(kind))]
    kind = kinds[0] if kinds else CLASSES
    if len(kinds) > 1:
        now = session.chosen.get("inside") or _kind_of(session.model)

        def store(wanted: str) -> None:
            session.chosen["inside"] = wanted

        kind = now if now in kinds else kind
        st.segmented_control(
            "Look into",
            kinds,
            required=True,
            format_func=lambda name: NAMES[name],
            key="inside",
            on_change=bind("inside", kind, store),
            width="stretch",
        )
    if kind == IMAGE:
        about, question = given.panel(bench, extras=True)
        return about, kind, question
    return bench.about, kind, ask.panel(session, bench.about, kind, extras=True)


def _kind_of(model: str) -> str:
    """The kind of layer for which a model is chosen."""
    card = registry.cards().get(model)
    emits = card.emits.values() if card else ()
    return next((kind for kind in NAMES if kind in emits), CLASSES)
