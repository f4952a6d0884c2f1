"""Why a model said what it said of the picked pixel: which wavelengths, which surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.layers import Curve, ScalarMap, Table
from rsviz.core.model import Result
from rsviz.core.scene import Band
from rsviz.draw.paint import Style
from rsviz.views import ask, charts, clients, season, series
from rsviz.views.bench import Bench
from rsviz.views.layers import map_layer
from rsviz.views.map import MapLayer
from rsviz.views.mistakes.study import Study
from rsviz.views.palettes import GREY, PICKED
from rsviz.views.spectra import UNITS
from rsviz.views.state import Pixel, bind
from rsviz.views.words import plain

Facts = dict[object, object]
Floats = NDArray[np.float32]

STRONGEST = "the strongest other"
FAINTEST_PART = 0.6  # opacity of a place that has no part, over the errors below
TICKS = 6  # dates named below the charts of a series
CONVINCING = 0.75  # of the area of random orders: below it an attribution is worth something


def question_of(study: Study, asked: ask.Question) -> ask.Question | None:
    """What to ask about the picked pixel; None when there is nothing to explain."""
    bench = study.bench
    pixel = bench.session.picked
    if pixel is None or not asked.card.differentiable:
        return None
    names = study.shown.labels
    chosen = bench.session.chosen
    places = {name: i for i, name in enumerate(names)}
    settings: dict[str, bool | int | float | str] = {
        "row": pixel[0],
        "col": pixel[1],
        "target": places.get(chosen.get("why-class", ""), -1),
        "rival": places.get(chosen.get("why-rival", ""), -1),
    }
    if settings["rival"] == settings["target"] and settings["rival"] != -1:
        settings["rival"] = -1
    job = replace(asked.job, task="attribute", wants=(), settings=settings)
    return ask.Question(asked.card, job)


def explained(study: Study, asked: ask.Question) -> Result | None:
    """The explanation of the picked pixel, once it is there."""
    return ask.answer(study.bench.session, question_of(study, asked))


def on_map(study: Study, result: Result | None) -> list[MapLayer]:
    """Where around the picked pixel the class comes from, once that is known."""
    if result is None:
        return []
    layer = cast(ScalarMap, result.layers["space"])
    size = np.abs(layer.data)
    most = float(np.nanmax(size, initial=0.0)) or 1.0
    strength = np.nan_to_num(np.clip(FAINTEST_PART + size / most, 0, 1)).astype(np.float32)
    return [map_layer(study.bench.frame, "attribution", layer, Style(strength=strength))]


def panel(study: Study, asked: ask.Question) -> None:
    """The explanation of the picked pixel, or how to get it."""
    bench = study.bench
    pixel = bench.session.picked
    if not asked.card.differentiable:
        st.markdown(
            f"{plain(asked.card.title)} does not offer its scores with gradients, so its answers "
            "cannot be attributed."
        )
        return
    if pixel is None:
        st.markdown("Click a pixel on the map: it is explained here.")
        return
    _choose(study)
    question = question_of(study, asked)
    assert question is not None
    result = ask.answer(bench.session, question)
    if result is None:
        if not ask.waiting(bench.session, question, "why-cancel"):
            st.button(
                "Explain this pixel",
                key="why-run",
                icon=":material/lightbulb:",
                type="primary",
                on_click=ask.submit,
                args=(bench.session, question),
            )
        return
    _shown(bench, result)


def _choose(study: Study) -> None:
    """The class that is explained, and the one that it is held against."""
    session, names = study.bench.session, list(study.shown.labels)
    pixel = session.picked
    assert pixel is not None
    answer = study.answer
    said = int(answer.classes.data[pixel])
    label = int(answer.truth.labels[pixel]) - 1
    told = "" if said < 0 else names[said]
    rival = names[label] if label >= 0 and label != said else STRONGEST
    if session.chosen.get("why-pixel") != repr((pixel, study.side, study.answer.key)):
        session.chosen["why-pixel"] = repr((pixel, study.side, study.answer.key))
        session.chosen["why-class"], session.chosen["why-rival"] = told, rival

    def class_chosen(name: str) -> None:
        session.chosen["why-class"] = name

    def rival_chosen(name: str) -> None:
        session.chosen["why-rival"] = name

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Why",
            names,
            key="why-class",
            on_change=bind("why-class", session.chosen["why-class"] or names[0], class_chosen),
            width=260,
        )
        st.selectbox(
            "rather than",
            [STRONGEST, *names],
            key="why-rival",
            on_change=bind("why-rival", session.chosen["why-rival"], rival_chosen),
            width=260,
            help="Explained is the lead of one class over another in scores before the softmax.",
        )


def _shown(bench: Bench, result: Result) -> None:
    """Charts of an attribution, and whether to believe it."""
    facts: Facts = {row[0]: row[1] for row in cast(Table, result.layers["facts"]).rows}
    gradients, occlusion = (cast(Curve, result.layers[n]) for n in ("gradients", "occlusion"))
    deletion = cast(Curve, result.layers["deletion"])
    pixel = bench.session.picked
    assert pixel is not None
    bands, here, mean, quantity = _beside(bench, pixel)
    unit = "date" if bench.about.shape[0] > 1 else "band"
    lines = (
        charts.Line("Picked pixel", here, PICKED),
        charts.Line("Mean of the scene, which stands for nothing", mean, GREY, "dash"),
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown(plain(f"{facts['Class']} rather than {facts['Rival']}"))
        figure = charts.attribution(bands, gradients, occlusion, lines, quantity)
        if unit == "date":
            some = np.linspace(0, len(bands) - 1, min(TICKS, len(bands))).round().astype(int)
            figure.update_xaxes(tickvals=some + 1, ticktext=[bands[i].name for i in some])
        st.plotly_chart(figure, key="why-bands", config=charts.CONFIG)
    with right:
        st.markdown("**Is it worth anything?**")
        st.plotly_chart(charts.deletion(deletion), key="why-deletion", config=charts.CONFIG)
        st.markdown(verdict(facts, unit))
        st.caption(
            f"{unit.capitalize()}s are replaced by the scene's mean, those first that an "
            "attribution calls important; the ribbon shows random orders with their standard "
            "deviation."
        )
    st.caption(plain(reading(facts, unit, result.record.notes)))


def _beside(bench: Bench, pixel: Pixel) -> tuple[Sequence[Band], Floats, Floats, str]:
    """The bands or dates, the picked pixel and the scene's mean over them, and their quantity."""
    about = bench.about
    if about.shape[0] > 1:
        name = series.chosen(bench)[0]
        here, mean = (
            series.values_of(bench, name, values)
            for values in (
                clients.series(bench.key, *pixel),
                clients.area(bench.key, bench.grid.window).mean,
            )
        )
        dates = tuple(Band(day) for day in season.dates_of(bench))
        return dates, here, mean, series.axis_title(bench, (name,))
    everywhere = np.zeros(bench.grid.shape, np.int16)
    mean = clients.groups(bench.key, "everywhere", 1, everywhere).of(0).mean
    here = clients.spectrum(bench.key, *pixel).values
    return about.bands, here, mean, UNITS[about.quantity]


