"""Exports hold what the result holds, lie where the scene lies, and need no network."""

import base64
import csv
import io
import json
import re
import warnings

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from rsviz.core import layers as kinds
from rsviz.core.grid import Grid
from rsviz.core.layers import LAYERS
from rsviz.core.model import Result, RunRecord
from rsviz.core.scene import Band, Scene
from rsviz.draw.paint import Style, draw
from rsviz.draw.warp import MapFrame
from rsviz.io.export import WRITERS, layer_hash, write_result
from rsviz.io.pictures import write_png
from rsviz.io.webmap import to_leafmap

GRIDS = {
    "utm": Grid(12, 9, "EPSG:32633", (10.0, 0.0, 4e5, 0.0, -10.0, 52e5), (10.0, 10.0)),
    "rotated": Grid(12, 9, "EPSG:32633", (8.0, 6.0, 4e5, 6.0, -8.0, 52e5), (10.0, 10.0)),
    "none": Grid(12, 9),
}


def every_kind(grid: Grid) -> dict[str, kinds.Layer]:
    """One layer of each kind, with undefined pixels where the kind allows them."""
    rng = np.random.default_rng(0)
    shape = grid.shape
    classes = rng.integers(0, 3, shape)
    classes[0, 0] = -1
    number = rng.random(shape)
    number[0, 0] = np.nan
    shares = rng.random((3, *shape))
    shares = shares / shares.sum(axis=0)
    shares[:, 0, 0] = np.nan
    names = ("corn", "wheat & rye", "water")
    fine = grid.resized(24, 18)
    bands = tuple(Band(n, nm) for n, nm in (("blue", 470.0), ("green", 550.0), ("red", 650.0)))
    image = rng.random((3, *fine.shape))
    found = (
        kinds.ClassMap("Classes", "a", grid, classes, names),
        kinds.ProbabilityMap("Probabilities", "a", grid, shares, names),
        kinds.UncertaintyMap("Entropy", "a", grid, number, "entropy", "nat", (0.0, 1.1)),
        kinds.ScalarMap("Change", "a", grid, number - 0.5, "change", "K", diverging=True),
        kinds.RoutingMap("Routing", "a", grid, shares, ("e1", "e2", "e3"), "1", "routing"),
        kinds.SRImage("Sharper", "a", fine, image, bands, 2),
        kinds.SpikeTrace("Spikes", "a", rng.random((2, 4)), ("l1", "l2"), (1.0, 0.5)),
        kinds.TimeSeries("NDVI", "a", rng.random((2, 3)), ("d1", "d2", "d3"), ("p", "q"), "1"),
        kinds.Curve("Means", "a", np.arange(4), rng.random((2, 4)), ("m", "n"), "nm", "value"),
        kinds.Table("Counts", "a", ("class", "pixels"), (("corn", 3), ("water", 5))),
        kinds.Tokens("Gates", "a", rng.random((2, 3)), ("stage", "expert"), (("s1", "s2"), ())),
    )
    return {layer.kind: layer for layer in found}


def make_result(grid: Grid) -> tuple[Result, Scene]:
    bands = tuple(Band(name, nm) for name, nm in (("b", 470.0), ("g", 550.0), ("r", 650.0)))
    pixels, valid = np.zeros((1, 3, *grid.shape)), np.ones((1, *grid.shape), bool)
    pixels[0, 2] = np.arange(grid.width) * 2 > grid.width  # red on the right
    valid[0, -1] = False
    scene = Scene(pixels, valid, bands, grid)
    record = RunRecord(
        "toy", "w", "0" * 64, {}, scene.id, "toy", "Toy", "cpu", 0, (), 0.1, 10.0, {}, ("a note",)
    )
    split = np.zeros(grid.shape, int)
    split[3:], split[6:] = 1, 2
    labels = ("ignored", "train", "test")
    split_map = kinds.ClassMap("Split", "a", grid, split, labels)
    return Result(every_kind(grid), record, {"overall_accuracy": 0.5}, split_map), scene


@pytest.fixture(scope="module", params=GRIDS)
def written(request, tmp_path_factory):
    grid = GRIDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    result, scene = make_result(grid)
    paths = write_result(result, scene, folder / "deep" / "out")
    return result, grid, folder / "deep" / "out", paths


def open_tif(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)


