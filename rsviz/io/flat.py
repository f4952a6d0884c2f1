"""An array that lies flat in a file, read by seeking: only what a window needs, plus little.

Nothing is memory-mapped, so that a limit on a process's memory means what it says.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import UnreadableScene
from rsviz.io.budget import array_bytes, megabytes
from rsviz.io.layout import Layout, Selection
from rsviz.io.source import ArrayPixels

SPAN_BYTES = 1 << 19
RUN_BYTES = 1 << 10
GAP_BYTES = 1 << 14

Wanted = list[range | tuple[int, ...]]
"""Ascending indices along each stored axis."""


@dataclass(frozen=True)
class FlatFile:
    """Numbers of one type in C order (last axis fastest) from an offset on.

    Attributes:
        file: open for reading bytes.
        name: what to call the file in sentences.
        offset: where the first number lies, bytes.
        dtype: type with byte order.
        shape: sizes of the stored axes, slowest first.
        first_step: bytes from one index of the first axis to the next, when other things lie
            between; 0 when nothing does.
    """

    file: BinaryIO
    name: str
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    first_step: int = 0

    def check_size(self) -> None:
        """Make sure that the file is long enough.

        Raises:
            UnreadableScene: it is not.
        """
        steps = (self.shape[0] - 1) * self._step(0) if self.shape else 0
        needed = self.offset + steps + array_bytes(self.shape[1:], self.dtype.itemsize)
        there = os.fstat(self.file.fileno()).st_size
        if needed > there:
            size = " x ".join(str(n) for n in self.shape)
            raise UnreadableScene(
                f"'{self.name}' is too short: {size} numbers of type {self.dtype.name} need "
                f"{needed} bytes ({megabytes(needed)}), the file has {there}.",
                "The copy may be incomplete; fetch the file again.",
            )

    def fetch(self, selection: Selection) -> NDArray[Any]:
        """The selected part, in stored order."""
        wanted: Wanted = [range(s.start, s.stop) if isinstance(s, slice) else s for s in selection]
        out = np.empty([len(w) for w in wanted], dtype=self.dtype)
        self._fill(out, wanted, 0, self.offset)
        return out

    def _fill(self, out: NDArray[Any], wanted: Wanted, axis: int, start: int) -> None:
        """Fill `out` from the sub-array that begins at byte `start` and has the axes from `axis`.

        Wide reads are cheaper than many, so the hull of what is wanted is read at once, unless
        it is large, or mostly unwanted while the wanted runs are long.
        """
        step = self._step(axis)
        low, high = self._hull(wanted, axis + 1)
        if axis + 1 < len(wanted):
            useful = out[0].size * self.dtype.itemsize
            first, last = self._hull(wanted, axis + 2)
            sparse = high - low > 2 * useful and last - first >= RUN_BYTES
            if step > SPAN_BYTES or sparse:
                for i, index in enumerate(wanted[axis]):
                    self._fill(out[i], wanted, axis + 1, start + index * step)
                return
        inner = wanted[axis + 1 :]
        done = 0
        unwanted = step - (high - low)  # between two reads; a short gap is cheaper than a seek
        per_read = 1 if unwanted > GAP_BYTES else max(1, SPAN_BYTES // step)
        for run in _runs(wanted[axis], per_read):
            whole: NDArray[Any] = np.ndarray(
                shape=(len(run), *(w[-1] - w[0] + 1 for w in inner)),
                dtype=self.dtype,
                buffer=self._bytes(start + run[0] * step + low, (len(run) - 1) * step + high - low),
                strides=(step, *(self._step(i) for i in range(axis + 1, len(wanted)))),
            )
            out[done : done + len(run)] = whole[(slice(None), *(_relative(w) for w in inner))]
            done += len(run)

    def _hull(self, wanted: Wanted, axis: int) -> tuple[int, int]:
        """First and last byte (exclusive) of the wanted numbers in the axes from `axis`."""
        steps = [self._step(i) for i in range(axis, len(wanted))]
        low = sum(w[0] * s for w, s in zip(wanted[axis:], steps, strict=True))
        high = sum(w[-1] * s for w, s in zip(wanted[axis:], steps, strict=True))
        return low, high + self.dtype.itemsize

    def _step(self, axis: int) -> int:
        """Bytes from one index of an axis to the next."""
        if axis == 0 and self.first_step:
            return self.first_step
        return array_bytes(self.shape[axis + 1 :], self.dtype.itemsize)

    def _bytes(self, start: int, n_bytes: int) -> bytes:
        self.file.seek(start)
        raw = self.file.read(n_bytes)
        if len(raw) != n_bytes:
            raise UnreadableScene(
                f"'{self.name}' ends early: {n_bytes} bytes were expected at byte {start}, "
                f"{len(raw)} are there."
            )
        return raw


def flat_pixels(flat: FlatFile, fortran: bool, axes: str) -> ArrayPixels:
    """Pixels of an array in a file.

    Args:
        flat: where the numbers lie.
        fortran: whether the first named axis varies fastest in the file.
        axes: meaning of the axes, as the file's own software orders them.

    Raises:
        UnreadableScene: the file is too short for the array.
    """
    flat.check_size()
    layout = Layout(flat.shape, axes[::-1] if fortran else axes, flat.dtype.itemsize)
    return ArrayPixels(layout, flat.fetch, flat.file.close, layout.band_first)


def open_bytes(path: Path) -> BinaryIO:
    """A file opened unbuffered, so that each read costs just what it asks for."""
    return path.open("rb", buffering=0)


def _runs(indices: range | tuple[int, ...], longest: int) -> list[list[int]]:
    """Ascending indices as runs of neighbours, each at most `longest` long."""
    runs: list[list[int]] = []
    for _, group in groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0]):
        run = [index for _, index in group]
        runs += [run[i : i + longest] for i in range(0, len(run), longest)]
    return runs


def _relative(wanted: range | tuple[int, ...]) -> slice | list[int]:
    if isinstance(wanted, range):
        return slice(0, len(wanted))
    return [index - wanted[0] for index in wanted]
