"""Days and masks that lie beside a series in a .npz archive."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.arrays import Variable
from rsviz.io.dates import HINT, day_in
from rsviz.io.source import Block, Pixels, SceneSource

_DAYS = re.compile(r"dates?|days|time(stamps?)?")
_MASK = re.compile(r"(?P<clear>(is_)?valid|clear)|(is_)?cloud(s|_mask)?|clm|masks?")
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class MaskedDates:
    """Pixels with a mask (T, H, W) of their own.

    Attributes:
        inner: the pixels.
        mask: the mask, one band.
        clear: whether what is not 0 in the mask is clear; clouded otherwise.
    """

    inner: Pixels
    mask: Pixels
    clear: bool

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        for block in self.inner.blocks(window, bands):
            rows = block.rows
            part = Window(rows.start, window.col, rows.stop - rows.start, window.width)
            marked = np.concatenate([b.data for b in self.mask.blocks(part, (0,))], axis=2) != 0
            yield Block(block.bands, rows, block.data, marked == self.clear)

    def close(self) -> None:
        self.inner.close()
        self.mask.close()


def with_days(source: SceneSource, archive: zipfile.ZipFile) -> SceneSource:
    """The series with the days that the archive lists, if it does.

    Raises:
        UnreadableScene: an entry is no day, or there are more or fewer than images.
    """
    about = source.describe()
    entry = next((i for i in archive.infolist() if _DAYS.fullmatch(_stem(i.filename))), None)
    if entry is None or about.shape[0] < 2 or entry.file_size > MOST_BYTES:
        return source
    with archive.open(entry) as packed:  # read in one piece, it would be unpacked whatever it says
        stored = packed.read(MOST_BYTES)
    days = _days(np.load(io.BytesIO(stored), allow_pickle=False))
    lacking = days.count("")
    if lacking:
        raise UnreadableScene(
            f"{lacking} of {len(days)} entries of '{_stem(entry.filename)}' are no days.", HINT
        )
    if len(days) != about.shape[0]:
        raise UnreadableScene(
            f"'{_stem(entry.filename)}' lists {len(days)} days for {about.shape[0]} images.", HINT
        )
    told = f"The days come from the array '{_stem(entry.filename)}'."
    return source.described(replace(about, dates=days, notes=(*about.notes, told)))


def with_masks(source: SceneSource, variables: Sequence[Variable]) -> SceneSource:
    """The series without what an array of the archive masks, if there is one of its size."""
    about = source.describe()
    size = (about.shape[0], *about.grid.shape)
    for variable in variables:
        match = _MASK.fullmatch(variable.name.lower())
        if match and variable.shape == size and variable.name != about.variable and size[0] > 1:
            mask, clear = variable.open("THW"), match["clear"] is not None
            told = f"The array '{variable.name}' tells what is {'clear' if clear else 'clouded'}."
            return source.rewrapped(
                replace(about, notes=(*about.notes, told)),
                partial(MaskedDates, mask=mask, clear=clear),
            )
    return source


def _days(stored: NDArray[Any]) -> tuple[str, ...]:
    """Days of an array of dates, texts or numbers such as 20230419."""
    if stored.dtype.kind == "M":
        stored = stored.astype("M8[D]").astype(str)
    if stored.dtype.kind == "S":
        stored = np.char.decode(stored, "ascii", "replace")
    return tuple(day_in(str(value)) for value in stored.ravel())


def _stem(filename: str) -> str:
    return filename.removesuffix(".npy").lower()
