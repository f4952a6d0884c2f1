"""A run as pure data, and how far it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from rsviz.core import changes, registry
from rsviz.core.errors import RsvizError
from rsviz.core.grid import Window
from rsviz.core.model import Change, Plain
from rsviz.core.options import as_dict, build
from rsviz.jobs.identity import code_of, scene_of, weights_of

Status = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Job:
    """What to run: names and settings only, so that any process can do it.

    Attributes:
        scene_ref: short id or path of the scene.
        model: id of the model.
        weights: id of the weights; "" for the best that fit.
        options: values that differ from the model's defaults.
        seed: for everything random.
        wants: on-request layers to produce.
        device: "auto", "cpu", "cuda" or "cuda:N".
        window: the part of the scene to run on; None for all of it.
        variable, axes: how to read the file, when it leaves a choice.
        changes: what is done to the scene first.
        task: what to do with model and scene; see `jobs.tasks`.
        settings: of tasks other than a run.
    """

    scene_ref: str
    model: str
    weights: str = ""
    options: dict[str, Plain] = field(default_factory=dict)
    seed: int = 0
    wants: tuple[str, ...] = ()
    device: str = "auto"
    window: Window | None = None
    variable: str = ""
    axes: str = ""
    changes: tuple[Change, ...] = ()
    task: str = "run"
    settings: dict[str, Plain] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The job as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Job:
        """The job that `to_json` gave."""
        window = Window(**data["window"]) if data["window"] else None
        changed = tuple(Change(**change) for change in data["changes"])
        lists = {"window": window, "wants": tuple(data["wants"]), "changes": changed}
        return cls(**(data | lists))

    def key(self) -> str:
        """Hash of everything that decides the result; equal questions share one answer.

        Raises:
            BadOption: the model, one of its options or a change does not exist.
            WeightsMissing: there are no weights of that name.
        """
        card = registry.card(self.model)
        question = {
            "scene": scene_of(self.scene_ref),
            "read": [self.variable, self.axes, asdict(self.window) if self.window else None],
            "model": self.model,
            "weights": weights_of(card, self.weights),
            "options": as_dict(build(card.options, self.options)),
            "changes": [asdict(changes.checked(change)) for change in self.changes],
            "task": [self.task, self.settings],
            "seed": self.seed,
            "wants": sorted(self.wants),
            "device": self.device.partition(":")[0],
            "code": code_of(self.model),
        }
        text = json.dumps(question, sort_keys=True).encode()
        return blake2b(text, digest_size=16).hexdigest()


@dataclass(frozen=True)
class JobState:
    """How far a run is.

    Attributes:
        status: queued, running, done, failed or cancelled.
        done, total: steps so far and in all; total is 0 while unknown.
        what: what happens now, for people.
        position: runs before this one, while queued.
        seconds: time it has been running, or took.
        seconds_left: estimate; None while unknown.
        error: why it failed or that it was cancelled.
        reference: under which the log holds details of a failure that is our fault.
        partials: how many partial results there have been; the newest is at hand.
    """

    status: Status
    done: int = 0
    total: int = 0
    what: str = ""
    position: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    error: RsvizError | None = None
    reference: str = ""
    partials: int = 0

    @property
    def finished(self) -> bool:
        return self.status in ("done", "failed", "cancelled")
