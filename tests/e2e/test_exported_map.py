"""The exported map opens from a disk, without a server and without a network."""

import numpy as np
import pytest
from playwright.sync_api import expect

from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap, ScalarMap
from rsviz.core.model import Result, RunRecord
from rsviz.core.scene import Band, Scene
from rsviz.io.webmap import page

GRIDS = {
    "map": Grid(30, 20, "EPSG:32633", (10.0, 0.0, 4e5, 0.0, -10.0, 52e5), (10.0, 10.0)),
    "pixel": Grid(30, 20),
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_layers_and_legends_can_be_switched_offline(visit, tmp_path, grid):
    rows, cols = np.mgrid[:30, :20]
    names = ("corn <b>", "water")
    classes = ClassMap("Classes", "a", grid, (cols > 9).astype(int), names)
    number = ScalarMap("Height <i>", "a", grid, rows / 30, "height", "m")
    record = RunRecord(
        "toy", "", "", {}, "0" * 32, "toy", "A <toy> scene", "cpu", 0, (), 0.1, 1.0, {}
    )
    path = tmp_path / "map.html"
    scene = Scene(
        np.stack([rows, cols, rows + cols])[None],
        np.ones((1, 30, 20), bool),
        tuple(Band(str(nm), nm) for nm in (460.0, 550.0, 640.0)),
        grid,
    )
    result = Result({"classes": classes, "height": number}, record)
    path.write_text(page(result, scene), "utf8")
    shown = visit(path.as_uri(), may_ask=("file://",))
    assert shown.title() == "toy on A <toy> scene"
    image = shown.locator("img.leaflet-image-layer")
    expect(image).to_have_count(2)
    beneath, box = image.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert box == beneath
    assert box["width"] > 100
    assert box["height"] / box["width"] == pytest.approx(1.5, abs=0.1)
    legends = shown.locator(".rsviz-legend:visible")
    area = "3 ha" if grid.crs else "300 px"
    assert legends.all_inner_texts() == [f"Classes\ncorn <b> {area}\nwater {area}"]
    names = shown.locator(".leaflet-control-layers-overlays label").all_inner_texts()
    assert [name.strip() for name in names] == ["Scene", "Classes", "Height <i>"]
    shown.locator("label", has_text="Height").click()
    expect(image).to_have_count(3)
    assert "0 to 0.9667 m" in legends.nth(1).inner_text()
    upper, lower = (legends.nth(i).bounding_box() for i in (0, 1))
    assert upper["y"] + upper["height"] <= lower["y"]
    shown.locator("label", has_text="Classes").click()
    expect(image).to_have_count(2)
    expect(legends).to_have_count(1)
    shown.locator("label", has_text="Scene").click()
    expect(image).to_have_count(1)
