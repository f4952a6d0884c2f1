"""The map's Python side, run by Streamlit itself: what is sent, and what comes back."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from rsviz.core.grid import Grid
from rsviz.draw.warp import MapFrame
from rsviz.views.map import MapEvents, MapLayer, happened
from rsviz.views.publish import HERE, PARTS

HARNESS = Path(__file__).parents[1] / "e2e" / "apps" / "harness.py"


@pytest.fixture
def app():
    return AppTest.from_file(str(HARNESS), default_timeout=20)


def sent(app):
    """What the map on the page was given."""
    for element in app.main:
        stack = [element]
        while stack:
            node = stack.pop()
            proto = getattr(node, "proto", None)
            if getattr(proto, "component_name", "") == "rsviz_map":
                return json.loads(proto.json), proto
            stack += getattr(node, "children", {}).values()
    raise AssertionError("there is no map on the page")


def test_the_page_sends_addresses_not_images(app):
    app.run()
    assert not app.exception
    data, proto = sent(app)
    assert [layer["id"] for layer in data["layers"]] == ["image", "classes", "distance"]
    assert all(layer["url"].startswith("/") for layer in data["layers"])
    assert len(proto.json) + len(proto.js_content) < 8_000
    assert data["frame"]["on_map"] and data["frame"]["nodes"]["n"] >= 2
    assert data["layers"][1]["values"]["names"][1] == "Corn <b>no-till</b>"


def test_a_rerun_names_the_same_files(app):
    app.run()
    before, _ = sent(app)
    app.slider(key="fade").set_value(0.2).run()
    after, _ = sent(app)
    assert [x["url"] for x in before["layers"]] == [x["url"] for x in after["layers"]]
    assert before["assets"] == after["assets"]
    assert after["layers"][1]["opacity"] == 0.2


def test_a_scene_without_map_coordinates_needs_no_table(app):
    app.run()
    app.radio(key="scene").set_value("plain").run()
    data, _ = sent(app)
    assert not data["frame"]["on_map"] and data["frame"]["nodes"] is None
    assert data["frame"]["bounds"] == {"south": -120.0, "west": 0.0, "north": 0.0, "east": 160.0}
    assert data["markers"][0]["corners"][0] == [-100, 100]


def test_nothing_happened_before_the_map_was_drawn():
    assert happened(MapFrame.of(Grid(3, 4)), "no such map") == MapEvents()


def test_an_image_is_encoded_once():
    layer = MapLayer("a", "A", np.zeros((5, 5, 4), np.uint8))
    assert layer.file is layer.file
    assert layer.file[1] == "image/png"


def test_the_code_of_the_browser_puts_no_data_into_markup():
    code = "\n".join((HERE / f"{part}.js").read_text() for part in PARTS)
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in code
