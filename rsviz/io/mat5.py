"""MATLAB files of version 5 to 7: plain variables in parts, compressed ones unpacked once.

Only numeric arrays are read; cells, structures, objects and functions are named and passed
over. The layout of the file is that of MathWorks, "MAT-File Format" (level 5).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rsviz.core.errors import UnreadableScene
from rsviz.io.arrays import Variable, open_variables
from rsviz.io.budget import Budget, array_bytes
from rsviz.io.flat import FlatFile, flat_pixels, open_bytes
from rsviz.io.paths import shown
from rsviz.io.source import ArrayPixels, Request, SceneSource
from rsviz.io.unpack import unpacked

MATRIX, COMPRESSED = 14, 15
NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
"""Types of stored numbers; whole-valued arrays are kept in the smallest type that holds them."""

NUMERIC_CLASSES = range(6, 16)
CLASS_NAMES = {
    1: "a cell array",
    2: "a structure",
    3: "an object",
    4: "text",
    5: "a sparse matrix",
    16: "a function",
    17: "an object",
}
MOST_VARIABLES = 1000
MOST_AXES = 32
LONGEST_NAME = 256
CHUNK = 1 << 16


@dataclass(frozen=True)
class Found:
    """A variable as its header tells: where it lies and what it is.

    Attributes:
        name: of the variable.
        shape: as MATLAB shows it; the first axis varies fastest.
        dtype: of the stored numbers, or None when it is not numeric.
        what: words for people when it is not numeric.
        start: of the element in the file, bytes (the content of a compressed element).
        length: of the element, bytes.
        packed: whether the element is compressed.
        skip: bytes before the first number, in the file or once unpacked.
        is_complex: whether imaginary parts follow.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic] | None
    what: str
    start: int
    length: int
    packed: bool
    skip: int
    is_complex: bool


def open_mat5(path: Path, request: Request) -> SceneSource:
    """Open one variable of a MATLAB file.

    Raises:
        UnreadableScene: no variable is an image, or the file is damaged.
        SceneTooLarge: a compressed variable exceeds the budget once unpacked.
        BadOption: the chosen variable is not there, or the axes do not fit.
    """
    with open_bytes(path) as file:
        found = list(_variables(file))
    numeric = [
        Variable(
            f.name,
            f.shape,
            f.dtype,
            partial(_open, path, f, request.budget),
            f.packed,
            ("The numbers are complex; their real part is shown.",) if f.is_complex else (),
        )
        for f in found
        if f.dtype is not None
    ]
    others = ", ".join(f"{f.name} is {f.what}" for f in found if f.dtype is None)
    return open_variables(path, "mat5", numeric, request, others)


def _open(path: Path, found: Found, budget: Budget, axes: str) -> ArrayPixels:
    assert found.dtype is not None
    stored = found.shape[::-1]
    file = open_bytes(path)
    try:
        if not found.packed:
            flat = FlatFile(file, shown(path.name), found.start + found.skip, found.dtype, stored)
            return flat_pixels(flat, True, axes)
        needed = array_bytes(stored, found.dtype.itemsize)
        budget.check_unpack(needed, found.name)
        file.seek(found.start)
        stream = _Inflated(file, found.length)
        stream.read(found.skip)
        whole = unpacked(stream.chunks(needed), needed, found.name, budget)
    except BaseException:
        file.close()
        raise
    file.close()
    return flat_pixels(FlatFile(whole, found.name, 0, found.dtype, stored), True, axes)


def _variables(file: BinaryIO) -> Iterator[Found]:
    """All variables, from their headers alone."""
    head = file.read(128)
    order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
    if order is None:
        raise UnreadableScene("The file begins like MATLAB 5, but its byte order is not told.")
    position = 128
    for _ in range(MOST_VARIABLES):
        file.seek(position)
        tag = file.read(8)
        if len(tag) < 8:
            return
        kind, length = struct.unpack(order + "II", tag)
        if kind not in (MATRIX, COMPRESSED):
            raise UnreadableScene(f"An element of the unknown kind {kind} lies at byte {position}.")
        start = position + 8
        stream: _Plain | _Inflated
        stream = _Inflated(file, length) if kind == COMPRESSED else _Plain(file, length)
        yield _matrix(stream, order, start, length, kind == COMPRESSED)
        position = start + length
    raise UnreadableScene(f"The file holds more than {MOST_VARIABLES} variables.")


