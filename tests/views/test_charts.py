"""Charts show the numbers they were given, at the right places, under titles with units."""

import numpy as np
import pytest

from rsviz.core.layers import Curve, TimeSeries, Tokens
from rsviz.core.palettes import expert_colours
from rsviz.core.scene import Band
from rsviz.jobs.display import Histogram, RegionStats
from rsviz.views import charts
from rsviz.views.certainty import RiskCoverage
from rsviz.views.charts.base import broken, ink_on
from rsviz.views.palettes import PICKED, PINNED

NM = (400.0, 410.0, 420.0, 430.0, 600.0, 610.0)
BANDS = [Band(f"b{i}", nm, good=i != 1) for i, nm in enumerate(NM)]
VALUES = np.array([1, 2, 3, 4, 5, 6], np.float32)


def segments(trace):
    """The unbroken pieces of a line, as lists of x."""
    pieces = [[]]
    for x, y in zip(trace.x, trace.y, strict=True):
        if np.isnan(x) or np.isnan(y):
            pieces.append([])
        else:
            pieces[-1].append(float(x))
    return [piece for piece in pieces if piece]


def test_spectra_leave_out_bad_bands_and_break_at_gaps():
    figure = charts.spectra(BANDS, [charts.Line("p", VALUES, PICKED)], "Reflectance [0-1]")
    assert segments(figure.data[0]) == [[400.0], [420.0, 430.0], [600.0, 610.0]]
    assert figure.layout.xaxis.title.text == "Wavelength [nm]"
    assert figure.layout.yaxis.title.text == "Reflectance [0-1]"
    assert figure.data[0].line.color == PICKED


def test_spectra_sort_overlapping_detectors_and_fall_back_to_band_numbers():
    shuffled = [Band("c", 430.0), Band("a", 410.0), Band("b", 420.0)]
    figure = charts.spectra(shuffled, [charts.Line("p", VALUES[:3], PICKED)], "")
    assert list(figure.data[0].x) == [410, 420, 430] and list(figure.data[0].y) == [2, 3, 1]
    unknown = charts.spectra([Band("a"), Band("b")], [charts.Line("p", VALUES[:2], PICKED)], "")
    assert list(unknown.data[0].x) == [1, 2] and unknown.layout.xaxis.title.text == "Band"


def test_the_rectangle_is_a_mean_in_a_ribbon():
    region = RegionStats(VALUES, np.full(6, 0.5, np.float32), 1200)
    figure = charts.spectra(BANDS, [charts.Line("p", VALUES, PICKED)], "", region)
    ribbon, mean, line = figure.data
    defined = [v for v in ribbon.y if v is not None]
    assert min(defined) == 0.5 and max(defined) == 6.5
    assert ribbon.fill == "toself" and "1,200 px" in mean.name and line.name == "p"


def test_one_band_needs_no_gap():
    order, places = broken(np.array([5.0]), np.array([True]))
    assert order.tolist() == [0] and places.tolist() == [0]


def test_probabilities_are_ordered_and_the_truth_is_always_there():
    picked = np.linspace(0, 1, 16).astype(np.float32)
    labels = [f"c{i}" for i in range(16)]
    figure = charts.probabilities(labels, ["#112233"] * 16, picked, picked[::-1], truth=2, most=5)
    bars, diamonds, numbers = figure.data
    assert numbers.text[0] == " 1.000  ◆ 0.000"
    assert list(bars.y) == ["c15", "c14", "c13", "c12", "<b>c2</b> (true)"]
    assert bars.x[0] == 1.0 and bars.x[-1] == pytest.approx(picked[2])
    assert diamonds.x[0] == 0.0 and diamonds.marker.color == PINNED
    assert figure.layout.yaxis.autorange == "reversed"


def test_class_names_cannot_bring_markup_into_a_chart():
    figure = charts.probabilities(["<a href='x'>y</a>"], ["#112233"], np.ones(1, np.float32))
    assert figure.data[0].y[0] == "&lt;a href='x'&gt;y&lt;/a&gt;"


def test_measures_are_shares_of_their_greatest_value():
    figure = charts.measures(
        [charts.Measure("Entropy", "nat", 1.0, None, 2.0), charts.Measure("Margin", "", None)]
    )
    back, bars, words = figure.data
    assert list(back.x) == [1.0, 1.0]
    assert bars.x[0] == 0.5 and bars.x[1] is None
    assert list(words.text) == [" 1.000", " –"]
    assert bars.y[0] == "Entropy [nat]"


