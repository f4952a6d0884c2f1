"""What happened inside? Routing, contributions, scans, step sizes, doubt, training, spikes."""

import streamlit as st

from rsviz.views import ask, clients, errors, inside, inspector, internals, shell, whatif, workbench
from rsviz.views.bench import Bench, opened
from rsviz.views.spikes.inside import spiking
from rsviz.views.spikes.page import content as spikes

MAP = "internals-map"


@errors.fragment
def content(bench: Bench, question: ask.Question | None) -> None:
    """Topics, map and inspector, and below them the charts of the topic."""
    workbench.take_clicks(bench, MAP)
    result = ask.answer(bench.session, question)
    topics = internals.topics(question.card, result.layers) if question and result else {}
    topic = internals.choose_topic(bench.session, topics) if topics else None
    left, right = st.columns([3, 2], gap="medium")
    with left:
        layers = [workbench.base(bench)]
        if topic and result:
            layers += internals.choose_layers(bench, topic, clients.result_key(result))
        workbench.show(bench, layers, MAP)
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        inspector.spectrum(bench)
        if topic and result:
            inspector.answer(bench, result, bench.truth(), topic.rasters)
        if topic and question and topic.looks_into(question.card):
            with errors.boundary("The look into the pixel"):
                topic = topic.with_pixel(question.card, whatif.panel(bench.session, question))
    if topic and result:
        internals.panel(bench, topic, result)
    elif result:
        st.info("This model shows nothing of its inside. Choose another one.")


with shell.page(
    "What happened inside?",
    "The same run, seen from inside: which experts worked where, in what order the scene was "
    "read, and where the network doubted itself. Choose a topic, then click pixels to compare "
    "what was done with them.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None:
        with st.sidebar:
            about, kind, question = inside.panel(bench)
        ask.state(session, about, kind, question)
        if question is not None and spiking(question.card):
            spikes(bench, question, MAP)
        else:
            content(bench, question)
        workbench.notes(bench, ask.notes(session, question))
