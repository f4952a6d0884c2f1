"""Looking into the picked pixel: layers that a model computes for one pixel, asked at a click.

The run of the whole scene keeps its own question, so that a click never asks for it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from rsviz.core.model import Plain, Result
from rsviz.views import ask
from rsviz.views.ask import Question
from rsviz.views.state import Session

ROW, COLUMN = "pick_row", "pick_col"
NOTHING: Mapping[str, Plain] = {}


def into(
    question: Question, pixel: tuple[int, int], tried: Mapping[str, Plain] = NOTHING
) -> Question:
    """The question for the layers that look into a pixel (row, column), with options to try."""
    options = {**question.job.options, ROW: pixel[0], COLUMN: pixel[1], **tried}
    job = replace(question.job, options=options, wants=tuple(sorted(question.card.at_pixel)))
    return Question(question.card, job)


def look(
    session: Session, question: Question | None, tried: Mapping[str, Plain] = NOTHING
) -> Result | None:
    """The layers of the picked pixel; asks for them when a run of the scene is there.

    Args:
        session: knows the pixel and the runs.
        question: what was asked of the whole scene.
        tried: options that are to differ.

    Returns:
        None while nothing is picked, the model has no such layers, or they are being computed.
    """
    if question is None or session.picked is None or not question.card.at_pixel:
        return None
    asked = into(question, session.picked, tried)
    found = ask.answer(session, asked)
    if found is None and not ask.asked(session, asked):
        ask.submit(session, asked)
    if found is None:
        ask.waiting(session, asked, f"cancel-pixel-{len(tried)}")
        found = ask.answer(session, asked)
    if found is None:
        st.caption("The picked pixel is looked into; its charts appear here.")
    return found
