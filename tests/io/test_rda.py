"""Data saved by R: numbers, texts, lists and attributes; code and damage are refused."""

from __future__ import annotations

import gzip
import lzma
import struct
from pathlib import Path

import numpy as np
import pytest

from rsviz.core.errors import UnreadableScene
from rsviz.io.budget import Budget
from rsviz.io.rda import read_rda


def integers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def chars(text: str) -> bytes:
    return integers(0x40009, len(text)) + text.encode()


def texts(*values: str) -> bytes:
    return integers(16, len(values)) + b"".join(map(chars, values))


def symbol(name: str) -> bytes:
    return integers(1) + chars(name)


def reals(*values: float) -> bytes:
    return integers(14, len(values)) + struct.pack(f">{len(values)}d", *values)


NIL = integers(254)


def frame() -> bytes:
    """A list of three columns with names."""
    columns = reals(1.5, -2.0) + texts("wheat", "maize") + integers(13, 2, 7, 8)
    names = integers(0x402) + symbol("names") + texts("x", "crop", "n") + NIL
    return integers(19 | 0x200, 3) + columns + names


def saved(value: bytes, version: int = 2) -> bytes:
    head = integers(version, 0x30603, 0x20300)
    if version == 3:
        head += integers(5) + b"UTF-8"
    return f"RDX{version}\nX\n".encode() + head + integers(0x402) + symbol("table") + value + NIL


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
@pytest.mark.parametrize("version", [2, 3])
def test_a_table_is_read_by_column(tmp_path: Path, pack, version: int) -> None:
    path = tmp_path / "t.rda"
    path.write_bytes(pack(saved(frame(), version)))
    table = read_rda(path, Budget())["table"]
    assert np.array_equal(table.column("x"), [1.5, -2.0])
    assert table.column("crop") == ["wheat", "maize"]
    assert table.column("n").tolist() == [7, 8]
    with pytest.raises(KeyError):
        table.column("missing")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (saved(frame())[:-40], "ends early"),
        (saved(integers(3) + NIL * 4), "R object of type 3"),  # a function
        (saved(integers(14, -5)), "ends early or is damaged"),
        (b"RDA2\nA\n2\n", "does not begin like data saved by R"),
        (gzip.compress(saved(frame()))[:30], "could not be unpacked"),
        (saved(integers(19, 1) * 80 + NIL), "nested too deeply"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "t.rda"
    path.write_bytes(content)
    with pytest.raises(UnreadableScene, match=words):
        read_rda(path, Budget())


def test_what_would_unpack_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.rda"
    path.write_bytes(gzip.compress(saved(reals(*[0.0] * 5000))))
    with pytest.raises(UnreadableScene, match="larger than 10000 bytes"):
        read_rda(path, Budget(unpack_bytes=10_000))
