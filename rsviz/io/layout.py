"""Stored axes of an array, what they mean, and how a window is cut into pieces.

Axes are named by letters: T dates, C bands, H rows, W columns. "HWC" means that rows vary
slowest and bands fastest in the file. "-" stands for an axis of size 1 without a meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import BadOption, UnreadableScene
from rsviz.core.grid import Window

LETTERS = "TCHW"
PIECE_BYTES = 8 << 20
_WORDS = {"T": "date", "C": "band", "H": "row", "W": "column"}
_USUAL = "this is the most usual order"

Selection = tuple[slice | tuple[int, ...], ...]
"""What to take from each stored axis: a slice, or ascending indices."""


@dataclass(frozen=True)
class Layout:
    """An array as it is stored: one size and one letter for each axis."""

    shape: tuple[int, ...]
    axes: str
    itemsize: int

    @property
    def tchw(self) -> tuple[int, int, int, int]:
        """Sizes as (T, C, H, W); an axis that is not stored counts as 1."""
        t, c, h, w = (self.size(letter) for letter in LETTERS)
        return t, c, h, w

    def size(self, letter: str) -> int:
        return self.shape[self.axes.index(letter)] if letter in self.axes else 1

    @property
    def band_first(self) -> bool:
        """Whether whole bands lie apart, so that one band is read without the others."""
        return "C" not in self.axes or self.axes.index("C") < min(
            self.axes.index("H"), self.axes.index("W")
        )

    def select(self, window: Window, rows: slice, bands: Sequence[int]) -> Selection:
        """The part of each stored axis that some rows and (ascending) bands of a window need."""
        first, last = bands[0], bands[-1]
        dense = last - first + 1 == len(bands)
        wanted: dict[str, slice | tuple[int, ...]] = {
            "T": slice(0, self.size("T")),
            "C": slice(first, last + 1) if dense else tuple(bands),
            "H": rows,
            "W": window.cols,
            "-": slice(0, 1),
        }
        return tuple(wanted[letter] for letter in self.axes)

    def to_tchw(self, stored: NDArray[np.generic]) -> NDArray[np.generic]:
        """A block in stored order -> (T, C, H, W), as a view."""
        plain = stored.squeeze(tuple(i for i, letter in enumerate(self.axes) if letter == "-"))
        axes = self.axes.replace("-", "")
        order = [axes.index(letter) for letter in LETTERS if letter in axes]
        missing = tuple(i for i, letter in enumerate(LETTERS) if letter not in axes)
        return np.expand_dims(plain.transpose(order), missing)


def pieces(
    window: Window, n_bands: int, by_band: bool, row_bytes: int, multiple: int = 1
) -> Iterator[tuple[slice, slice]]:
    """Cut a window into pieces of a few megabytes: (positions in the bands, rows of the file).

    Args:
        window: the wanted rectangle.
        n_bands: how many bands are wanted.
        by_band: bands lie apart in the file: as many bands at a time as fit; otherwise all bands
            of some rows at a time.
        row_bytes: what one row of one band costs, or, when bands lie together, of all bands.
        multiple: pieces end at multiples of so many rows (height of tiles or chunks).
    """
    step = max(1, PIECE_BYTES // max(1, row_bytes) // multiple) * multiple
    end = window.row + window.height
    cuts = [window.row, *range((window.row // step + 1) * step, end, step), end]
    together = max(1, PIECE_BYTES // max(1, row_bytes * window.height)) if by_band else n_bands
    groups = [slice(i, min(i + together, n_bands)) for i in range(0, n_bands, together)]
    for group in groups:
        for low, high in pairwise(cuts):
            yield group, slice(low, high)


def checked_axes(axes: str, shape: Sequence[int]) -> str:
    """The axes that a user chose, if they fit the array.

    Raises:
        BadOption: letters are unknown, repeated, missing, or not one for each axis.
    """
    axes = axes.upper()
    meant = axes.replace("-", "")
    known = set(meant) <= set(LETTERS) and len(set(meant)) == len(meant)
    fitting = len(axes) == len(shape) and all(
        n == 1 for letter, n in zip(axes, shape, strict=True) if letter == "-"
    )
    if not fitting or not known or not {"H", "W"} <= set(meant):
        raise BadOption(
            f"The axes '{axes}' do not fit an array of shape {tuple(shape)}.",
            "Give one letter for each axis: T dates, C bands, H rows, W columns, - for an axis of "
            "size 1; H and W are needed. Example: HWC.",
        )
    return axes


def guessed_axes(
    shape: Sequence[int],
    name: str,
    plane: tuple[int, int] | None = None,
    bands: int | None = None,
) -> tuple[str, str]:
    """Guess the meaning of axes from their sizes; returns the axes and a sentence for the user.

    Args:
        shape: stored shape as the file's own software shows it.
        name: what to call the array in sentences.
        plane: (rows, columns) of reference labels in the same file, a strong hint.
        bands: number of wavelengths in the same file, a strong hint.

    Raises:
        UnreadableScene: no image can have this shape.
    """
    size = " x ".join(str(n) for n in shape)
    if any(n < 1 for n in shape):
        raise UnreadableScene(f"'{name}' is empty: its shape is {size}.")
    if len(shape) not in (2, 3, 4) or sorted(shape)[-2] == 1:
        raise UnreadableScene(
            f"'{name}' has the shape {size}; an image with 2 to 4 axes (rows, columns, bands, "
            "dates) is expected."
        )
    if len(shape) == 2:
        return "HW", ""
    if len(shape) == 3:
        axes, why = _three(tuple(shape), plane, bands)
    else:
        second = shape[1] < min(shape[2:])
        axes = "TCHW" if second else "THWC"
        why = "the second axis is the shortest of the last three" if second else _USUAL
    sizes = dict(zip(axes, shape, strict=True))
    meant = ", ".join(f"{n} {_WORDS[letter]}{'s' * (n != 1)}" for letter, n in sizes.items())
    return axes, (
        f"The axes of '{name}' ({size}) were guessed as {axes}, that is {meant}, because {why}; "
        "choose other axes if the image looks wrong."
    )


def _three(
    shape: tuple[int, ...], plane: tuple[int, int] | None, bands: int | None
) -> tuple[str, str]:
    a, b, c = shape
    if plane is not None and (plane == (a, b)) != (plane == (b, c)):
        return ("HWC" if plane == (a, b) else "CHW"), "reference labels have these rows and columns"
    if bands is not None and (bands == c) != (bands == a):
        return ("HWC" if bands == c else "CHW"), f"there are {bands} wavelengths"
    rules = (
        (a == b != c, "HWC", "the first two axes are equal"),
        (b == c != a, "CHW", "the last two axes are equal"),
        (a < min(b, c), "CHW", "the first axis is the shortest"),
        (c < min(a, b), "HWC", "the last axis is the shortest"),
        (True, "HWC", _USUAL),
    )
    return next((axes, why) for holds, axes, why in rules if holds)
