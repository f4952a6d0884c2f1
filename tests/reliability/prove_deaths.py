"""R7: readers, the process that forks them, and workers are killed at any time; nothing is lost."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from proof import RESULTS, ROOT, Proof, timed

from rsviz.core import registry
from rsviz.core.errors import RsvizError
from rsviz.jobs.executor import Job, LocalExecutor
from rsviz.jobs.questions import QUESTIONS
from rsviz.jobs.readers import Readers, RemoteSource
from rsviz.jobs.store import ResultStore

sys.path.insert(0, str(ROOT))
from tests.jobs import fakes

READER_DEATHS = {"SIGKILL": 180, "SIGSEGV": 25, "SIGSTOP": 25, "SIGABRT": 20, "of the forker": 10}
WORKER_DEATHS = {"SIGKILL": 11, "SIGSEGV": 3, "SIGSTOP": 3, "SIGABRT": 3}
QUICK_READERS = {"SIGKILL": 8, "SIGSEGV": 2, "SIGSTOP": 2, "SIGABRT": 2, "of the forker": 1}
QUICK_WORKERS = {"SIGKILL": 1}
SCENES, PATIENCE_SECONDS = 3, 60.0
HASTY_SECONDS = 0.4


def prove(quick: bool, work: Path) -> Proof:
    """Kill readers while they answer, and workers while they compute."""
    proof = Proof(
        "R7",
        "deaths: 260 of readers (10 of them of the process that forks them) and 20 of workers, at "
        "random moments, by four signals",
        "every question and job ends right to the bit or with a sentence, nothing is mixed up, and "
        "the next one is right",
    )
    with timed(proof):
        back = _readers(proof, work, QUICK_READERS if quick else READER_DEATHS)
        again = _workers(proof, work, QUICK_WORKERS if quick else WORKER_DEATHS)
    proof.figures = {
        "readers back in service": _times(back),
        "workers back in service": _times(again),
    }
    return proof


def _readers(proof: Proof, work: Path, deaths: dict[str, int]) -> list[float]:
    """Each scene is painted with its own number, which every answer must show."""
    rng = random.Random(7)
    paths = []
    for number in range(SCENES):
        paths.append(work / f"scene{number}.npy")
        np.save(paths[-1], np.full((6, 80, 90), 100 + number, np.uint16))
    client, back = Readers(), []
    hasty = replace(QUESTIONS["spectrum"], seconds=HASTY_SECONDS, patience=1.0)
    try:
        for kind, count in deaths.items():
            for trial in range(count):
                number = rng.randrange(SCENES)
                source = client.open(str(paths[number]))
                delay = rng.random() * 0.02
                name = f"reader {kind} {trial}"
                with _question("spectrum", hasty if kind == "SIGSTOP" else QUESTIONS["spectrum"]):
                    back.append(_reader_dies(proof, name, client, source, kind, delay, number))
    finally:
        client.close()
    return back


@contextlib.contextmanager
def _question(name: str, question: object):
    before = QUESTIONS[name]
    QUESTIONS[name] = question  # type: ignore[assignment]
    try:
        yield
    finally:
        QUESTIONS[name] = before


def _reader_dies(
    proof: Proof,
    name: str,
    client: Readers,
    source: RemoteSource,
    kind: str,
    delay: float,
    number: int,
) -> float:
    """Ask again and again, kill in between; every answer is right or a sentence."""
    victim = client.diagnostics()["server"] if kind == "of the forker" else source.lines[0]._pid
    signal_number = getattr(signal, kind, signal.SIGKILL)
    stop = threading.Event()

    def ask() -> list[str]:
        wrong = []
        for index in range(10_000):
            try:
                values = source.spectrum(index % 80, index % 90).values
                if not (values == 100 + number).all():
                    wrong.append(f"{name}: an answer of another scene")
            except RsvizError as error:
                if not error.message.isprintable() or "foresee" in error.message:
                    wrong.append(f"{name}: {error.message}")
            if stop.is_set():
                break
        return wrong

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal_number)
        died = time.monotonic()
        time.sleep(0.002)
        right = _answers(source, number)
        seconds = time.monotonic() - died
        stop.set()
        wrong = asked.result(PATIENCE_SECONDS)
    if kind == "SIGSTOP":
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        seconds -= min(seconds, HASTY_SECONDS)
    proof.count(right and not wrong, wrong[0] if wrong else f"{name}: no right answer afterwards")
    return seconds


def _answers(source: RemoteSource, number: int) -> bool:
    """Whether a right answer comes, sooner or later."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            return bool((source.spectrum(1, 1).values == 100 + number).all())
        except RsvizError:
            continue
    return False


