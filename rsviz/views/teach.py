"""Teaching a model: label pixels on the map, train on them, watch it learn."""

from __future__ import annotations

import tempfile
from hashlib import blake2b
from pathlib import Path

import numpy as np
import streamlit as st

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.layers import ClassMap, Curve
from rsviz.core.model import Result
from rsviz.core.scene import Truth
from rsviz.jobs.executor import Job
from rsviz.jobs.lesson import CURVES, MOST_EPOCHS, Lesson, why_not
from rsviz.views import ask, charts, errors, uploads, workbench
from rsviz.views.bench import Bench
from rsviz.views.charts.base import blank
from rsviz.views.classes import reference
from rsviz.views.map import MapLayer
from rsviz.views.palettes import MEASURED
from rsviz.views.state import bind
from rsviz.views.taught import FIRST_CLASSES, Taught
from rsviz.views.words import many, percent, plain
from rsviz.views.workbench import overlay

BRUSHES = (1, 3, 5)
MOST_EACH, LEAST_EPOCHS = 50, 10
CURVE_HEIGHT = 170


def trainable(bench: Bench) -> dict[str, ModelCard]:
    """The models that can be trained here on this scene; says why when there is none."""
    cards = [card for card in registry.emitting(ClassMap.kind) if card.teaching]
    too_large = why_not(*bench.grid.shape)
    fitting = {card.id: card for card in cards if not card.accepts.why_not(bench.about)}
    if too_large or not fitting:
        reasons = [too_large] if too_large else [r for c in cards for r in _reasons(c, bench)]
        st.warning(" ".join(plain(reason) for reason in reasons), icon=":material/block:")
        if st.button("Open Indian Pines", key="open-small", icon=":material/public:"):
            bench.session.open("indian-pines")
            st.rerun()
        return {}
    return fitting


def _reasons(card: ModelCard, bench: Bench) -> list[str]:
    return [f"{card.title}: {reason}" for reason in card.accepts.why_not(bench.about)]


def settings(bench: Bench, cards: dict[str, ModelCard]) -> ModelCard:
    """Choose the model and how long it learns (in the sidebar)."""
    desk = bench.session.teaching
    if desk.model not in cards:
        desk.model, desk.epochs = next(iter(cards)), 0

    def model_chosen(name: str) -> None:
        desk.model, desk.epochs = name, 0

    def epochs_chosen(count: int) -> None:
        desk.epochs = count

    st.selectbox(
        "Model to train",
        list(cards),
        format_func=lambda name: cards[name].title,
        key="teach-model",
        on_change=bind("teach-model", desk.model, model_chosen),
    )
    card = cards[desk.model]
    desk.epochs = desk.epochs or int(card.teaching["epochs"])
    st.slider(
        "Epochs",
        LEAST_EPOCHS,
        MOST_EPOCHS,
        step=10,
        key="teach-epochs",
        on_change=bind("teach-epochs", desk.epochs, epochs_chosen),
        help="Passes over your pixels. More takes longer; you may stop, and go on later.",
    )
    return card


def take_click(bench: Bench, map_key: str) -> None:
    """Label what was clicked on the map since it was drawn."""
    click = workbench.take_clicks(bench, map_key)
    if click is not None and bench.session.teaching.names:
        bench.session.teaching.paint(click, *bench.grid.shape)


def labelling(bench: Bench) -> None:
    """Choose the class that a click gives, or take pixels of the reference."""
    desk, truth = bench.session.teaching, bench.truth()
    if truth is not None:
        desk.name(truth.names)
    else:
        _name_classes(bench)
    counts = desk.counts()

    def label_chosen(label: int) -> None:
        desk.label = label

    def brush_chosen(side: int) -> None:
        desk.brush = side

    st.markdown(
        "**1 · Label pixels.** Choose a class, then click where it is. Again takes it back."
    )
    st.selectbox(
        "Class that a click gives",
        range(1, len(desk.names) + 1),
        format_func=lambda k: f"{desk.names[k - 1]} · {many(counts[k], 'pixel')}",
        key="teach-label",
        on_change=bind("teach-label", desk.label, label_chosen),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Brush",
            BRUSHES,
            format_func=lambda side: f"{side} × {side}",
            required=True,
            key="teach-brush",
            on_change=bind("teach-brush", desk.brush, brush_chosen),
        )
        st.button(
            "Clear",
            key="teach-clear",
            icon=":material/backspace:",
            disabled=not desk.pixels,
            on_click=desk.pixels.clear,
        )
    if truth is not None:
        _from_reference(bench, truth)


def _name_classes(bench: Bench) -> None:
    """A scene without reference: the visitor says which classes there are."""
    desk = bench.session.teaching
    if not desk.names:
        desk.name(FIRST_CLASSES)

    def named(text: str) -> None:
        names = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
        if len(names) >= len(FIRST_CLASSES):
            desk.name(tuple(names))

    st.text_input(
        "Your classes",
        key="teach-names",
        on_change=bind("teach-names", ", ".join(desk.names), named),
        help="At least two, with commas between them.",
    )


def _from_reference(bench: Bench, truth: Truth) -> None:
    """Take a few pixels of each class from the reference labels."""
    desk = bench.session.teaching

    def each_chosen(count: int) -> None:
        desk.each = count

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Pixels a class",
            1,
            MOST_EACH,
            key="teach-each",
            on_change=bind("teach-each", desk.each, each_chosen),
            width=130,
        )
        st.button(
            "Take them from the reference",
            key="teach-draw",
            icon=":material/casino:",
            help="Drawn at random in each class. All other labelled pixels test what is learned.",
            on_click=drawn,
            args=(bench, truth),
        )


