"""Spikes as pictures and charts: what fades, where arrows point, what energy is."""

from types import SimpleNamespace

import numpy as np
import pytest

from rsviz.core.grid import Grid, Window
from rsviz.core.layers import Curve, Table, Tokens
from rsviz.views import charts
from rsviz.views.spikes.energy import shares
from rsviz.views.spikes.inside import Inside, _fading, partner_strokes


def test_pixels_fade_in_with_the_share_of_neurons_that_fire():
    plane = np.array([[0.0, 0.1, 0.5, 1.0, np.nan]], np.float32)
    alpha = _fading(plane, (0.0, 1.0))[0, :, 3]
    assert alpha[0] == 0 and alpha[4] == 0 and alpha[3] == 255
    assert 0 < alpha[1] < alpha[2] < 255


def test_an_arrow_leads_from_patch_to_partner_in_pixels_of_the_scene():
    scene = Grid(66, 83)
    grid = scene.crop(Window(0, 0, 64, 80)).resized(32, 40)  # made twice as coarse
    inside = Inside(SimpleNamespace(grid=scene), None, SimpleNamespace(layers={}))
    inside = SimpleNamespace(bench=inside.bench, grid=grid)
    row = {
        "row": 4, "column": 8, "height": 8, "width": 8, "partner row": 20, "partner column": 30,
        "similarity": 0.876,
    }  # fmt: skip
    patch, partner, arrow = partner_strokes(inside, row)
    assert patch.points[0] == pytest.approx((8, 16)) and patch.points[2] == pytest.approx((24, 32))
    assert partner.points[0] == pytest.approx((40, 60))
    assert arrow.points[0] == pytest.approx((16, 24))
    assert arrow.points[1] == pytest.approx((48, 68))
    assert arrow.label == "similarity 0.88"
    alone = partner_strokes(inside, row | {"partner row": 4, "partner column": 8})
    assert len(alone) == 2  # a patch that is its own partner needs no arrow


def test_energy_is_operations_times_picojoule():
    rows = (("a", "MAC", 2.0), ("b", "AC", 3.0), ("Total", "", 5.0))
    parts = shares(Table("E", "", ("Part", "Kind", "Operations [G]"), rows))
    assert [part.part for part in parts] == ["a", "b"]
    assert [part.millijoule(4.6, 0.9) for part in parts] == pytest.approx([9.2, 2.7])


def test_membranes_that_reach_the_threshold_are_starred():
    curve = Curve(
        "M", "", np.arange(1, 4), np.array([[0.1, 0.6, 0.2], [0.5, 0.5, 0.5]]),
        ("channel 3", "threshold"), "step", "membrane",
    )  # fmt: skip
    line, threshold = charts.membrane(curve).data
    assert list(line.marker.symbol) == ["circle", "star", "circle"]
    assert list(threshold.y) == [0.5, 0.5, 0.5]


def test_the_raster_counts_spikes_and_silent_channels():
    spikes = Tokens("R", "", np.array([[1, 0], [0, 0], [1, 1]]), ("channel", "step"))
    assert charts.raster(spikes).layout.title.text == "3 spikes, 1 silent channel"


def test_taps_are_drawn_where_they_look():
    figure = charts.taps([charts.Tap(0, 1, 0.5, -0.25, 1.0)])
    moved = figure.data[-1]
    assert (moved.x[0], moved.y[0]) == (0.75, 0.5)


def test_power_is_charted_with_the_nyquist_frequency():
    curve = Curve(
        "P", "", np.array([0.25, 0.75]), np.array([[0.0, np.nan], [0.0, -20.0]]),
        ("Input", "Result"), "f", "dB",
    )  # fmt: skip
    figure = charts.power(curve, {"Result": "#000000"})
    lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
    assert [line.x0 for line in lines] == [0.5]
    assert figure.layout.annotations[0].text == "Nyquist of the input"
