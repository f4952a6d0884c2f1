"""Data frames that R has saved (.rda, .RData): numbers, texts and lists, never code.

The layout is that of "R Internals", section 1.8 (serialisation formats), in its XDR form: a flags
word, of which the low 8 bits name the type, then the content. Closures, environments and byte
code are refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rsviz.core.errors import UnreadableScene
from rsviz.io.budget import Budget
from rsviz.io.paths import shown

SYMBOL, PAIRLIST, CHARS, LOGICALS, INTEGERS, REALS, TEXTS, LIST = 1, 2, 9, 10, 13, 14, 16, 19
NIL, REFERENCE, NO_VALUE = 254, 255, 253
HAS_ATTRIBUTES, HAS_TAG = 1 << 9, 1 << 10
DEEPEST, MISSING = 64, -1
_OPENERS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))


@dataclass(frozen=True)
class Named:
    """A vector or list of R with its attributes ("names", "class", ...)."""

    values: Any
    attributes: dict[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> Any:
        """One column of a data frame.

        Raises:
            KeyError: there is none of this name.
        """
        names = self.attributes["names"].values
        if name not in names:
            raise KeyError(name)
        value = self.values[names.index(name)]
        return value.values if isinstance(value, Named) else value


def read_rda(path: Path, budget: Budget) -> dict[str, Any]:
    """All objects of a file by name; a data frame is a `Named` list of columns.

    Raises:
        UnreadableScene: it is no such file, damaged, too large once unpacked, or holds code.
    """
    name = shown(path.name)
    head = path.read_bytes()[:6]
    opener = next((opener for magic, opener in _OPENERS if head.startswith(magic)), open)
    try:
        with opener(path, "rb") as file:
            raw = file.read(budget.unpack_bytes + 1)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise UnreadableScene(f"'{name}' could not be unpacked: {error}") from error
    if len(raw) > budget.unpack_bytes:
        raise UnreadableScene(f"'{name}' is larger than {budget.unpack_bytes} bytes unpacked.")
    if raw[:7] not in (b"RDX2\nX\n", b"RDX3\nX\n"):
        raise UnreadableScene(
            f"'{name}' does not begin like data saved by R in its binary form.",
            "Save it with save(..., ascii = FALSE).",
        )
    reader = _Reader(io.BytesIO(raw[7:]), name)
    try:
        version, _, _ = reader.integers(3)
        if version == 3:
            reader.take(reader.integers(1)[0])  # the encoding of texts, here taken as UTF-8
        found = reader.item(0)
    except (struct.error, UnicodeDecodeError, IndexError, MemoryError) as error:
        raise UnreadableScene(f"'{name}' is damaged: {error}") from error
    return found if isinstance(found, dict) else {}


class _Reader:
    """Reads items one after another; symbols are numbered, because later items refer to them."""

    def __init__(self, file: io.BytesIO, name: str) -> None:
        self._file, self._name = file, name
        self._symbols: list[str] = []

    def take(self, count: int) -> bytes:
        raw = self._file.read(count) if count >= 0 else b""
        if count < 0 or len(raw) != count:
            raise UnreadableScene(f"'{self._name}' ends early or is damaged.")
        return raw

    def integers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f">{count}i", self.take(4 * count))

    def item(self, depth: int) -> Any:
        """The next item: None, a text, a dict (pairlist), an array, or `Named`."""
        if depth > DEEPEST:
            raise UnreadableScene(f"'{self._name}' is nested too deeply.")
        (flags,) = self.integers(1)
        kind = flags & 0xFF
        if kind in (NIL, NO_VALUE):
            return None
        if kind == REFERENCE:
            return self._symbols[((flags >> 8) or self.integers(1)[0]) - 1]
        if kind == SYMBOL:
            self._symbols.append(str(self.item(depth + 1)))
            return self._symbols[-1]
        if kind == CHARS:
            (length,) = self.integers(1)
            return None if length == MISSING else self.take(length).decode("utf8")
        if kind == PAIRLIST:
            return self._pairs(flags, depth)
        (length,) = self.integers(1)
        values: Any
        if kind in (LOGICALS, INTEGERS):
            values = np.frombuffer(self.take(4 * length), ">i4").astype(np.int32)
        elif kind == REALS:
            values = np.frombuffer(self.take(8 * length), ">f8").astype(np.float64)
        elif kind in (TEXTS, LIST):
            values = [self.item(depth + 1) for _ in range(length)]
        else:
            raise UnreadableScene(
                f"'{self._name}' holds an R object of type {kind}; numbers, texts and lists are "
                "expected."
            )
        attributes = self.item(depth + 1) if flags & HAS_ATTRIBUTES else None
        return Named(values, attributes or {})

    def _pairs(self, flags: int, depth: int) -> dict[str, Any]:
        """A pairlist as a dict; its links are followed in a loop, not by recursion."""
        found: dict[str, Any] = {}
        while flags & 0xFF == PAIRLIST:
            if flags & HAS_ATTRIBUTES:
                self.item(depth + 1)
            tag = str(self.item(depth + 1)) if flags & HAS_TAG else str(len(found))
            found[tag] = self.item(depth + 1)
            (flags,) = self.integers(1)
        return found