def drawn(bench: Bench, truth: Truth) -> None:
    """Replace the labelled pixels by a few of each class of the reference."""
    desk = bench.session.teaching
    rng = np.random.default_rng(desk.draws)
    desk.draws += 1
    desk.pixels.clear()
    for label in range(1, len(truth.names) + 1):
        places = np.argwhere(truth.labels == label)
        few = min(desk.each, len(places) * 3 // 4)
        for row, col in rng.permutation(places)[:few]:
            desk.pixels[int(row), int(col)] = label


def button(bench: Bench, card: ModelCard) -> None:
    """Start a training, or go on with one that was stopped."""
    desk = bench.session.teaching
    st.markdown(
        f"**2 · Train.** {many(len(desk.pixels), 'labelled pixel')} in "
        f"{many(len(desk.counts()), 'class', 'classes')}"
        + ("." if desk.enough() else "; two classes with two pixels each are needed.")
    )
    question = asked(bench)
    status = "" if question is None else ask.status(bench.session, question)
    with st.container(horizontal=True):
        if st.button(
            f"Train {plain(card.title)}",
            type="primary",
            key="teach-train",
            icon=":material/school:",
            disabled=status in ask.BUSY or not desk.enough(),
        ):
            desk.job = new_job(bench, card)
            ask.submit(bench.session, ask.Question(card, desk.job))
            st.rerun()
        if (
            question is not None
            and status == "cancelled"
            and st.button("Go on where it stopped", key="teach-resume", icon=":material/resume:")
        ):
            ask.submit(bench.session, question)
            st.rerun()


def new_job(bench: Bench, card: ModelCard) -> Job:
    """A training on the labelled pixels, into a folder of its own."""
    session, desk = bench.session, bench.session.teaching
    pixels = tuple((row, col, label) for (row, col), label in desk.pixels.items())
    folder = tempfile.mkdtemp(prefix="taught-", dir=uploads.folder())
    return Job(
        scene_ref=session.scene,
        model=card.id,
        device=session.device,
        variable=session.variable,
        axes=session.axes,
        task="train",
        settings=Lesson(pixels, desk.names, desk.epochs, folder).settings(),
    )


def asked(bench: Bench) -> ask.Question | None:
    """The training under way, or the last one; None before the first."""
    job = bench.session.teaching.job
    return None if job is None else ask.Question(registry.card(job.model), job)


def learned(bench: Bench) -> Result | None:
    """What is known of the training: the finished model's answer, or the newest map."""
    question = asked(bench)
    if question is None:
        return None
    result = ask.answer(bench.session, question)
    if result is None:
        return ask.unfinished(bench.session, question)
    desk, lesson = bench.session.teaching, Lesson.of(question.job.settings)
    if lesson.folder not in [one.folder for one in desk.taught] and Path(lesson.folder).is_dir():
        desk.taught.append(
            Taught(
                question.job.model,
                question.job.scene_ref,
                lesson.folder,
                len(lesson.pixels),
                lesson.epochs,
                result.metrics.get("overall_accuracy"),
                tuple(result.metrics.get("rivals", {}).items()),
            )
        )
    return result


def on_map(bench: Bench, result: Result | None) -> list[MapLayer]:
    """The reference, what was learned so far, and the labelled pixels on top."""
    desk, truth = bench.session.teaching, bench.truth()
    layers: list[MapLayer | None] = []
    if truth is not None:
        layers.append(overlay(bench, "teach", "reference", reference(truth, bench.grid)))
    if result is not None and desk.job is not None:
        key = f"{desk.job.settings['folder']}:{result.record.partial}"
        layer = next(each for each in result.layers.values() if isinstance(each, ClassMap))
        layers.append(overlay(bench, key, "classes", layer, opacity=0.75, visible=True))
    if desk.pixels:
        shown = yours(bench)
        key = blake2b(shown.data.tobytes(), digest_size=8).hexdigest()
        layers.append(overlay(bench, key, "yours", shown, visible=True))
    return [layer for layer in layers if layer is not None]


def yours(bench: Bench) -> ClassMap:
    """The labelled pixels as a layer."""
    desk, truth = bench.session.teaching, bench.truth()
    data = np.full(bench.grid.shape, -1, np.int16)
    for (row, col), label in desk.pixels.items():
        data[row, col] = label - 1
    colours = truth.colours if truth is not None else ()
    about = "The pixels from which the model learns."
    return ClassMap("Your pixels", about, bench.grid, data, desk.names, colours)


def progress(bench: Bench) -> None:
    """How the training is doing, with a cancel, or why it gave nothing."""
    question = asked(bench)
    if question is not None:
        ask.waiting(bench.session, question, "teach-cancel")


def curves(result: Result | None) -> None:
    """Loss and accuracy over the epochs so far."""
    if result is None:
        return
    st.markdown("**3 · Watch it learn.**")
    for name, column in zip(CURVES, st.columns(2), strict=True):
        layer = result.layers.get(name)
        if isinstance(layer, Curve):
            with column, errors.boundary(f"The curve of the {name}"):
                figure = blank(layer.x_label, layer.y_label, CURVE_HEIGHT)
                figure.add_scatter(
                    x=layer.x,
                    y=layer.data[0],
                    mode="lines+markers" if layer.x.size < 40 else "lines",
                    line={"color": MEASURED, "width": 2},
                    marker={"size": 5},
                    hovertemplate="%{y:.4~g}<extra></extra>",
                )
                st.plotly_chart(figure, key=f"teach-{name}", config=charts.CONFIG)
    accuracy = result.layers.get(CURVES[1])
    if isinstance(accuracy, Curve):
        share = float(accuracy.data[0, -1]) / 100
        st.caption(
            f"{percent(share)} of the labelled pixels that it was not taught are right. Nothing is "
            "chosen by them: they only tell."
        )
