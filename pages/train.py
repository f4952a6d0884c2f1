"""What can it learn from a handful of pixels? Models that learn within minutes."""

import streamlit as st

from rsviz.core.card import ModelCard
from rsviz.views import errors, own, shell, teach, workbench
from rsviz.views.bench import Bench, opened

MAP = "train-map"


@errors.fragment
def content(bench: Bench, card: ModelCard) -> None:
    """Map and desk; a click reruns only this."""
    teach.take_click(bench, MAP)
    result = teach.learned(bench)
    left, right = st.columns([3, 2], gap="medium")
    with right:
        with errors.boundary("The labels"):
            teach.labelling(bench)
            teach.button(bench, card)
        teach.curves(result)
    with left:
        workbench.show(bench, [workbench.base(bench), *teach.on_map(bench, result)], MAP)


with shell.page(
    "What can it learn from a handful of pixels?",
    "Give some classes a few pixels, press train, and watch loss, accuracy and map improve. What "
    "comes of it is a model like any other here, and yours alone: look inside it, compare it, take "
    "it home or throw it away.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None:
        cards = teach.trainable(bench)
        if cards:
            with st.sidebar:
                card = teach.settings(bench, cards)
            teach.progress(bench)
            content(bench, card)
            if session.teaching.taught:
                st.subheader("Your models", anchor=False)
                own.shelf(session)
        workbench.notes(bench)
