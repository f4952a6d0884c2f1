"""Checking what is kept on disk: results, answers of baselines, weights, and leftovers.

Everything but weights can be computed again and is removed when damaged.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rsviz.core import registry
from rsviz.core.errors import WeightsMissing
from rsviz.io import profiles
from rsviz.io.paths import cache_folder
from rsviz.jobs.store import ResultStore

STALE_SECONDS = 24 * 3600.0
OURS = ("rsviz-upload-*", "rsviz-readers-*", "rsviz-bench-*", "rsviz-proof-*", "rsviz-fuzz-*")
TEMPORARY = (".*.tmp", "*.part")


@dataclass(frozen=True)
class Found:
    """What is kept, and what was wrong with it.

    Attributes:
        results, damaged: entries of the store of results.
        baselines, damaged_baselines: answers of baselines.
        leftovers: temporary files and folders of processes that are gone.
        weights: sound files of weights.
        weights_damaged: a sentence for each of the others.
    """

    results: int
    damaged: int
    baselines: int
    damaged_baselines: int
    leftovers: tuple[str, ...]
    weights: int
    weights_damaged: tuple[str, ...]


def check(keep: bool = False) -> Found:
    """Check everything; remove what is damaged or left over, unless told to keep it."""
    results, damaged = ResultStore().check(keep)
    baselines, bad_baselines = _baselines(keep)
    sound, bad = _weights()
    return Found(results, damaged, baselines, bad_baselines, _leftovers(keep), sound, bad)


def _baselines(keep: bool) -> tuple[int, int]:
    """Answers that can be read, and those that cannot."""
    sound = damaged = 0
    for path in (cache_folder() / "baselines").glob("*.npy"):
        try:
            with path.open("rb") as file:
                np.load(file, allow_pickle=False)
            sound += 1
        except (OSError, ValueError, EOFError):
            damaged += 1
            if not keep:
                path.unlink(missing_ok=True)
    return sound, damaged


def _leftovers(keep: bool) -> tuple[str, ...]:
    """Temporary files and folders that nobody has touched for a day."""
    found = [p for name in OURS for p in profiles.uploads_root().glob(name)]
    found += [p for name in TEMPORARY for p in cache_folder().rglob(name)]
    old = [p for p in found if time.time() - _touched(p) > STALE_SECONDS]
    for path in () if keep else old:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return tuple(str(path) for path in old)


def _touched(path: Path) -> float:
    """When a file, or anything in a folder, was last changed."""
    try:
        inside = path.rglob("*") if path.is_dir() else ()
        return float(max(p.lstat().st_mtime for p in (path, *inside)))
    except FileNotFoundError:
        return time.time()


def _weights() -> tuple[int, tuple[str, ...]]:
    """Sound files of weights, and a sentence for each of the others."""
    from rsviz.nn.weights import read_state

    sound, bad = 0, []
    for card in registry.cards().values():
        for weights in card.weights:
            if not weights.file:
                continue
            try:
                read_state(weights)
                sound += 1
            except WeightsMissing as error:
                bad.append(f"{card.id}: {error.message}")
    return sound, tuple(bad)
