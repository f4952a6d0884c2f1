"""What if a setting were different? Live options, tried on the picked pixel at once."""

from __future__ import annotations

import numpy as np
import streamlit as st

from rsviz.core.layers import ClassMap, ProbabilityMap
from rsviz.core.model import Plain, Result
from rsviz.core.options import declared
from rsviz.core.palettes import colours_of
from rsviz.views import charts, pixel_run
from rsviz.views.ask import Question
from rsviz.views.state import Session
from rsviz.views.words import percent, plain


def panel(session: Session, question: Question) -> Result | None:
    """A slider for each live option, and what it changes at the picked pixel.

    Returns:
        The layers of the picked pixel under the settings tried; None while there are none.
    """
    if session.picked is None:
        st.caption("What led to the class of a pixel appears here when one is picked on the map.")
        return None
    usual = pixel_run.look(session, question)
    tried = _sliders(question)
    if usual is None or not tried:
        return usual
    found = pixel_run.look(session, question, tried)
    if found is not None:
        _compare(session.picked, usual, found)
    return found or usual


def _sliders(question: Question) -> dict[str, Plain]:
    """Draw the sliders; the values that differ from the settings of the run."""
    tried: dict[str, Plain] = {}
    for spec, kind in declared(question.card.options):
        if not spec.metadata["live"]:
            continue
        now = question.job.options[spec.name]
        value = st.slider(
            f"What if: {spec.metadata['label'].lower()}",
            kind(spec.metadata["low"]),
            kind(spec.metadata["high"]),
            now,
            key=f"live-{question.card.id}-{spec.name}",
            help=spec.metadata["help"],
        )
        if value != now:
            tried[spec.name] = value
    return tried


def _compare(pixel: tuple[int, int], usual: Result, tried: Result) -> None:
    """The pixel's probabilities with and without the change, and how much of the map changes."""
    before, after = _probabilities(usual), _probabilities(tried)
    if before is None or after is None:
        return
    figure = charts.probabilities(
        after.labels,
        colours_of(after.colours, len(after.labels)),
        after.data[:, pixel[0], pixel[1]],
        before.data[:, pixel[0], pixel[1]],
        most=5,
        names=("With this setting", "As run"),
    )
    st.plotly_chart(figure, key="live-probabilities", config=charts.CONFIG)
    same = [_classes(result) for result in (usual, tried)]
    if same[0] is not None and same[1] is not None:
        share = float(np.mean(same[0].data != same[1].data))
        st.caption(plain(f"{percent(share)} of the scene, read coarsely, gets another class."))


def _probabilities(result: Result) -> ProbabilityMap | None:
    layers = result.layers.values()
    return next((layer for layer in layers if isinstance(layer, ProbabilityMap)), None)


def _classes(result: Result) -> ClassMap | None:
    layers = result.layers.values()
    return next((layer for layer in layers if isinstance(layer, ClassMap)), None)
