"""What a model must offer, and what a run gives back."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from rsviz.core.card import Weights
from rsviz.core.errors import Cancelled
from rsviz.core.grid import Window
from rsviz.core.layers import ClassMap, Layer
from rsviz.core.scene import Scene

OnStep = Callable[[int, int, str], None]
OnPartial = Callable[[dict[str, Layer]], None]
Plain = bool | int | float | str


@dataclass(frozen=True)
class Change:
    """Something done to a scene before a model sees it; its kinds stand in `core.changes`."""

    name: str
    settings: dict[str, Plain] = field(default_factory=dict)


def _silent(done: int, total: int, what: str) -> None:
    """Report nothing."""


def _never() -> bool:
    return False


def _unseen(layers: dict[str, Layer]) -> None:
    """Show nothing before the end."""


@dataclass(frozen=True)
class RunContext:
    """What surrounds one run: where it computes, what is wanted, how to report and stop.

    Attributes:
        device: torch device name, already resolved ("cpu", "cuda:0").
        seed: seed for everything random; the model uses a generator of its own from it.
        wants: names of on-request layers to produce.
        on_step: called with (done, total, what it does now).
        cancelled: asked at every step.
        on_partial: called with layers of what is known so far, coarser or incomplete.
    """

    device: str = "cpu"
    seed: int = 0
    wants: frozenset[str] = frozenset()
    on_step: OnStep = _silent
    cancelled: Callable[[], bool] = _never
    on_partial: OnPartial = _unseen

    def step(self, done: int, total: int, what: str) -> None:
        """Report progress; the point where a cancel takes effect.

        Raises:
            Cancelled: the user asked to stop.
        """
        if self.cancelled():
            raise Cancelled("The run was cancelled.")
        self.on_step(done, total, what)


class Model(Protocol):
    """A loaded or loadable model; built by the factory of its card without arguments."""

    def load(self, weights: Weights | None, device: str) -> None:
        """Put the weights on a device, ready to predict."""
        ...

    def predict(self, scene: Scene, options: Any, ctx: RunContext) -> dict[str, Layer]:
        """The layers that the card promises for a scene; never looks at the scene's truth."""
        ...


@dataclass(frozen=True)
class RunRecord:
    """How a result came about; enough to run it again.

    Attributes:
        model, weights, weights_sha256: what ran.
        options: its options as plain data.
        scene_id: content hash of the scene.
        scene_ref: short id or path with which the scene was opened; may be empty.
        scene_name: title for people.
        device: where it really computed.
        seed: of everything random.
        wants: on-request layers that were asked for.
        seconds: wall time of the prediction.
        peak_memory_mb: highest resident memory of the process (or GPU memory) during the run.
        versions: {package: version}.
        notes: what the user should know, e.g. a fallback to the CPU.
        scene_variable, scene_axes: how the file was read where it left a choice.
        scene_window: the part of the scene that was run; None for all of it.
        changes: what was done to the scene before the run, in order.
        partial: 0 for a finished run; of an unfinished one, which of its partial results.
    """

    model: str
    weights: str
    weights_sha256: str
    options: dict[str, Plain]
    scene_id: str
    scene_ref: str
    scene_name: str
    device: str
    seed: int
    wants: tuple[str, ...]
    seconds: float
    peak_memory_mb: float
    versions: dict[str, str]
    notes: tuple[str, ...] = ()
    scene_variable: str = ""
    scene_axes: str = ""
    scene_window: Window | None = None
    changes: tuple[Change, ...] = ()
    partial: int = 0


@dataclass(frozen=True)
class Result:
    """The layers of one run, how they came about, and how good they are where truth is known.

    Attributes:
        layers: by name, as the card declares them.
        record: how the run was made.
        metrics: measured against the scene's truth on pixels that were not trained on, by plain
            key (overall_accuracy, ... as fractions); empty without truth.
        split: which pixels count, on the scene's grid: 0 ignored, 1 train, 2 test; None
            without truth.
    """

    layers: dict[str, Layer]
    record: RunRecord
    metrics: dict[str, Any] = field(default_factory=dict)
    split: ClassMap | None = None

    def to_leafmap(self) -> Any:
        """A leafmap map of the raster layers, for notebooks; needs no internet."""
        return importlib.import_module("rsviz.io.webmap").to_leafmap(self)
