"""What is on the ground, and how sure? Models that emit a class map, on one date."""

import streamlit as st

from rsviz.views import accuracy, ask, classes, errors, export, inspector, shell, sure, workbench
from rsviz.views.bench import Bench, opened

MAP = "classify-map"
TABS = ("Areas", "Accuracy", "How sure", "This run")


@errors.fragment
def content(bench: Bench, question: ask.Question | None) -> None:
    """Map and inspector, and below them what this page adds; a click reruns only this."""
    workbench.take_clicks(bench, MAP)
    result = ask.answer(bench.session, question) or ask.unfinished(bench.session, question)
    found = classes.classified(bench, question.card, result) if question and result else None
    left, right = st.columns([3, 2], gap="medium")
    with left:
        layers = [workbench.base(bench)]
        if question and found:
            layers += classes.on_map(bench, question.card, found)
            layers += sure.on_map(bench, found)
            with st.container(horizontal=True, vertical_alignment="center"):
                accuracy.headline(found.result)
                if not found.unfinished:
                    export.menu(bench, found.result)
        workbench.show(bench, layers, MAP)
        if found:
            classes.certainty_controls(bench.session, found)
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        inspector.spectrum(bench)
        if found:
            telling = classes.worth_telling(found)
            inspector.answer(bench, found.result, found.truth, telling)
    if found is None or found.unfinished:
        return
    areas, measured, certain, run = st.tabs(TABS, key="classify-tabs", on_change="rerun")
    if areas.open:
        with areas, errors.boundary("The areas"):
            classes.areas_panel(found)
    if measured.open:
        with measured, errors.boundary("The accuracy"):
            accuracy.panel(found)
    if certain.open:
        with certain, errors.boundary("The certainty"):
            sure.panel(bench.session, found)
    if run.open:
        with run, errors.boundary("The record"):
            export.record(found.result)


with shell.page(
    "What is on the ground, and how sure?",
    "A model names the land cover of every pixel, and says how certain it is. Click where you "
    "doubt it, hide what it is unsure of, and see whether its doubt is justified.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None:
        with st.sidebar:
            question = ask.panel(session, bench.about, "class_map", ask.affordable(bench.about))
        ask.state(session, bench.about, "class_map", question)
        content(bench, question)
        workbench.notes(bench, ask.notes(session, question))
