"""What crosses a process arrives as it left, and nothing else can cross."""

import json
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rsviz.core.errors import ModelFailed
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import LAYERS, ClassMap, Curve, ScalarMap, Table, Tokens
from rsviz.core.model import Change, Result, RunRecord
from rsviz.core.packing import VOCABULARY, pack, unpack
from rsviz.core.scene import Band

words = st.text(max_size=8)
floats = st.floats(-1e6, 1e6, width=32)
cells = st.one_of(words, st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.none())


@st.composite
def layers(draw):
    """Layers of several kinds with drawn content."""
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    grid = Grid(height, width, draw(st.sampled_from([None, "EPSG:32633"])))
    shape = (height, width)
    texts = draw(words), draw(words)
    kind = draw(st.sampled_from(["class", "scalar", "curve", "table", "tokens"]))
    if kind == "class":
        data = draw(arrays(np.int16, shape, elements=st.integers(-1, 2)))
        return ClassMap(*texts, grid, data, tuple(draw(st.tuples(words, words, words))))
    if kind == "scalar":
        data = draw(arrays(np.float32, shape, elements=st.one_of(floats, st.just(np.nan))))
        limits = draw(st.one_of(st.none(), st.just((0.0, 2.5))))
        return ScalarMap(*texts, grid, data, "height", "m", draw(st.booleans()), limits)
    if kind == "curve":
        x = draw(arrays(np.float32, 4, elements=floats))
        y = draw(arrays(np.float32, (2, 4), elements=floats))
        return Curve(*texts, x, y, ("a", "b"), "x", "y")
    if kind == "table":
        rows = draw(st.lists(st.tuples(cells, cells), max_size=4))
        return Table(*texts, ("a", "b"), tuple(rows))
    data = draw(arrays(np.float32, array_shapes(max_dims=3, max_side=3), elements=floats))
    return Tokens(*texts, data, tuple(f"axis {i}" for i in range(data.ndim)))


def travel(value):
    """Through JSON text and array bytes, as between two processes."""
    data, found = pack(value)
    copies = [np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape) for a in found]
    return unpack(json.loads(json.dumps(data)), copies)


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a)
        )
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(layers())
def test_layers_arrive_as_they_left(layer):
    assert same(layer, travel(layer))


def test_a_scene_arrives_with_the_same_identity(patches):
    again = travel(patches)
    assert same(patches, again)
    assert again.id == patches.id


def test_a_result_arrives_whole(patches):
    record = RunRecord(
        "m", "w", "0" * 64, {"a": True, "b": 0.5}, patches.id, "s", "S", "cpu", 1, ("x",), 0.1,
        2.0, {"numpy": "2"}, ("note",), scene_window=Window(1, 2, 3, 4),
        changes=(Change("noise", {"sigma": 0.5}),),
    )  # fmt: skip
    layer = ScalarMap("t", "a", patches.grid, np.ones(patches.grid.shape), "q", "u")
    result = Result({"one": layer}, record, {"overall_accuracy": 0.5, "per_class": (0.5, None)})
    assert same(result, travel(result))


def test_numpy_scalars_become_plain_numbers():
    assert pack({"n": np.float32(0.5), "i": np.int64(3)}) == ({"n": 0.5, "i": 3}, [])


def test_nothing_outside_the_vocabulary_crosses():
    with pytest.raises(ModelFailed, match="cannot be sent"):
        pack({"f": len})
    with pytest.raises(ModelFailed, match="cannot be sent"):
        pack(b"bytes")
    with pytest.raises(ModelFailed, match="unknown object 'Popen'"):
        unpack({"__type__": "Popen", "args": ["true"]}, [])


def test_what_arrives_is_checked_again():
    data, found = pack(ScalarMap("t", "a", Grid(2, 2), np.ones((2, 2)), "q", "u"))
    with pytest.raises(ModelFailed, match="grid of"):
        unpack(data, [np.ones((3, 3))])
    assert len(found) == 1


def test_the_vocabulary_has_every_kind_of_layer():
    assert set(LAYERS.values()) <= set(VOCABULARY.values())
    assert replace(travel(Band("b", 450.0, 10.0, False)), good=True) == Band("b", 450.0, 10.0)
