"""Submitting runs, watching them, cancelling them, and getting their results.

`Executor` is what pages know. `LocalExecutor` runs jobs in one worker process a device on this
machine, and shares both running jobs and finished results between visitors.
"""

from __future__ import annotations

import atexit
import secrets
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from rsviz.core.errors import BadOption, Cancelled, ModelFailed, RsvizError
from rsviz.core.model import Result
from rsviz.jobs.job import Job, JobState
from rsviz.jobs.lane import ATTEMPTS, Lane, Task
from rsviz.jobs.process import resident_mb
from rsviz.jobs.store import ResultStore, partial_key

MAX_QUEUE = 64
MAX_TICKETS = 2000
MAX_RESULTS = 8
MACHINE_SECONDS = 60.0
WORK = "rsviz.jobs.tasks:perform"

__all__ = ["Executor", "Job", "JobState", "LocalExecutor"]


class Executor(Protocol):
    """Runs jobs somewhere else."""

    def submit(self, job: Job) -> str:
        """Ask for a run; the id under which to follow it."""
        ...

    def events(self, run_id: str) -> JobState:
        """How far a run is."""
        ...

    def cancel(self, run_id: str) -> None:
        """Stop a run, or forget it while it waits."""
        ...

    def result(self, run_id: str) -> Result:
        """The result of a run; waits for its end."""
        ...

    def partial(self, run_id: str) -> Result | None:
        """The newest partial result of a run under way, if it gives any."""
        ...

    def machine(self, wait_seconds: float = 0.0) -> dict[str, Any]:
        """What computes there."""
        ...


