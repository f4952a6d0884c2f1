"""An array of small pictures as one chart: every number at its panel, row and column."""

import numpy as np

from rsviz.core.layers import Tokens
from rsviz.views import charts

AXES = ("block", "group", "row", "column")


def test_panels_stand_apart_and_keep_their_numbers():
    data = np.arange(2 * 3 * 2 * 4, dtype=np.float32).reshape(2, 3, 2, 4)
    layer = Tokens("T", "", data, AXES, (("block 1", "block 2"), ("a", "b", "c"), (), ()), "share")
    (heat,) = charts.tokens(layer).data
    z = np.asarray(heat.z, float)
    assert z.shape == (2 * 3 - 1, 3 * 5 - 1)
    assert np.array_equal(z[3:5, 10:14], data[1, 2])
    assert np.isnan(z[2]).all() and np.isnan(z[:, 4]).all() and np.isnan(z[:, 9]).all()
    assert np.isfinite(z).sum() == data.size
    assert heat.text[4][11] == "block 2, c, row 2, column 2"
    layout = charts.tokens(layer).layout
    assert list(layout.xaxis.ticktext) == ["a", "b", "c"]
    assert list(layout.xaxis.tickvals) == [1.5, 6.5, 11.5]
    assert list(layout.yaxis.ticktext) == ["block 1", "block 2"]


def test_other_arrays_stay_one_grid():
    layer = Tokens("T", "", np.ones((2, 3, 4)), ("stage", "query", "key"))
    (heat,) = charts.tokens(layer).data
    assert np.asarray(heat.z).shape == (6, 4)
