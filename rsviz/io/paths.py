"""Which files are read, and which files beside a scene belong to it."""

from __future__ import annotations

import glob
import os
import re
import stat
from pathlib import Path

from rsviz.core.errors import UnreadableScene

TRUTH_ENDINGS = ("_truth", "_gt", "_groundtruth", "_labels")
TRUTH_EXTENSIONS = (".tif", ".mat", ".npy", ".png")
IMAGE_FOLDERS = ("images", "image", "img", "img_dir")
TRUTH_FOLDERS = ("labels", "label", "gt", "groundtruth", "truth", "masks", "ann_dir")
DATE_ENDINGS = ("_dates.txt", "_dates.csv", ".dates")
LONGEST_NAME = 120


def regular_file(path: str | Path) -> Path:
    """The real path of an existing, ordinary, non-empty file.

    Raises:
        UnreadableScene: it is something else, with the sentence that says what.
    """
    text = str(path)
    if "\0" in text:
        raise UnreadableScene("The path holds a NUL character; a path to a file is expected.")
    try:
        real = Path(os.path.realpath(text))
        status = real.stat()
    except OSError as error:
        reason = error.strerror or "it cannot be reached"
        raise UnreadableScene(
            f"There is no readable file '{shown(text)}': {reason}.", "Check the path."
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableScene(
            f"'{shown(real.name)}' is a folder; a file is expected.", "Choose a file inside it."
        )
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableScene(f"'{shown(real.name)}' is a device or a pipe, not a file.")
    if status.st_size == 0:
        raise UnreadableScene(
            f"'{shown(real.name)}' is empty (0 bytes).", "The copy may have failed; fetch it again."
        )
    return real


def shown(text: str) -> str:
    """A name for people: control characters replaced, of bearable length."""
    clean = printable(text)
    return clean if len(clean) <= LONGEST_NAME else clean[: LONGEST_NAME - 1] + "…"


def printable(text: str) -> str:
    """A stranger's text on one line, with a sign in the place of each control character."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def world_file_names(path: Path) -> tuple[Path, ...]:
    """Where a world file of an image may lie (.pgw, .jgw, .tfw, .wld)."""
    ext = path.suffix.lstrip(".")
    if not ext:
        return ()
    short = (ext[0] + ext[-1] + "w") if len(ext) >= 3 else ext + "w"
    return tuple(path.with_suffix(f".{s}") for s in (short, ext + "w", short.upper(), "wld"))


def header_of(path: Path) -> Path | None:
    """The ENVI header beside a data file: 'name.hdr' or 'name.ext.hdr'."""
    for candidate in (path.with_name(path.name + ".hdr"), path.with_suffix(".hdr")):
        if candidate != path and candidate.is_file() and data_of(candidate) in (None, path):
            return candidate
    return None


def data_of(header: Path) -> Path | None:
    """The data file that an ENVI header describes."""
    stem = header.with_suffix("")
    endings = ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw", ".bin", ".sli", ".lib")
    for ending in (*endings, *(e.upper() for e in endings[1:])):
        candidate = stem.with_name(stem.name + ending)
        if candidate.is_file():
            return candidate
    return None


def truth_of(path: Path) -> Path | None:
    """The file of reference labels that belongs to a scene, by its name or folder."""
    stems = {path.stem, path.stem.removesuffix("_corrected")}
    if any(path.stem.endswith(ending) for ending in TRUTH_ENDINGS):
        return None
    names = [
        path.with_name(stem + ending + ext)
        for stem in sorted(stems)
        for ending in TRUTH_ENDINGS
        for ext in TRUTH_EXTENSIONS
    ]
    if path.parent.name in IMAGE_FOLDERS:
        names += [
            path.parent.parent / folder / (path.stem + ext)
            for folder in TRUTH_FOLDERS
            for ext in TRUTH_EXTENSIONS
        ]
    return next((name for name in names if name.is_file()), None)


def mosaic_of(path: Path) -> tuple[Path, ...]:
    """All tiles of the scene to which a file NAME_tile_COL_ROW.ext belongs; none for others."""
    name, tile, place = path.stem.partition("_tile_")
    if not tile or not all(number.isdecimal() for number in place.split("_")):
        return ()
    return tuple(sorted(path.parent.glob(f"{glob.escape(name)}_tile_*{path.suffix}")))


COLLECTIONS: dict[str, tuple[str, ...]] = {
    "dtwsat_mt/timeline": ("*.tif", "samples.csv"),
    "eolearn_TestEOPatch/timestamps.json": (
        "bbox.geojson", "data/NDVI.npy", "mask/IS_VALID.npy", "mask_timeless/LULC.npy",
    ),
}  # fmt: skip
"""Files beside one that stands for a known collection, by the end of its path."""


def collection_of(path: Path) -> tuple[Path, ...]:
    """The other files of a known collection; none for other files."""
    patterns = COLLECTIONS.get("/".join(path.parts[-2:]), ())
    return tuple(sorted(found for p in patterns for found in path.parent.glob(p)))


RASTERS = {
    "water vapour": "_water_vapour.tif",
    "air temperature": "_air_temperature.tif",
    "emissivity": "_emissivity.tif",
}
"""Rasters beside a Landsat scene that become bands of it, by the end of their names."""


def landsat_bands(metadata: Path, scene: str) -> dict[str, Path]:
    """Files of the bands of a Landsat scene beside its metadata file, by number: '10', '6_VCID_1'.

    Their names start with that of the scene, and end in _B10.TIF or _band10.tif.
    """
    found = {}
    for path in sorted(metadata.parent.iterdir()):
        match = re.fullmatch(r"(.+)_(?:b|band)(\d+(?:_vcid_\d)?)\.tiff?", path.name, re.IGNORECASE)
        if match and match[1].lower() == scene.lower() and path.is_file():
            found[match[2].upper()] = path
    return found


def landsat_rasters(metadata: Path) -> tuple[tuple[str, Path], ...]:
    """Rasters beside a metadata file that tell of the air and the ground, by what they tell."""
    names = sorted(p for p in metadata.parent.iterdir() if p.is_file())
    pairs = (
        (what, next((p for p in names if p.name.lower().endswith(end)), None))
        for what, end in RASTERS.items()
    )
    return tuple((what, path) for what, path in pairs if path is not None)


def metadata_in(folder: Path) -> Path | None:
    """The metadata file of the one Landsat scene in a folder; None for none or several."""
    found = [p for p in folder.iterdir() if p.name.lower().endswith("_mtl.txt") and p.is_file()]
    return found[0] if len(found) == 1 else None


def beside_metadata(path: Path) -> tuple[Path, ...]:
    """All rasters in the folder of a Landsat metadata file; none for other files."""
    if not path.name.lower().endswith("mtl.txt"):
        return ()
    return tuple(p for p in sorted(path.parent.iterdir()) if p.suffix.lower() in (".tif", ".tiff"))


def belonging(path: Path) -> tuple[Path, ...]:
    """All files that opening a scene may read: itself, header, world file, reference labels."""
    tiles = mosaic_of(path)
    labels = (truth_of(tile) for tile in (path, *tiles))
    days = (path.with_name(path.stem + ending) for ending in DATE_ENDINGS)
    beside = (header_of(path), data_of(path), *world_file_names(path), *labels, *tiles, *days)
    candidates = (path, *beside, *collection_of(path), *beside_metadata(path))
    if path.is_dir():
        return (path, *sorted(p for p in path.iterdir() if p.is_file()))
    found = [p for p in candidates if p is not None and p.is_file()]
    return tuple(dict.fromkeys(found))


def cache_folder() -> Path:
    """Where rsviz keeps what it can compute again.

    `RSVIZ_CACHE` when set, else `rsviz` under the user's cache folder.
    """
    named = os.environ.get("RSVIZ_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rsviz"


def partial_key(key: str) -> str:
    """Under which the newest partial result of an unfinished run is kept."""
    return f"{key}{'0' * 8}"
