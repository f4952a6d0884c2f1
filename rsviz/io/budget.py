"""How many bytes a reader may use, checked before anything is allocated."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rsviz.core.errors import RsvizError, SceneTooLarge

MIB = 1 << 20
GIB = 1 << 30
LEAST_FREE_SHARE, LEAST_FREE_BYTES = 0.05, 512 * MIB


@dataclass(frozen=True)
class Budget:
    """Limits of one open file.

    Attributes:
        read_bytes: the largest scene that one read may bring into memory.
        unpack_bytes: the largest array that may be unpacked into a temporary file.
        block_bytes: the largest single block (tile, strip, chunk) that may be decoded at once.
        folder: where temporary files go; None for the system's folder.
    """

    read_bytes: int = 1 * GIB
    unpack_bytes: int = 2 * GIB
    block_bytes: int = 256 * MIB
    folder: str | None = None

    def check_read(self, shape: Sequence[int]) -> None:
        """Make sure that a float32 scene of this (T, C, H, W) shape fits.

        Raises:
            SceneTooLarge: it does not.
        """
        t, c, h, w = shape
        needed = t * h * w * (4 * c + 1)
        if needed > self.read_bytes:
            raise SceneTooLarge(
                f"Reading {t} x {c} x {h} x {w} (dates, bands, rows, columns) needs "
                f"{megabytes(needed)}; at most {megabytes(self.read_bytes)} may be read at once.",
                "Choose fewer bands or a smaller window.",
            )

    def check_unpack(self, needed: int, name: str) -> None:
        """Make sure that an array of so many bytes may be unpacked.

        Raises:
            SceneTooLarge: it may not.
        """
        if needed > self.unpack_bytes:
            raise SceneTooLarge(
                f"'{name}' is compressed and needs {megabytes(needed)} once unpacked; at most "
                f"{megabytes(self.unpack_bytes)} are allowed.",
                "Save it uncompressed, as ENVI, GeoTIFF or .npy, and it is read in parts.",
            )

    def check_block(self, needed: int, what: str) -> None:
        """Make sure that one tile, strip or chunk can be decoded.

        Raises:
            SceneTooLarge: it cannot.
        """
        if needed > self.block_bytes:
            raise SceneTooLarge(
                f"{what} needs {megabytes(needed)} at once; at most "
                f"{megabytes(self.block_bytes)} are allowed.",
                "Save the scene again with smaller tiles or chunks.",
            )


DEFAULT_BUDGET = Budget()


def check_disk(folder: Path, needed: int, what: str) -> None:
    """Make sure that a disk keeps some room after so many bytes: 5 % of it, or 512 MiB.

    Raises:
        RsvizError: it does not.
    """
    usage = shutil.disk_usage(folder)
    if usage.free - needed < min(LEAST_FREE_SHARE * usage.total, LEAST_FREE_BYTES):
        raise RsvizError(
            f"The disk is nearly full: {what} needs {megabytes(needed)}, {megabytes(usage.free)} "
            "are free.",
            "Make room, or set RSVIZ_CACHE and RSVIZ_UPLOADS to folders on another disk.",
        )


def array_bytes(shape: Sequence[int], itemsize: int) -> int:
    """Bytes of an array, in exact integers that cannot overflow."""
    return math.prod(int(n) for n in shape) * int(itemsize)


def megabytes(n: int) -> str:
    """A number of bytes for people."""
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n / 1e3:.1f} kB"
