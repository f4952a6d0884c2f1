"""Levels of an image against direct averages over the ground, from files and from memory."""

import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import from_origin

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.scene import Band, Scene
from rsviz.io.catalog import open_scene
from rsviz.jobs import blocks, display, pyramid
from rsviz.jobs.pyramid import Parts, Pyramid, averaged
from tests.jobs.test_display import InMemory

LIMITS = ((10.0, 200.0), (0.0, 255.0), (50.0, 100.0))
SHAPE = (83, 147)
BLOCKS = [(1, 0), (3, 0), (83, 0), (16, 16), (32, 48), (24, 256)]


def scene_of(height, width, holes=0.2):
    """Three bands of smooth noise, with missing pixels and a NaN."""
    rng = np.random.default_rng(height * 1000 + width)
    pixels = rng.uniform(-20, 280, (1, 3, height, width)).astype(np.float32)
    valid = rng.uniform(size=(1, height, width)) > holes
    pixels[0, 1, 5, 7] = np.nan
    bands = tuple(Band(str(i)) for i in range(3))
    return Scene(pixels, valid, bands, Grid(height, width))


def direct(scene, level):
    """Every cell of a level, by a plain loop: (h, w, 4) float64."""
    step = 2**level
    height, width = scene.grid.coarser(step).shape
    seen = scene.valid[0] & np.isfinite(scene.pixels[0]).all(axis=0)
    out = np.zeros((height, width, 4))
    for row in range(height):
        for col in range(width):
            cell = np.s_[row * step : (row + 1) * step, col * step : (col + 1) * step]
            ok = seen[cell]
            out[row, col, 3] = 255 * ok.mean()
            for channel, (low, high) in enumerate(LIMITS):
                values = scene.pixels[0, channel][cell][ok].astype(np.float64)
                if values.size:
                    out[row, col, channel] = np.clip(
                        255 * (values - low) / (high - low), 0, 255
                    ).mean()
    return out


def whole(source, level, limits=LIMITS):
    window = source.describe().grid.coarser(2**level).window
    return averaged(source, (0, 1, 2), limits, level, window)


@pytest.fixture
def small_blocks(monkeypatch):
    """As for a scene much larger than a block."""
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 12 * 500)
    monkeypatch.setattr(blocks, "LARGEST_BLOCK_BYTES", 12 * 2500)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("level", [0, 1, 3, 5, 8])
def test_a_level_is_the_average_over_the_ground(level, block, small_blocks):
    scene = scene_of(*SHAPE)
    found = whole(InMemory(scene, block), level)
    assert np.abs(found - direct(scene, level)).max() <= 0.51


@pytest.mark.parametrize("block", BLOCKS)
def test_a_window_of_a_level_is_cut_from_it(block, small_blocks):
    source = InMemory(scene_of(*SHAPE), block)
    window = Window(3, 10, 6, 8)
    part = averaged(source, (0, 1, 2), LIMITS, 2, window)
    assert np.array_equal(part, whole(source, 2)[window.rows, window.cols])
    with pytest.raises(SceneMismatch, match="beyond the grid"):
        averaged(source, (0, 1, 2), LIMITS, 2, Window(20, 0, 2, 2))


def test_level_0_is_the_composite(small_blocks):
    source = InMemory(scene_of(*SHAPE))
    assert np.array_equal(whole(source, 0), display.composite(source, (0, 1, 2), LIMITS).image)
    grey = averaged(source, (2,), LIMITS[2:], 0, Window(0, 0, 5, 5))
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert np.array_equal(grey[..., 0] * (grey[..., 3] > 0), grey[..., 1])


@pytest.fixture
def look(monkeypatch):
    """A pyramid in small parts, and the parts that were asked of the reader."""
    monkeypatch.setattr(pyramid, "SMALL_SIDE", 40)
    monkeypatch.setattr(pyramid, "STRIPED_PART", (16, 32))
    source, asked = InMemory(scene_of(*SHAPE)), []

    def make(level, window):
        asked.append((level, window))
        return averaged(source, (0, 1, 2), LIMITS, level, window)

    return Pyramid(source.describe(), make, Parts(), "look"), asked, source


@pytest.mark.parametrize("level", [0, 1, 2, 3, 4, 8])
def test_a_pyramid_puts_its_parts_together(look, level):
    found, asked, source = look
    height, width = found.shape(level)
    image = found.read(level, Window(0, 0, height, width))
    rounding = 0.51 * max(1, level - 1)  # levels beyond 2 are averaged from rounded colours
    exact = direct(source.scene, level)
    assert np.abs(image - exact).max() <= rounding
    assert {made for made, _ in asked} == {min(level, 2)}
    row, col = height // 3, width // 4
    part = found.read(level, Window(row, col, height - row, 1))
    assert np.array_equal(part, image[row:, col : col + 1])
    assert len(asked) == len(set(asked)), "what was made is kept"
    assert found.shape(found.coarsest) == (1, 1)


def test_a_small_window_reads_only_what_it_needs(look):
    found, asked, source = look
    source.windows.clear()
    found.read(0, Window(20, 40, 4, 4))
    assert asked == [(0, Window(16, 32, 16, 32))]
    assert all(w.row >= 16 and w.row + w.height <= 32 for w in source.windows)


