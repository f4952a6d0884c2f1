"""Can it be sharper? Models that emit a finer image, judged beside interpolation and the truth."""

import streamlit as st

from rsviz.views import address, ask, errors, export, inspector, shell, workbench
from rsviz.views.bench import Bench, opened
from rsviz.views.sharper import given, magnified, panels, pixel
from rsviz.views.sharper.review import on_map, reviewed

MAP = "sharper-map"
TABS = ("Scores", "Side by side", "Sharpness", "Detail", "Uncertainty", "This run")


@errors.fragment
def content(bench: Bench, question: ask.Question | None) -> None:
    """Map and inspector, and below them what this page adds; a click reruns only this."""
    workbench.take_clicks(bench, MAP)
    result = ask.answer(bench.session, question)
    found = reviewed(bench, question.card, result) if question and result else None
    if found and magnified.take_click(found):
        address.write(bench.session)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        layers = [workbench.base(bench)]
        if found:
            bench = found.bench
            layers += on_map(found)
            with st.container(horizontal=True, vertical_alignment="center"):
                panels.headline(found)
                export.menu(bench, found.result)
        pair = ("bicubic", "result") if found else None
        workbench.show(bench, layers, MAP, swipe=pair, lines=found is not None)
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        if found:
            pixel.inspect(found)
        else:
            inspector.spectrum(bench)
    if found is None or question is None:
        if result is not None:
            st.warning("This result cannot be set against its input: its bands or scale differ.")
        return
    parts = (
        lambda: panels.scores(found),
        lambda: magnified.side_by_side(found),
        lambda: panels.sharpness(found),
        lambda: panels.detail(found),
        lambda: panels.uncertainty(found, question),
        lambda: export.record(found.result),
    )
    for name, tab, part in zip(
        TABS, st.tabs(TABS, key="sharper-tabs", on_change="rerun"), parts, strict=True
    ):
        if tab.open:
            with tab, errors.boundary(name):
                part()


with shell.page(
    "Can it be sharper?",
    "A model guesses a finer image. Drag the divider to compare it with plain interpolation, and "
    "make the scene coarser first where you want to know whether the guess is right.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None:
        with st.sidebar:
            about, question = given.panel(bench)
        ask.state(session, about, given.KIND, question)
        content(bench, question)
        workbench.notes(bench, ask.notes(session, question))
