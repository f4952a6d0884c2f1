"""The store of results: whole or absent, checked, bounded."""

import errno
import os
import random

import numpy as np
import pytest

from rsviz.core.errors import RsvizError
from rsviz.core.layers import ClassMap, ProbabilityMap, Table
from rsviz.core.model import Result, RunRecord
from rsviz.jobs.store import ResultStore, cache_folder

KEY = "0123456789abcdef" * 2


def key(number: int) -> str:
    return f"{number:032x}"


@pytest.fixture
def result(patches) -> Result:
    grid = patches.grid
    rng = np.random.default_rng(1)
    raw = rng.random((3, *grid.shape), np.float32)
    labels = ("a", "b", "c")
    probabilities = raw / raw.sum(axis=0)
    layers = {
        "classes": ClassMap("Classes", "", grid, probabilities.argmax(axis=0), labels),
        "probabilities": ProbabilityMap("P", "", grid, probabilities, labels),
        "table": Table("T", "", ("name", "n"), (("x", 1), ("y", None))),
    }
    record = RunRecord(
        "m", "w", "0" * 64, {"mode": "x", "n": 3}, patches.id, "patches", "Patches", "cpu", 0,
        ("table",), 1.5, 100.0, {"numpy": "2"}, ("a note",),
    )  # fmt: skip
    return Result(layers, record, {"overall_accuracy": 0.5, "per_class": [0.1, 0.2]})


@pytest.fixture
def store(tmp_path) -> ResultStore:
    return ResultStore(tmp_path / "results")


def same(found: Result | None, result: Result) -> bool:
    return (
        found is not None
        and found.record == result.record
        and all(
            np.array_equal(getattr(found.layers[name], "data", 0), getattr(layer, "data", 0))
            for name, layer in result.layers.items()
        )
    )


def test_a_result_comes_back_memory_mapped_and_read_only(store, result):
    store.put(KEY, result)
    found = ResultStore(store.folder).get(KEY)
    assert same(found, result)
    assert found.layers["table"] == result.layers["table"]
    assert found.metrics["overall_accuracy"] == 0.5
    data = found.layers["probabilities"].data
    assert not data.flags.writeable and not data.flags.owndata
    assert data.ctypes.data % 64 == 0
    assert store.get("f" * 32) is None


def test_every_kind_of_damage_counts_as_absent(store, result):
    store.put(KEY, result)
    path = next(store.folder.glob("*.rsv"))
    whole = path.read_bytes()
    rng = random.Random(0)
    padding = set()
    for _ in range(150):
        place = rng.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        found = store.get(KEY)
        if found is None:
            assert not path.exists()
        else:  # a bit between the arrays, which nobody reads
            padding.add(place)
            assert same(found, result)
    assert len(padding) < 30
    for size in (0, 5, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert store.get(KEY) is None
    path.write_bytes(whole)
    os.rename(path, path.with_name(f"{key(7)}.rsv"))
    assert store.get(key(7)) is None, "an entry under another key is not believed"


def test_the_least_recently_used_entries_go_first(tmp_path, result):
    one = ResultStore(tmp_path / "one")
    one.put(KEY, result)
    size = one.size()[1]
    store = ResultStore(tmp_path / "many", max_bytes=3 * size + 100)
    for number in range(3):
        store.put(key(number), result)
        os.utime(store.folder / f"{key(number)}.rsv", (number, number))
    assert store.get(key(0)) is not None
    store.put(key(3), result)
    assert store.get(key(1)) is None
    assert all(same(store.get(key(n)), result) for n in (0, 2, 3))
    assert store.size()[1] <= store.max_bytes


def test_a_result_larger_than_the_store_is_refused(tmp_path, result):
    with pytest.raises(RsvizError, match=r"takes .* MB; the store"):
        ResultStore(tmp_path, max_bytes=1000).put(KEY, result)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_state(store, result, monkeypatch, call):
    store.put(KEY, result)

    def fail(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(RsvizError, match="disk is full"):
        store.put(KEY, result)
    monkeypatch.undo()
    assert same(store.get(KEY), result)
    assert [p.name for p in store.folder.iterdir()] == [f"{KEY}.rsv"]


def test_left_over_temporary_files_are_swept(store):
    left = store.folder / ".abc.tmp"
    left.write_bytes(b"x")
    ResultStore(store.folder)
    assert left.exists(), "another process may still be writing it"
    os.utime(left, (1, 1))
    ResultStore(store.folder)
    assert not left.exists()


@pytest.mark.parametrize("bad", ["../../etc/passwd", "", "A" * 32, "0123/456789abcdef"])
def test_a_key_is_no_path(store, result, bad):
    with pytest.raises(ValueError, match="is not a key"):
        store.put(bad, result)


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("RSVIZ_CACHE", str(tmp_path / "a"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("RSVIZ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache_folder() == tmp_path / "b" / "rsviz"
