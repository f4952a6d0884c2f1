"""How far a run is, in words."""

from __future__ import annotations

from rsviz.jobs.executor import JobState
from rsviz.views.words import seconds


def progress_text(now: JobState, ready: bool = True) -> str:
    """A job's state in words.

    Args:
        now: the state.
        ready: whether the worker has warmed up.
    """
    if now.status == "queued" and not ready and not now.position:
        return "The worker is warming up: it compiles its kernels once."
    if now.status == "queued":
        before = f"{now.position} before yours" if now.position else "yours is next"
        return f"Waiting for the worker: {before}."
    text = now.what.capitalize() if now.what else "Starting"
    if now.seconds:
        text += f" · {seconds(now.seconds)}"
    if now.seconds_left is not None:
        text += f" · about {seconds(now.seconds_left)} left"
    return text
