"""All guards, how to switch each off, and the tests that must notice; a plug-in of pytest.

RSVIZ_GUARD_OFF="path function" pytest -p guards tests/...
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = "tests/reliability/test_guards.py"


@dataclass(frozen=True)
class Guard:
    """One guard.

    Attributes:
        place: "module:name" or "module:class.name" of what is replaced.
        without: what stands there when it is off.
        tests: arguments of pytest.
    """

    place: str
    without: Any
    tests: str


def _nothing(*_: object, **__: object) -> None:
    """A check that checks nothing."""


class _Everything(dict[Any, Any]):
    def __contains__(self, key: object) -> bool:
        return True


def _same(text: str, *_: object) -> str:
    return text


GUARDS = {
    "HDF5: numbers in other files": Guard(
        "rsviz.io.hdf5_door:Door._check", _nothing, "tests/io/test_hdf5.py -k shows_another"
    ),
    "HDF5: links to other files": Guard(
        "rsviz.io.hdf5_door:h5py.HardLink", object, "tests/io/test_hdf5.py -k shows_another"
    ),
    "HDF5: plug-ins": Guard(
        "rsviz.io.hdf5_door:FILTERS", _Everything(), "tests/io/test_hdf5.py -k plugin"
    ),
    "HDF5: depth": Guard(
        "rsviz.io.hdf5_door:DEEPEST", 10**9, "tests/io/test_hdf5.py -k too_many_objects"
    ),
    "HDF5: number of objects": Guard(
        "rsviz.io.hdf5_door:MOST_OBJECTS", 10**9, f"{HERE} -k crowded"
    ),
    "GDAL: one driver an opening": Guard(
        "rsviz.io.raster:DRIVERS",
        dict.fromkeys(("geotiff", "png", "jpeg", "jpeg2000")),
        f"{HERE} -k one_driver",
    ),
    "first bytes choose the reader": Guard(
        "rsviz.io.doors:sniff", lambda path: "geotiff", "tests/io/test_doors.py -k no_scene"
    ),
    "ordinary files alone": Guard(
        "rsviz.io.doors:regular_file", Path, "tests/io/test_doors.py -k folders_pipes"
    ),
    "largest scene in memory": Guard(
        "rsviz.io.budget:Budget.check_read", _nothing, "tests/io/test_hdf5.py -k huge_sparse"
    ),
    "largest array unpacked": Guard(
        "rsviz.io.budget:Budget.check_unpack", _nothing, f"{HERE} -k unpacked"
    ),
    "largest block": Guard(
        "rsviz.io.budget:Budget.check_block", _nothing, "tests/io/test_hdf5.py -k larger_than"
    ),
    "files are long enough": Guard(
        "rsviz.io.flat:FlatFile.check_size", _nothing, f"{HERE} -k terabyte"
    ),
    "number of dates": Guard("rsviz.io.arrays:check_dates", _nothing, f"{HERE} -k dates"),
    "arrays of plain numbers": Guard(
        "rsviz.io.npy:_NUMBER", __import__("re").compile(".*"), f"{HERE} -k objects"
    ),
    "disk keeps some room": Guard("rsviz.jobs.store:check_disk", _nothing, f"{HERE} -k disk"),
    "path function": Guard(
        "rsviz.core.places:inside", lambda root, text: Path(root) / text, f"{HERE} -k traversal"
    ),
    "profile: paths": Guard("rsviz.io.profiles:permit", _nothing, f"{HERE} -k profile_paths"),
    "profile: readers": Guard(
        "rsviz.io.profiles:permit_reader", _nothing, f"{HERE} -k profile_readers"
    ),
    "profile: refused while weak": Guard(
        "rsviz.jobs.doctor:WANTED", {}, f"{HERE} -k weak_settings"
    ),
    "names of uploads": Guard(
        "rsviz.views.uploads:safe_name", _same, "tests/views/test_uploads.py -k leave_the_folder"
    ),
    "room of one visitor": Guard(
        "rsviz.views.uploads:_make_room", _nothing, "tests/views/test_uploads.py -k no_room"
    ),
    "gate of uploads": Guard(
        "rsviz.views.room:UploadGate.__call__",
        lambda self, scope, receive, send: self.app(scope, receive, send),
        "tests/views/test_room.py -k announces",
    ),
    "text as text": Guard("rsviz.views.words:plain", _same, "tests/views/test_words.py"),
    "text in charts": Guard(
        "rsviz.views.charts.base:literal", _same,
        "tests/pages/test_foreign_names.py::test_words_of_strangers_stay_words[series-time_series]",
    ),
    "tiles: token of their visitor": Guard(
        "rsviz.views.tiles:TileSets.get",
        lambda self, token: next(iter(self._sets.values()), None),
        "tests/views/test_tiles.py -k no_tile",
    ),
    "store: keys are no paths": Guard(
        "rsviz.jobs.store:KEY", __import__("re").compile(".*"),
        "tests/jobs/test_store.py -k key_is_no_path",
    ),
    "jail: files": Guard("rsviz.jobs.jail:lock_files", lambda *_: "", f"{HERE} -k jail_alone"),
    "jail: memory": Guard("rsviz.jobs.jail:limit", _nothing, f"{HERE} -k jail_memory"),
    "jail: processor time": Guard(
        "rsviz.jobs.jail:allow_processor_seconds", _nothing, f"{HERE} -k jail_time"
    ),
    "jail: network": Guard("rsviz.jobs.jail:leave_network", str, f"{HERE} -k jail_network"),
    "jail: pickles and programs": Guard(
        "rsviz.jobs.jail:forbid", _nothing, f"{HERE} -k jail_pickles"
    ),
    "weights: hash": Guard(
        "rsviz.core.card:Weights.content", lambda self: self.path.read_bytes(), f"{HERE} -k hash"
    ),
    "weights: header": Guard("rsviz.nn.weights:check_header", _nothing, f"{HERE} -k header"),
    "weights: reference output": Guard(
        "rsviz.core.reference:check", _nothing, f"{HERE} -k reference_output"
    ),
    "store: checksums": Guard(
        "rsviz.jobs.store:blake2b",
        lambda *_, **__: __import__("types").SimpleNamespace(
            update=_nothing, digest=lambda: b"\0" * 16, hexdigest=lambda: "0" * 32
        ),
        "tests/jobs/test_store.py -k every_kind_of_damage",
    ),
    "wire: sizes": Guard(
        "rsviz.jobs.wire:MAX_ARRAYS", 1 << 80, f"{HERE} -k wire"
    ),
}  # fmt: skip


def pytest_configure(config: object) -> None:
    """Switch off the guard that the environment names."""
    name = os.environ.get("RSVIZ_GUARD_OFF", "")
    if name:
        switch_off(GUARDS[name])


def switch_off(guard: Guard) -> None:
    """Replace a guard by what stands there when it is off, wherever it was imported."""
    module, _, path = guard.place.partition(":")
    owner: Any = importlib.import_module(module)
    *parts, name = path.split(".")
    for part in parts:
        owner = getattr(owner, part)
    former: Callable[..., Any] = getattr(owner, name)
    setattr(owner, name, guard.without)
    if parts:
        return
    for user, found in list(sys.modules.items()):  # whoever comes later imports what is there now
        if user.startswith("rsviz.") and getattr(found, name, None) is former:
            setattr(found, name, guard.without)
