"""NumPy arrays: .npy read in parts, .npz unpacked once; objects (pickles) are never loaded."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rsviz.core.errors import UnreadableScene
from rsviz.io.archived_series import with_days, with_masks
from rsviz.io.arrays import Variable, array_source, open_variables
from rsviz.io.budget import Budget, array_bytes
from rsviz.io.flat import FlatFile, flat_pixels, open_bytes
from rsviz.io.paths import shown
from rsviz.io.source import ArrayPixels, Request, SceneSource
from rsviz.io.unpack import unpacked

MOST_ENTRIES = 1000
LONGEST_HEADER = 10_000
_NUMBER = re.compile(r"[<>|=](b1|[iu][1248]|f[248]|c(8|16))")

Header = tuple[tuple[int, ...], np.dtype[Any], bool]
"""Shape, type, and whether the first axis varies fastest (Fortran order)."""


def open_npy(path: Path, request: Request) -> SceneSource:
    """Open a .npy file.

    Raises:
        UnreadableScene: it holds objects, is damaged or too short.
        BadOption: the axes do not fit.
    """
    file = open_bytes(path)
    try:
        shape, dtype, fortran = _header(file, shown(path.stem))
        stored = shape[::-1] if fortran else shape
        flat = FlatFile(file, shown(path.name), file.tell(), dtype, stored)
        variable = Variable(shown(path.stem), shape, dtype, partial(flat_pixels, flat, fortran))
        return array_source(path, "npy", variable, request)
    except BaseException:
        file.close()
        raise


def open_npz(path: Path, request: Request) -> SceneSource:
    """Open one array of a .npz file; it is unpacked once into a temporary file.

    Raises:
        UnreadableScene: no array in it is an image.
        SceneTooLarge: the array exceeds the budget once unpacked.
        BadOption: the chosen name is not there.
    """
    with zipfile.ZipFile(path) as archive:
        variables = list(_entries(archive, request.budget))
        source = open_variables(path, "npz", variables, request)
        try:
            return with_masks(with_days(source, archive), variables)
        except BaseException:
            source.close()
            raise


def _entries(archive: zipfile.ZipFile, budget: Budget) -> Iterator[Variable]:
    """Numeric arrays of an archive, from their headers alone."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise UnreadableScene(
            f"The archive has {len(entries)} entries; at most {MOST_ENTRIES} are expected."
        )
    for info in entries:
        if not info.filename.endswith(".npy"):
            continue
        name = shown(info.filename.removesuffix(".npy"))
        with archive.open(info) as entry:
            try:
                shape, dtype, _ = _header(entry, name)
            except UnreadableScene:
                continue  # objects beside images do no harm as long as nobody loads them
        unpack = partial(_unpack, archive, info, name, budget)
        yield Variable(name, shape, dtype, unpack, packed=True)


def _unpack(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, budget: Budget, axes: str
) -> ArrayPixels:
    with archive.open(info) as entry:
        shape, dtype, fortran = _header(entry, name)
        needed = array_bytes(shape, dtype.itemsize)
        budget.check_unpack(needed, name)
        file = unpacked(iter(lambda: entry.read(1 << 20), b""), needed, name, budget)
    stored = shape[::-1] if fortran else shape
    return flat_pixels(FlatFile(file, name, 0, dtype, stored), fortran, axes)


def _header(file: Any, name: str) -> Header:
    """Read the header of an array; leaves the file at its first number.

    The layout is that of the NumPy Enhancement Proposal 1: magic, version, length, and a text
    with a dictionary of literals.
    """
    start = file.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise UnreadableScene(f"'{name}' does not begin like a NumPy array of version 1 to 3.")
    length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    if length > LONGEST_HEADER:
        raise UnreadableScene(f"The header of '{name}' announces {length} bytes; it is damaged.")
    try:
        fields = ast.literal_eval(file.read(length).decode("utf-8"))
        descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as error:
        raise UnreadableScene(f"The header of '{name}' is damaged.", "Save it again.") from error
    if not isinstance(descr, str) or not _NUMBER.fullmatch(descr):
        what = "Python objects" if "O" in str(descr) else f"values of the type {str(descr)[:40]}"
        raise UnreadableScene(
            f"'{name}' holds {what}; an array of plain numbers is expected.",
            "Objects are never loaded, because they can run code; save plain numbers instead.",
        )
    sizes = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not sizes or not isinstance(fortran, bool):
        raise UnreadableScene(f"The header of '{name}' gives the sizes {str(shape)[:60]}.")
    return shape, np.dtype(descr), fortran
