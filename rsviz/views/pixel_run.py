"""Looking into the picked pixel: layers that a model computes for one pixel, asked at a click.

The run of the whole scene keeps its own question, so that a click never asks for it again.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from rsviz.core.model import Result
from rsviz.views import ask
from rsviz.views.ask import Question
from rsviz.views.state import Session

ROW, COLUMN = "pick_row", "pick_col"


def into(question: Question, pixel: tuple[int, int]) -> Question:
    """The question for the layers that look into a pixel (row, column) of the scene."""
    options = question.job.options | {ROW: pixel[0], COLUMN: pixel[1]}
    job = replace(question.job, options=options, wants=tuple(sorted(question.card.at_pixel)))
    return Question(question.card, job)


def look(session: Session, question: Question | None) -> Result | None:
    """The layers of the picked pixel; asks for them when a run of the scene is there.

    Returns:
        None while nothing is picked, the model has no such layers, or they are being computed.
    """
    if question is None or session.picked is None or not question.card.at_pixel:
        return None
    asked = into(question, session.picked)
    found = ask.answer(session, asked)
    if found is None and not ask.asked(session, asked):
        ask.submit(session, asked)
    if found is None:
        ask.waiting(session, asked, "cancel-pixel")
        found = ask.answer(session, asked)
    if found is None:
        st.caption("The picked pixel is looked into; its charts appear here.")
    return found