def test_routing_stacks_the_experts_of_each_stage():
    stages = [
        charts.Stage("fine", np.array([0.25, 0.75]), np.array([0.5, 0.5])),
        charts.Stage("coarse", np.array([1.0, 0.0])),
    ]
    figure = charts.routing(("rows", "columns"), expert_colours(2), stages)
    assert list(figure.data[0].y) == ["fine, picked", "fine, pinned", "coarse"]
    assert np.allclose(np.add(figure.data[0].x, figure.data[1].x), 1.0)
    assert figure.layout.barmode == "stack"


def test_the_histogram_marks_what_the_stretch_cuts():
    counts = Histogram(np.arange(5.0), np.array([1, 2, 3, 4]), 1.0, 3.0)
    figure = charts.histogram(counts, (1.0, 3.0), "Red", "DN")
    colours = list(figure.data[0].marker.color)
    assert colours[1] == colours[2] != colours[0] == colours[3]
    assert [shape.x0 for shape in figure.layout.shapes] == [1.0, 3.0]


def test_areas_are_sorted_and_labelled():
    figure = charts.areas(("a", "b"), ("#000000", "#ffffff"), (1.0, 3.0), "ha")
    assert list(figure.data[0].y) == ["b", "a"] and figure.data[0].text[0] == "3 · 75.0%"
    assert figure.layout.xaxis.title.text == "Area [ha]"


def test_coverage_marks_the_threshold_on_the_curve():
    curve = RiskCoverage(
        np.array([0.25, 0.5, 1.0]), np.array([1.0, 0.9, 0.8]), np.array([0.99, 0.7, 0.2]), 0.1
    )
    line, point = charts.coverage(curve, 0.6).data
    assert list(line.x) == [25, 50, 100]
    assert (point.x[0], point.y[0]) == (50, 90)
    assert len(charts.coverage(curve, 1.0).data) == 1


def test_confusion_colours_by_the_share_of_the_true_class():
    figure = charts.confusion(np.array([[8, 2], [0, 0]]), ("a", "b"))
    heat, numbers = figure.data
    assert np.array(heat.z).tolist() == [[0.8, 0.2], [0, 0]]
    assert list(numbers.text) == ["8", "2"] and list(numbers.x) == ["a", "b"]
    assert figure.layout.yaxis.title.text == "True"


def test_benchmarks_are_drawn_on_logarithmic_axes():
    figure = charts.benchmark({"compiled": ([64, 128], [0.1, 0.2])})
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert list(figure.data[0].y) == [0.1, 0.2]


def test_curves_break_at_gaps():
    x = np.array(NM, np.float32)
    figure = charts.curve(Curve("c", "", x, VALUES[None], ("a",), "wavelength [nm]", "r"))
    assert segments(figure.data[0]) == [[400, 410, 420, 430], [600, 610]]


@pytest.mark.parametrize(("unit", "said"), [("1", "Step size"), ("", "Step size"), ("K", "K")])
def test_an_axis_names_its_values_where_they_have_no_unit(unit, said):
    layer = TimeSeries("Step size", "", VALUES[None], tuple("123456"), ("a",), unit)
    assert charts.time_series(layer).layout.yaxis.title.text == said
    assert charts.heat(layer).data[0].colorbar.title.text == said


def test_tokens_of_three_axes_become_rows():
    layer = Tokens("t", "", np.arange(12).reshape(2, 2, 3), ("a", "b", "c"), (("x", "y"),))
    figure = charts.tokens(layer)
    assert list(figure.data[0].y) == ["x · 0", "x · 1", "y · 0", "y · 1"]
    assert np.array(figure.data[0].z).tolist() == np.arange(12).reshape(4, 3).tolist()


def test_the_scan_visits_every_pixel_in_order_and_breaks_at_jumps():
    rows = np.arange(6)
    columns = np.arange(6).reshape(2, 3).T.ravel()
    layer = Tokens("s", "", np.stack([rows, columns]), ("direction", "position"), (("→", "↓"), ()))
    figure = charts.scan_orders(layer, width=3)
    cells, numbers, way, now = figure.data[4:]
    assert np.array(cells.z).tolist() == [[1, 3, 5], [2, 4, 6]]
    assert list(zip(numbers.y, numbers.x, strict=True))[:3] == [(0, 0), (1, 0), (0, 1)]
    assert list(way.y) == [0, 1, None, 0, 1, None, 0, 1]
    assert (now.x[0], now.y[0]) == (2, 1)
    assert len(figure.frames) == 6
    third = figure.frames[2]
    assert list(third.traces) == [2, 3, 6, 7]
    assert list(third.data[0].x) == [0, 1, 2] and list(third.data[3].y) == [0]


def test_text_on_a_colour_can_be_read():
    assert ink_on("#f0e442") == "#000000" and ink_on("#332288") == "#ffffff"
