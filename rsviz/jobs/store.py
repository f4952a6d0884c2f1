"""Results on disk, shared between visitors: written whole or not at all, checked when read.

An entry is one file: `RSVIZ\\x01`, sizes and a digest of the header, the header as JSON, then the
arrays, each aligned to 64 bytes and memory-mapped back read-only. It is written under a
temporary name, flushed to the disk and renamed; a reader therefore sees the old state or the
new one. The header holds a digest of the arrays: an entry that does not match is removed and
counts as absent, so that the result is computed again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import mmap
import os
import re
import secrets
import struct
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from rsviz.core.errors import RsvizError
from rsviz.core.model import Result
from rsviz.core.packing import Arrays, pack, unpack
from rsviz.io.budget import check_disk
from rsviz.io.paths import cache_folder

MAGIC = b"RSVIZ\x01\x00\x00"
PREFIX = struct.Struct("<8sQ16s")
ALIGN = 64
KEY = re.compile(r"[0-9a-f]{16,64}")
STALE_SECONDS = 3600.0
DEFAULT_BYTES = 2 * 2**30
DAMAGE = (ValueError, KeyError, TypeError, struct.error, RsvizError)


def partial_key(key: str) -> str:
    """Under which the newest partial result of an unfinished run is kept."""
    return f"{key}{'0' * 8}"


class ResultStore:
    """A folder of results under a byte limit; the least recently used entries go first."""

    def __init__(self, folder: Path | None = None, max_bytes: int = DEFAULT_BYTES) -> None:
        self.folder = folder if folder is not None else cache_folder() / "results"
        self.max_bytes = max_bytes
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()

    def put(self, key: str, result: Result) -> None:
        """Keep a result under a key; replaces an older one.

        Raises:
            RsvizError: the disk is full, or the result alone exceeds the limit of the store.
        """
        path = self._path(key)
        data, arrays = pack(result)
        offsets, end = _places(arrays)
        digest = blake2b(digest_size=16)
        for array in arrays:
            digest.update(_bytes_of(array))
        specs = [
            [array.dtype.str, list(array.shape), offset]
            for array, offset in zip(arrays, offsets, strict=True)
        ]
        header = {"key": key, "value": data, "arrays": specs, "digest": digest.hexdigest()}
        text = json.dumps(header).encode()
        start = _aligned(PREFIX.size + len(text))
        if start + end > self.max_bytes:
            raise RsvizError(
                f"The result takes {(start + end) / 2**20:.0f} MB; the store of results may hold "
                f"{self.max_bytes / 2**20:.0f} MB.",
                "Run a smaller window of the scene, or ask for fewer layers.",
            )
        check_disk(self.folder, start + end, "the result")
        temporary = self.folder / f".{key}.{secrets.token_hex(4)}.tmp"
        try:
            with temporary.open("xb") as file:
                check = blake2b(text, digest_size=16).digest()
                file.write(PREFIX.pack(MAGIC, len(text), check) + text)
                for array, offset in zip(arrays, offsets, strict=True):
                    file.seek(start + offset)
                    file.write(_bytes_of(array))
                file.truncate(start + end)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise RsvizError(
                    f"The disk is full: the result of {(start + end) / 2**20:.0f} MB could not be "
                    "kept.",
                    "Make room, or set RSVIZ_CACHE to a folder on another disk.",
                ) from error
            raise
        self._sync_folder()
        self._evict(keep=key)

    def get(self, key: str) -> Result | None:
        """The result under a key, its arrays memory-mapped; None when absent or damaged."""
        path = self._path(key)
        try:
            result = _mapped(path)
        except FileNotFoundError:
            return None
        except DAMAGE:
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return result

    def remove(self, key: str) -> None:
        """Forget what is kept under a key, if anything."""
        self._path(key).unlink(missing_ok=True)

    def check(self, keep: bool) -> tuple[int, int]:
        """How many entries are sound and how many damaged; these are removed unless kept."""
        sound = damaged = 0
        for _, _, path in self._entries():
            if KEY.fullmatch(path.stem) and _sound(path):
                sound += 1
            else:
                damaged += 1
                if not keep:
                    path.unlink(missing_ok=True)
        return sound, damaged

    def size(self) -> tuple[int, int]:
        """Number of entries and their bytes."""
        entries = self._entries()
        return len(entries), sum(size for _, size, _ in entries)

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError(f"'{key}' is not a key")
        return self.folder / f"{key}.rsv"

    def _entries(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self.folder.glob("*.rsv"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return sorted(found)

    def _evict(self, keep: str) -> None:
        entries = self._entries()
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self.max_bytes:
                return
            if path.stem != keep:
                path.unlink(missing_ok=True)
                total -= size

    def _sweep(self) -> None:
        """Remove temporary files that a killed process left behind."""
        for path in self.folder.glob(".*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _mapped(path: Path) -> Result:
    """The result in an entry, memory-mapped and checked against its name."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return _read(mapped, path.stem)


def _sound(path: Path) -> bool:
    try:
        _mapped(path)
    except (*DAMAGE, OSError):
        return False
    return True


def _read(mapped: mmap.mmap, key: str) -> Result:
    """Check and rebuild an entry.

    Raises:
        ValueError, KeyError, TypeError, struct.error, RsvizError: it is damaged.
    """
    magic, length, check = PREFIX.unpack_from(mapped)
    text = mapped[PREFIX.size : PREFIX.size + length]
    if magic != MAGIC or blake2b(text, digest_size=16).digest() != check:
        raise ValueError("the header is damaged")
    header: dict[str, Any] = json.loads(text)
    if header["key"] != key:
        raise ValueError("the entry belongs to another key")
    start = _aligned(PREFIX.size + length)
    arrays: Arrays = []
    digest = blake2b(digest_size=16)
    for kind, shape, offset in header["arrays"]:
        array: Any = np.ndarray(tuple(shape), np.dtype(kind), mapped, start + offset)
        digest.update(_bytes_of(array))
        arrays.append(array)
    if digest.hexdigest() != header["digest"]:
        raise ValueError("the arrays are damaged")
    result = unpack(header["value"], arrays)
    if not isinstance(result, Result):
        raise ValueError("the entry holds no result")
    return result


def _places(arrays: Arrays) -> tuple[list[int], int]:
    """Offset of each array after the header, and the end of the last."""
    offsets, end = [], 0
    for array in arrays:
        offsets.append(_aligned(end))
        end = offsets[-1] + array.nbytes
    return offsets, end


def _aligned(position: int) -> int:
    return -(-position // ALIGN) * ALIGN


def _bytes_of(array: Any) -> memoryview:
    """The bytes of an array, without a copy when it is contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data  # (bytes,)
