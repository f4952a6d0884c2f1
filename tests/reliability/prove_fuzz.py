"""R1 as a proof: a run in batches that can be stopped and goes on where it was."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import fuzzing
import seeds
from fuzzing import HEAVY, Batch
from proof import RESULTS, Proof, timed

FULL, QUICK = 100_000, 2_400


def prove(quick: bool, work: Path) -> Proof:
    """Damage files of all formats, and input of all parsers.

    A death or a growth of memory inside the HDF5 library is counted apart: the reader is a
    process of its own with limits, and the visitor gets a sentence.
    """
    proof = Proof(
        "R1",
        "mutation fuzzing of 12 readers and 4 parsers",
        "a valid scene or a sentence, within 2 s of processor time and 256 MiB; what the HDF5 "
        "library does beyond that ends one reader",
    )
    total = QUICK if quick else FULL
    log = (work if quick else RESULTS) / f"R1-{total}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    with timed(proof):
        batches = _batches(total, log, collect=not quick)
    proof.tried = sum(b.count for b in batches)
    contained: Counter[str] = Counter()
    for batch in batches:
        for number, what, library in batch.finds:
            if library:
                contained[HEAVY if what.startswith(HEAVY) else what] += 1
            else:
                proof.faults.append(f"{batch.target} {number}: {what}")
    proof.held = proof.tried - len(proof.faults)
    proof.seconds = round(sum(b.seconds for b in batches), 1)
    proof.figures = {
        "opened as a scene": str(sum(b.opened for b in batches)),
        "inside the HDF5 library, contained": _told(contained),
        "seeds": str(sum(len(s) for s in seeds.all_seeds().values())),
        "largest growth of memory": f"{max(b.growth_mib for b in batches):.0f} MiB",
        "cases a second of processor time": f"{proof.tried / max(proof.seconds, 0.1):.0f}",
        "in the corpus from earlier finds": str(len(list(seeds.CORPUS.glob("*.bin")))),
    }
    return proof


def _batches(total: int, log: Path, collect: bool) -> list[Batch]:
    done = {}
    if log.exists():
        for line in log.read_text().splitlines():
            batch = Batch(**json.loads(line))
            done[batch.target, batch.first, batch.count] = batch
    found = []
    for key in list(fuzzing.plan(total)):
        if key not in done:
            done[key] = fuzzing.run_batch(*key, collect)
            with log.open("a") as out:
                out.write(json.dumps(asdict(done[key])) + "\n")
        found.append(done[key])
    return found


def _told(contained: Counter[str]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in sorted(contained.items())) or "0"
