"""Classic NetCDF (versions 1, 2 and 5): the header is parsed here, numbers are read by seeking.

The layout is that of the "NetCDF Classic Format Specification" (Unidata); every count is
checked against the size of the file before it is believed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import UnreadableScene
from rsviz.io import cf
from rsviz.io.budget import array_bytes
from rsviz.io.flat import FlatFile, flat_pixels, open_bytes
from rsviz.io.gridded import open_gridded
from rsviz.io.layout import Selection
from rsviz.io.paths import shown
from rsviz.io.source import ArrayPixels, Request, SceneSource

TYPES = {
    1: ">i1",
    2: "S1",
    3: ">i2",
    4: ">i4",
    5: ">f4",
    6: ">f8",
    7: ">u1",
    8: ">u2",
    9: ">u4",
    10: ">i8",
    11: ">u8",
}
DIMENSIONS, VARIABLES, ATTRIBUTES = 10, 11, 12
LARGEST_HEADER = 16 << 20
MOST_ITEMS = 10_000
MOST_AXES = 32
Values = dict[str, "str | tuple[float, ...]"]


def open_netcdf3(path: Path, request: Request) -> SceneSource:
    """Open one variable of a classic NetCDF file.

    Raises:
        UnreadableScene: it is damaged or holds no image.
        BadOption: the chosen variable is not there, or the axes do not fit.
    """
    file = open_bytes(path)
    try:
        variables = _Header(file, shown(path.name)).variables()
        return open_gridded(path, "netcdf3", variables, request)
    except BaseException:
        file.close()
        raise


class _Header:
    """The header of a classic NetCDF file, read in order."""

    def __init__(self, file: BinaryIO, title: str) -> None:
        self._file, self._title = file, title
        self._size = os.fstat(file.fileno()).st_size
        self._head = file.read(min(self._size, LARGEST_HEADER))
        version = self._head[3]
        self._count = ">Q" if version == 5 else ">I"
        self._offset = ">I" if version == 1 else ">Q"
        self._at = 4

    def variables(self) -> cf.Variables:
        """All variables."""
        records = self._number(self._count)
        dims = self._list(DIMENSIONS, lambda: (self._name(), self._number(self._count)))
        self._attributes()
        found = self._list(VARIABLES, lambda: self._variable(dims))
        of_record = [size for *_, is_record, size in found if is_record]
        step = of_record[0] if len(of_record) == 1 else sum(n + -n % 4 for n in of_record)
        if records == 2 ** (32 if self._count == ">I" else 64) - 1:  # "streaming": count them
            starts = [begin for _, _, _, _, begin, is_record, _ in found if is_record]
            records = (self._size - min(starts, default=0)) // step if step else 0
        arrays = {}
        for name, shape, names, kind, begin, is_record, _ in found:
            dtype, attributes = kind
            sizes = (records, *shape[1:]) if is_record else shape
            flat = FlatFile(self._file, self._title, begin, dtype, sizes, step if is_record else 0)
            arrays[name] = _array(name, names, attributes, flat)
        return arrays

    def _variable(
        self, dims: list[tuple[str, int]]
    ) -> tuple[str, tuple[int, ...], tuple[str, ...], tuple[np.dtype[Any], Values], int, bool, int]:
        """Name, sizes, names of dimensions, (type, attributes), start, record or not, bytes."""
        name = self._name()
        n_axes = self._number(self._count)
        if n_axes > MOST_AXES:
            raise self._damaged(f"the variable '{name}' has {n_axes} axes")
        indices = [self._number(self._count) for _ in range(n_axes)]
        if any(i >= len(dims) for i in indices):
            raise self._damaged(f"the variable '{name}' uses a dimension that is not there")
        attributes = self._attributes()
        dtype = self._type()
        self._number(self._count)  # the size as told; it is computed instead
        begin = self._number(self._offset)
        shape = tuple(dims[i][1] for i in indices)
        is_record = bool(shape) and shape[0] == 0
        size = array_bytes(shape[is_record:], dtype.itemsize)
        names = tuple(dims[i][0] for i in indices)
        return name, shape, names, (dtype, attributes), begin, is_record, size

    def _attributes(self) -> Values:
        def one() -> tuple[str, str | tuple[float, ...]]:
            name, dtype = self._name(), self._type()
            count = self._number(self._count)
            raw = self._bytes(count * dtype.itemsize)
            if dtype.kind == "S":
                return name, raw.decode("utf-8", "replace").rstrip("\0")
            return name, tuple(float(v) for v in np.frombuffer(raw, dtype))

        return dict(self._list(ATTRIBUTES, one))

    def _list(self, tag: int, one: Callable[[], Any]) -> list[Any]:
        found, count = self._number(">I"), self._number(self._count)
        if count == 0 and found == 0:
            return []
        if found != tag or count > MOST_ITEMS:
            raise self._damaged(f"a list has the tag {found} and {count} items")
        return [one() for _ in range(count)]

    def _name(self) -> str:
        return shown(self._bytes(self._number(self._count)).decode("utf-8", "replace"))

    def _type(self) -> np.dtype[Any]:
        code = self._number(">I")
        if code not in TYPES:
            raise self._damaged(f"it uses the unknown type {code}")
        return np.dtype(TYPES[code])

    def _number(self, form: str) -> int:
        size = struct.calcsize(form)
        part = self._head[self._at : self._at + size]
        if len(part) < size:
            raise self._damaged("the header ends early")
        self._at += size
        return int(struct.unpack(form, part)[0])

    def _bytes(self, n: int) -> bytes:
        part = self._head[self._at : self._at + n]
        if len(part) < n:
            raise self._damaged("the header ends early")
        self._at += n + -n % 4
        return part

    def _damaged(self, what: str) -> UnreadableScene:
        return UnreadableScene(
            f"'{self._title}' is damaged: {what}.", "The copy may be incomplete; fetch it again."
        )


def _array(name: str, dims: tuple[str, ...], attributes: Values, flat: FlatFile) -> cf.Array:
    return cf.Array(
        name,
        flat.shape,
        flat.dtype,
        dims,
        attributes,
        partial(_pixels, flat),
        partial(_numbers, flat),
    )


def _pixels(flat: FlatFile, axes: str, view: np.dtype[Any]) -> ArrayPixels:
    pixels = flat_pixels(flat, False, axes)

    def fetch(selection: Selection) -> NDArray[Any]:
        return flat.fetch(selection).view(view)

    return ArrayPixels(pixels.layout, fetch, pixels.close_file, pixels.by_band)


def _numbers(flat: FlatFile, most: int) -> tuple[float, ...]:
    if array_bytes(flat.shape, 1) > most:
        raise UnreadableScene(f"'{flat.name}' has more than {most} coordinates.")
    flat.check_size()
    return tuple(float(v) for v in np.ravel(flat.fetch(tuple(slice(0, n) for n in flat.shape))))
