"""R2 as a proof: each bomb in a real reader, with its memory and time."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
from bombs import Bomb, all_bombs
from one_reader import ask_reader
from proof import Proof, timed

from rsviz.cli.parser import USER_CAN_MEND, main
from rsviz.jobs import reader_server

SECONDS, GROWTH_MIB = 0.5, 64
ELSEWHERE = 4
"""So many times longer may it take in the tests, which run on any machine beside anything."""


def prove(quick: bool, work: Path) -> Proof:
    """Open every bomb; in full, also by the command `describe`."""
    proof = Proof(
        "R2",
        "bombs: small files that announce or unpack much",
        f"refused when opened, in {SECONDS} s of processor time, with at most {GROWTH_MIB} MiB "
        "more memory; `describe` ends with status 2",
    )
    longest = most = 0.0
    allowed = SECONDS * (ELSEWHERE if quick else 1)
    bombs = all_bombs(work)
    reader_server.preload()
    with timed(proof):
        sound = work / "sound.npy"
        np.save(sound, np.ones((9, 8, 3), np.uint8))
        idle = ask_reader(sound)
        for bomb in bombs:
            path = _placed(bomb, work)
            found = ask_reader(path)
            growth, seconds = (found.peak_kib - idle.peak_kib) / 1024, found.seconds - idle.seconds
            longest, most = max(longest, seconds), max(most, growth)
            why = ""
            if not found.told or found.signal:
                why = f"ended by signal {found.signal}" if found.signal else "was opened"
            elif seconds > allowed:
                why = f"took {seconds:.1f} s of processor time"
            elif growth > GROWTH_MIB:
                why = f"took {growth:.0f} MiB"
            elif "foresee" in found.told or not found.told.isprintable():
                why = f"said: {found.told}"
            elif not quick and _described(path) != USER_CAN_MEND:
                why = "`describe` did not end with status 2"
            proof.count(not why, f"{bomb[0]} {why}")
            path.unlink()
            path.with_suffix(".hdr").unlink(missing_ok=True)
    proof.figures = {
        "longest": f"{longest:.2f} s of processor time",
        "largest growth of memory": f"{most:.0f} MiB",
    }
    return proof


def _placed(bomb: Bomb, work: Path) -> Path:
    path = work / "bomb.bin"
    path.write_bytes(bomb[1])
    if bomb[2]:
        path.with_suffix(".hdr").write_bytes(bomb[2])
    return path


def _described(path: Path) -> int:
    """The exit status of the command."""
    with contextlib.redirect_stderr(io.StringIO()):
        return main(["describe", str(path), "--json"])
