"""NumPy arrays: .npy read in parts, .npz unpacked once; objects (pickles) are never loaded."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from numpy.lib import format as npy_format

from rsviz.core.errors import BadOption, UnreadableScene
from rsviz.io.arrays import Variable, array_source
from rsviz.io.budget import Budget, array_bytes
from rsviz.io.flat import FlatFile, open_bytes
from rsviz.io.paths import shown
from rsviz.io.source import SceneSource
from rsviz.io.unpack import unpacked

MOST_ENTRIES = 1000
_BROKEN = (ValueError, TypeError, OverflowError, SyntaxError, MemoryError, RecursionError)


def open_npy(path: Path, axes: str, budget: Budget) -> SceneSource:
    """Open a .npy file.

    Raises:
        UnreadableScene: it holds objects, is damaged or too short.
    """
    file = open_bytes(path)
    try:
        variable = _header(file, shown(path.stem))
        flat = FlatFile(file, shown(path.name), file.tell(), variable.dtype, variable.stored_shape)
        return array_source(path, "npy", variable, flat, axes, budget)
    except BaseException:
        file.close()
        raise


def open_npz(path: Path, chosen: str, axes: str, budget: Budget) -> SceneSource:
    """Open one array of a .npz file; it is unpacked once into a temporary file.

    Raises:
        UnreadableScene: no array in it is an image.
        SceneTooLarge: the array exceeds the budget once unpacked.
        BadOption: the chosen name is not there.
    """
    with zipfile.ZipFile(path) as archive:
        found = {variable.name: (variable, info) for variable, info in _entries(archive)}
        images = {n: v for n, (v, _) in found.items() if v.is_image}
        if not images:
            raise UnreadableScene(
                f"'{shown(path.name)}' holds no array that is an image ({len(found)} arrays)."
            )
        name = chosen or max(images, key=lambda n: images[n].weight)
        if name not in images:
            raise BadOption(
                f"There is no image '{shown(name)}' in '{shown(path.name)}'.",
                f"There are: {', '.join(images)}.",
            )
        variable, info = found[name]
        needed = array_bytes(variable.shape, variable.dtype.itemsize)
        budget.check_unpack(needed, name)
        with archive.open(info) as entry:
            _header(entry, name)
            file = unpacked(iter(lambda: entry.read(1 << 20), b""), needed, name, budget)
    flat = FlatFile(file, shown(path.name), 0, variable.dtype, variable.stored_shape)
    try:
        return array_source(
            path, "npz", variable, flat, axes, budget, tuple(sorted(images)), unpacked=True
        )
    except BaseException:
        file.close()
        raise


def _entries(archive: zipfile.ZipFile) -> Iterator[tuple[Variable, zipfile.ZipInfo]]:
    """Numeric arrays of an archive, from their headers alone."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise UnreadableScene(
            f"The archive has {len(entries)} entries; at most {MOST_ENTRIES} are expected."
        )
    for info in entries:
        if not info.filename.endswith(".npy") or info.flag_bits & 0x1:
            continue
        with archive.open(info) as entry:
            try:
                variable = _header(entry, shown(info.filename.removesuffix(".npy")))
            except UnreadableScene:
                continue  # objects beside images do no harm as long as nobody loads them
        yield variable, info


def _header(file: Any, name: str) -> Variable:
    """Shape, order and type of an array; leaves the file at its first number."""
    stream: BinaryIO = file
    try:
        version = npy_format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = npy_format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = npy_format.read_array_header_2_0(stream)
        else:
            raise UnreadableScene(
                f"'{name}' is a NumPy file of version {version[0]}.{version[1]}; 1.0 or 2.0 is "
                "expected."
            )
    except (
        ValueError,
        TypeError,
        OverflowError,
        SyntaxError,
        MemoryError,
        RecursionError,
    ) as error:
        raise UnreadableScene(
            f"The header of '{name}' is damaged: {str(error)[:120]}", "Save the array again."
        ) from error
    if dtype.hasobject or dtype.names is not None or dtype.kind not in "biufc":
        what = "Python objects" if dtype.hasobject else f"values of type {dtype}"
        raise UnreadableScene(
            f"'{name}' holds {what}; an array of plain numbers is expected.",
            "Objects are never loaded, because they can run code; save plain numbers instead.",
        )
    return Variable(name, tuple(int(n) for n in shape), dtype, fortran)
