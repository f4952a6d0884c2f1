"""R19: every guard is switched off in turn, and a test must notice.

A guard is switched off in a run of pytest of its own, by the plug-in `guards`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from guards import GUARDS
from proof import RESULTS, ROOT, Proof, timed

FAILED, SECONDS = 1, 180
QUICK = ("path function", "HDF5: numbers in other files")


def prove(quick: bool, work: Path) -> Proof:
    """Run the tests of each guard without it: they must fail; with it, they must pass."""
    proof = Proof(
        "R19",
        "guards are alive: each switched off in turn",
        "its tests pass with it and fail without it",
    )
    log = (work if quick else RESULTS) / "R19-guards.jsonl"  # a run that was stopped goes on
    log.parent.mkdir(parents=True, exist_ok=True)
    done = dict(map(json.loads, log.read_text().splitlines() if log.exists() else ()))
    with timed(proof):
        for name in QUICK if quick else GUARDS:
            if name not in done:
                done[name] = _fault(name, quick)
                with log.open("a") as out:
                    out.write(json.dumps([name, done[name]]) + "\n")
            proof.count(not done[name], f"{name}: {done[name]}")
    log.unlink()
    proof.figures = {"guards": str(len(GUARDS))}
    return proof


def _fault(name: str, quick: bool) -> str:
    """What is wrong with a guard; "" when its tests notice that it is off, and only then fail."""
    tests = GUARDS[name].tests
    whole = 0 if quick else _status(tests, "")
    if whole:
        return f"its tests fail with it (status {whole})"
    without = _status(tests, name)
    noticed = without == FAILED or without < 0  # who takes objects for numbers crashes
    return "" if noticed else f"no test fails without it (status {without})"


def _status(tests: str, off: str) -> int:
    """The exit status of some tests, with a guard switched off or none; a test that hangs fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "guards", "-p", "no:cacheprovider"]
    here = str(Path(__file__).parent)
    try:
        done = subprocess.run(
            [*command, *tests.split()],
            cwd=ROOT,
            env=os.environ | {"RSVIZ_GUARD_OFF": off, "PYTHONPATH": f"{here}:{ROOT}"},
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return FAILED  # whoever opens a pipe without the guard waits for ever
    return done.returncode
