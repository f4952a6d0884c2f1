"""Where is it wrong, and why? Every model that names classes, on scenes with a reference."""

import streamlit as st

from rsviz.views import address, ask, errors, inspector, series, shell, workbench
from rsviz.views.bench import Bench, opened
from rsviz.views.mistakes import charts, layers, sides, studies, versus, why, worst
from rsviz.views.mistakes.study import Study

MAP = "errors-map"


@errors.fragment
def content(bench: Bench, first: ask.Question, second: ask.Question | None) -> None:
    """Map and inspector, and below them the charts; a click anywhere reruns only this."""
    session = bench.session
    workbench.take_clicks(bench, MAP)
    charts.take_clicks(session)
    worst.take_click(session)
    address.write(session)
    study = studies.of(bench, first, second)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        shown = [workbench.base(bench)]
        if study:
            reason = why.explained(study, sides.question(study, first, second))
            sides.headlines(study, reason)
            shown += layers.on_map(study, layers.choose(study))
            shown += why.on_map(study, reason)
        workbench.show(bench, shown, MAP, worst.focus(session))
        if study:
            charts.chips(study)
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        if bench.about.shape[0] > 1:
            series.chart(bench, series.choose(bench))
        else:
            inspector.spectrum(bench)
        if study:
            sides.inspect(bench, study)
    if study:
        tabs(study, sides.question(study, first, second))


def tabs(study: Study, asked: ask.Question) -> None:
    """The charts; each of them filters the map and the others."""
    shown = {
        "Confusion": charts.confusion_panel,
        "Conditions": charts.conditions,
        "Worst regions": worst.panel,
        "A against B": versus.comparison,
        "Why": lambda study: why.panel(study, asked),
    }
    for tab, (name, panel) in zip(
        st.tabs(list(shown), key="errors-tabs", on_change="rerun"), shown.items(), strict=True
    ):
        if tab.open:
            with tab, errors.boundary(f"The part '{name}'"):
                panel(study)


with shell.page(
    "Where is it wrong, and why?",
    "Test pixels that a model gets wrong, from every side: on the map, by confusion, by what makes "
    "them hard, and against another model. Choose a cell of the confusion matrix to light up its "
    "pixels and compare their spectra.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None:
        with st.sidebar:
            affordable = ask.affordable(bench.about)
            first = ask.panel(session, bench.about, "class_map", affordable)
            second = versus.panel(session, bench.about, first) if first else None
        ask.state(session, bench.about, "class_map", first)
        if first is not None:
            if ask.answer(session, first) is not None:
                versus.state(session, second)
            content(bench, first, second)
        workbench.notes(bench, ask.notes(session, first))
