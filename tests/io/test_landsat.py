"""Landsat scenes in a folder: calibration from the metadata file, and what can be wrong."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.catalog import open_scene
from rsviz.io.paths import belonging

NAME = "LC08_L1TP_001002_20240627"
METADATA = """GROUP = LANDSAT_METADATA_FILE
  GROUP = PRODUCT_CONTENTS
    SPACECRAFT_ID = "LANDSAT_8"
    DATE_ACQUIRED = 2024-06-27
    FILE_NAME_BAND_4 = "LC08_L1TP_001002_20240627_B4.TIF"
    FILE_NAME_BAND_10 = "LC08_L1TP_001002_20240627_B10.TIF"
    SUN_ELEVATION = 30.0
    RADIANCE_MULT_BAND_10 = 3.3420E-04
    RADIANCE_ADD_BAND_10 = 0.10000
    REFLECTANCE_MULT_BAND_4 = 2.0000E-05
    REFLECTANCE_ADD_BAND_4 = -0.100000
    REFLECTANCE_MULT_BAND_5 = 2.0000E-05
    REFLECTANCE_ADD_BAND_5 = -0.100000
    K1_CONSTANT_BAND_10 = 774.8853
    K2_CONSTANT_BAND_10 = 1321.0789
END_GROUP = LANDSAT_METADATA_FILE
END
"""
STORED = {"4": 10_000, "5": 20_000, "10": 29_000}
RADIANCE = 3.342e-4 * 29_000 + 0.1


def put(folder: Path, name: str, value: float, dtype: str = "uint16", size: int = 6) -> Path:
    path = folder / name
    path.unlink(missing_ok=True)  # GDAL would remove the metadata with it
    data = np.full((1, size, size + 1), value, dtype)
    if dtype == "uint16":
        data[0, 0, 0] = 0
    with rasterio.open(
        path, "w", driver="GTiff", height=size, width=size + 1, count=1, dtype=dtype,
        crs="EPSG:32632", transform=from_origin(400_000, 5_500_000, 30, 30),
    ) as target:  # fmt: skip
        target.write(data)
    return path


@pytest.fixture
def scene(tmp_path):
    for number, value in STORED.items():
        put(tmp_path, f"{NAME}_B{number}.TIF", value)
    path = tmp_path / f"{NAME}_MTL.txt"
    path.write_bytes(METADATA.encode() + b"\0" * 3000)
    return path


def changed(scene: Path, old: str, new: str) -> Path:
    text = scene.read_bytes().decode()
    assert old in text
    scene.write_bytes(text.replace(old, new).encode())
    return scene


def values(path: Path) -> dict[str, float]:
    source = open_scene(str(path))
    found = source.read()
    names = [band.name for band in found.bands]
    return dict(zip(names, found.pixels[0, :, 3, 3].tolist(), strict=True))


def test_numbers_become_reflectance_and_temperature(scene):
    found = values(scene)
    assert found["red"] == pytest.approx((2e-5 * 10_000 - 0.1) / math.sin(math.radians(30)))
    assert found["near infrared"] == pytest.approx(0.6)
    expected = 1321.0789 / math.log(774.8853 / RADIANCE + 1)
    assert found["thermal"] == pytest.approx(expected, abs=1e-3)
    about = open_scene(str(scene)).describe()
    assert about.quantity == "reflectance_and_temperature"
    assert about.dates == ("2024-06-27",)
    assert about.grid.crs == "EPSG:32632"
    assert [b.wavelength_nm for b in about.bands] == [654.5, 865.0, 10895.0]


def test_fill_has_no_value_and_windows_fit_the_whole(scene):
    source = open_scene(str(scene))
    whole = source.read()
    assert not whole.valid[0, 0, 0]
    assert whole.valid[0].sum() == whole.valid[0].size - 1
    part = source.read(Window(1, 2, 3, 4), (2,))
    assert np.array_equal(part.pixels[0, 0], whole.pixels[0, 2, 1:4, 2:6])


def test_the_folder_is_the_scene_too(scene):
    assert open_scene(str(scene.parent)).describe().driver == "landsat"


def test_rasters_beside_it_become_bands(scene):
    put(scene.parent, "era_water_vapour.tif", 2.5, "float32")
    put(scene.parent, "era_air_temperature.tif", 297.0, "float32")
    found = values(scene)
    assert found["water vapour"] == pytest.approx(2.5)
    assert found["air temperature"] == pytest.approx(297.0)
    assert {p.name for p in belonging(scene)} >= {"era_water_vapour.tif", f"{NAME}_B10.TIF"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("K1_CONSTANT_BAND_10", "K9", "gives no K1_CONSTANT_BAND_10"),
        ("RADIANCE_MULT_BAND_10", "OTHER", "gives no RADIANCE_MULT_BAND_10"),
        ("SUN_ELEVATION = 30.0", "SUN_ELEVATION = -3.0", "below the horizon"),
        ("LANDSAT_8", "SENTINEL_2", "Landsat 5, 7, 8 and 9"),
        ("RADIANCE_ADD_BAND_10 = 0.10000", "RADIANCE_ADD_BAND_10 = -50", "must be positive"),
        ("20240627_B", "19990101_B", "no band of it lies beside it"),
    ],
)
def test_metadata_that_cannot_be_get_a_sentence(scene, old, new, said):
    with pytest.raises(UnreadableScene, match=said):
        open_scene(str(changed(scene, old, new)))


def test_a_missing_band_is_named(scene):
    (scene.parent / f"{NAME}_B10.TIF").unlink()
    with pytest.raises(UnreadableScene, match=r"lacks thermal \(band 10\); 2 bands"):
        open_scene(str(scene))


def test_bands_of_another_size_are_refused(scene):
    put(scene.parent, f"{NAME}_B5.TIF", 9000, size=5)
    with pytest.raises(UnreadableScene, match="has 5 x 6 pixels; red has 6 x 7"):
        open_scene(str(scene))


def test_older_metadata_without_constants_use_published_ones(scene):
    text = METADATA.replace("LANDSAT_8", "LANDSAT_5").replace("BAND_10", "BAND_6")
    text = text.replace("REFLECTANCE_MULT_BAND_4", "RADIANCE_MULT_BAND_3")
    text = text.replace("REFLECTANCE_ADD_BAND_4", "RADIANCE_ADD_BAND_3")
    text = text.replace("REFLECTANCE_MULT_BAND_5", "RADIANCE_MULT_BAND_4")
    text = text.replace("REFLECTANCE_ADD_BAND_5", "RADIANCE_ADD_BAND_4")
    lines = [line for line in text.splitlines() if "CONSTANT" not in line]
    scene.write_text("\n".join(lines))
    (scene.parent / f"{NAME}_B5.TIF").unlink()
    for number in ("3", "6"):
        put(scene.parent, f"{NAME}_B{number}.TIF", 29_000)
    about = open_scene(str(scene)).describe()
    assert any("607.76 and 1260.56" in note for note in about.notes)
    found = values(scene)
    assert found["thermal"] == pytest.approx(1260.56 / math.log(607.76 / RADIANCE + 1), abs=1e-3)
    day = 1 - 0.01672 * math.cos(math.radians(0.9856 * (179 - 4)))
    expected = math.pi * (2e-5 * 29_000 - 0.1) * day**2 / (1536.0 * 0.5)
    assert found["red"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "centre", "warm"),
    [
        ("landsat8_mendoza/LC82320832016040LGN00_MTL.txt", 10895.0, (290, 310)),
        ("rstoolbox_landsat5/LT52240631988227CUB02_MTL.txt", 11450.0, (285, 305)),
    ],
)
def test_real_scenes_are_read(file, centre, warm):
    path = Path(os.environ.get("RSVIZ_DATA", "")) / "thermal" / file
    if not path.is_file():
        pytest.skip("RSVIZ_DATA names no folder with these Landsat scenes")
    source = open_scene(str(path))
    at = next(i for i, b in enumerate(source.describe().bands) if b.wavelength_nm == centre)
    scene = source.read(None, (at,))
    assert scene.valid.mean() > 0.9
    low, high = np.percentile(scene.pixels[0, 0][scene.valid[0]], (2, 98))
    assert warm[0] < low < high < warm[1]


@pytest.mark.data
def test_a_real_metadata_file_in_the_folder_of_another_scene():
    path = Path(os.environ.get("RSVIZ_DATA", "")) / "thermal/landsat8_mendoza/L7.MTL.txt"
    if not path.is_file():
        pytest.skip("RSVIZ_DATA names no folder with this Landsat scene")
    with pytest.raises(UnreadableScene, match="tells of the scene LE7"):
        open_scene(str(path))