def verdict(facts: Facts, unit: str) -> str:
    """Whether removing what is called important costs more than removing bands at random."""
    areas = {
        name: float(cast(float, facts[f"Area below the curve: {name}"]))
        for name in ("Integrated gradients", "Occlusion", "Random order")
    }
    random = areas.pop("Random order")
    worth = [name for name, area in areas.items() if area < CONVINCING * random]
    numbers = ", ".join(f"{name.lower()} {area:.3f}" for name, area in areas.items())
    if len(worth) == 2:
        said = f"**Both point at {unit}s that matter**"
    elif worth:
        said = f"**Only {worth[0].lower()} points at {unit}s that matter**"
    else:
        said = "**Neither does better than chance**"
    return f"{said}: area below the curve {numbers}, random orders {random:.3f} (lower is better)."


def reading(facts: Facts, unit: str, notes: tuple[str, ...]) -> str:
    """How to read the parts, with the check that they add up."""
    lead, bare, total = (
        cast(float, facts[name])
        for name in (
            "Lead in scores",
            "Lead with the scene's mean",
            "Sum of the integrated gradients",
        )
    )
    text = (
        f"The class leads by {lead:.2f} in scores; with the scene's mean everywhere it would by "
        f"{bare:.2f}. Integrated gradients share out the difference over {unit}s and pixels (their "
        f"sum is {total:.2f}). On the map: where it comes from."
    )
    return " ".join((text, *notes))