def test_two_who_look_at_the_same_share_the_work(look):
    found, asked, _ = look
    other = Pyramid(look[2].describe(), found._make, found._parts, "look")
    threads = [threading.Thread(target=found.read, args=(0, Window(0, 0, 16, 32))) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.read(0, Window(3, 3, 2, 2))
    assert len(asked) == 1


def test_parts_stay_below_their_limit():
    parts = Parts(max_bytes=3 * 400)
    for name in "abc":
        parts.put(name, np.zeros((10, 10, 4), np.uint8))
    assert parts.get("a") is not None
    parts.put("d", np.zeros((10, 10, 4), np.uint8))
    assert [parts.get(name) is None for name in "abcd"] == [False, True, False, False]


def geotiff(path, scene, overviews=None, **how):
    pixels = scene.pixels[0].astype(np.int16)
    pixels[:, ~scene.valid[0]] = -9999
    height, width = scene.grid.shape
    size = {"count": 3, "height": height, "width": width, "dtype": "int16", "nodata": -9999}
    place = {"crs": "EPSG:32632", "transform": from_origin(600_000, 4_800_000, 10, 10)}
    with rasterio.open(path, "w", driver="GTiff", **size, **place, **how) as file:
        file.write(pixels)
        if overviews:
            file.build_overviews(overviews, Resampling.average)
    return path


@pytest.mark.parametrize(
    "how",
    [
        {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"},
        {"tiled": True, "blockxsize": 64, "blockysize": 32, "interleave": "pixel"},
        {"blockysize": 1},
        {"blockysize": 7, "compress": "deflate", "interleave": "pixel"},
    ],
)
def test_files_of_every_layout_give_the_same_levels(tmp_path, how):
    scene = scene_of(301, 397)
    pixels = np.nan_to_num(scene.pixels).astype(np.int16).astype(np.float32)
    scene = replace(scene, pixels=pixels)
    source = open_scene(str(geotiff(tmp_path / "scene.tif", scene, **how)))
    assert source.overviews() == {}
    for level in (0, 2, 4):
        assert np.array_equal(whole(source, level), whole(InMemory(scene), level))
    source.close()


def test_overviews_of_the_file_are_used(tmp_path):
    scene = scene_of(304, 400, holes=0.0)
    how = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    path = geotiff(tmp_path / "scene.tif", scene, [2, 4, 8, 3], **how)
    source = open_scene(str(path))
    found = source.overviews()
    assert sorted(found) == [2, 4, 8], "a third cannot be a level"
    assert found[4].describe().grid == source.describe().grid.coarser(4)
    assert found[4].read().pixels.shape == (1, 3, 76, 100)
    reads = []
    source.read = lambda *_: reads.append("full")
    wide = ((-20.0, 280.0),) * 3
    image = whole(source, 3, wide).astype(int)
    assert not reads, "the full pixels were not touched"
    plain = whole(open_scene(str(geotiff(tmp_path / "plain.tif", scene, **how))), 3, wide)
    assert np.abs(image[:-1, :-1] - plain[:-1, :-1]).max() <= 2  # GDAL's averages are rounded
    quick = display.composite(source, (0, 1, 2), wide, max_side=50)
    assert not reads and quick.image.shape[:2] == (38, 50)
    rows, cols = blocks._nearest(38, 304) // 8, blocks._nearest(50, 400) // 8
    eighth = display.composite(found[8], (0, 1, 2), wide).image
    assert np.array_equal(quick.image, eighth[np.ix_(rows, cols)])
    source.close()


def test_a_mask_without_overviews_keeps_the_full_pixels(tmp_path):
    path = tmp_path / "masked.tif"
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", "GTiff", 256, 256, 3, dtype="uint8", tiled=True) as file,
    ):
        file.write(np.full((3, 256, 256), 7, np.uint8))
        mask = np.full((256, 256), 255, np.uint8)
        mask[:, :128] = 0
        file.write_mask(mask)
        file.build_overviews([2, 4], Resampling.nearest)
    source = open_scene(str(path))
    image = averaged(source, (0, 1, 2), ((0, 255),) * 3, 2, Window(0, 0, 64, 64))
    assert (image[:, :32] == 0).all() and (image[:, 32:] == (7, 7, 7, 255)).all()
    source.close()


@pytest.mark.parametrize("how", [{"blockysize": 1}, {"tiled": True}])
def test_a_part_of_a_coarse_level_needs_little_memory(tmp_path, how):
    """A part over 4096 x 4096 pixels in three bands; as floats they would take 200 MB."""
    path = tmp_path / "wide.tif"
    with rasterio.open(path, "w", "GTiff", 4096, 4096, 3, dtype="uint8", **how) as file:
        for row in range(0, 4096, 512):
            file.write(np.full((3, 512, 4096), 100, np.uint8), window=((row, row + 512), (0, 4096)))
    source = open_scene(str(path))
    tracemalloc.start()
    image = averaged(source, (0, 1, 2), ((0.0, 255.0),) * 3, 3, Window(0, 0, 512, 512))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (image == (100, 100, 100, 255)).all()
    assert peak < 50 * 2**20
    source.close()
