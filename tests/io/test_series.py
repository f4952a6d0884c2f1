"""Series of images from files, folders and archives: days, order, masks, and what goes wrong."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.dates import day_in, listed_days
from rsviz.io.doors import open_file

DAYS = ("2023-03-04", "2023-03-19", "2023-04-08")
H, W = 5, 7


def stack(dates: int = 3, bands: int = 2) -> np.ndarray:
    """Numbers that tell where they stand: (T, C, H, W)."""
    t, c, y, x = np.indices((dates, bands, H, W))
    return (1000 * (t + 1) + 100 * c + 10 * y + x).astype(np.int16)


def tif(
    path: Path, planes: np.ndarray, tags: dict[str, str] | None = None, names=(), nodata=None
) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", count=len(planes), height=planes.shape[1],
        width=planes.shape[2], dtype=planes.dtype, nodata=nodata, crs="EPSG:32632",
        transform=from_origin(400000, 5500000, 10, 10),
    ) as out:  # fmt: skip
        out.write(planes)
        out.update_tags(**(tags or {}))
        for i, name in enumerate(names, start=1):
            out.set_band_description(i, name)
    return path


def flat(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(-1, *pixels.shape[2:])


def folder(path: Path, days=DAYS, images=None) -> Path:
    path.mkdir()
    for t, day in enumerate(days):
        tif(path / f"S2_{day.replace('-', '')}_x.tif", (stack() if images is None else images)[t])
    return path


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("S2A_MSIL2A_20230419T103021_N0509", "2023-04-19"), ("ndvi_2023-04-19.tif", "2023-04-19"),
        ("2023_04_19", "2023-04-19"), ("MOD13Q1.A2023109.h12v10", "2023-04-19"),
        ("2023366", "2024-01-01"), ("tile_20231399", ""), ("B8A", ""), ("run 12345678", ""),
    ],
)  # fmt: skip
def test_days_in_names(text: str, day: str) -> None:
    assert day_in(text) == day


def test_lists_of_days() -> None:
    assert listed_days('["2023-03-04", "2023-03-19"]') == DAYS[:2]
    assert listed_days("20230304, 20230319") == DAYS[:2]
    assert listed_days("2023-03-04, spring") == (DAYS[0], "")


def test_a_raster_whose_tag_lists_days(tmp_path: Path) -> None:
    pixels = stack()
    pixels[1, :, 2, 3] = -1
    path = tif(
        tmp_path / "year.tif",
        flat(pixels),
        {"dates": json.dumps(DAYS), "wavelength": "490, 840", "wavelength_units": "nm"},
        nodata=-1,
    )
    source = open_file(path)
    about = source.describe()
    assert (about.shape, about.dates) == ((3, 2, H, W), DAYS)
    assert about.wavelengths_nm == (490.0, 840.0)
    scene = source.read()
    assert np.array_equal(scene.valid, (pixels != -1).all(axis=1))
    assert np.array_equal(scene.pixels, np.where(scene.valid[:, None], pixels, 0))
    part = source.read(Window(1, 2, 3, 4), (1,))
    assert np.array_equal(part.pixels, scene.pixels[:, 1:, 1:4, 2:6])
    assert np.array_equal(source.spectrum(4, 6).values, pixels[0, :, 4, 6])


def test_days_in_the_names_of_bands_in_any_order(tmp_path: Path) -> None:
    pixels, order = stack(), [4, 1, 0, 5, 3, 2]
    names = [f"{DAYS[t]} {band}" for t in range(3) for band in ("red", "nir")]
    path = tif(tmp_path / "m.tif", flat(pixels)[order], names=[names[i] for i in order])
    source = open_file(path)
    scene = source.read()
    assert scene.dates == DAYS
    assert [band.name for band in scene.bands] == ["red", "nir"]
    by_name = {names[i]: flat(pixels)[i] for i in order}
    assert np.array_equal(scene.pixels[1, 0], by_name[f"{DAYS[1]} red"])
    assert np.array_equal(scene.pixels[2, 1], by_name[f"{DAYS[2]} nir"])


def test_unsorted_and_repeated_days_are_sorted_and_told(tmp_path: Path) -> None:
    days = (DAYS[2], DAYS[0], DAYS[0])
    path = tif(tmp_path / "m.tif", flat(stack()), {"dates": json.dumps(days)})
    source = open_file(path)
    assert source.describe().dates == (DAYS[0], DAYS[0], DAYS[2])
    assert np.array_equal(source.read().pixels, stack()[[1, 2, 0]])
    notes = " ".join(source.describe().notes)
    assert "were sorted" in notes
    assert "2023-03-04 (2 images)" in notes


def test_a_file_of_days_beside_the_scene_wins(tmp_path: Path) -> None:
    path = tif(tmp_path / "m.tif", flat(stack()), {"dates": json.dumps(DAYS)})
    path.with_name("m_dates.txt").write_text("day\n2020-01-01\n2020-02-01\n2020-03-01\n")
    assert open_file(path).describe().dates == ("2020-01-01", "2020-02-01", "2020-03-01")
    path.with_name("m_dates.txt").write_text("2020-01-01\n2020-13-01\n2020-03-01\n")
    with pytest.raises(UnreadableScene, match=r"Line 2 of .* holds no day: '2020-13-01'"):
        open_file(path)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ('["2023-03-04", "soon", "2023-04-08"]', "holds 1 entries that are no days"),
        (json.dumps([*DAYS, "2023-05-01"]), "gives 4 days for the 6 bands"),
    ],
)
def test_days_that_cannot_be_used_are_refused(tmp_path: Path, tag: str, words: str) -> None:
    with pytest.raises(UnreadableScene, match=words) as refused:
        open_file(tif(tmp_path / "m.tif", flat(stack()), {"dates": tag}))
    assert "NAME_dates.txt" in refused.value.hint


def test_one_date_is_no_series(tmp_path: Path) -> None:
    path = tif(tmp_path / "m.tif", stack()[0], {"dates": json.dumps(DAYS[:1])})
    assert open_file(path).describe().shape == (1, 2, H, W)
    one = open_file(folder(tmp_path / "f", DAYS[:1])).describe()
    assert one.shape == (1, 2, H, W)
    assert "There is one date only; a series needs at least two." in one.notes


def test_a_folder_of_dated_files_with_masks_and_labels(tmp_path: Path) -> None:
    path = folder(tmp_path / "f", (DAYS[1], DAYS[0], DAYS[2]), stack()[[1, 0, 2]])
    cloud = np.zeros((1, H, W), np.uint8)
    cloud[0, 1] = 1
    tif(path / "S2_20230319_x_cloud.tif", cloud)
    tif(path / "S2_20230408_x_valid.tif", cloud)
    names = {"class_names": '["unlabelled", "wheat"]'}
    tif(path / "truth.tif", np.ones((1, H, W), np.uint8), names)
    source = open_file(path)
    scene = source.read()
    assert scene.dates == DAYS
    assert scene.truth.names == ("wheat",)
    assert scene.valid[0].all()
    assert np.array_equal(scene.valid[1], cloud[0] == 0)
    assert np.array_equal(scene.valid[2], cloud[0] == 1)
    assert np.array_equal(scene.pixels, np.where(scene.valid[:, None], stack(), 0))
    assert scene.grid.crs == "EPSG:32632"


def test_a_folder_takes_days_by_name_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.mkdir()
    for name, t in (("b", 0), ("a", 1)):
        tif(path / f"{name}.tif", stack()[t])
    with pytest.raises(UnreadableScene, match="2 of 2 images have no day in their name"):
        open_file(path)
    (path / "dates.csv").write_text("file,day\nb.tif,2023-03-04\na.tif,2023-03-19\n")
    scene = open_file(path).read()
    assert scene.dates == DAYS[:2]
    assert np.array_equal(scene.pixels, stack()[:2])


def test_images_of_different_sizes_are_refused_with_both(tmp_path: Path) -> None:
    path = folder(tmp_path / "f", DAYS[:2])
    tif(path / "S2_20230501.tif", np.zeros((2, H + 1, W), np.int16))
    with pytest.raises(UnreadableScene, match="5 x 7 pixels, 'S2_20230501' has 6 x 7"):
        open_file(path)
    tif(path / "S2_20230501.tif", np.zeros((3, H, W), np.int16))
    with pytest.raises(UnreadableScene, match="2 bands, 'S2_20230501' has 3 bands"):
        open_file(path)


def test_dates_all_clouded_are_told(tmp_path: Path) -> None:
    pixels = stack()
    pixels[1] = -1
    path = tif(tmp_path / "m.tif", flat(pixels), {"dates": json.dumps(DAYS)}, nodata=-1)
    scene = open_file(path).read()
    assert not scene.valid[1].any()
    assert "No pixel is clear on 1 of 3 dates: 2023-03-19." in scene.notes
    nothing = tif(tmp_path / "n.tif", flat(0 * pixels), {"dates": json.dumps(DAYS)}, nodata=0)
    assert any("no valid pixel" in note for note in open_file(nothing).read().notes)


@pytest.mark.parametrize("dtype", ["M8[D]", "U10", "S10"])
def test_an_archive_with_days_and_a_mask(tmp_path: Path, dtype: str) -> None:
    cloud = np.zeros((3, H, W), bool)
    cloud[0, 4] = True
    path = tmp_path / "s.npz"
    days = np.array(DAYS).astype(dtype)
    np.savez_compressed(path, bands=stack().astype(np.float32), dates=days, cloud_mask=cloud)
    scene = open_file(path, axes="TCHW").read()
    assert scene.dates == DAYS
    assert np.array_equal(scene.valid, ~cloud)
    assert np.array_equal(scene.pixels, np.where(cloud[:, None], 0, stack()))
    np.savez(path, bands=stack(), dates=days[:2])
    with pytest.raises(UnreadableScene, match="lists 2 days for 3 images"):
        open_file(path, axes="TCHW")


def test_a_file_without_days_says_how_to_give_them(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", stack())
    source = open_file(tmp_path / "s.npy", axes="TCHW")
    assert source.describe().dates == ()
    assert any("does not say which days" in note for note in source.describe().notes)
    (tmp_path / "s_dates.txt").write_text("\n".join(DAYS[::-1]))
    scene = open_file(tmp_path / "s.npy", axes="TCHW").read()
    assert scene.dates == DAYS
    assert np.array_equal(scene.pixels, stack()[::-1])


def test_days_that_unpack_to_more_than_they_announce_cost_no_memory(tmp_path):
    """Read in one piece, the entry would be unpacked whole before its size is looked at."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("data.npy", stack()), ("dates.npy", np.zeros(100 << 20, np.uint8))):
            with archive.open(name, "w") as entry:
                np.save(entry, content)
    real = zipfile.ZipFile(path).getinfo("dates.npy").file_size
    content = path.read_bytes()
    assert content.count(struct.pack("<I", real)) == 2  # before the entry, and in the directory
    path.write_bytes(content.replace(struct.pack("<I", real), struct.pack("<I", 65_536)))
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableScene):
            open_file(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
