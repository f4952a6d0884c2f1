"""R15: one scene in many containers, types, orders and interleaves, equal to the bit.

The cases are those of tests/io/test_identity.py; they run here as they are.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from proof import ROOT, Proof, timed

CASES = "tests/io/test_identity.py"
QUICK = "test_npy or test_plain_hdf5"


def prove(quick: bool, work: Path) -> Proof:
    """Write, open, compare: whole, in windows, in other orders of bands, by spectrum."""
    proof = Proof(
        "R15",
        "format identity: one scene in 9 containers, up to 9 types, every interleave, axis and "
        "byte order",
        "pixels, windows and spectra equal to the bit",
    )
    command = [sys.executable, "-m", "pytest", "-q", CASES, "-p", "no:cacheprovider"]
    with timed(proof):
        done = subprocess.run(
            [*command, *(("-k", QUICK) if quick else ())],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    proof.held = counts.get("passed", 0)
    proof.tried = sum(counts.values())
    proof.faults = re.findall(r"^FAILED .*", done.stdout, re.MULTILINE)[:20]
    return proof