def _matrix(stream: _Plain | _Inflated, order: str, start: int, length: int, packed: bool) -> Found:
    """The header of one array: flags, sizes, name, and the tag of its numbers."""
    if packed:
        kind, _ = struct.unpack(order + "II", stream.read(8))
        if kind != MATRIX:
            raise UnreadableScene(f"A compressed element holds the unknown kind {kind}.")
    _, flags = _element(stream, order, 8)
    word = struct.unpack(order + "I", flags[:4])[0]
    kind, is_complex = word & 0xFF, bool(word & 0x0800)
    _, sizes = _element(stream, order, 4 * MOST_AXES)
    shape = tuple(int(n) for n in np.frombuffer(sizes, dtype=order + "i4"))
    if len(shape) < 2 or min(shape) < 0:
        raise UnreadableScene(f"A variable has the sizes {shape}; two or more are expected.")
    _, name = _element(stream, order, LONGEST_NAME)
    title = shown(name.decode("utf-8", errors="replace"))
    if kind not in NUMERIC_CLASSES or array_bytes(shape, 1) == 0:
        what = CLASS_NAMES.get(kind, "empty" if kind in NUMERIC_CLASSES else "of an unknown kind")
        return Found(title, shape, None, what, start, length, packed, 0, False)
    stored, n_bytes, small = _tag(stream, order)
    if stored not in NUMBERS:
        raise UnreadableScene(f"'{title}' stores numbers of the unknown type {stored}.")
    dtype = np.dtype(order + NUMBERS[stored])
    needed = array_bytes(shape, dtype.itemsize)
    if n_bytes != needed:
        raise UnreadableScene(
            f"'{title}' is damaged: {' x '.join(map(str, shape))} numbers of type {dtype.name} "
            f"need {needed} bytes, {n_bytes} are announced."
        )
    skip = stream.taken - (4 if small else 0)
    return Found(title, shape, dtype, "", start, length, packed, skip, is_complex)


def _element(stream: _Plain | _Inflated, order: str, longest: int) -> tuple[int, bytes]:
    """One small element: its type and content; padding is skipped."""
    kind, length, small = _tag(stream, order)
    if small:
        return kind, stream.back(4)[:length]
    if length > longest:
        raise UnreadableScene(f"A header element of {length} bytes is longer than {longest}.")
    content = stream.read(length)
    stream.read(-length % 8)
    return kind, content


def _tag(stream: _Plain | _Inflated, order: str) -> tuple[int, int, bool]:
    """Type and length of an element, and whether its content lies inside the tag itself."""
    tag = stream.read(8)
    kind, length = struct.unpack(order + "II", tag)
    if kind >> 16:  # small element: length and type share the first word
        if kind >> 16 > 4:
            raise UnreadableScene("A small element announces more than 4 bytes.")
        return kind & 0xFFFF, kind >> 16, True
    return kind, length, False


class _Plain:
    """An element that is not compressed, read in order."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length
        self._last = b""
        self.taken = 0

    def read(self, n: int) -> bytes:
        """Exactly the next n bytes.

        Raises:
            UnreadableScene: the element or the file ends before.
        """
        data = self._more(n) if n else b""
        if len(data) < n:
            raise UnreadableScene("A variable ends in the middle of its header.")
        self.taken += n
        self._last = data
        return data

    def back(self, n: int) -> bytes:
        """The last n bytes that were read."""
        return self._last[-n:]

    def _more(self, n: int) -> bytes:
        data = self._file.read(min(n, self._left))
        self._left -= len(data)
        return data


class _Inflated(_Plain):
    """A compressed element, inflated in order and never by more than was asked for."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        super().__init__(file, length)
        self._inflate = zlib.decompressobj()
        self._rest = b""

    def chunks(self, needed: int) -> Iterator[bytes]:
        """The next bytes in chunks, at most as many as needed."""
        while needed > 0:
            chunk = self._more(min(needed, CHUNK))
            if not chunk:
                return
            needed -= len(chunk)
            yield chunk

    def _more(self, n: int) -> bytes:
        out = b""
        while len(out) < n and not self._inflate.eof:
            packed = self._rest or super()._more(CHUNK)
            chunk = self._inflate.decompress(packed, n - len(out))
            self._rest = self._inflate.unconsumed_tail
            if not chunk and not packed:
                break
            out += chunk
        return out
