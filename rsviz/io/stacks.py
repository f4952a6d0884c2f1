"""Series of images: a file with several dates put in order, or a folder of dated files.

In a folder every image is one date, named by its day or listed in a file of days. A mask beside an
image (NAME_mask, NAME_cloud, NAME_clouds or NAME_clm: not 0 is clouded; NAME_valid: not 0 is clear)
takes out what it covers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.core.scene import Description
from rsviz.io.calibration import Calibration
from rsviz.io.dates import HINT, day_in, side_days, side_file, sorting
from rsviz.io.paths import TRUTH_ENDINGS, TRUTH_EXTENSIONS, shown
from rsviz.io.source import Block, Request, SceneSource
from rsviz.io.stacked_bands import SortedDates

IMAGES = (".tif", ".tiff", ".jp2", ".npy", ".png")
MASK_ENDINGS = {"_mask": False, "_cloud": False, "_clouds": False, "_clm": False, "_valid": True}
"""Ends of the names of masks, and whether their marked pixels are the clear ones."""
MOST_FILES = 1000
TRUTH_STEMS = ("truth", "labels", "classes", "ground_truth")

Open = Callable[[Path, Request], SceneSource]


@dataclass(frozen=True)
class DatedFiles:
    """Pixels of a date each, with masks where there are any.

    Attributes:
        images: T sources of one date.
        masks: T masks of one band, or None where a date has none.
        clear: whether the marked pixels of a mask are the clear ones.
    """

    images: tuple[SceneSource, ...]
    masks: tuple[SceneSource | None, ...]
    clear: tuple[bool, ...]

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        shape = (len(self.images), len(bands), window.height, window.width)
        data = np.zeros(shape, np.float32)
        valid = np.zeros((len(self.images), 1, *shape[2:]), np.bool_)
        dates = zip(self.images, self.masks, self.clear, strict=True)
        for t, (image, mask, clear) in enumerate(dates):
            scene = image.read(window, tuple(bands))
            data[t] = scene.pixels[0]
            valid[t, 0] = scene.valid[0]
            if mask is not None:
                valid[t, 0] &= (mask.read(window, (0,)).pixels[0, 0] != 0) == clear
        yield Block(slice(0, len(bands)), window.rows, data, valid)

    def close(self) -> None:
        for source in (*self.images, *(m for m in self.masks if m is not None)):
            source.close()


def is_folder(path: str | Path) -> bool:
    """Whether a path is a folder; what no system could name is none."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def dated(source: SceneSource, path: Path) -> SceneSource:
    """A scene of several dates with its dates in order; other scenes as they are.

    Raises:
        UnreadableScene: the file of days beside it does not fit.
    """
    about = source.describe()
    count = about.shape[0]
    if count < 2:
        return source
    beside = side_file(path)
    days, notes = about.dates, tuple[str, ...]()
    if beside is not None and about.driver not in ("geotiff", "folder"):
        days = side_days(beside)
        notes = (f"The days come from '{shown(beside.name)}'.",)
    if not days:
        told = f"The file holds {count} dates but does not say which days they are. {HINT}"
        return source.described(replace(about, notes=(*about.notes, told)))
    if len(days) != count:
        raise UnreadableScene(f"There are {len(days)} days for {count} images.", HINT)
    order, odd = sorting(days)
    described = replace(
        about, dates=tuple(days[i] for i in order), notes=(*about.notes, *notes, *odd)
    )
    if order == tuple(range(count)):
        return source.described(described)
    return source.rewrapped(described, lambda pixels: SortedDates(pixels, order))


def open_folder(folder: Path, request: Request, open_one: Open) -> SceneSource:
    """Open a folder of dated files as one series.

    Args:
        folder: holds one image for each date.
        request: byte limits.
        open_one: opens one file.

    Raises:
        UnreadableScene: there are no images, a day cannot be read, or sizes or bands differ.
    """
    request.refuse_choices("a folder of images")
    images, masks = _files(folder)
    days, told = _days(folder, images)
    order, odd = sorting(days)
    opened: list[SceneSource] = []
    try:
        one = Request(request.budget)
        for i in order:
            opened.append(open_one(images[i], one))
            _check_alike(opened[0].describe(), opened[-1].describe())
        found = [masks.get(images[i].stem.lower()) for i in order]
        beside = []
        for mask in found:
            if mask is not None:
                opened.append(open_one(mask[0], one))
                _check_size(opened[0].describe(), opened[-1].describe())
            beside.append(None if mask is None else opened[-1])
    except BaseException:
        for source in opened:
            source.close()
        raise
    count = len(order)
    about = opened[0].describe()
    pixels = DatedFiles(
        tuple(opened[:count]), tuple(beside), tuple(m is not None and m[1] for m in found)
    )
    covered = sum(mask is not None for mask in beside)
    notes = [told, *odd]
    if covered:
        notes.append(f"{covered} of {count} dates have a mask beside them.")
    if count == 1:
        notes.append("There is one date only; a series needs at least two.")
    described = replace(
        about,
        name=shown(folder.name),
        driver="folder",
        shape=(count, *about.shape[1:]),
        dates=tuple(days[i] for i in order),
        notes=(*about.notes, *notes),
        stored_bytes=sum(source.describe().stored_bytes for source in opened[:count]),
    )
    return SceneSource(described, pixels, Calibration(), request.budget)


