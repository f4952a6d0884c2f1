"""Asking models of dated stacks: which fit, the dates they get, and what they add to the map."""

from __future__ import annotations

import streamlit as st

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.layers import RasterLayer
from rsviz.core.model import Change, Result
from rsviz.views import ask, clients, pixel_run
from rsviz.views.ask import Question
from rsviz.views.bench import Bench
from rsviz.views.classes import Classified
from rsviz.views.classes import on_map as class_layers
from rsviz.views.map import MapLayer
from rsviz.views.state import Session
from rsviz.views.words import plain
from rsviz.views.workbench import overlay

KIND = "class_map"


def has_dates(bench: Bench) -> bool:
    """Whether the scene is a stack; otherwise say so and offer some."""
    if bench.about.shape[0] > 1:
        return True
    st.warning(
        f"{plain(bench.about.name)} shows one date; a season needs several. Open a stack: a "
        "GeoTIFF or NetCDF of many dates, a folder of dated files, or an .npz with dates.",
        icon=":material/block:",
    )
    dated = (card for card in registry.emitting(KIND) if card.accepts.dates[1] > 1)
    trained = {weights.scene for card in dated for weights in card.weights}
    with st.container(horizontal=True):
        for entry in clients.entries():
            if entry.id in trained and st.button(
                plain(entry.title), key=f"open-{entry.id}", icon=":material/public:"
            ):
                bench.session.open(entry.id)
                st.rerun()
    return False


def panel(session: Session, bench: Bench) -> Question | None:
    """Choose a model in the sidebar; it is asked about the scene with its corrected dates."""
    changes: tuple[Change, ...] = ()
    if len(session.dates) == bench.about.shape[0]:
        changes = (Change("set_dates", {"dates": ",".join(session.dates)}),)
    return ask.panel(session, bench.about, KIND, ask.affordable(bench.about), changes)


def on_map(bench: Bench, card: ModelCard, found: Classified) -> list[MapLayer]:
    """The classification, and the maps that a model of seasons gives beside it."""
    more = ((name, found.result.layers.get(name)) for name in card.on_request)
    layers = [
        overlay(bench, found.key, name, layer)
        for name, layer in more
        if isinstance(layer, RasterLayer)
    ]
    return [layer for layer in layers if layer is not None] + class_layers(bench, card, found)


def looked_into(session: Session, question: Question) -> Result | None:
    """The layers of the picked pixel, or a word on how to get them."""
    if session.picked is None:
        st.markdown("Click a pixel on the map: what led to its crop appears here.")
        return None
    return pixel_run.look(session, question)
