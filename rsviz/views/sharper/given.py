"""What a super-resolution starts from: the scene as it is, or made coarser, its truth known."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from rsviz.core import changes, registry
from rsviz.core.card import ModelCard
from rsviz.core.errors import RsvizError
from rsviz.core.model import Change
from rsviz.core.scene import Description
from rsviz.views import ask, bands, errors, forms
from rsviz.views.ask import Question
from rsviz.views.bench import Bench
from rsviz.views.state import Session, bind
from rsviz.views.words import plain

KIND = "sr_image"
DEGRADE, KEEP = "degrade", "keep_bands"
AS_IS, COARSER = "As it is", "Made coarser here"
ALL, SHOWN = "All", "Those shown"
FEW = 3


def panel(bench: Bench, extras: bool = False) -> tuple[Description, Question | None]:
    """Choose the input, and the model that sharpens it (in the sidebar).

    Args:
        bench: the open scene.
        extras: whether to ask for the layers that are given on request only.

    Returns:
        What the model is asked to take, and the question; None when no model takes it.
    """
    session = bench.session
    choose(session)
    wanted = changed(session)
    try:
        about = changes.after(bench.about, wanted)
        keep = choose_bands(bench, about)
        if keep is not None:
            about, wanted = changes.after(about, (keep,)), (keep, *wanted)
    except RsvizError as error:
        errors.show(error)
        return bench.about, None
    return about, ask.panel(session, about, KIND, extras, wanted)


def choose(session: Session) -> None:
    """Whether the scene is made coarser first, and how."""

    def store(name: str) -> None:
        session.before = {} if name == AS_IS else {DEGRADE: {"scale": _scale_of(session)}}

    now = COARSER if DEGRADE in session.before else AS_IS
    st.segmented_control(
        "Input",
        [AS_IS, COARSER],
        required=True,
        key="sr-input",
        on_change=bind("sr-input", now, store),
        width="stretch",
        help="Made coarser here, the scene itself is the truth with which results are compared.",
    )
    if DEGRADE in session.before:
        kind = changes.kind(DEGRADE)
        forms.options_form("sr-degrade", kind.options, session.before[DEGRADE])


def changed(session: Session) -> tuple[Change, ...]:
    """What is done to the scene before the run; settings out of range are left out."""
    return tuple(
        Change(name, forms.checked(changes.kind(name).options, settings))
        for name, settings in session.before.items()
        if name == DEGRADE
    )


def choose_bands(bench: Bench, about: Description) -> Change | None:
    """Whether only the bands on the screen are sharpened; a change, or None for all bands.

    Offered where the scene has more bands than the screen shows. Where the chosen model, or any
    when none is chosen, does not take all of them, those on the screen are taken at first.
    """
    session = bench.session
    if len(about.bands) <= FEW:
        return None
    bands.settle(session.look, bench.about)
    cards = registry.emitting(KIND)
    chosen = [card for card in cards if card.id == session.model] or cards
    fits = any(not card.why_not(about) for card in chosen)
    if session.chosen.get("sr-bands") not in (ALL, SHOWN):
        session.chosen["sr-bands"] = ALL if fits else SHOWN

    def store(name: str) -> None:
        session.chosen["sr-bands"] = name

    st.segmented_control(
        "Bands",
        [ALL, SHOWN],
        required=True,
        key="sr-bands",
        on_change=bind("sr-bands", session.chosen["sr-bands"], store),
        width="stretch",
        help="Those shown are the bands of the composite, chosen on the page of the scene.",
    )
    if session.chosen["sr-bands"] == ALL:
        return None
    names = ", ".join(bands.label(bench.about.bands, band) for band in session.look.bands)
    st.caption(plain(names))
    return Change(KEEP, {"bands": ",".join(str(band + 1) for band in session.look.bands)})


def scale_of(card: ModelCard, question: Question | None = None) -> int:
    """How many times finer a model makes an image: by its option, else by its weights."""
    options = question.job.options if question else forms.defaults(card)
    if "scale" in options:
        return int(options["scale"])
    scales = [w.config["scale"] for w in card.weights if "scale" in w.config]
    return int(scales[0]) if scales else 4


def _scale_of(session: Session) -> int:
    """The scale of the chosen model, or of the first there is."""
    cards = {card.id: card for card in registry.emitting(KIND)}
    card = cards.get(session.model) or next(iter(cards.values()), None)
    return 4 if card is None else scale_of(card)


def spread_question(question: Question) -> Question | None:
    """The question that also asks for measures of uncertainty; None when a model has none."""
    wants = tuple(
        sorted(name for name, kind in question.card.on_request.items() if kind == "uncertainty_map")
    )
    if not wants:
        return None
    return Question(question.card, replace(question.job, wants=wants))
