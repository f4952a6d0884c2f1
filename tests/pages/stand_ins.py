"""An executor that does what a test tells it to, and a result with every layer of a card."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rsviz.core.card import ModelCard, Weights
from rsviz.core.grid import Grid
from rsviz.core.layers import (
    ClassMap,
    Curve,
    Layer,
    ProbabilityMap,
    RoutingMap,
    ScalarMap,
    Tokens,
    UncertaintyMap,
)
from rsviz.core.model import Result, RunRecord
from rsviz.core.scene import Description
from rsviz.jobs.job import Job, JobState

ROOT = Path(__file__).parents[2]
SECONDS = 60

MACHINE = {
    "state": "ready",
    "devices": [
        {"name": "cpu", "kind": "CPU x86_64, 2 threads", "free_bytes": 8e9, "total_bytes": 16e9},
        {"name": "cuda:0", "kind": "NVIDIA H100", "free_bytes": 71.2e9, "total_bytes": 85e9},
    ],
    "scan": {"cpu": "compiled", "cuda:0": "fused"},
    "threads": 2,
}
EXPERTS = ("rows", "columns", "rows reversed", "columns reversed")


class FakeExecutor:
    """Gives the scripted states one after the other; the last one stays."""

    def __init__(self, result: Result | None = None, states: tuple[JobState, ...] = ()) -> None:
        self.answer = result
        self.states = list(states) or [JobState("done", 1, 1)]
        self.submitted: list[Job] = []
        self.cancelled: list[str] = []

    def submit(self, job: Job) -> str:
        self.submitted.append(job)
        return f"run-{len(self.submitted)}"

    def events(self, run_id: str) -> JobState:
        if run_id in self.cancelled:
            return JobState("cancelled")
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)

    def result(self, run_id: str) -> Result:
        assert self.answer is not None
        return self.answer

    def partial(self, run_id: str) -> Result | None:
        """The answer without scores, as a run under way would give it."""
        if self.answer is None:
            return None
        record = replace(self.answer.record, partial=self.states[0].partials)
        return Result(self.answer.layers, record)

    def machine(self, wait_seconds: float = 0.0) -> dict:
        return MACHINE


def trained(card: ModelCard, scene: str, about: Description) -> ModelCard:
    """A card with one record of weights that fit a scene."""
    record = Weights(
        id=f"{scene}-50/seed-0",
        file="weights.safetensors",
        sha256="0" * 64,
        scene=scene,
        protocol=f"{scene}-50",
        seed=0,
        bands=about.shape[1],
        recipe=f"python -m rsviz train {card.id}",
        data=about.name,
        licence="CC0-1.0",
        measured_on="cpu, 2026-01-01",
        parameters=1000,
        classes=about.truth_names,
        wavelengths_nm=about.wavelengths_nm or (),
        metrics={"overall_accuracy": 0.9, "average_accuracy": 0.85, "kappa": 0.88, "n_test": 10},
    )
    return replace(card, weights=(record,))


def full_result(card: ModelCard, about: Description, labels: np.ndarray) -> Result:
    """Every layer that the card declares, of random numbers; half of the labels are test pixels."""
    rng = np.random.default_rng(0)
    declared = card.emits | card.on_request
    layers = {name: _layer(name, kind, about, rng) for name, kind in declared.items()}
    split = np.where(labels > 0, rng.integers(1, 3, labels.shape), 0).astype(np.int16)
    record = RunRecord(
        model=card.id,
        weights=card.weights[0].id,
        weights_sha256=card.weights[0].sha256,
        options={},
        scene_id="0" * 32,
        scene_ref="farmland",
        scene_name=about.name,
        device="cpu",
        seed=0,
        wants=tuple(card.on_request),
        seconds=1.5,
        peak_memory_mb=100.0,
        versions={"rsviz": "0"},
        notes=("Computed in one piece.",),
    )
    metrics = {
        "overall_accuracy": 0.9634,
        "average_accuracy": 0.95,
        "kappa": 0.951,
        "per_class": [0.9] * len(about.truth_names),
        "n_train": 800,
        "n_test": 23440,
    }
    names = ("ignored", "train", "test")
    return Result(layers, record, metrics, ClassMap("Split", "", about.grid, split, names))


def _layer(  # noqa: PLR0911  (one line a kind)
    name: str, kind: str, about: Description, rng: np.random.Generator
) -> Layer:
    grid, labels, title = about.grid, about.truth_names, name.replace("_", " ").capitalize()
    if kind == "class_map":
        return ClassMap(title, "One class.", grid, rng.integers(0, len(labels), grid.shape), labels)
    if kind == "probability_map":
        return ProbabilityMap(title, "All.", grid, _shares(rng, len(labels), grid), labels)
    if kind == "routing_map":
        role = "contribution" if name.startswith("contribution") else "affinity"
        shares = _shares(rng, 4, grid)
        return RoutingMap(title, "Votes.", grid, shares, EXPERTS, f"level {name[-1]}", role)
    plane = rng.random(grid.shape, np.float32)
    if kind == "uncertainty_map":
        return UncertaintyMap(title, "Doubt.", grid, plane, name, "nat", (0.0, 1.0))
    if kind == "scalar_map":
        return ScalarMap(title, "A number.", grid, plane, name, "1")
    if kind == "curve":
        return Curve(title, "Means.", np.arange(5), rng.random((4, 5)), EXPERTS, "band", "value")
    return _tokens(name, title, grid)


def _tokens(name: str, title: str, grid: Grid) -> Tokens:
    if name == "scan_orders":
        pixels = np.arange(40).reshape(5, 8)
        ways = [pixels.ravel(), pixels.T.ravel()]
        orders = np.stack([*ways, *(way[::-1] for way in ways)])
        return Tokens(title, "Orders.", orders, ("direction", "position"), (EXPERTS, ()))
    if name == "sampling":
        masks = np.zeros((2, *grid.shape), np.float32)
        masks[1, :3, :3] = 1
        return Tokens(title, "Masks.", masks, ("epoch", "row", "column"), (("0", "10"), (), ()))
    return Tokens(title, "Weights.", np.ones((3, 4)), ("stage", "expert"), ((), EXPERTS))


def _shares(rng: np.random.Generator, count: int, grid: Grid) -> np.ndarray:
    return np.moveaxis(rng.dirichlet(np.ones(count), grid.shape), -1, 0).astype(np.float32)