def rows_of(path):
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.reader(file))


def test_every_kind_is_written_and_all_files_are_named(written):
    result, _, folder, paths = written
    assert set(WRITERS) == set(LAYERS) == set(result.layers)
    assert sorted(paths) == sorted(folder.iterdir())
    record = json.loads((folder / "record.json").read_text("utf8"))
    assert record["files"] == sorted(p.name for p in paths)
    for kind in LAYERS:
        assert any(p.stem.split(".")[0] == kind for p in paths)


def test_rasters_lie_where_their_grid_lies(written):
    result, grid, folder, _ = written
    for name in ("class_map", "probability_map", "scalar_map", "sr_image", "split"):
        layer_grid = result.layers["sr_image"].grid if name == "sr_image" else grid
        with open_tif(folder / f"{name}.tif") as file:
            assert file.shape == layer_grid.shape
            if grid.crs is None:
                assert file.crs is None
                assert "pixel coordinates" in file.tags()["COORDINATES"]
            else:
                assert file.crs == rasterio.CRS.from_string(grid.crs)
                assert tuple(file.transform)[:6] == pytest.approx(layer_grid.affine)


def test_classes_are_written_as_reference_labels_with_names_and_colours(written):
    result, _, folder, _ = written
    layer = result.layers["class_map"]
    with open_tif(folder / "class_map.tif") as file:
        assert file.dtypes == ("uint8",)
        assert (file.read(1) == layer.data + 1).all()
        assert file.nodata == 0
        assert file.colormap(1)[1][:3] == (0xE6, 0x9F, 0x00)
        assert file.tags(1)["CLASS_2"] == "wheat & rye"
    names = (folder / "class_map.tif.aux.xml").read_text("utf8")
    assert "<Category>none</Category><Category>corn</Category><Category>wheat &amp; rye" in names
    rows = rows_of(folder / "class_map.csv")
    counts = [int((layer.data == k).sum()) for k in range(3)]
    assert [int(row[2]) for row in rows[1:]] == counts
    if layer.grid.pixel_ha:
        assert float(rows[1][4]) == pytest.approx(counts[0] * 0.01)


def test_the_split_keeps_its_codes(written):
    result, _, folder, _ = written
    with open_tif(folder / "split.tif") as file:
        assert (file.read(1) == result.split.data).all()
        assert file.nodata is None


def test_numbers_keep_their_values_gaps_names_and_units(written):
    result, _, folder, _ = written
    with open_tif(folder / "probability_map.tif") as file:
        np.testing.assert_array_equal(file.read(), result.layers["probability_map"].data)
        assert file.descriptions == ("corn", "wheat & rye", "water")
        assert np.isnan(file.nodata)
    with open_tif(folder / "uncertainty_map.tif") as file:
        assert file.units == ("nat",)


def test_tables_hold_the_numbers(written):
    result, _, folder, _ = written
    curve = rows_of(folder / "curve.csv")
    assert curve[0] == ["nm", "m", "n"]
    assert np.float32(curve[2][1]) == result.layers["curve"].data[0, 1]
    tokens = rows_of(folder / "tokens.csv")
    assert tokens[0] == ["stage", "expert", "value"]
    assert tokens[4][:2] == ["s2", "0"]
    assert float(tokens[4][2]) == pytest.approx(float(result.layers["tokens"].data[1, 0]))
    assert rows_of(folder / "table.csv")[1] == ["corn", "3"]
    assert rows_of(folder / "time_series.csv")[0] == ["date", "p", "q"]
    assert len(rows_of(folder / "spike_trace.csv")) == 3


def test_pictures_show_the_colours_of_the_classes(written):
    _, _, folder, paths = written
    with Image.open(folder / "class_map.png") as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    assert {(0xE6, 0x9F, 0x00), (0x56, 0xB4, 0xE9), (0x00, 0x9E, 0x73)} <= colours
    rasters = ("class_map", "probability_map", "uncertainty_map", "scalar_map", "routing_map")
    assert {f"{name}.png" for name in (*rasters, "sr_image", "split")} == {
        p.name for p in paths if p.suffix == ".png"
    }


