"""What a scene, weights and the code are, before anything is read: the parts of a result's key."""

from __future__ import annotations

import time
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from rsviz.core.card import ModelCard
from rsviz.core.errors import UnreadableScene, WeightsMissing
from rsviz.core.registry import MODELS
from rsviz.io import catalog
from rsviz.io.catalog import SceneEntry
from rsviz.io.known_series import COLLECTIONS
from rsviz.io.paths import belonging
from rsviz.io.profiles import permit

EDGE_BYTES = 65_536
LIST_SECONDS = 10.0
ROOMS = ("core", "io", "nn", "physics", "evaluate")
SOURCE = Path(__file__).resolve().parents[1]


def listed() -> tuple[SceneEntry, ...]:
    """The scenes with a short id; looked up at most every ten seconds."""
    return _listed(int(time.monotonic() // LIST_SECONDS))


@lru_cache(maxsize=1)
def _listed(when: int) -> tuple[SceneEntry, ...]:
    return catalog.scenes()


def file_of(ref: str) -> Path | None:
    """The file, or folder, behind a scene id or path; None when there is none."""
    named = next((entry.path for entry in listed() if entry.id == ref), "")
    try:
        if not named:
            permit(ref)
        path = Path(named or ref).resolve()
        return path if path.is_file() or path.is_dir() else None
    except (OSError, ValueError, UnreadableScene):
        return None


def stamp(ref: str) -> str:
    """Size and time of the files behind a scene: changes when somebody writes them."""
    path = file_of(ref)
    if path is None:
        return ref
    marks = []
    for file in belonging(path):
        status = file.stat()
        marks.append(f"{file}:{status.st_size}:{status.st_mtime_ns}")
    return "|".join(marks)


def scene_of(ref: str) -> str:
    """Identity of a scene without reading its pixels: paths, sizes, times, first and last bytes."""
    path = file_of(ref)
    if path is None:
        return ref
    digest = blake2b(stamp(ref).encode(), digest_size=16)
    if ref in COLLECTIONS:
        digest.update(ref.encode())  # several scenes may come from the same files
    if path.is_dir():
        return digest.hexdigest()
    with path.open("rb") as file:
        digest.update(file.read(EDGE_BYTES))
        file.seek(max(0, path.stat().st_size - EDGE_BYTES))
        digest.update(file.read(EDGE_BYTES))
    return digest.hexdigest()


def weights_of(card: ModelCard, wanted: str) -> list[str]:
    """Hashes of the weights named, or of all among which the run will choose.

    Raises:
        WeightsMissing: there are no weights of that name.
    """
    named = card.named(wanted) if wanted else None
    chosen = [w for w in (card.weights if not wanted else [named]) if w is not None and w.file]
    if wanted and not chosen:
        ids = ", ".join(w.id for w in card.weights if w.file) or "none"
        raise WeightsMissing(f"{card.title} has no weights '{wanted}'.", f"There are: {ids}.")
    return [f"{w.id}:{w.sha256}" for w in chosen]


@lru_cache(maxsize=64)
def code_of(model_id: str) -> str:
    """Hash of the source that computes a result; a change of code is another question."""
    digest = blake2b(digest_size=16)
    for folder in (*(SOURCE / room for room in ROOMS), MODELS / model_id):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
