"""What a worker can do with a scene: run a model on it, and other work that needs torch.

A task takes a scene, a job and the ways to report, and gives a result like any run: it shares
queue, progress, cancel and store. Tasks are named by dotted path, so that nothing is loaded
before it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from rsviz.core import registry, run
from rsviz.core.errors import BadOption
from rsviz.core.model import OnPartial, OnStep, Result
from rsviz.core.options import build
from rsviz.core.scene import Scene
from rsviz.jobs.job import Job

Work = Callable[[Scene, Job, OnStep, Callable[[], bool], OnPartial], Result]

TASKS = {
    "run": "rsviz.jobs.tasks:run_and_score",
    "attribute": "rsviz.jobs.tasks:attribute",
    "train": "rsviz.jobs.lesson:train",
}
"""All tasks: "module:function" of (scene, job, on_step, cancelled, on_partial) -> Result."""


def perform(
    scene: Scene,
    job: Job,
    on_step: OnStep,
    cancelled: Callable[[], bool],
    on_partial: OnPartial,
) -> Result:
    """Do what a job asks, on the scene after the job's changes.

    Raises:
        BadOption: there is no such task, or no such change of the scene.
    """
    from rsviz.evaluate.changes import apply

    if job.task not in TASKS:
        raise BadOption(f"There is no task '{job.task}'.", f"There are: {', '.join(TASKS)}.")
    return find(TASKS[job.task])(
        apply(scene, job.changes, job.seed), job, on_step, cancelled, on_partial
    )


def find(path: str) -> Work:
    """The function behind "module:function"."""
    module, _, name = path.partition(":")
    found: Work = getattr(importlib.import_module(module), name)
    return found


def ask_of(job: Job) -> run.Ask:
    """What a job asks of its model."""
    from rsviz.nn.device import resolve

    return run.Ask(
        model=job.model,
        weights=job.weights,
        options=build(registry.card(job.model).options, job.options),
        seed=job.seed,
        wants=job.wants,
        device=resolve(job.device),
        scene_ref=job.scene_ref,
        scene_variable=job.variable,
        scene_axes=job.axes,
        scene_window=job.window,
        changes=job.changes,
    )


def run_and_score(
    scene: Scene,
    job: Job,
    on_step: OnStep,
    cancelled: Callable[[], bool],
    on_partial: OnPartial,
) -> Result:
    """Run the model of a job and score the result where truth is known."""
    from rsviz.evaluate.judge import judge

    return judge(run.run(scene, ask_of(job), on_step, cancelled, on_partial), scene)


def attribute(
    scene: Scene,
    job: Job,
    on_step: OnStep,
    cancelled: Callable[[], bool],
    on_partial: OnPartial,
) -> Result:
    """Explain the class of the pixel that the job's settings name."""
    from rsviz.evaluate import attribution

    return attribution.attribute(scene, ask_of(job), job.settings, on_step, cancelled)