class LocalExecutor:
    """Worker processes on this machine, one a device, with a bounded queue each.

    Args:
        store: where results are kept; by default under the user's cache folder.
        work: "module:function" that does one job in the worker.
    """

    def __init__(self, store: ResultStore | None = None, work: str = WORK) -> None:
        self._store = store if store is not None else ResultStore()
        self._work = work
        self._lock = threading.Condition()
        self._lanes: dict[str, Lane] = {}
        self._active: dict[str, Task] = {}
        self._tickets: OrderedDict[str, Task] = OrderedDict()
        self._left: set[str] = set()
        self._results: OrderedDict[str, Result] = OrderedDict()
        self._poison: dict[str, RsvizError] = {}
        with self._lock:
            self._lane("cpu")
        atexit.register(self.close)

    def submit(self, job: Job) -> str:
        """Ask for a run; the id under which to follow it.

        A question that was answered before, or is being answered, is not computed again.

        Raises:
            BadOption: the model, an option or the device does not exist.
            WeightsMissing: there are no weights of that name.
            RsvizError: the queue is full.
        """
        job = replace(job, device=self._device(job.device))
        key = job.key()
        with self._lock:
            unknown = key not in self._active and key not in self._results
        stored = self._store.get(key) if unknown else None
        with self._lock:
            if stored is not None:
                self._remember(key, stored)
            task = self._active.get(key) or self._answered(key, job) or self._queued(key, job)
            return self._ticket(task)

    def events(self, run_id: str) -> JobState:
        """How far a run is.

        Raises:
            RsvizError: there is no such run, for instance after a restart.
        """
        with self._lock:
            task = self._task(run_id)
            if run_id in self._left:
                return JobState("cancelled", error=Cancelled("The run was cancelled."))
            return task.lane.state_of(task)

    def cancel(self, run_id: str) -> None:
        """Stop a run, also while it waits; another visitor who asked for the same keeps it."""
        with self._lock:
            task = self._task(run_id)
            if task.finished:
                return
            self._left.add(run_id)
            task.visitors.discard(run_id)
            if not task.visitors:
                task.lane.cancel(task)

    def result(self, run_id: str) -> Result:
        """The result of a run; waits for its end.

        A result that has left the store, or does not match its checksum, is computed again.

        Raises:
            Cancelled: the run was cancelled.
            RsvizError: the run failed.
        """
        for _ in range(ATTEMPTS):
            with self._lock:
                task = self._task(run_id)
                while not (task.finished or run_id in self._left):
                    self._lock.wait()
                if run_id in self._left:
                    raise Cancelled("The run was cancelled.")
                if task.error is not None:
                    raise task.error
                found = self._results.get(task.key)
            found = found or self._store.get(task.key)
            with self._lock:
                if found is not None:
                    self._remember(task.key, found)
                    return found
                again = self._active.get(task.key) or self._queued(task.key, task.job)
                self._tickets[run_id] = again
                again.visitors.add(run_id)
        raise ModelFailed(
            f"The result of {task.job.model} was lost {ATTEMPTS} times after it was computed.",
            "The disk may be failing, or the store of results too small.",
        )

    def partial(self, run_id: str) -> Result | None:
        """The newest partial result of a run under way, if it gives any.

        Raises:
            RsvizError: there is no such run.
        """
        with self._lock:
            task = self._task(run_id)
            shown = task.partials and not task.finished
        return self._store.get(partial_key(task.key)) if shown else None

    def machine(self, wait_seconds: float = 0.0) -> dict[str, Any]:
        """What computes here, for badge and diagnostics; told by the worker, so never late.

        Returns:
            state ("starting", "warming up" or "ready"); once known: devices, scan (backend a
            device), threads, cores, versions, rss_mb of the worker; always: web_rss_mb,
            queued, results and results_bytes.
        """
        with self._lock:
            lane = self._lane("cpu")
            self._lock.wait_for(lambda: bool(lane.machine), wait_seconds)
            known = dict(lane.machine)
            queued = sum(len(each.pending) for each in self._lanes.values())
            state = "ready" if lane.ready else "warming up" if known else "starting"
        count, size = self._store.size()
        return known | {
            "state": state,
            "queued": queued,
            "web_rss_mb": resident_mb(),
            "results": count,
            "results_bytes": size,
        }

    def close(self) -> None:
        """End the workers."""
        atexit.unregister(self.close)
        with self._lock:
            lanes = list(self._lanes.values())
            self._lanes.clear()
        for lane in lanes:
            lane.close()

    def _device(self, wanted: str) -> str:
        """The device that a request means; auto is the GPU with the shortest queue, if any.

        Raises:
            BadOption: there is no such device.
        """
        if wanted == "cpu" or (wanted == "auto" and not _gpu_files()):
            return "cpu"
        names = [str(d["name"]) for d in self.machine(MACHINE_SECONDS).get("devices", ())]
        gpus = [name for name in names if name.startswith("cuda")]
        if wanted in ("auto", "cuda") and gpus:
            with self._lock:
                return min(gpus, key=lambda name: len(self._lane(name).pending))
        if wanted in gpus:
            return wanted
        if wanted == "auto":
            return "cpu"
        raise BadOption(
            f"There is no device '{wanted}' here.", f"Choose auto or {', '.join(names or ['cpu'])}."
        )

    def _lane(self, device: str) -> Lane:
        """The lane of a device, started when it is first needed; the lock is held."""
        if device not in self._lanes:
            arguments = [self._work, str(self._store.folder), str(self._store.max_bytes)]
            self._lanes[device] = Lane(device, arguments, self._lock, self._settled)
        return self._lanes[device]

    def _queued(self, key: str, job: Job) -> Task:
        """A new task at the end of its queue; the lock is held."""
        lane = self._lane(job.device)
        task = Task(key, secrets.token_hex(8), job, lane)
        if key in self._poison:
            task.status, task.error = "failed", self._poison[key]
            return task
        if len(lane.pending) >= MAX_QUEUE:
            raise RsvizError(
                f"{len(lane.pending)} runs are waiting already; no more are taken.",
                "Try again in a few minutes.",
            )
        self._active[key] = task
        lane.submit(task)
        return task

    def _answered(self, key: str, job: Job) -> Task | None:
        """A finished task when the result is at hand; the lock is held."""
        if key not in self._results:
            return None
        step = (1, 1, "found among earlier results")
        return Task(key, "", job, self._lane(job.device), "done", step)

    def _settled(self, task: Task) -> None:
        """Called by a lane with the lock held when a task has ended."""
        if task.partials:
            self._store.remove(partial_key(task.key))
        if self._active.get(task.key) is task:
            del self._active[task.key]
        if task.poison and task.error is not None:
            self._poison[task.key] = task.error

    def _ticket(self, task: Task) -> str:
        ticket = secrets.token_hex(16)
        task.visitors.add(ticket)
        self._tickets[ticket] = task
        while len(self._tickets) > MAX_TICKETS:
            self._left.discard(self._tickets.popitem(last=False)[0])
        return ticket

    def _task(self, run_id: str) -> Task:
        if run_id not in self._tickets:
            raise RsvizError("This run is not known any more.", "Start it again.")
        return self._tickets[run_id]

    def _remember(self, key: str, result: Result) -> None:
        """Keep the last few results at hand; their arrays stay on the disk, memory-mapped."""
        self._results[key] = result
        self._results.move_to_end(key)
        while len(self._results) > MAX_RESULTS:
            self._results.popitem(last=False)


def _gpu_files() -> bool:
    """Whether the system shows an NVIDIA GPU; asks no library."""
    return any(Path("/dev").glob("nvidia[0-9]*"))
