"""The command bench: speed and memory of models, of opening files, and of the start."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsviz.cli.output import Answer, Progress, table
from rsviz.core.errors import BadOption
from rsviz.evaluate.rows import Bench, Row, row
from rsviz.jobs.readers import Readers, RemoteSource

SIDE, BANDS = 1024, 200
QUICK_FORMATS = ("envi bsq", "envi bip", "geotiff by band", "npy", "hdf5")
OPEN_SECONDS, OPEN_MIB, CLICK_SECONDS, START_SECONDS = 1.0, 100.0, 0.4, 0.3
CLICKS = 20

ROOT = Path(__file__).resolve().parents[2]
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

    known = _benches()
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
    running and the file in the page cache; memory is the reader's highest above that of one
    idle on an 8 x 8 scene of the same format.
    """
    from rsviz.io.specimens import SPECIMENS, cube

    readers, rows = Readers(), []
    try:
        for name in QUICK_FORMATS if quick else SPECIMENS:
            with tempfile.TemporaryDirectory(prefix="rsviz-bench-") as folder:
                small = str(SPECIMENS[name](cube(8, 8, BANDS), Path(folder)))
                with _opened(readers, small):
                    idle = _reader_kib(readers, "VmRSS")
                path = str(SPECIMENS[name](cube(SIDE, SIDE, BANDS), Path(folder)))
                seconds, peaks, clicks = [], [], []
                for _ in range(3):
                    started = time.perf_counter()
                    with _opened(readers, path) as source:
                        source.composite((150, 90, 20))
                        seconds.append(time.perf_counter() - started)
                        peaks.append(_reader_kib(readers, "VmHWM"))
                        clicks += [_click(source, i) for i in range(CLICKS)]
            memory = (max(peaks) - idle) / 1024
            rows += [
                row(f"open/{name}", statistics.median(seconds), "s", "target", OPEN_SECONDS),
                row(f"memory/{name}", memory, "MiB", "target", OPEN_MIB),
                row(f"spectrum/{name}", statistics.median(clicks), "s", "target", CLICK_SECONDS),
            ]
    finally:
        readers.close()
    return rows


@contextmanager
def _opened(readers: Readers, path: str) -> Iterator[RemoteSource]:
    """A scene open in a reader, which has ended at the end of the block."""
    source = readers.open(path)
    try:
        yield source
    finally:
        source.close()
        while any(_status_kib(pid, "VmRSS") for pid in _children(readers)):
            time.sleep(0.01)


def _click(source: RemoteSource, index: int) -> float:
    """Seconds for the spectrum of a pixel that was not asked before."""
    started = time.perf_counter()
    source.spectrum(index * 37 % SIDE, index * 101 % SIDE)
    return time.perf_counter() - started


def _reader_kib(readers: Readers, key: str) -> int:
    """A memory figure of the only reader."""
    return max(_status_kib(pid, key) for pid in _children(readers))


def _children(readers: Readers) -> list[int]:
    """Process ids of the readers."""
    server = readers.diagnostics()["server"]
    return [int(pid) for pid in Path(f"/proc/{server}/task/{server}/children").read_text().split()]


def _status_kib(pid: int, key: str) -> int:
    """A figure of a process in KiB; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)


def start_bench(quick: bool, device: str) -> list[Row]:
    """Importing all model cards in a fresh interpreter, and whether that imports torch."""
    found = []
    for _ in range(3 if quick else 9):
        command = [sys.executable, "-c", START]
        out = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=60, cwd=ROOT
        )
        found.append(json.loads(out.stdout))
    seconds = statistics.median(f[0] for f in found)
    return [
        row(f"import of {found[0][1]} cards", seconds, "s", "target", START_SECONDS),
        row("imports torch", float(any(f[2] for f in found)), "0 no, 1 yes"),
    ]


def _benches() -> dict[str, Bench]:
    """All benches by name."""
    from rsviz.cli.bench_page import page_bench
    from rsviz.evaluate.bench import benches

    return benches() | {"open": open_bench, "start": start_bench, "page": page_bench}
