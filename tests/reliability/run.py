"""All proofs of reliability, and the page that tells them: python tests/reliability/run.py.

    run.py [R1 R2 ...] [--quick]    the proofs named, or all; then RELIABILITY.md is written

Long proofs can be stopped and go on where they were; what is under build/reliability is the
memory, and deleting it starts afresh.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

for waiting in ("OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0"):  # threads that wait do not spin
    os.environ.setdefault(*waiting.split("="))

import report  # noqa: E402
from proof import Proof  # noqa: E402

PROOFS = {
    "R1": "prove_fuzz",
    "R2": "prove_bombs",
    "R3": "prove_disclosure",
    "R5": "prove_traversal",
    "R6": "prove_injection",
    "R7": "prove_deaths",
    "R8": "prove_crowd",
    "R13": "prove_store",
    "R14": "prove_weights",
    "R15": "prove_identity",
    "R19": "prove_guards",
}


def prove(name: str, quick: bool) -> Proof:
    """Make one proof in a folder that is removed afterwards."""
    module = importlib.import_module(PROOFS[name])
    with tempfile.TemporaryDirectory(prefix="rsviz-proof-") as folder:
        found: Proof = module.prove(quick, Path(folder))
    return found


def main() -> int:
    """Run what the arguments name; the exit status says whether all of it held."""
    parser = argparse.ArgumentParser(description="Prove the reliability of rsviz.")
    parser.add_argument("proofs", nargs="*", metavar="R", help=f"of {', '.join(PROOFS)}; or all")
    parser.add_argument("--quick", action="store_true", help="the part that the tests run")
    args = parser.parse_args()
    unknown = set(args.proofs) - set(PROOFS)
    if unknown:
        parser.error(f"there is no proof {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)
    os.environ.setdefault("RSVIZ_DATA", "")
    good = True
    for name in args.proofs or PROOFS:
        proof = prove(name, args.quick)
        good &= proof.passed
        print(report.line(proof), flush=True)
        for fault in proof.faults[:20]:
            print(f"    {fault}", flush=True)
        if not args.quick:
            proof.save()
            report.write()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
