"""How hot was the ground? Models that turn a thermal band into surface temperature."""

import streamlit as st

from rsviz.views import ask, errors, export, inspector, shell, workbench
from rsviz.views.bench import Bench, opened
from rsviz.views.warmth import given, panels, pixel, review

MAP = "temperature-map"
TABS = ("Methods", "By class", "Error and humidity", "Around the world", "The air", "This run")


@errors.fragment
def content(bench: Bench, question: ask.Question | None) -> None:
    """Map and inspector, and below them what this page adds; a click reruns only this."""
    workbench.take_clicks(bench, MAP)
    result = ask.answer(bench.session, question)
    found = review.reviewed(bench, question, result) if question and result else None
    left, right = st.columns([3, 2], gap="medium")
    with left:
        layers = [workbench.base(bench)]
        if found:
            with st.container(horizontal=True, vertical_alignment="center"):
                panels.headline(found)
                export.menu(bench, found.result)
            layers += review.on_map(found, *review.choose(found))
        workbench.show(bench, layers, MAP)
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        if found:
            pixel.inspect(found)
        else:
            inspector.spectrum(bench)
    if found is None or question is None:
        return
    parts = (
        lambda: panels.methods(found),
        lambda: panels.zones(found),
        lambda: panels.errors_by_water(question.card),
        lambda: panels.places(question.card),
        lambda: panels.air(found),
        lambda: export.record(found.result),
    )
    for name, tab, part in zip(
        TABS, st.tabs(TABS, key="temperature-tabs", on_change="rerun"), parts, strict=True
    ):
        if tab.open:
            with tab, errors.boundary(name):
                part()


with shell.page(
    "How hot was the ground?",
    "A thermal band sees the ground through the air. Tell how much water the air held and how "
    "warm it was; physics and learning then work out the temperature, and show what each of them "
    "contributed.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None:
        with st.sidebar:
            question = given.panel(bench)
        lacking = given.missing(bench, question.job.options) if question else []
        if lacking:
            given.tell_missing(lacking)
        else:
            ask.state(session, bench.about, given.KIND, question)
        content(bench, None if lacking else question)
        workbench.notes(bench, ask.notes(session, question))
