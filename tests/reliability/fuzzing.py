"""R1: damaged files of every format, thousands a minute, in children that are locked like readers.

Every case is determined by reader and number, so that it can be made again. A child works through
a batch and notes in shared memory which case it is at; when it dies, that case is the find and a
new child goes on with the next one.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import random
import resource
import signal
import struct
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import parsers
import seeds
from mutation import mutated
from reading import read_everything
from seeds import Seed

from rsviz.io.doors import HDF5
from rsviz.jobs import jail

BATCH = 500
CASE_SECONDS = 2.0
WALL_SECONDS = 60
MEMORY_BYTES = 2 << 30
GROWTH_MIB = 256
ENDED, HEAVY = "ended by", "memory grew by"
SHARES = {"jpeg": 0.3, "jpeg2000": 0.3, "png": 0.5, "envi": 1.2}
"""Readers that get fewer or more than an equal share of the cases."""

Try = Callable[[Path, bytes, bytes], bool]
State = struct.Struct("<qqqd")  # case under way, opened, done, processor seconds at its start


@dataclass
class Batch:
    """What came of a batch of cases.

    Attributes:
        target: reader or parser.
        first, count: numbers of its cases.
        opened: how many gave a valid scene.
        finds: [case, what happened, whether the file is built on HDF5].
        growth_mib: how much the memory of the child grew.
        seconds: of processor time.
    """

    target: str
    first: int
    count: int
    opened: int = 0
    finds: list[tuple[int, str, bool]] = field(default_factory=list)
    growth_mib: float = 0.0
    seconds: float = 0.0


def case(target: str, number: int, known: list[Seed]) -> tuple[bytes, bytes]:
    """Content, and header where the format has one, of a case."""
    rng = random.Random(f"{target} {number}")
    seed = rng.choice(known)
    if seed.header and rng.random() < 0.6:
        header = mutated(rng, seed.header, [s.header for s in known])
        return seed.content, header
    return mutated(rng, seed.content, [s.content for s in known]), seed.header


def try_file(path: Path, content: bytes, header: bytes) -> bool:
    """Write the files and do with them whatever a visitor can do."""
    path.write_bytes(content or b"\0")
    if header:
        path.with_suffix(".hdr").write_bytes(header)
    return read_everything(path)


@cache
def targets() -> dict[str, tuple[list[Seed], Try]]:
    """Readers and parsers with their seeds and what to do with a case."""
    readers = {name: (found, try_file) for name, found in seeds.all_seeds().items()}
    others = {name: (found, attempt) for name, (found, attempt) in parsers.all_parsers().items()}
    return readers | others


def plan(total: int) -> Iterator[tuple[str, int, int]]:
    """Batches (target, first case, cases) of a run of about so many cases; the parsers get a
    tenth."""
    known = targets()
    weight = {
        name: 0.1 * 12 / len(parsers.NAMES) if name in parsers.NAMES else SHARES.get(name, 1.0)
        for name in known
    }
    for name in known:
        count = -(-total * weight[name] // sum(weight.values()))
        for first in range(0, int(count), BATCH):
            yield name, first, min(BATCH, int(count) - first)


def run_batch(target: str, first: int, count: int, collect: bool) -> Batch:
    """Try some cases; a child that dies is replaced, and the case remembered.

    Args:
        target: reader or parser.
        first: number of the first case.
        count: how many.
        collect: whether finds join the corpus, from which later runs start.
    """
    known, attempt = targets()[target]
    batch = Batch(target, first, count)
    shared = mmap.mmap(-1, State.size)
    at, found = first, []
    with tempfile.TemporaryDirectory(prefix="rsviz-fuzz-", dir=_fast_folder()) as folder:
        notes = Path(folder) / "notes"
        while at < first + count:
            State.pack_into(shared, 0, at, 0, 0, 0.0)
            child = os.fork()
            if child == 0:
                _work(shared, Path(folder), notes, target, known, attempt, at, first + count)
            _, status, used = os.wait4(child, 0)
            now, opened, growth, _ = State.unpack_from(shared, 0)
            batch.opened += opened
            batch.growth_mib = max(batch.growth_mib, growth / 1024)
            batch.seconds += used.ru_utime + used.ru_stime
            code = os.waitstatus_to_exitcode(status)
            if code == 0:
                break
            found.append([now, f"{ENDED} {_named(-code)}"])
            at = now + 1
        if notes.exists():
            found += [json.loads(line) for line in notes.read_text().splitlines()]
    for number, what in found:
        content, header = case(target, number, known)
        library = HDF5 in content and what.startswith((ENDED, HEAVY))
        batch.finds.append((number, what, library))
        if collect:
            _keep(target, content, header, f"{f'{seeds.LIBRARY}: ' if library else ''}{what}")
    batch.seconds = round(batch.seconds, 2)
    return batch


def _work(
    shared: mmap.mmap,
    folder: Path,
    notes: Path,
    target: str,
    known: list[Seed],
    attempt: Try,
    at: int,
    end: int,
) -> None:
    """In the child: lock it as a reader is locked, then try case after case."""
    status = 1
    try:
        jail.limit(MEMORY_BYTES, MEMORY_BYTES)
        jail.lock_files((*jail.python_files(), folder), [folder])
        tempfile.tempdir = str(folder)
        opened, idle = 0, _peak_kib()
        for number in range(at, end):
            growth = _peak_kib() - idle
            State.pack_into(shared, 0, number, opened, growth, time.process_time())
            signal.setitimer(signal.ITIMER_PROF, CASE_SECONDS)
            signal.alarm(WALL_SECONDS)
            content, header = case(target, number, known)
            told = ""
            try:
                opened += bool(attempt(folder / "a", content, header))
            except Exception as error:
                told = traceback.format_exception_only(error)[-1].strip()[:200]
            if _peak_kib() - idle > max(growth, 1024 * GROWTH_MIB):
                told = f"{HEAVY} {(_peak_kib() - idle) // 1024} MiB"
            if told:
                with notes.open("a") as out:
                    out.write(json.dumps([number, told]) + "\n")
        State.pack_into(shared, 0, end, opened, _peak_kib() - idle, 0.0)
        status = 0
    finally:
        os._exit(status)


def _keep(target: str, content: bytes, header: bytes, why: str) -> None:
    """Add a case to the corpus, unless it is large, has a header, or one like it is there."""
    kind = why.partition(HEAVY)[0] + HEAVY if HEAVY in why else why
    known = (p.read_text() for p in seeds.CORPUS.glob(f"{target}-*.txt"))
    if header or len(content) > seeds.LARGEST or any(text.startswith(kind) for text in known):
        return
    seeds.CORPUS.mkdir(exist_ok=True)
    name = f"{target}-{hashlib.sha256(content).hexdigest()[:12]}"
    path = seeds.CORPUS / f"{name}.bin"
    path.write_bytes(content)
    path.with_suffix(".txt").write_text(f"{why}\n")


def _named(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else str(number)


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _fast_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
