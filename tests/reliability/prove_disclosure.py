"""R3 as a proof: with all checks, and on the jail alone; and what plain libraries would show."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from disclosure import CANARY, Case, all_cases, canaries, watched
from one_reader import ask_reader
from proof import Proof, timed

from rsviz.core.grid import Window
from rsviz.jobs import jail, reader_server

WORD = CANARY[:34]


def prove(quick: bool, work: Path) -> Proof:
    """Reach for the canary in 60 ways, three times: guarded, in the jail alone, plainly."""
    proof = Proof(
        "R3",
        "disclosure: 60 files and paths that reach for another file, each with all checks and "
        "again on the jail alone",
        "the watched canary files are not opened once, and none of their bytes come out",
    )
    reader_server.preload()
    secret = canaries(work / "canary")
    cases = all_cases(work, secret)
    shown = 0
    with timed(proof), watched(secret) as opens:
        opens()
        for case in cases:
            found = ask_reader(Path(case.ref), "read", Window(0, 0, 1, 40), None)
            told = found.told or repr(np.asarray(found.value.pixels).astype("u1").tobytes())
            touched = opens()
            quiet = WORD.decode() not in told and not touched
            proof.count(bool(found.told) and quiet, f"{case.name}: {told[:80]} ({touched} opens)")
            out = _alone(case, locked=True)
            touched = opens()
            proof.count(
                not touched and WORD not in out, f"{case.name}, on the jail alone: {touched} opens"
            )
            shown += WORD in _alone(case, locked=False)
            opens()
    proof.figures = {
        "canary shown by plain h5py and rasterio without a jail": f"{shown} of {len(cases)}"
    }
    if jail.landlock_version() == 0:
        proof.faults.append("this kernel has no Landlock: there is no jail to prove")
    return proof


def _alone(case: Case, locked: bool) -> bytes:
    """What the plain library gives in a child, locked as a reader is or not at all."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ours)
            if locked:
                jail.limit(reader_server.MEMORY_BYTES, reader_server.FILE_BYTES)
                jail.leave_network()
                jail.lock_files((*jail.python_files(), Path(case.ref)), [])
            os.write(theirs, case.plain(case.ref)[:4096])
        except Exception:
            os.write(theirs, b"refused")
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as out:
        answer = out.read()
    os.waitpid(child, 0)
    return answer
