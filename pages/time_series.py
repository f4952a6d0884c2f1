"""What grew here over the year? Stacks of dates, series of pixels, crops and why."""

import streamlit as st

from rsviz.views import (
    accuracy,
    ask,
    chooser,
    classes,
    decision,
    errors,
    export,
    inspector,
    season,
    series,
    shell,
    spectra,
    stacks,
    sure,
    workbench,
)
from rsviz.views.bench import Bench, opened

MAP = "season-map"
ALWAYS = ("Season", "Kept pixels", "Dates")
ANSWERED = (
    "Why this crop",
    "Reconstruction",
    "Inside",
    "Areas",
    "Accuracy",
    "How sure",
    "This run",
)


@errors.fragment
def content(bench: Bench, question: ask.Question | None) -> None:
    """Map and series, and below them what this page adds; a click reruns only this."""
    session = bench.session
    clicked = workbench.take_clicks(bench, MAP)
    season.take_step(bench, MAP)
    if clicked is not None and session.keep_clicks:
        spectra.keep(session, *clicked)
    result = ask.answer(session, question)
    found = classes.classified(bench, question.card, result) if question and result else None
    left, right = st.columns([3, 2], gap="medium")
    with left:
        look = season.choose_look(bench)
        layers = [season.film(bench, look)]
        if question and found:
            layers += stacks.on_map(bench, question.card, found)
            with st.container(horizontal=True, vertical_alignment="center"):
                accuracy.headline(found.result)
                export.menu(bench, found.result)
        workbench.show(bench, layers, MAP)
        season.clouded(bench)
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        names = series.choose(bench)
        series.chart(bench, names)
        if found:
            inspector.answer(bench, found.result, found.truth, classes.worth_telling(found))
        with st.container(horizontal=True):
            spectra.keep_button(session, "series")
            series.download(bench, names)
    tabs = st.tabs([*ALWAYS, *(ANSWERED if found else ())], key="season-tabs", on_change="rerun")
    panels = {
        "Season": lambda: series.season_panel(bench, names),
        "Kept pixels": lambda: series.kept_panel(session),
        "Dates": lambda: season.dates_panel(bench),
    }
    if found and question:
        looked = [tab for tab in tabs[3:6] if tab.open]
        pixel = None
        if looked:
            with looked[0]:
                pixel = stacks.looked_into(session, question)
        panels |= {
            "Why this crop": lambda: pixel and decision.why_panel(bench, found.result, pixel),
            "Reconstruction": lambda: decision.rebuilt_panel(bench, found.result, pixel),
            "Inside": lambda: decision.inside_panel(found.result, pixel),
            "Areas": lambda: classes.areas_panel(found),
            "Accuracy": lambda: accuracy.panel(found),
            "How sure": lambda: sure.panel(session, found),
            "This run": lambda: export.record(found.result),
        }
    for tab, (name, panel) in zip(tabs, panels.items(), strict=True):
        if tab.open:
            with tab, errors.boundary(name):
                panel()


with shell.page(
    "What grew here over the year?",
    "Each pixel was seen on many dates, and crops betray themselves by when they green up and "
    "ripen. Play the year on the map, click pixels to compare their seasons, then let a model "
    "name the crop and show which dates decided.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None and stacks.has_dates(bench):
        with st.sidebar:
            chooser.choose_variable(session)
            question = stacks.panel(session, bench)
        ask.state(session, bench.about, "class_map", question)
        content(bench, question)
        workbench.notes(bench, ask.notes(session, question))
