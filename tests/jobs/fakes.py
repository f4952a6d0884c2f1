"""Work for the worker process that needs no model: quick, slow, deaf to cancels, or deadly.

The options of a job say what happens; the card makes its key computable in the test's process.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rsviz.core.card import Accepts, ModelCard, Paper
from rsviz.core.errors import BadOption, Cancelled
from rsviz.core.layers import ScalarMap
from rsviz.core.model import OnPartial, OnStep, Result, RunRecord
from rsviz.core.options import option
from rsviz.core.scene import Scene
from rsviz.jobs.job import Job

WORK = "tests.jobs.fakes:work"


@dataclass(frozen=True)
class FakeOptions:
    """What the fake work does."""

    act: str = option("mean", "act", "mean, steps, deaf, die, die-once, suicide, refuse or bug")
    steps: int = option(20, "steps", "number of steps of 50 ms")
    note: str = option("", "note", "a file that gets one line a run")


CARD = ModelCard(
    id="fake",
    title="Fake",
    task="mean of all bands",
    summary="For tests.",
    paper=Paper("none", "nobody", "nowhere", 2026),
    accepts=Accepts(),
    emits={"mean": "scalar_map"},
    factory="none:none",
    options=FakeOptions,
    needs_weights=False,
)


def work(
    scene: Scene,
    job: Job,
    on_step: OnStep,
    cancelled: Callable[[], bool],
    on_partial: OnPartial,
) -> Result:
    """The mean over the bands, by way of what the options ask for."""
    options = FakeOptions(**job.options)
    runs = 0
    if options.note:
        with Path(options.note).open("a+") as file:
            file.write("run\n")
            file.seek(0)
            runs = len(file.readlines())
    if options.act == "die" or (options.act == "die-once" and runs == 1):
        os.kill(os.getpid(), signal.SIGSEGV)
    if options.act == "refuse":
        raise BadOption("It was refused.", "Ask for something else.")
    if options.act == "bug":
        raise ZeroDivisionError("secret detail")
    if options.act == "deaf":
        on_step(0, options.steps, "deaf")
        time.sleep(options.steps * 0.05)
    if options.act == "steps":
        for step in range(options.steps):
            on_step(step, options.steps, f"step {step}")
            if cancelled():
                raise Cancelled("The run was cancelled.")
            layer = ScalarMap("Step", "How far it is.", scene.grid, scene.pixels[0, 0], "dn", "")
            on_partial({"step": layer})
            time.sleep(0.05)
    mean = scene.pixels[0].mean(axis=0)
    layer = ScalarMap("Mean", "Mean of all bands.", scene.grid, mean, "dn", "")
    record = RunRecord(
        model="fake",
        weights="",
        weights_sha256="",
        options={"act": options.act},
        scene_id=scene.id,
        scene_ref=job.scene_ref,
        scene_name=scene.name,
        device="cpu",
        seed=job.seed,
        wants=job.wants,
        seconds=0.0,
        peak_memory_mb=float(np.float32(0)),
        versions={},
    )
    return Result({"mean": layer}, record, {"runs": runs})
