"""The process that runs models on one device: it alone imports torch.

Run as `python -m rsviz.jobs.worker FD PARENT WORK`, where WORK is "module:function", by default
`rsviz.jobs.tasks:perform`. It takes one job at a time from its socket, reports steps,
stops between them when told to, and leaves results in the store. It ends when the socket closes.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import socket
import threading
import time
from pathlib import Path
from typing import Any

from rsviz.core import run
from rsviz.core.errors import Cancelled, ModelFailed, OutOfMemory, RsvizError
from rsviz.core.layers import Layer
from rsviz.core.model import Result, RunRecord
from rsviz.core.scene import Scene
from rsviz.jobs import jail, process, wire
from rsviz.jobs.identity import stamp
from rsviz.jobs.job import Job
from rsviz.jobs.readers import opened
from rsviz.jobs.store import ResultStore, partial_key
from rsviz.jobs.tasks import Work, find

NICE = 5
REPORT_SECONDS = 0.05
PARTIAL_SECONDS = 0.4
log = logging.getLogger("rsviz.worker")


class Worker:
    """Takes jobs one at a time; a second thread listens for cancels and the end of the parent."""

    def __init__(self, conn: socket.socket, work: Work, store: ResultStore) -> None:
        self._conn, self._work, self._store = conn, work, store
        self._sending = threading.Lock()
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._scene: tuple[tuple[object, ...], Scene] | None = None

    def serve(self) -> None:
        """Say what this machine is, warm up, then do jobs until the parent is gone."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._say({"machine": machine(warm=False)})
        warm_up()
        self._say({"machine": machine(warm=True), "ready": True})
        while True:
            message = self._jobs.get()
            outcome = self._perform(message)
            self._say(outcome | {"id": message["id"], "machine": machine(warm=True)})

    def _listen(self) -> None:
        while True:
            try:
                message, _ = wire.receive(self._conn)
            except wire.Broken:
                os._exit(0)
            if message["op"] == "cancel":
                self._cancelled.add(message["id"])
            else:
                self._jobs.put(message)

    def _say(self, message: dict[str, Any]) -> None:
        with self._sending:
            wire.send(self._conn, message)

    def _perform(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do one job; its outcome as a message."""
        run_id, job = str(message["id"]), Job.from_json(message["job"])
        reported = 0.0

        def on_step(done: int, total: int, what: str) -> None:
            nonlocal reported
            if done >= total or time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                self._say({"id": run_id, "step": [done, total, what]})

        def cancelled() -> bool:
            return run_id in self._cancelled

        shown, shown_at = 0, 0.0

        def on_partial(layers: dict[str, Layer]) -> None:
            nonlocal shown, shown_at
            if time.monotonic() - shown_at > PARTIAL_SECONDS:
                shown += 1
                self._store.put(
                    partial_key(message["key"]), Result(layers, _unfinished(scene, job, shown))
                )
                self._say({"id": run_id, "partial": shown})
                shown_at = time.monotonic()

        try:
            on_step(0, 0, "reading the scene")
            scene = self._read(job)
            if cancelled():
                raise Cancelled("The run was cancelled.")
            result = self._work(scene, job, on_step, cancelled, on_partial)
            self._store.put(message["key"], result)
        except RsvizError as error:
            return {"error": wire.error_fields(error)}
        except MemoryError:
            failure: RsvizError = OutOfMemory(
                f"Memory ran out while {job.model} ran on {job.scene_ref}.",
                "Run a smaller window of the scene.",
            )
            return {"error": wire.error_fields(failure)}
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("reference %s: %s", reference, job)
            failure = ModelFailed(
                f"{job.model} failed in a way that we did not foresee (reference {reference}).",
                "Please report it with this reference; the log holds the details.",
            )
            return {"error": wire.error_fields(failure), "reference": reference}
        return {"done": True}

    def _read(self, job: Job) -> Scene:
        """The scene of a job; the last one is kept, as most runs come on the same scene."""
        wanted = (stamp(job.scene_ref), job.variable, job.axes, job.window)
        if self._scene is None or self._scene[0] != wanted:
            self._scene = None
            with opened(job.scene_ref, job.variable, job.axes) as source:
                self._scene = wanted, source.read(job.window)
        return self._scene[1]


def _unfinished(scene: Scene, job: Job, number: int) -> RunRecord:
    """How a partial result comes about, as far as that is known before the end."""
    return RunRecord(
        model=job.model,
        weights=job.weights,
        weights_sha256="",
        options=dict(job.options),
        scene_id=scene.id,
        scene_ref=job.scene_ref,
        scene_name=scene.name,
        device=job.device,
        seed=job.seed,
        wants=job.wants,
        seconds=0.0,
        peak_memory_mb=0.0,
        versions={},
        changes=job.changes,
        partial=number,
    )


def warm_up() -> None:
    """Compile or load what the first run would otherwise wait for."""
    try:
        from rsviz.evaluate import judge  # noqa: F401  (its libraries take a second to load)
        from rsviz.nn import scan

        scan.warm_up()
    except Exception:
        log.exception("warming up failed; the first run will be slower")


def machine(warm: bool) -> dict[str, Any]:
    """What computes here: devices, scan, threads, versions, memory of this process."""
    import torch

    from rsviz.nn import device

    devices = device.describe_devices()
    return {
        "devices": devices,
        "scan": {d["name"]: _scan_on(d["name"]) for d in devices},
        "threads": torch.get_num_threads(),
        "cores": process.cores(),
        "versions": run.versions(),
        "warm": warm,
        "pid": os.getpid(),
        "rss_mb": process.resident_mb(),
    }


def _scan_on(device: str) -> str:
    """What computes a scan on a device, or that it cannot."""
    from rsviz.nn.scan import active_backend

    try:
        return active_backend(device)
    except RsvizError as error:
        log.warning("%s", error)
        return "unavailable"


def main() -> None:
    """Serve the process that started this one."""
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
    conn, parent, (work, folder, max_bytes) = process.arguments()
    jail.die_with_parent(parent)
    os.nice(NICE)
    import torch

    torch.set_num_threads(process.cores())
    store = ResultStore(Path(folder), int(max_bytes))
    Worker(conn, find(work), store).serve()


if __name__ == "__main__":
    main()
