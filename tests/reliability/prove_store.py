"""R13: damaged entries of what is kept on disk count as absent, and are computed again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mutation import mutated
from proof import Proof, timed

from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap, Curve, ProbabilityMap, ScalarMap, Table
from rsviz.core.model import Result, RunRecord
from rsviz.core.packing import pack
from rsviz.jobs.store import ResultStore

KINDS, FULL, QUICK = 5, 200, 30


def prove(quick: bool, work: Path) -> Proof:
    """Damage entries of five kinds of results, in twelve ways."""
    proof = Proof(
        "R13",
        "corrupt cache: entries of 5 kinds of results damaged in 12 ways",
        "the entry counts as absent and is computed again, equal to the bit; or the damage lies "
        "where nobody reads, and what comes is equal to the bit",
    )
    store = ResultStore(work / "results")
    harmless = 0
    with timed(proof):
        for kind, make in enumerate(_makers()):
            result = make()
            key = f"{kind:032x}"
            store.put(key, result)
            path = store.folder / f"{key}.rsv"
            whole = path.read_bytes()
            for number in range(QUICK if quick else FULL):
                rng = random.Random(f"{kind} {number}")
                damaged = mutated(rng, whole, [whole])
                if damaged == whole:
                    damaged = whole[:-1]
                path.write_bytes(damaged)
                found = store.get(key)
                gone = found is None and not path.exists()
                harmless += found is not None
                if found is None:
                    store.put(key, result)
                    found = store.get(key)
                good = found is not None and _same(found, result)
                proof.count(
                    good and (gone or path.exists()), f"{result.record.model} {number}: not equal"
                )
    proof.figures = {"damage where nobody reads": str(harmless)}
    return proof


def _same(a: Result, b: Result) -> bool:
    """Whether two results are equal to the bit."""
    (data, arrays), (other, others) = pack(a), pack(b)
    return data == other and all(
        x.dtype == y.dtype and x.tobytes() == y.tobytes()
        for x, y in zip(arrays, others, strict=True)
    )


def _makers() -> list[Callable[[], Result]]:
    grid = Grid(12, 11, "EPSG:32633", (10.0, 0.0, 4e5, 0.0, -10.0, 52e5))
    rng = np.random.default_rng(0)
    raw = rng.random((3, 12, 11)).astype(np.float32)
    labels = ("a", "b", "c")

    def result(name: str, layer: object) -> Callable[[], Result]:
        record = RunRecord(
            name, "w", "0" * 64, {"n": 1}, "s", "scene", "Scene", "cpu", 0, (), 1.0, 1.0,
            {"numpy": "2"},
        )  # fmt: skip
        return lambda: Result({name: layer}, record, {"overall_accuracy": 0.5})

    return [
        result("classes", ClassMap("C", "", grid, raw.argmax(0), labels)),
        result("probabilities", ProbabilityMap("P", "", grid, raw / raw.sum(0), labels)),
        result("scalar", ScalarMap("S", "", grid, raw[0], "q", "u")),
        result("curve", Curve("K", "", np.arange(4), raw[:, 0, :4], labels, "x", "y")),
        result("table", Table("T", "", ("name", "n"), (("x", 1), ("y", None)))),
    ]
