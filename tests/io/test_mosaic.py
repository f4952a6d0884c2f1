"""Tiles in files of their own become one scene, in its place and with its labels."""

from pathlib import Path

import numpy as np
import pytest
import scene_files as files
from rasterio.transform import Affine

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.budget import DEFAULT_BUDGET
from rsviz.io.catalog import open_scene, scenes
from rsviz.io.mosaic import open_mosaic
from rsviz.io.paths import belonging, mosaic_of
from rsviz.io.source import Classes

NAMES = Classes(("a", "b", "c"))
PLACES = ((0, 0), (0, 1), (1, 1))  # (row, column) of the tiles; the lower left corner is empty


@pytest.fixture
def whole() -> tuple[np.ndarray, np.ndarray]:
    """Pixels (C, H, W) and labels (H, W) of the scene that is cut into tiles of 8 x 8."""
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 0.5, (4, 16, 16)).astype(np.float32)
    pixels[3, 2, 3] = -1
    return pixels, rng.integers(0, 4, (16, 16)).astype(np.uint8)


@pytest.fixture
def tiles(tmp_path: Path, whole: tuple[np.ndarray, np.ndarray]) -> list[Path]:
    """Three of four tiles, with labels in a folder beside them."""
    for name in ("images", "labels"):
        (tmp_path / "enmap_potsdam" / name).mkdir(parents=True)
    paths = []
    for row, col in PLACES:
        name = f"enmap_potsdam_tile_{col * 8}_{row * 8}.tif"
        part = slice(row * 8, row * 8 + 8), slice(col * 8, col * 8 + 8)
        place = files.AFFINE @ Affine.translation(col * 8, row * 8)
        for folder, data in (("images", whole[0]), ("labels", whole[1][None])):
            path = tmp_path / "enmap_potsdam" / folder / name
            files.write_tif(path, data[(slice(None), *part)], transform=place, nodata=None)
        with_nodata = tmp_path / "enmap_potsdam" / "images" / name
        cut = whole[0][(slice(None), *part)]
        files.write_tif(with_nodata, cut, transform=place, nodata=-1.0)
        paths.append(with_nodata)
    return paths


def test_tiles_are_put_where_they_lie(tiles, whole):
    source = open_mosaic(tiles[2], NAMES, DEFAULT_BUDGET)
    scene = source.read()
    assert scene.shape == (1, 4, 16, 16)
    assert scene.grid.affine == tuple(files.AFFINE)[:6]
    expected = np.where(whole[0] == -1, 0, whole[0])
    there = np.ones((16, 16), bool)
    there[8:, :8] = False
    assert np.array_equal(scene.valid[0], there)
    assert np.array_equal(scene.pixels[0][:, there], expected[:, there])
    assert not scene.pixels[0][:, ~there].any()
    assert np.array_equal(scene.truth.labels, np.where(there, whole[1], 0))
    assert scene.truth.names == NAMES.names
    assert "75%" in " ".join(scene.notes)


def test_a_window_across_tiles_in_some_bands(tiles, whole):
    source = open_mosaic(tiles[0], NAMES, DEFAULT_BUDGET)
    scene = source.read(Window(5, 6, 7, 9), (2, 0))
    expected = whole[0][[2, 0], 5:12, 6:15].copy()
    expected[:, 3:, :2] = 0
    assert np.array_equal(scene.pixels[0], expected)
    assert scene.grid.xy(0, 0) == pytest.approx(files.AFFINE @ (6, 5))
    assert source.spectrum(12, 12).values == pytest.approx(whole[0][:, 12, 12])
    assert np.isnan(source.spectrum(12, 2).values).all()
    source.close()


def test_a_tile_that_does_not_fit_is_named(tiles, whole):
    odd = tiles[0].with_name("enmap_potsdam_tile_64_0.tif")
    files.write_tif(odd, whole[0][:3, :8, :8])
    with pytest.raises(UnreadableScene, match=r"enmap_potsdam_tile_64_0.*bands"):
        open_mosaic(tiles[0], NAMES, DEFAULT_BUDGET)


def test_the_reader_may_open_every_tile_and_its_labels(tiles):
    assert set(mosaic_of(tiles[1])) == set(tiles)
    assert mosaic_of(tiles[0].with_name("scene_tile_a.tif")) == ()
    folder = tiles[0].parent.parent
    assert set(belonging(tiles[0])) == set(folder.rglob("*.tif"))


def test_the_data_folder_lists_enmap_potsdam_as_one_scene(tiles, monkeypatch, tmp_path):
    monkeypatch.setenv("RSVIZ_DATA", str(tmp_path))
    entry = next(e for e in scenes() if e.id == "enmap-potsdam")
    assert "DLR" in entry.licence and not entry.simulated
    d = open_scene("enmap-potsdam").describe()
    assert d.name == "EnMAP, Potsdam"
    assert len(d.truth_names) == 6
    assert any("assumption" in note for note in d.notes)


@pytest.mark.data
def test_enmap_over_potsdam(data_folder):
    scene = open_scene("enmap-potsdam").read()
    assert scene.shape == (1, 224, 160, 128)
    assert scene.valid.mean() == pytest.approx(13 * 32 * 32 / (160 * 128))
    assert np.bincount(scene.truth.labels.ravel())[1:].tolist() == [337, 654, 1513, 1176, 64, 323]
    assert not (scene.truth.labels[~scene.valid[0]] > 0).any()
    infrared, red = (
        int(np.argmin(np.abs(np.array(scene.wavelengths_nm) - nm))) for nm in (850, 660)
    )
    greener = [
        np.mean(scene.pixels[0, infrared] / scene.pixels[0, red].clip(1e-3), where=mask)
        for mask in (scene.truth.labels == 4, scene.truth.labels == 6)
    ]
    assert greener[0] > 4  # trees reflect infrared
    assert greener[1] < 2  # water does not
