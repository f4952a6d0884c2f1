"""The command bench: speed and memory of models, of opening files, and of the start."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from rsviz.cli.output import Answer, Progress, table
from rsviz.core.errors import BadOption
from rsviz.evaluate.rows import Bench, Row, row

SIDE, BANDS = 1024, 200
QUICK_FORMATS = ("envi bsq", "envi bip", "geotiff by band", "npy", "hdf5")
OPEN_SECONDS, OPEN_MIB, CLICK_SECONDS, START_SECONDS = 1.0, 100.0, 0.4, 0.3
CLICKS = 20

START = """
import json, sys, time
started = time.perf_counter()
from rsviz.core import registry
count = len(registry.cards())
print(json.dumps([time.perf_counter() - started, count, "torch" in sys.modules]))
"""


def bench(args: Namespace) -> Answer:
    """Measure: a list of rows {name, value, unit, baseline, ratio}."""
    from rsviz.nn.device import resolve

    known = benches()
    if args.name not in (*known, "all"):
        raise BadOption(f"There is no bench '{args.name}'.", f"Benches: {', '.join(known)}, all.")
    names = list(known) if args.name == "all" else [args.name]
    progress, device = Progress(), resolve(args.device)
    rows = []
    for done, name in enumerate(names):
        progress(done, len(names), name)
        rows += known[name](args.quick, device)
    cells = [
        (
            r["name"],
            f"{r['value']:.4g} {r['unit']}",
            r["baseline"],
            "" if r["ratio"] is None else f"{r['ratio']:.3g}",
        )
        for r in rows
    ]
    return Answer(rows, table(("name", "median", "against", "ratio"), cells))


def open_bench(quick: bool, device: str) -> list[Row]:
    """A 1024 x 1024 x 200 scene of 16 bit in each uncompressed format, through a reader.

    The time runs from opening to the first composite of three bands, with the reader server
    running and the file in the page cache; memory is the reader's highest above the idle server.
    """
    from rsviz.io.specimens import SPECIMENS, cube
    from rsviz.jobs.readers import Readers

    readers, rows = Readers(), []
    pixels = cube(SIDE, SIDE, BANDS)
    try:
        readers.open("indian-pines").close()
        for name in QUICK_FORMATS if quick else SPECIMENS:
            with tempfile.TemporaryDirectory(prefix="rsviz-bench-") as folder:
                path = str(SPECIMENS[name](pixels, Path(folder)))
                seconds, peaks, clicks = [], [], []
                for _ in range(3):
                    started = time.perf_counter()
                    source = readers.open(path)
                    source.composite((150, 90, 20))
                    seconds.append(time.perf_counter() - started)
                    peaks.append(_peak_mib(readers.diagnostics()["server"]))
                    clicks += [_click(source, i) for i in range(CLICKS)]
                    source.close()
            rows += [
                row(f"open/{name}", statistics.median(seconds), "s", "target", OPEN_SECONDS),
                row(f"memory/{name}", max(peaks), "MiB", "target", OPEN_MIB),
                row(f"spectrum/{name}", statistics.median(clicks), "s", "target", CLICK_SECONDS),
            ]
    finally:
        readers.close()
    return rows


def _click(source: object, index: int) -> float:
    """Seconds for the spectrum of a pixel that was not asked before."""
    started = time.perf_counter()
    source.spectrum(index * 37 % SIDE, index * 101 % SIDE)  # type: ignore[attr-defined]
    return time.perf_counter() - started


def _peak_mib(server: int) -> float:
    """Highest resident memory of any reader above that of the idle server, in MiB."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    highest = max(_status_kib(int(pid), "VmHWM") for pid in children)
    return (highest - _status_kib(server, "VmRSS")) / 1024


def _status_kib(pid: int, key: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(key)))


def start_bench(quick: bool, device: str) -> list[Row]:
    """Importing all model cards in a fresh interpreter, and whether that imports torch."""
    found = []
    for _ in range(3 if quick else 9):
        command = [sys.executable, "-c", START]
        out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        found.append(json.loads(out.stdout))
    seconds = statistics.median(f[0] for f in found)
    return [
        row(f"import of {found[0][1]} cards", seconds, "s", "target", START_SECONDS),
        row("imports torch", float(any(f[2] for f in found)), "0 no, 1 yes"),
    ]


def benches() -> dict[str, Bench]:
    """All benches by name."""
    from rsviz.evaluate.bench import BENCHES

    return BENCHES | {"open": open_bench, "start": start_bench}
