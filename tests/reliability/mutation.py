"""Twelve ways to damage a file, all drawn from one generator so that a case can be repeated."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO

EDGES = (0, 1, 2, 127, 128, 255, 2**15 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
WIDE = (*EDGES, 2**63 - 1, 2**63, 2**64 - 1)
TOKENS = (
    b"\x89HDF\r\n\x1a\n", b"\x93NUMPY", b"PK\x03\x04", b"II*\0", b"CDF\x01", b"OHDR", b"FRHP",
    b"TREE", b"SNOD", b"HEAP", b"<VRTDataset>", b"/vsizip//etc/passwd", b"../../etc/passwd\0",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (9, 9)}", b"samples = 99999999999\n",
    b"header offset = 18446744073709551615\n", b"%s%n%x", b"\0" * 64, b"\xff" * 64, b"nan", b"-1",
)  # fmt: skip
DEFLATE = (b"\x78\x9c", b"\x78\x01", b"\x78\xda", b"\x78\x5e")
REACH = 1024
MOST_INFLATED = 1 << 20

Mutator = Callable[[random.Random, bytearray, Sequence[bytes]], bytes | bytearray]


def _place(rng: random.Random, data: bytearray) -> int:
    """A position, in every second case in the first kilobyte, where headers lie."""
    reach = min(len(data), REACH) if rng.random() < 0.5 else len(data)
    return rng.randrange(max(1, reach))


def flip_bits(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        data[_place(rng, data)] ^= 1 << rng.randrange(8)
    return data


def set_bytes(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    for _ in range(rng.choice((1, 2, 3, 8))):
        data[_place(rng, data)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return data


def boundary_number(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    """A count, size or offset replaced by a number at the edge of its type."""
    size = rng.choice((2, 4, 8))
    at = _place(rng, data) // 2 * 2
    value = rng.choice(WIDE) % 2 ** (8 * size)
    data[at : at + size] = value.to_bytes(size, rng.choice(("little", "big")))
    return data


def shifted_number(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    """A number a little larger or smaller than it was."""
    form = rng.choice(("<H", "<I", "<Q", ">H", ">I", ">Q"))
    size = struct.calcsize(form)
    at = _place(rng, data) // 2 * 2
    if at + size <= len(data):
        (value,) = struct.unpack_from(form, data, at)
        step = rng.choice((-1, 1, -4, 4, 256, value))
        struct.pack_into(form, data, at, (value + step) % 2 ** (8 * size))
    return data


def delete(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    at = _place(rng, data)
    del data[at : at + rng.choice((1, 2, 4, 8, 64, 512))]
    return data


def repeat(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    at, size = _place(rng, data), rng.choice((1, 4, 16, 128, 1024))
    data[at:at] = data[at : at + size] * rng.choice((1, 2, 8))
    return data


def insert_token(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    at, token = _place(rng, data), rng.choice(TOKENS)
    over = len(token) if rng.random() < 0.5 else 0
    data[at : at + over] = token
    return data


def truncate(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    return data[: 1 + _place(rng, data)]


def splice(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    """The beginning of one file and the end of another of the same kind."""
    other = rng.choice(others)
    cut = rng.random()
    return data[: int(cut * len(data))] + other[int(cut * len(other)) :]


def blank(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    at, size = _place(rng, data), rng.choice((4, 16, 64, 512))
    end = min(len(data), at + size)
    data[at:end] = bytes([rng.choice((0, 0xFF))]) * (end - at)
    return data


def swap(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytearray:
    size = rng.choice((2, 4, 8, 32, 128))
    a, b = _place(rng, data), _place(rng, data)
    if a + size <= b and b + size <= len(data):
        data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return data


def inside(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> bytes | bytearray:
    """Damage what is compressed, and pack it again with right lengths and check sums."""
    if data[:4] == b"PK\x03\x04":
        return _inside_zip(rng, data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _inside_png(rng, data)
    if data[:6] == b"MATLAB":
        return _inside_mat(rng, data)
    return set_bytes(rng, data, others)


SHALLOW: tuple[Mutator, ...] = (
    flip_bits, set_bytes, boundary_number, shifted_number, delete, repeat, insert_token, truncate,
    splice, blank, swap,
)  # fmt: skip
MUTATORS: tuple[Mutator, ...] = (*SHALLOW, inside)


def mutated(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A file after one to three mutations."""
    found: bytes | bytearray = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        found = bytearray(rng.choice(MUTATORS)(rng, bytearray(found or b"\0"), others))
    return bytes(found)


def _damaged(rng: random.Random, content: bytes) -> bytes:
    data = bytearray(content or b"\0")
    return bytes(rng.choice(SHALLOW[:8])(rng, data, (content,)))


def _inside_zip(rng: random.Random, data: bytearray) -> bytes | bytearray:
    out = BytesIO()
    try:
        with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
            for info in old.infolist():
                if info.file_size > MOST_INFLATED:
                    return data
                kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
                new.writestr(info.filename, _damaged(rng, old.read(info)), kind)
    except (ValueError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error, LookupError,
            NotImplementedError, EOFError, struct.error):  # fmt: skip
        return data
    return out.getvalue()


def _inside_png(rng: random.Random, data: bytearray) -> bytes | bytearray:
    """Any chunk changed, the pixels inflated first; the check sum of the chunk is right."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        chunks.append([bytes(data[at + 4 : at + 8]), bytes(data[at + 8 : at + 8 + size])])
        at += 12 + size
    if not chunks:
        return data
    chosen = rng.choice(chunks)
    plain = _inflated(chosen[1]) if chosen[0] == b"IDAT" else None
    changed = _damaged(rng, chosen[1] if plain is None else plain)
    chosen[1] = changed if plain is None else zlib.compress(changed)
    out = bytearray(data[:8])
    for kind, content in chunks:
        out += struct.pack(">I", len(content)) + kind + content
        out += struct.pack(">I", zlib.crc32(kind + content))
    return out


def _inside_mat(rng: random.Random, data: bytearray) -> bytes | bytearray:
    """The content of a compressed element changed."""
    starts = [i for i in range(128, len(data) - 10) if bytes(data[i + 8 : i + 10]) in DEFLATE]
    if not starts:
        return data
    at = rng.choice(starts)
    (size,) = struct.unpack_from("<I", data, at + 4)
    plain = _inflated(bytes(data[at + 8 : at + 8 + size]))
    if plain is None:
        return data
    packed = zlib.compress(_damaged(rng, plain))
    return data[: at + 4] + struct.pack("<I", len(packed)) + packed + data[at + 8 + size :]


def _inflated(packed: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, MOST_INFLATED)
    except zlib.error:
        return None
