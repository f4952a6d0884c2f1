"""One device's queue and the worker that serves it, kept alive by a thread of its own.

All that happens (a run submitted, a message from the worker, a cancel, a death) is an event
handled by that thread in order; what others may look at is guarded by one lock.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rsviz.core.errors import Cancelled, ModelFailed, RsvizError
from rsviz.jobs import wire
from rsviz.jobs.job import Job, JobState, Status
from rsviz.jobs.process import Child

GRACE_SECONDS = 2.0
ATTEMPTS = 2
FAILED_STARTS = 3
PATIENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}  # threads that wait do not spin
log = logging.getLogger("rsviz.lane")


@dataclass(eq=False)
class Task:
    """A run under way, asked for by one or more visitors."""

    key: str
    id: str
    job: Job
    lane: Lane
    status: Status = "queued"
    step: tuple[int, int, str] = (0, 0, "")
    attempts: int = 0
    started: float = 0.0
    seconds: float = 0.0
    error: RsvizError | None = None
    reference: str = ""
    partials: int = 0
    poison: bool = False
    visitors: set[str] = field(default_factory=set)

    @property
    def finished(self) -> bool:
        return self.status in ("done", "failed", "cancelled")


class Lane:
    """A queue and its worker.

    Args:
        device: the device its worker computes on.
        arguments: of the worker process.
        lock: guards everything that other threads look at; shared with the executor.
        finished: called with the lock held when a task is done, failed or cancelled.
    """

    def __init__(
        self,
        device: str,
        arguments: list[str],
        lock: threading.Condition,
        finished: Callable[[Task], None],
    ) -> None:
        self.device = device
        self.machine: dict[str, Any] = {}
        self.ready = False
        self.pending: deque[Task] = deque()
        self.current: Task | None = None
        self._arguments, self._lock, self._finished = arguments, lock, finished
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._worker: Child | None = None
        self._failed_starts = 0
        self._closing = threading.Event()
        self._kill_at = float("inf")
        self.thread = threading.Thread(target=self._run, name=f"lane {device}", daemon=True)
        self.thread.start()

    def submit(self, task: Task) -> None:
        """Put a task at the end of the queue; the lock is held."""
        self.pending.append(task)
        self._events.put(("wake", None))

    def cancel(self, task: Task) -> None:
        """Stop a task that nobody waits for any more; the lock is held.

        It counts as cancelled from now on. A worker that does not notice within two seconds,
        because it is inside a long call, is killed and replaced.
        """
        if task in self.pending:
            self.pending.remove(task)
        self._finish(task, "cancelled", Cancelled("The run was cancelled."))
        if task is self.current:
            self._events.put(("cancel", task))

    def state_of(self, task: Task) -> JobState:
        """How far a task is; the lock is held."""
        done, total, what = task.step
        seconds, left, position = task.seconds, None, 0
        if task.status == "running":
            seconds = time.monotonic() - task.started
            left = seconds * (total - done) / done if 0 < done <= total else None
        elif task.status == "queued":
            busy = self.current is not None and not self.current.finished
            position = self.pending.index(task) + busy if task in self.pending else 0
            what = "waiting" if self.ready else "the worker starts"
            if task.attempts:
                what = "the worker ended; this run is tried once more"
        return JobState(
            task.status,
            done,
            total,
            what,
            position,
            seconds,
            left,
            task.error,
            task.reference,
            task.partials,
        )

    def close(self) -> None:
        """End the worker and the thread."""
        self._closing.set()
        self._events.put(("close", None))
        self.thread.join(5)

    def _run(self) -> None:
        while True:
            if self._worker is None:
                self._start()
            self._dispatch()
            try:
                patience = self._kill_at - time.monotonic()
                event, what = self._events.get(timeout=max(0.0, min(patience, 60.0)))
            except queue.Empty:
                if time.monotonic() >= self._kill_at:
                    self._kill_at = float("inf")
                    if self._worker is not None:
                        log.warning("the worker for %s did not heed a cancel", self.device)
                        self._worker.kill()
                continue
            if event == "close":
                if self._worker is not None:
                    self._worker.close()
                return
            if event == "cancel":
                self._tell_cancel(what)
            elif event == "message":
                self._heard(what)
            elif event == "gone" and what is self._worker:
                self._died()

    def _start(self) -> None:
        """Start a worker and a thread that passes its messages on."""
        worker = Child("rsviz.jobs.worker", self._arguments, PATIENT)
        self._worker = worker

        def listen() -> None:
            with contextlib.suppress(wire.Broken):
                while True:
                    self._events.put(("message", wire.receive(worker.conn)[0]))
            self._events.put(("gone", worker))

        threading.Thread(target=listen, name=f"worker {self.device}", daemon=True).start()

    def _dispatch(self) -> None:
        """Give the next task to a free worker."""
        with self._lock:
            if not self.ready or self.current is not None or not self.pending:
                return
            task = self.current = self.pending.popleft()
            task.status, task.started = "running", time.monotonic()
            task.attempts += 1
            self._lock.notify_all()
        message = {"op": "run", "id": task.id, "key": task.key, "job": task.job.to_json()}
        self._tell(message)

    def _tell(self, message: dict[str, Any]) -> None:
        """Send to the worker; when it is gone, its listener says so."""
        if self._worker is not None:
            with contextlib.suppress(wire.Broken):
                wire.send(self._worker.conn, message)

    def _tell_cancel(self, task: Task) -> None:
        if task is self.current:
            self._tell({"op": "cancel", "id": task.id})
            self._kill_at = time.monotonic() + GRACE_SECONDS

    def _heard(self, message: dict[str, Any]) -> None:
        """Handle one message of the worker."""
        with self._lock:
            if "machine" in message:
                self.machine = message["machine"]
            if message.get("ready"):
                self.ready, self._failed_starts = True, 0
            task = self.current
            if task is not None and message.get("id") == task.id:
                if "step" in message:
                    done, total, what = message["step"]
                    task.step = int(done), int(total), str(what)
                elif "partial" in message:
                    task.partials = int(message["partial"])
                else:
                    self.current, self._kill_at = None, float("inf")
                    self._settle(task, message)
            self._lock.notify_all()

    def _settle(self, task: Task, message: dict[str, Any]) -> None:
        """Take over the outcome of a task, unless it was cancelled meanwhile; the lock is held."""
        if task.finished:
            return
        task.reference = str(message.get("reference", ""))
        if "error" in message:
            self._finish(task, "failed", wire.error_from(message["error"]))
        else:
            total = max(1, task.step[1])
            task.step = total, total, "done"
            self._finish(task, "done", None)

    def _died(self) -> None:
        """The worker is gone: try the task once more, then give it up."""
        assert self._worker is not None
        ending = self._worker.ended()
        log.error("the worker for %s ended: %s", self.device, ending)
        with self._lock:
            self._worker, task, self.current = None, self.current, None
            self._kill_at = float("inf")
            if not self.ready:
                self._failed_starts += 1
            self.ready = False
            if task is not None and not task.finished:
                if task.attempts < ATTEMPTS:
                    task.status = "queued"
                    task.step = (0, 0, "")
                    self.pending.appendleft(task)
                else:
                    task.poison = True
                    self._finish(task, "failed", _gave_up(task, ending))
            if self._failed_starts >= FAILED_STARTS:
                while self.pending:
                    self._finish(self.pending.popleft(), "failed", _no_start(ending))
            self._lock.notify_all()
        if self._failed_starts:
            self._closing.wait(min(30.0, 2.0**self._failed_starts))

    def _finish(self, task: Task, status: Status, error: RsvizError | None) -> None:
        """Settle a task; the lock is held."""
        task.status, task.error = status, error
        task.seconds = time.monotonic() - task.started if task.started else 0.0
        self._finished(task)
        self._lock.notify_all()


def _gave_up(task: Task, ending: str) -> ModelFailed:
    return ModelFailed(
        f"The worker died {task.attempts} times while {task.job.model} ran on "
        f"{task.job.scene_ref}: {ending}.",
        "This run is not tried again before the next start; choose other settings or a smaller "
        "window. Other runs go on.",
    )


def _no_start(ending: str) -> ModelFailed:
    return ModelFailed(
        f"The worker process does not start: {ending}.", "The log says why; see 'diagnostics'."
    )