def _workers(proof: Proof, work: Path, deaths: dict[str, int]) -> list[float]:
    """Jobs of 6 steps on painted scenes; a run that was stopped goes on where it was."""
    rng = random.Random(11)
    log = work / "workers.jsonl" if deaths is QUICK_WORKERS else RESULTS / "R7-workers.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = log.read_text().splitlines() if log.exists() else []
    done = {entry["seed"]: entry for entry in map(json.loads, lines)}
    before = registry.cards
    registry.cards = lambda: {"fake": fakes.CARD}  # type: ignore[assignment]
    executor = LocalExecutor(ResultStore(work / "results"), fakes.WORK)
    back = []
    try:
        executor.machine(PATIENCE_SECONDS)
        for kind, count in deaths.items():
            for trial in range(count):
                number = rng.randrange(SCENES)
                path = work / f"scene{number}.npy"
                seed = 1000 * list(WORKER_DEATHS).index(kind) + trial
                phase = rng.random()
                if seed not in done:
                    part = Proof("", "", "")
                    seconds = _worker_dies(part, executor, kind, path, seed, number, phase)
                    done[seed] = {"seed": seed, "seconds": seconds, "faults": part.faults}
                    with log.open("a") as out:
                        out.write(json.dumps(done[seed]) + "\n")
                proof.count(not done[seed]["faults"], "; ".join(done[seed]["faults"]))
                back.append(float(done[seed]["seconds"]))
    finally:
        executor.close()
        registry.cards = before
    return back


def _worker_dies(
    proof: Proof,
    executor: LocalExecutor,
    kind: str,
    path: Path,
    seed: int,
    number: int,
    phase: float,
) -> float:
    """Kill the worker in the middle of a job; two jobs, of which one waits, must end right."""
    steps = Job(str(path), "fake", options={"act": "steps", "steps": 6}, seed=seed)
    other = path.with_name(f"scene{(number + 1) % SCENES}.npy")
    waits = Job(str(other), "fake", options={"act": "mean"}, seed=seed)
    first, second = executor.submit(steps), executor.submit(waits)
    end = time.monotonic() + PATIENCE_SECONDS
    while executor.events(first).status == "queued" and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(0.4 * phase)
    os.kill(int(executor.machine()["pid"]), getattr(signal, kind))
    died = time.monotonic()
    if kind == "SIGSTOP":
        executor.cancel(first)  # nobody but the visitor can tell a stopped worker from a slow one
    name = f"worker {kind} {seed}"
    wrong = _outcome(executor, first, number, may_be_cancelled=kind == "SIGSTOP")
    wrong = wrong or _outcome(executor, second, (number + 1) % SCENES, may_be_cancelled=False)
    proof.count(not wrong, f"{name}: {wrong}")
    return time.monotonic() - died


def _outcome(executor: LocalExecutor, run_id: str, number: int, may_be_cancelled: bool) -> str:
    """What is wrong with the end of a job; "" when it is right, or clearly failed."""
    try:
        result = executor.result(run_id)
    except RsvizError as error:
        cancelled = type(error).__name__ == "Cancelled"
        clear = error.message.isprintable() and "foresee" not in error.message
        return "" if clear and cancelled == may_be_cancelled else f"{error.message}"
    data = np.asarray(result.layers["mean"].data)  # type: ignore[attr-defined]
    return "" if (data == 100 + number).all() else "the result of another scene"


def _times(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return (
        f"median {statistics.median(ordered):.2f} s, 95 % within "
        f"{ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]:.2f} s"
    )
