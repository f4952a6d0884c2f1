"""Layers check what they promise: shapes, ranges, sums, labels."""

import numpy as np
import pytest

from rsviz.core import layers as kinds
from rsviz.core.errors import ModelFailed
from rsviz.core.grid import Grid
from rsviz.core.layers import LAYERS, arrays_of, pixel_values
from rsviz.core.scene import Band

GRID = Grid(4, 5)
ONES = np.ones((4, 5), np.float32)
HALVES = np.full((2, 4, 5), 0.5, np.float32)
AB = ("a", "b")
TEXT = ("title", "about")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: kinds.ClassMap(*TEXT, GRID, np.full((4, 5), 2), AB), "classes 2..2"),
        (lambda: kinds.ClassMap(*TEXT, GRID, np.zeros((5, 4)), AB), "grid of"),
        (lambda: kinds.ClassMap(*TEXT, GRID, np.zeros(5), AB), "is expected"),
        (lambda: kinds.ProbabilityMap(*TEXT, GRID, HALVES * 1.1, AB), "sum to 1"),
        (lambda: kinds.ProbabilityMap(*TEXT, GRID, HALVES, ("a",)), "differ in number"),
        (lambda: kinds.UncertaintyMap(*TEXT, GRID, -ONES, "std", "K"), "negative"),
        (lambda: kinds.ScalarMap(*TEXT, GRID, ONES * np.inf, "height", "m"), "infinite"),
        (lambda: kinds.RoutingMap(*TEXT, GRID, HALVES, AB, "1", "votes"), "role"),
        (lambda: kinds.RoutingMap(*TEXT, GRID, HALVES * 2, AB, "1", "routing"), "sum to 1"),
        (lambda: kinds.SRImage(*TEXT, GRID, HALVES, (Band("a"),), 2), "differ in number"),
        (
            lambda: kinds.SRImage(*TEXT, GRID, HALVES, (Band("a"), Band("b")), 2, HALVES[:1]),
            "another shape",
        ),
        (lambda: kinds.SpikeTrace(*TEXT, np.full((2, 3), 1.5), AB, (1, 1)), "0..1"),
        (lambda: kinds.SpikeTrace(*TEXT, np.zeros((2, 3)), AB, (1,)), "threshold"),
        (lambda: kinds.TimeSeries(*TEXT, np.zeros((2, 3)), ("d",), AB, "1"), "shape"),
        (lambda: kinds.Curve(*TEXT, np.zeros(3), np.zeros((2, 4)), AB, "x", "y"), "shape"),
        (lambda: kinds.Table(*TEXT, AB, ((1,),)), "ragged"),
        (lambda: kinds.Tokens(*TEXT, np.zeros((2, 3)), ("axis",)), "2 axes"),
        (lambda: kinds.Tokens(*TEXT, np.zeros((2, 3)), AB, (("x",), ())), "tick"),
    ],
)
def test_a_broken_promise_is_named(make, says):
    with pytest.raises(ModelFailed, match=says):
        make()


def test_undefined_pixels_are_allowed_where_they_are_marked():
    shares = HALVES.copy()
    shares[:, 0, 0] = np.nan
    assert np.isnan(kinds.ProbabilityMap(*TEXT, GRID, shares, AB).data[0, 0, 0])
    classes = kinds.ClassMap(*TEXT, GRID, np.full((4, 5), -1), AB)
    assert (classes.data == classes.ignore).all()
    nothing = np.full((2, 4, 5), np.nan)
    assert np.isnan(kinds.RoutingMap(*TEXT, GRID, nothing, AB, "1", "affinity").data).all()


def test_layers_cannot_be_changed():
    layer = kinds.ScalarMap(*TEXT, GRID, ONES, "height", "m")
    with pytest.raises(ValueError, match="read-only"):
        layer.data[0, 0] = 2
    with pytest.raises(AttributeError):
        layer.title = "other"


def test_values_of_a_pixel_and_arrays_of_a_layer():
    layer = kinds.ProbabilityMap(*TEXT, GRID, HALVES, AB)
    assert pixel_values(layer, 1, 2).tolist() == [0.5, 0.5]
    curve = kinds.Curve(*TEXT, np.arange(3), np.zeros((2, 3)), AB, "x", "y")
    assert set(arrays_of(curve)) == {"x", "data"}


def test_kinds_have_names_of_their_own():
    assert all(kind == cls.kind for kind, cls in LAYERS.items())
    assert len({cls.__name__ for cls in LAYERS.values()}) == len(LAYERS) == 11
