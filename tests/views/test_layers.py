"""Layers on a page: rasters on the map, the others as charts; images and clicks are checked."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from rsviz.core import layers as core
from rsviz.core.grid import Grid, Window
from rsviz.core.palettes import class_colours, rgb
from rsviz.core.scene import Band
from rsviz.draw.warp import MapFrame
from rsviz.views.layers import CHARTS, chart, map_layer
from rsviz.views.map import MapEvents, _events
from rsviz.views.publish import encode

EXAMPLES = {
    "spike_trace": core.SpikeTrace("Spikes", "", np.full((2, 5), 0.5), ("a", "b"), (1.0, 1.0)),
    "time_series": core.TimeSeries(
        "Series", "", np.ones((1, 2)), ("2020-01-01", "2020-02-01"), ("x",), "NDVI"
    ),
    "curve": core.Curve("Curve", "", np.arange(3), np.ones((1, 3)), ("a",), "x", "y"),
    "tokens": core.Tokens("Tokens", "", np.ones((2, 3)), ("stage", "expert")),
}


@pytest.mark.parametrize("kind", CHARTS)
def test_the_other_kinds_become_a_chart_with_their_numbers(kind):
    figure = chart(EXAMPLES[kind])
    drawn = [v for trace in figure.data for v in np.ravel(trace.z if "z" in trace else trace.y)]
    assert sorted(float(v) for v in drawn) == sorted(np.ravel(EXAMPLES[kind].data).tolist())


def test_a_table_is_shown_row_by_row():
    def app():
        from rsviz.core.layers import Table
        from rsviz.views.layers import show_layer

        show_layer(Table("Table", "", ("class", "F1 [%]"), (("corn", 93.5), ("<b>", 81.0))), "t")

    shown = AppTest.from_function(app).run().dataframe[0].value
    assert shown.to_dict("list") == {"class": ["corn", "<b>"], "F1 [%]": [93.5, 81.0]}


def test_a_layer_finer_than_the_scene_lies_on_the_same_map():
    grid = Grid(40, 50, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0))
    frame = MapFrame.of(grid, finest=4)
    data = np.zeros((3, 160, 200), np.float32)
    data[:, :80] = 1
    bands = tuple(Band(str(i)) for i in range(3))
    fine = core.SRImage("x4", "", grid.resized(160, 200), data, bands, 4)
    half = core.ClassMap("c", "", grid, (np.arange(40) < 20)[:, None].repeat(50, 1), ("0", "1"))
    upper = map_layer(frame, "fine", fine).image[..., 0] == 255
    white = (map_layer(frame, "half", half).image[..., :3] == rgb(class_colours(2))[1]).all(-1)
    assert np.array_equal(upper, white)


def test_images_survive_their_encoding():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 255, (600, 700, 4)).astype(np.uint8)
    data, kind = encode(classes)
    assert kind == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), classes)
    smooth = np.zeros((600, 700, 4), np.uint8)
    smooth[..., 0] = np.linspace(0, 255, 700)
    smooth[..., 3] = 255
    data, kind = encode(smooth, photo=True)
    assert kind == "image/webp"
    back = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
    assert np.abs(back - smooth).max() < 12


FRAME = MapFrame.of(Grid(30, 40))


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"layer": "dates", "index": 3}, ("dates", 3)),
        ({"layer": "dates", "index": "3"}, None),
        ({"layer": 1, "index": 3}, None),
        ([1], None),
    ],
)
def test_what_the_browser_says_of_a_step_is_checked(step, told):
    assert _events(FRAME, {"frame": step}).frame == told


@pytest.mark.parametrize(
    ("click", "rectangle", "events"),
    [
        (None, None, MapEvents()),
        ({"place": [-2.5, 3.5]}, None, MapEvents(click=(2, 3))),
        ({"place": [5, 5]}, None, MapEvents(missed=True)),
        (
            {"place": [-2.5, 3.5], "view": [-10, 0, 0, 20]},
            None,
            MapEvents(click=(2, 3), view=Window(0, 0, 10, 20)),
        ),
        (None, {"place": [-12, 4, -2, 9]}, MapEvents(rectangle=Window(2, 4, 10, 5))),
        ({"place": ["a", None]}, {"place": "x"}, MapEvents()),
        ({"place": [float("nan"), 1]}, {"place": [1, 2, 3]}, MapEvents()),
        ("text", [1, 2], MapEvents()),
    ],
)
def test_what_the_browser_says_is_checked(click, rectangle, events):
    assert _events(FRAME, {"click": click, "rectangle": rectangle}) == events