def test_the_map_holds_everything_it_needs(written):
    _, grid, folder, _ = written
    page = (folder / "map.html").read_text("utf8")
    loads = re.findall(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//[^"'\s>]*""", page)
    allowed = [link for link in loads if "leafletjs.com" in link]  # the text of an attribution
    assert loads == allowed
    assert not re.findall(r"""(?:url\(|@import|fetch\(|import\()\s*["']?(?:https?:)?//""", page)
    assert "<script>/* @preserve" in page
    assert page.count("L.imageOverlay(") == 8
    assert ("L.CRS.Simple" in page) == (grid.crs is None)


def overlays(page: str) -> list[np.ndarray]:
    """The images on an exported map, bottom first."""
    found = re.findall(r'L\.imageOverlay\(\s*"data:image/\w+;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(x))).convert("RGBA")) for x in found]


def test_the_scene_lies_beneath_the_layers_in_true_colour(written):
    _, grid, folder, _ = written
    images = overlays((folder / "map.html").read_text("utf8"))
    assert len(images) == 8
    place = MapFrame.of(grid, 2)
    scene = np.zeros((*grid.shape, 4), np.uint8)
    scene[:-1, :, 3] = 255
    scene[:-1, 5:, 0] = 255
    expected = place.place(scene).astype(int)
    assert expected.shape == images[0].shape
    clear = expected[..., 3] == 0
    assert (images[0][clear, 3] == 0).all()
    assert (np.abs(images[0] - expected)[~clear].max(axis=-1) > 60).mean() < 0.02  # WebP at edges


def test_layers_lie_on_the_map_where_the_pages_show_them(written):
    result, grid, folder, _ = written
    images = overlays((folder / "map.html").read_text("utf8"))
    classes = MapFrame.of(grid, 2).place(draw(result.layers["class_map"]).image)
    assert np.array_equal(images[1], classes)


def test_a_grid_that_no_web_map_can_hold_is_shown_in_pixels():
    grid = Grid(12, 9, "EPSG:3031", (1000.0, 0.0, 0.0, 0.0, -1000.0, 0.0))  # around the pole
    result, scene = make_result(grid)
    assert to_leafmap(result, scene).crs == "Simple"
    assert to_leafmap(make_result(GRIDS["rotated"])[0]).crs == "EPSG3857"


def test_a_stack_is_drawn_whole_and_plane_by_plane(tmp_path):
    layer = every_kind(GRIDS["none"])["probability_map"]
    with Image.open(write_png(layer, tmp_path / "stack.png")) as image:
        found = np.asarray(image.convert("RGB"))
    for plane in range(3):
        colours = draw(layer, Style(plane=plane)).image[1:, :, :3].reshape(-1, 3)
        seen = {tuple(c) for c in found.reshape(-1, 3).tolist()}
        assert {tuple(c) for c in colours.tolist()} <= seen


def test_the_record_repeats_the_run_and_pins_its_layers(written):
    result, grid, folder, _ = written
    record = json.loads((folder / "record.json").read_text("utf8"))
    assert record["scene_id"] == result.record.scene_id
    assert record["metrics"] == {"overall_accuracy": 0.5}
    assert record["notes"][0] == "a note"
    assert ("pixel coordinates" in " ".join(record["notes"])) == (grid.crs is None)
    assert record["layers"] == {n: layer_hash(x) for n, x in every_kind(grid).items()}


def test_a_hash_changes_with_one_pixel():
    grid = GRIDS["none"]
    data = np.zeros(grid.shape)
    first = kinds.ScalarMap("a", "b", grid, data, "q", "u")
    data[3, 3] = 1e-6
    assert layer_hash(first) != layer_hash(kinds.ScalarMap("a", "b", grid, data, "q", "u"))


def test_a_result_becomes_a_notebook_map():
    result, _ = make_result(GRIDS["utm"])
    assert type(result.to_leafmap()).__module__ == "leafmap.foliumap"


def test_many_classes_are_written_without_a_colour_table(tmp_path):
    grid = Grid(20, 20)
    data = np.arange(400).reshape(20, 20)
    names = tuple(f"c{i}" for i in range(400))
    layer = kinds.ClassMap("Many", "a", grid, data, names, ("#102030",) * 400)
    WRITERS["class_map"](layer, tmp_path / "many")
    with open_tif(tmp_path / "many.tif") as file:
        assert file.dtypes == ("uint16",)
        assert (file.read(1) == data + 1).all()
