"""From questions to a study; what is missing is said in a sentence."""

from __future__ import annotations

import streamlit as st

from rsviz.views import ask, clients
from rsviz.views.bench import Bench
from rsviz.views.mistakes.study import Answer, Study, answer_of, study
from rsviz.views.words import plain


def of(bench: Bench, first: ask.Question, second: ask.Question | None) -> Study | None:
    """The study of one answer or two; None, after saying why, when there is nothing to study."""
    a = _found(bench, first)
    if a is None or isinstance(a, str):
        if a:
            _nothing(bench, a)
        return None
    b = None if second is None else _found(bench, second)
    if isinstance(b, str):
        st.warning(f"B is left out. {b}", icon=":material/block:")
        b = None
    made = study(bench, a, b)
    if isinstance(made, str):
        st.warning(made, icon=":material/block:")
        return None
    return made


def _found(bench: Bench, question: ask.Question) -> Answer | str | None:
    result = ask.answer(bench.session, question)
    return None if result is None else answer_of(bench, question.card, result)


def _nothing(bench: Bench, why: str) -> None:
    """Why errors cannot be shown, and scenes where they can."""
    st.warning(why, icon=":material/block:")
    would = [e for e in clients.entries() if e.id in ask.trained_on("class_map")]
    if would:
        st.markdown("Scenes with reference labels and a trained model:")
        with st.container(horizontal=True):
            for entry in would:
                st.button(
                    plain(entry.title),
                    key=f"errors-open-{entry.id}",
                    icon=":material/public:",
                    on_click=bench.session.open,
                    args=(entry.id,),
                )