def truth_inside(folder: Path) -> Path | None:
    """The file of reference labels in a folder of dated images; None where there is none."""
    names = [folder / f"{stem}{ext}" for stem in TRUTH_STEMS for ext in TRUTH_EXTENSIONS]
    return next((name for name in names if name.is_file()), None)


def _files(folder: Path) -> tuple[list[Path], dict[str, tuple[Path, bool]]]:
    """Images of a folder in the order of their names, and masks by the stem of their image."""
    images, masks = [], {}
    for path in sorted(folder.iterdir()):
        stem = path.stem.lower()
        if path.suffix.lower() not in IMAGES or path.name.startswith(".") or not path.is_file():
            continue
        ending = next((end for end in MASK_ENDINGS if stem.endswith(end)), None)
        if ending is not None:
            masks[stem.removesuffix(ending)] = (path, MASK_ENDINGS[ending])
        elif not (stem in TRUTH_STEMS or stem.endswith(TRUTH_ENDINGS)):
            images.append(path)
    if not images or len(images) > MOST_FILES:
        raise UnreadableScene(
            f"The folder '{shown(folder.name)}' holds {len(images)} images; 1 to {MOST_FILES} "
            f"files with the endings {', '.join(IMAGES)} are expected.",
            "Choose a file, or a folder with one image a date.",
        )
    return images, masks


def _days(folder: Path, images: Sequence[Path]) -> tuple[tuple[str, ...], str]:
    """The day of each image, and where the days come from."""
    beside = side_file(folder)
    if beside is not None:
        lines = _listed(beside, images)
        return lines, f"The days come from '{shown(beside.name)}'."
    days = tuple(day_in(path.stem) for path in images)
    lacking = [path.name for path, day in zip(images, days, strict=True) if not day]
    if lacking:
        raise UnreadableScene(
            f"{len(lacking)} of {len(images)} images have no day in their name, such as "
            f"'{shown(lacking[0])}'.",
            HINT,
        )
    return days, "The days come from the names of the files."


def _listed(beside: Path, images: Sequence[Path]) -> tuple[str, ...]:
    """Days of a side file: by the name of the image where a line has one, else line by line."""
    named = {}
    for line in beside.read_text("utf8", errors="replace").splitlines():
        parts = [part.strip().strip('"') for part in re.split(r"[,;\t]", line)]
        name = next((p for p in parts if any(p in (i.name, i.stem) for i in images)), "")
        day = next((d for d in (day_in(part) for part in parts if part != name) if d), "")
        if name and day:
            named[Path(name).stem] = day
    if named and all(path.stem in named for path in images):
        return tuple(named[path.stem] for path in images)
    days = side_days(beside)
    if len(days) != len(images):
        raise UnreadableScene(
            f"'{shown(beside.name)}' lists {len(days)} days for {len(images)} images.", HINT
        )
    return days


def _check_alike(first: Description, other: Description) -> None:
    _check_size(first, other)
    if first.shape[:2] != other.shape[:2]:
        raise UnreadableScene(
            f"'{first.name}' has {first.shape[1]} bands, '{other.name}' has {other.shape[1]} bands "
            f"and {other.shape[0]} dates; one date with the same bands is expected of each file."
        )


def _check_size(first: Description, other: Description) -> None:
    if first.grid.shape != other.grid.shape:
        sizes = [f"{d.grid.height} x {d.grid.width}" for d in (first, other)]
        raise UnreadableScene(
            f"The images differ in size: '{first.name}' has {sizes[0]} pixels, '{other.name}' has "
            f"{sizes[1]}; all dates must have the same.",
            "Bring them onto one grid first.",
        )
