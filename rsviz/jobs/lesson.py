"""The task of training a model on a visitor's own pixels, with maps and curves on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rsviz.core import registry, run
from rsviz.core.errors import BadOption, Cancelled, RsvizError
from rsviz.core.layers import ClassMap, Curve, Layer
from rsviz.core.model import OnPartial, OnStep, Plain, Result
from rsviz.core.scene import Scene
from rsviz.jobs.job import Job
from rsviz.jobs.tasks import ask_of

if TYPE_CHECKING:
    from rsviz.nn.fit import Trained

CHECKPOINT = "unfinished.ckpt"
"""File of an unfinished training in the folder of its lesson."""

MOST_PIXELS = 90_000
MOST_EPOCHS = 400
SHARE = 0.25
"""Largest share of the time that goes into maps on the way."""

RIVALS = ("svm_rbf", "random_forest")
CURVES = ("loss", "accuracy")
"""Names of the two curves among the layers of a training."""


@dataclass(frozen=True)
class Lesson:
    """What a visitor wants a model to learn.

    Attributes:
        pixels: (row, column, label 1..K) each.
        names: of the K classes.
        epochs: how long; the other settings are those of the card's `teaching`.
        folder: where the weights go; a visitor's own.
    """

    pixels: tuple[tuple[int, int, int], ...]
    names: tuple[str, ...]
    epochs: int
    folder: str

    def settings(self) -> dict[str, Plain]:
        """As settings of a job."""
        return {
            "pixels": json.dumps([list(pixel) for pixel in self.pixels]),
            "names": json.dumps(list(self.names)),
            "epochs": self.epochs,
            "folder": self.folder,
        }

    @classmethod
    def of(cls, settings: dict[str, Plain]) -> Lesson:
        """What `settings` gave."""
        pixels = [tuple(int(n) for n in p) for p in json.loads(str(settings["pixels"]))]
        return cls(
            tuple((row, col, label) for row, col, label in pixels),
            tuple(json.loads(str(settings["names"]))),
            int(settings["epochs"]),
            str(settings["folder"]),
        )


def why_not(height: int, width: int) -> str:
    """Why a scene of that size is not trained on in the app; "" when it is."""
    if height * width <= MOST_PIXELS:
        return ""
    return (
        f"The scene has {height} x {width} pixels; up to {MOST_PIXELS:,} are trained on here."
    ).replace(",", " ")


def train(
    scene: Scene,
    job: Job,
    on_step: OnStep,
    cancelled: Callable[[], bool],
    on_partial: OnPartial,
) -> Result:
    """Train on the pixels of a job, run what came of it, and score it where truth is known.

    Raises:
        BadOption: too few pixels, too large a scene, too many epochs.
        Cancelled: the visitor stopped it; a second job with the same folder goes on from there.
    """
    from rsviz.evaluate import lessons
    from rsviz.evaluate.judge import judge

    lesson, card, ask = Lesson.of(job.settings), registry.card(job.model), ask_of(job)
    refused = why_not(*scene.grid.shape)
    if refused or not 1 <= lesson.epochs <= MOST_EPOCHS or not card.teaching:
        raise BadOption(refused or f"{card.title} is not trained here for {lesson.epochs} epochs.")
    folder = Path(lesson.folder)
    board = _Board(scene, lesson, cancelled)

    def step(done: int, total: int, what: str) -> None:
        if cancelled():
            raise Cancelled("The training was cancelled.")
        board.epoch = done
        on_step(done, total + 1, what)

    def epoch(state: Callable[[], Trained]) -> None:
        if board.epoch == lesson.epochs:
            board.loss = list(state().history["loss"])
        if board.due():
            on_partial(board.drawn(state(), job.model, ask.device))

    settings = card.teaching | {"epochs": str(lesson.epochs)}
    weights = lessons.teach(
        card,
        scene,
        lesson.pixels,
        lesson.names,
        settings,
        job.seed,
        folder,
        folder / CHECKPOINT,
        ask.device,
        step,
        epoch,
    )
    on_step(lesson.epochs, lesson.epochs + 1, "running what was learned")
    result = judge(run.run(scene, replace(ask, weights=weights.id), None, cancelled), scene)
    if result.metrics:
        lessons.remember(folder, result.metrics)
        result = replace(result, metrics=result.metrics | {"rivals": board.rivals()})
    layer = next(each for each in result.layers.values() if isinstance(each, ClassMap))
    board.note(lesson.epochs, layer)
    return replace(result, layers=result.layers | board.curves())


@dataclass
class _Board:
    """What is shown of a training: maps now and then, and two curves."""

    scene: Scene
    lesson: Lesson
    cancelled: Callable[[], bool]
    loss: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    drawn_at: float = field(default_factory=time.monotonic)
    cost: float = 0.0
    epoch: int = 0

    def __post_init__(self) -> None:
        from rsviz.evaluate.lessons import labels_of

        self.labels = labels_of(self.lesson.pixels, self.scene, self.lesson.names)

    def due(self) -> bool:
        """Whether enough time has gone into training since the last map."""
        return time.monotonic() - self.drawn_at >= self.cost * (1 / SHARE - 1)

    def drawn(self, trained: Trained, model: str, device: str) -> dict[str, Layer]:
        """The map of now, and the curves so far."""
        from rsviz.evaluate.lessons import sketch

        started = time.monotonic()
        card, folder = registry.card(model), Path(self.lesson.folder)
        names = self.lesson.names
        layers = sketch(card, self.scene, trained, names, folder, device, self.cancelled)
        self.loss = list(trained.history["loss"])
        classes = next(layer for layer in layers.values() if isinstance(layer, ClassMap))
        self.note(len(self.loss), classes)
        self.drawn_at = time.monotonic()
        self.cost = self.drawn_at - started
        return layers | self.curves()

    def note(self, epoch: int, classes: ClassMap) -> None:
        """Remember how good a map is, where there are labels to tell."""
        from rsviz.evaluate.lessons import agreement

        truth = self.scene.truth
        if truth is None or truth.names != self.lesson.names or classes.grid != self.scene.grid:
            return
        share = agreement(classes.data, truth, self.labels)
        if share is not None:
            self.epochs.append(epoch)
            self.accuracy.append(share)

    def curves(self) -> dict[str, Layer]:
        """Loss over epochs, and accuracy where it was measured."""
        curves: dict[str, Layer] = {}
        for name, x, y, label in (
            (CURVES[0], range(1, len(self.loss) + 1), self.loss, "Loss [nat]"),
            (CURVES[1], self.epochs, [100 * a for a in self.accuracy], "Right [%]"),
        ):
            if y:
                curves[name] = Curve(
                    name.capitalize(),
                    "Over the epochs of the training.",
                    np.array(list(x), np.float32),
                    np.array([y], np.float32),
                    (name,),
                    "Epoch",
                    label,
                )
        return curves

    def rivals(self) -> dict[str, float]:
        """Overall accuracy of simple methods on the same pixels."""
        from rsviz.evaluate.lessons import agreement
        from rsviz.evaluate.remembered import answer_of

        truth = self.scene.truth
        assert truth is not None  # the result was scored
        found = {}
        for name in RIVALS:
            try:
                share = agreement(answer_of(name, self.scene, self.labels, 0), truth, self.labels)
            except (RsvizError, ValueError):  # a class with too few pixels to fit
                continue
            if share is not None:
                found[name] = share
        return found
