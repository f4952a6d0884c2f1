"""The models that a visitor trained: found, opened elsewhere, taken home, thrown away."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import streamlit as st

from rsviz.core import registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.scene import Description
from rsviz.views.state import Session
from rsviz.views.taught import Taught
from rsviz.views.words import many, percent, plain

PAGES = {
    "Map and certainty": ("pages/classify.py", ":material/category:"),
    "Inside": ("pages/internals.py", ":material/account_tree:"),
    "Errors": ("pages/errors.py", ":material/error_outline:"),
}
RIVALS = {"svm_rbf": "a support vector machine", "random_forest": "a random forest"}


def fitting(session: Session, card: ModelCard, about: Description) -> tuple[Weights, ...]:
    """The visitor's own weights of a card that fit a scene."""
    if card.accepts.why_not(about):
        return ()
    found = (card.named(one.folder) for one in session.teaching.taught if one.model == card.id)
    return tuple(w for w in found if w is not None and not w.why_not(about))


def is_own(weights: str) -> bool:
    """Whether weights are private to a visitor: their id is the path of a folder."""
    return weights.startswith("/")


def label(weights: Weights) -> str:
    """Weights in a list, in words; a visitor's own by the number of their pixels."""
    accuracy = weights.metrics.get("overall_accuracy")
    measured = f", OA {percent(accuracy)}" if isinstance(accuracy, float) else ""
    if not is_own(weights.id):
        return f"{weights.id.rpartition('/')[0]} · seed {weights.seed}{measured}"
    return f"yours: {many(len(weights.metrics['pixels']), 'pixel')}{measured}"


def shelf(session: Session) -> None:
    """All models that the visitor trained, and what can be done with each."""
    for one in reversed(session.teaching.taught):
        with st.container(border=True, key=f"own-{Path(one.folder).name}"):
            _entry(session, one)


def _entry(session: Session, one: Taught) -> None:
    key = Path(one.folder).name
    st.markdown(f"**{plain(title(one))}**  \n{plain(told(one))}")
    with st.container(horizontal=True):
        for name, (page, icon) in PAGES.items():
            if st.button(name, key=f"{name}-{key}", icon=icon):
                look(session, one)
                st.switch_page(page)
        st.download_button(
            "Take home",
            lambda: packed(one),
            file_name=f"{one.model}-own.zip",
            mime="application/zip",
            key=f"home-{key}",
            icon=":material/download:",
            on_click="ignore",
            help="Record and weights; `python -m rsviz run MODEL --scene SCENE --weights FOLDER` "
            "runs them.",
        )
        st.button(
            "Throw away",
            key=f"away-{key}",
            icon=":material/delete:",
            on_click=throw_away,
            args=(session, one),
        )


def title(one: Taught) -> str:
    """What was trained, on what, for how long."""
    card = registry.cards().get(one.model)
    name = card.title if card else one.model
    return f"{name}, {many(one.pixels, 'pixel')} of {Path(one.scene).name}, {one.epochs} epochs"


def told(one: Taught) -> str:
    """How good it is, beside simple methods on the same pixels."""
    if one.accuracy is None:
        return "There is no reference to measure it with."
    text = f"{percent(one.accuracy)} of all other labelled pixels are right"
    others = [f"{RIVALS[name]} {percent(share)}" for name, share in one.rivals if name in RIVALS]
    return f"{text}; with the same pixels {' and '.join(others)}." if others else f"{text}."


def look(session: Session, one: Taught) -> None:
    """Open a model of one's own in the place of the chosen one; its run starts by itself."""
    if session.scene != one.scene:
        session.open(one.scene)
    session.model, session.weights, session.wants_run = one.model, one.folder, True


def throw_away(session: Session, one: Taught) -> None:
    """Delete a model of one's own."""
    session.teaching.taught.remove(one)
    shutil.rmtree(one.folder, ignore_errors=True)
    for who in (session, session.second):
        if who.weights == one.folder:
            who.weights = ""


def packed(one: Taught) -> bytes:
    """Record and weights as a zip archive."""
    weights = registry.card(one.model).named(one.folder)
    assert weights is not None  # it is on the shelf
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("weights.json", weights.file):
            archive.write(weights.folder / name, name)
    return out.getvalue()
