"""The one door to HDF5: files of strangers are walked and checked before anything is read.

HDF5 can show the bytes of other files (external links, external storage, virtual datasets)
and can run code of plug-ins (filters). All of that is refused, for every file that is built
on HDF5: .h5, .nc of version 4, .mat of version 7.3. Each dataset is checked again whenever it
is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import UnreadableScene
from rsviz.io.budget import Budget, array_bytes
from rsviz.io.cf import Header
from rsviz.io.layout import Layout, Selection
from rsviz.io.paths import printable, shown
from rsviz.io.source import ArrayPixels

MOST_OBJECTS = 10_000
DEEPEST = 32
MOST_ATTRIBUTES = 500
LONGEST_ATTRIBUTE = 20_000
LONGEST_TEXT = 65_536
_OPENING = 0
CHUNK_CACHE = 32 << 20
HULL_BYTES = 32 << 20
FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_LZF: "lzf",
}
"""Compression that needs no plug-in."""

FAILURES = (OSError, RuntimeError, ValueError, KeyError, TypeError, NotImplementedError)
"""What h5py raises on a damaged file."""


@dataclass(frozen=True)
class Dataset(Header):
    """A dataset that passed the checks.

    Attributes:
        chunks: sizes of its chunks, or None when it lies in one piece.
        address: its name as the file writes it; `path` is the same for people.
    """

    chunks: tuple[int, ...] | None
    address: str


class Door:
    """An open HDF5 file whose every dataset passed the checks.

    Used as a context while a scene is opened; afterwards it closes with the last of its pixels.
    """

    def __init__(self, path: Path, budget: Budget) -> None:
        self.title = shown(path.name)
        self._budget = budget
        self._users: set[int] = set()
        self._numbers = count(1)
        try:
            self._file = h5py.File(path, "r", locking=False, rdcc_nbytes=CHUNK_CACHE)
        except FAILURES as error:
            raise self._damaged(error) from error
        try:
            self.datasets = {d.path: d for d in self._walk()}
        except FAILURES as error:
            self._file.close()
            raise self._damaged(error) from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Door:
        self._users.add(_OPENING)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._users.clear()
        self._leave(_OPENING)

    def pixels(self, dataset: Dataset, stored_axes: str, view: np.dtype[Any]) -> ArrayPixels:
        """Pixels of a dataset; `stored_axes` names its axes, slowest first.

        Raises:
            SceneTooLarge: a single chunk exceeds the budget.
        """
        chunks = dataset.chunks or (1,) * len(dataset.shape)
        size = array_bytes(chunks, dataset.dtype.itemsize)
        self._budget.check_block(size, f"One chunk of '{dataset.name}'")
        layout = Layout(dataset.shape, stored_axes, dataset.dtype.itemsize)
        by_chunk = dict(zip(stored_axes, chunks, strict=True))
        apart = layout.band_first and by_chunk.get("C", 1) == 1
        rows, cols = (min(by_chunk.get(letter, 1), layout.size(letter)) for letter in "HW")
        block = (rows, 0 if dataset.chunks is None or cols == layout.size("W") else cols)

        user = next(self._numbers)
        self._users.add(user)

        def fetch(selection: Selection) -> NDArray[Any]:
            return self.read(dataset, selection).view(view)

        return ArrayPixels(layout, fetch, partial(self._leave, user), apart, block)

    def read(self, dataset: Dataset, selection: Selection) -> NDArray[Any]:
        """Part of a dataset in its stored order; the dataset is checked again.

        What lies between the wanted indices of an axis is read along and left out in memory,
        which is faster than picking single numbers, unless it is too much.
        """
        hull = [s if isinstance(s, slice) else slice(s[0], s[-1] + 1) for s in selection]
        size = array_bytes([s.stop - s.start for s in hull], dataset.dtype.itemsize)
        listed = [axis for axis, s in enumerate(selection) if not isinstance(s, slice)]
        if not listed or size <= HULL_BYTES:
            return np.ascontiguousarray(self._stored(dataset, hull)[_within(selection)])
        axis = listed[0]
        parts = []
        for index in selection[axis]:  # type: ignore[union-attr]
            alone = (*selection[:axis], slice(index, index + 1), *selection[axis + 1 :])
            parts.append(self.read(dataset, alone))
        return np.concatenate(parts, axis)

    def _stored(self, dataset: Dataset, part: list[slice]) -> NDArray[Any]:
        """A dense part of a dataset, after another look at where its numbers lie."""
        try:
            node = self._file[dataset.address]
            self._check(node, dataset.path)
            data: NDArray[Any] = node[tuple(part)]
        except FAILURES as error:
            raise self._damaged(error) from error
        return data

    def numbers(self, dataset: Dataset, most: int) -> tuple[float, ...]:
        """All values of a short dataset.

        Raises:
            UnreadableScene: it holds more than `most`.
        """
        if array_bytes(dataset.shape, 1) > most:
            raise UnreadableScene(f"'{dataset.path}' holds more than {most} numbers.")
        stored = self.read(dataset, tuple(slice(0, n) for n in dataset.shape))
        return tuple(float(v) for v in np.ravel(stored))

    def _leave(self, user: int) -> None:
        self._users.discard(user)
        if not self._users:
            self._file.close()

    def _walk(self) -> Iterator[Dataset]:
        """All datasets; soft links inside the file are passed over."""
        stack = [("", self._file, 0)]
        seen: set[int] = set()
        objects = 0
        while stack:
            path, group, depth = stack.pop()
            objects += len(group)
            if objects > MOST_OBJECTS or depth > DEEPEST:
                raise UnreadableScene(
                    f"'{self.title}' holds more than {MOST_OBJECTS} objects or more than "
                    f"{DEEPEST} levels."
                )
            for name in group:
                full = f"{path}/{name}" if path else str(name)
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.SoftLink):
                    continue
                if not isinstance(link, h5py.HardLink):
                    raise UnreadableScene(
                        f"'{self.title}' links to another file at '{shown(full)}'.",
                        "Links to other files are never followed; save the data in one file.",
                    )
                node = group[name]
                address = h5py.h5o.get_info(node.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if isinstance(node, h5py.Group):
                    stack.append((full, node, depth + 1))
                elif isinstance(node, h5py.Dataset):
                    self._check(node, full)
                    if node.shape is not None and _dtype(node) is not None:
                        yield _described(node, full)

    def _check(self, node: Any, path: str) -> None:
        """Refuse a dataset that reaches beyond the file or needs a plug-in."""
        properties = node.id.get_create_plist()
        if properties.get_external_count() or properties.get_layout() == h5py.h5d.VIRTUAL:
            raise UnreadableScene(
                f"The numbers of '{shown(path)}' in '{self.title}' lie in another file.",
                "Data outside the file are never read; save the data in one file.",
            )
        for i in range(properties.get_nfilters()):
            code, _, _, name = properties.get_filter(i)
            if code not in FILTERS:
                word = shown(name.decode("ascii", errors="replace")) or f"number {code}"
                raise UnreadableScene(
                    f"'{shown(path)}' in '{self.title}' is compressed with {word}, which needs a "
                    "plug-in.",
                    "Save it with gzip or lzf compression.",
                )

    def _damaged(self, error: BaseException) -> UnreadableScene:
        cause = " ".join(str(error).split())[:160]
        return UnreadableScene(
            f"'{self.title}' is damaged: {cause}", "The copy may be incomplete; fetch it again."
        )


def _within(selection: Selection) -> tuple[slice | list[int], ...]:
    """A selection counted from its first index on each axis."""
    return tuple(slice(None) if isinstance(s, slice) else [i - s[0] for i in s] for s in selection)


def _dtype(node: Any) -> np.dtype[Any] | None:
    """Type of a dataset; None for what NumPy does not know."""
    try:
        dtype: np.dtype[Any] = node.dtype
    except TypeError:
        return None
    return dtype


def _described(node: Any, path: str) -> Dataset:
    shape = tuple(int(n) for n in node.shape)
    attributes = _attributes(node)
    if attributes.get("CLASS") == "DIMENSION_SCALE":  # a scale names its own axis
        dims = (printable(path.rpartition("/")[2]),) * len(shape)
    else:
        dims = _dimensions(node, len(shape))
    return Dataset(printable(path), shape, node.dtype, dims, attributes, node.chunks, path)


def _dimensions(node: Any, axes: int) -> tuple[str, ...]:
    """Names of the dimension scales of all axes.

    The references are followed here, because the HDF5 library's own functions for dimension
    scales crash on damaged files.
    """
    nameless = ("",) * axes
    if "DIMENSION_LIST" not in node.attrs:
        return nameless
    try:
        stored = node.attrs.get_id("DIMENSION_LIST")
        if stored.shape != (axes,) or h5py.check_vlen_dtype(stored.dtype) is None:
            return nameless
        lists = node.attrs["DIMENSION_LIST"]
        names = [node.file[refs[0]].name if len(refs) else "" for refs in lists]
    except FAILURES:
        return nameless
    return tuple(printable(str(name or "").rpartition("/")[2]) for name in names)


def _attributes(node: Any) -> dict[str, str | tuple[float, ...]]:
    """Text and short numeric attributes; references, objects and long ones are left out."""
    found: dict[str, str | tuple[float, ...]] = {}
    for name in list(node.attrs)[:MOST_ATTRIBUTES]:
        try:
            value = _attribute(node.attrs, name)
        except FAILURES:
            continue
        if value is not None:
            found[str(name)] = value
    return found


def _attribute(attributes: Any, name: str) -> str | tuple[float, ...] | None:
    stored = attributes.get_id(name)
    is_text = h5py.check_string_dtype(stored.dtype) is not None
    size = 0 if stored.shape is None else array_bytes(stored.shape, 1)
    if not 0 < size <= (1 if is_text else LONGEST_ATTRIBUTE):
        return None
    if not is_text and stored.dtype.kind not in "biuf":
        return None
    value = np.ravel(attributes[name])
    if not is_text:
        return tuple(float(v) for v in value)
    text = value[0]
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return decoded[:LONGEST_TEXT]
