"""The list of scenes that can be opened by a short name, and the way to open any of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rsviz.core.errors import UnreadableScene
from rsviz.core.scene import Source
from rsviz.io import known_series, profiles
from rsviz.io.budget import DEFAULT_BUDGET, Budget
from rsviz.io.paths import data_of, shown, truth_of

INDIAN_PINES = "indian-pines"
ENMAP_POTSDAM = "enmap-potsdam"
SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
MOST_FILES = 5000
DEEPEST = 8
METADATA_END = "_mtl.txt"
"""End of the name of the file that stands for a Landsat scene."""
_RASTERS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2")
_ARRAYS = (".mat", ".nc", ".h5", ".hdf5", ".he5", ".npy", ".npz", ".hdr")
EXTENSIONS = frozenset(_RASTERS + _ARRAYS)
PLAIN_FOLDERS = frozenset(("data", "images", "image", "img", "img_dir"))


@dataclass(frozen=True)
class SceneEntry:
    """A scene in the list: what to call it and where it lies.

    Attributes:
        id: short and stable; accepted by `open_scene`.
        title: for people.
        origin: "real" for observed scenes, "sample" for simulated ones that the project ships.
        path: the file.
        about: one sentence.
        licence: of the data.
        simulated: whether it was simulated.
    """

    id: str
    title: str
    origin: Literal["real", "sample"]
    path: str
    about: str = ""
    licence: str = ""
    simulated: bool = False


def scenes() -> tuple[SceneEntry, ...]:
    """All scenes: Indian Pines, the simulated samples, then files under RSVIZ_DATA.

    No file is opened; files are listed by their extension.
    """
    found = [*_indian_pines(), *_samples(), *_data_folder()]
    return tuple({entry.id: entry for entry in reversed(found)}.values())[::-1]


def open_scene(
    ref: str, variable: str = "", axes: str = "", budget: Budget = DEFAULT_BUDGET
) -> Source:
    """Open a scene by its id or by the path of its file.

    Args:
        ref: a scene id such as "indian-pines", or a path.
        variable: which array of the file; "" lets the reader choose.
        axes: order of its axes, e.g. "HWC"; "" lets the reader guess.
        budget: byte limits.

    Raises:
        UnreadableScene: no such scene, or its file cannot be read.
        SceneTooLarge: a part that must be unpacked exceeds the budget.
        BadOption: the variable or the axes do not fit.
    """
    entry = find_scene(ref) or SceneEntry("", "", "real", ref)
    return open_entry(entry, variable, axes, budget)


def find_scene(ref: str) -> SceneEntry | None:
    """The listed scene with this id; None when `ref` is a path.

    Raises:
        UnreadableScene: it is neither an id nor a file.
    """
    if not re.fullmatch(r"[a-z0-9_-]{1,64}", ref):
        profiles.permit(ref)
        return None
    entry = next((e for e in scenes() if e.id == ref), None)
    if entry is None:
        profiles.permit(ref)
    if entry is None and not Path(ref).exists():
        raise UnreadableScene(
            f"There is no scene '{ref}' and no file of this name.",
            "`python -m rsviz scenes` lists all scenes.",
        )
    return entry


def open_entry(
    entry: SceneEntry, variable: str = "", axes: str = "", budget: Budget = DEFAULT_BUDGET
) -> Source:
    """Open a scene of the list, or any file (an entry with a path alone); see `open_scene`."""
    if entry.id == INDIAN_PINES:
        from rsviz.io.indian_pines import open_indian_pines

        return open_indian_pines(budget)
    from rsviz.io.doors import open_file

    if entry.id in known_series.COLLECTIONS:
        return known_series.COLLECTIONS[entry.id].open(Path(entry.path), variable, budget)
    if entry.id == ENMAP_POTSDAM:
        from rsviz.io.enmap_potsdam import open_enmap_potsdam

        return open_enmap_potsdam(Path(entry.path), budget)
    source = open_file(entry.path, variable, axes, budget)
    if not entry.id:
        return source
    described = source.describe()
    return source.described(
        replace(described, name=entry.title, simulated=described.simulated or entry.simulated)
    )


def _indian_pines() -> Iterator[SceneEntry]:
    from rsviz.io import indian_pines

    folder = indian_pines.data_folder()
    if folder is not None:
        yield SceneEntry(
            INDIAN_PINES,
            "Indian Pines",
            "real",
            str(folder / "Indian_pines_corrected.npy"),
            indian_pines.ABOUT,
            indian_pines.LICENCE,
        )


def _samples() -> Iterator[SceneEntry]:
    manifest = SAMPLES / "manifest.json"
    if not manifest.is_file():
        return
    for item in json.loads(manifest.read_text("utf-8"))["scenes"]:
        path = SAMPLES / item["file"]
        if path.is_file():
            yield SceneEntry(
                item["id"],
                item["title"],
                "sample",
                str(path),
                item.get("description", ""),
                item.get("licence", ""),
                simulated=True,
            )


def _data_folder() -> Iterator[SceneEntry]:
    named = os.environ.get("RSVIZ_DATA", "")
    if not named:
        return
    root = Path(os.path.realpath(named))
    paths = sorted(_candidates(root))
    labels = {truth_of(path) for path in paths}
    taken: set[str] = {INDIAN_PINES, ENMAP_POTSDAM}
    yield from _enmap_potsdam(paths)
    for name, known, file in known_series.found(root):
        taken.add(name)
        yield SceneEntry(name, known.title, "real", str(file), known.about, known.licence)
    for path in paths:
        if path in labels:
            continue
        inside = path.relative_to(root)
        short = _short_id(inside)
        if short in taken:
            short = _shortened(f"{short}-{_digest(inside)}")
        taken.add(short)
        about = f"{shown(str(inside))}, {path.stat().st_size / 1e6:.1f} MB"
        yield SceneEntry(short, shown(_title(inside)), "real", str(path), about)


def _enmap_potsdam(paths: Sequence[Path]) -> Iterator[SceneEntry]:
    from rsviz.io import enmap_potsdam as enmap

    tile = enmap.first_tile(paths)
    if tile is not None:
        yield SceneEntry(ENMAP_POTSDAM, enmap.TITLE, "real", str(tile), enmap.ABOUT, enmap.LICENCE)


def _candidates(root: Path) -> Iterator[Path]:
    """Files under a folder whose extension promises a scene; links are not followed."""
    count = 0
    for folder, names, files in os.walk(root):
        here = Path(folder)
        if len(here.relative_to(root).parts) >= DEEPEST:
            names.clear()
        names[:] = sorted(n for n in names if not n.startswith("."))
        for name in sorted(files):
            path = here / name
            metadata = name.lower().endswith(METADATA_END)
            if not (metadata or path.suffix.lower() in EXTENSIONS) or path.is_symlink():
                continue
            if path.suffix.lower() == ".hdr":
                data = data_of(path)
                if data is None or data.suffix.lower() in EXTENSIONS or _is_library(path):
                    continue
                path = data
            count += 1
            if count > MOST_FILES:
                return
            yield path


def _is_library(header: Path) -> bool:
    """Whether an ENVI header describes a spectral library, which is no scene."""
    with header.open("rb") as file:
        return b"spectral library" in file.read(4096).lower()


def _short_id(inside: Path) -> str:
    """A stable id from the path inside the data folder: the collection and the file's name."""
    folders = [f for f in inside.parts[:-1] if f.lower() not in PLAIN_FOLDERS]
    stem, collection = _slug(inside.stem), _slug(folders[-1]) if folders else ""
    if not collection or stem.startswith(collection):
        return _shortened(stem or _digest(inside))
    return _shortened(f"{collection}-{stem}")


def _title(inside: Path) -> str:
    folders = [f for f in inside.parts[:-1] if f.lower() not in PLAIN_FOLDERS]
    return f"{inside.stem} ({folders[-1]})" if folders else inside.stem


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _shortened(text: str) -> str:
    if len(text) <= 64:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=3).hexdigest()
    return f"{text[:57].rstrip('-')}-{digest}"


def _digest(inside: Path) -> str:
    return hashlib.blake2b(str(inside).encode(), digest_size=3).hexdigest()
