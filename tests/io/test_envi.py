"""ENVI headers: what they say, what is missing, and what is no image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import scene_files as files

from rsviz.core.errors import UnreadableScene
from rsviz.io.doors import open_file
from rsviz.io.envi import parse_header

MAP = "map info = {UTM, 1.000, 1.000, 380000.0, 5820000.0, 30.0, 30.0, 33, North, WGS-84}\n"


def test_wavelengths_in_micrometres_bad_bands_names_and_gaps(tmp_path: Path) -> None:
    data = files.cube("i2")
    data[:, 3, 4] = -99
    extra = (
        "wavelength units = Micrometers\nwavelength = {0.45, 0.55,\n 0.65, 0.85, 1.6}\n"
        "fwhm = {0.01, 0.01, 0.01, 0.02, 0.02}\nbbl = {1, 1, 0, 1, 1}\n"
        "band names = {blue, green, gone, near infrared, short wave}\n"
        "data ignore value = -99\nreflectance scale factor = 10000\n"
        "acquisition time = 2009-08-20T09:44:50\n"
    )
    source = open_file(files.write_envi(tmp_path / "a.bsq", data, extra=extra))
    d = source.describe()
    assert d.wavelengths_nm == pytest.approx((450, 550, 650, 850, 1600))
    assert [band.fwhm_nm for band in d.bands] == pytest.approx([10, 10, 10, 20, 20])
    assert [band.good for band in d.bands] == [True, True, False, True, True]
    assert d.bands[3].name == "near infrared"
    assert d.dates == ("2009-08-20",)
    assert d.quantity == "reflectance"
    scene = source.read()
    assert not scene.valid[0, 3, 4]
    expected = np.where(data == -99, 0, data * np.float32(1e-4))
    assert scene.pixels[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("reference", "rotation"),
    [
        ("1.000, 1.000", ""),
        ("3.5, 7.0", ""),
        ("1.000, 1.000", ", rotation=30.0"),
        ("1.000, 1.000", ", rotation=-12.5"),
    ],
)
def test_map_info_agrees_with_gdal(tmp_path: Path, reference: str, rotation: str) -> None:
    info = MAP.replace("1.000, 1.000", reference).replace("WGS-84", "WGS-84" + rotation)
    path = files.write_envi(tmp_path / "a.img", files.cube(), extra=info)
    grid = open_file(path).describe().grid
    with rasterio.open(path) as oracle:
        assert grid.affine == pytest.approx(tuple(oracle.transform)[:6])
    assert grid.crs == "EPSG:32633"
    assert grid.pixel_m == pytest.approx((30, 30))


def test_a_rotated_grid_turns_around_its_reference_pixel(tmp_path: Path) -> None:
    info = MAP.replace("1.000, 1.000", "3.5, 7.0").replace("WGS-84", "WGS-84, rotation=30.0")
    grid = open_file(files.write_envi(tmp_path / "a.img", files.cube(), extra=info)).describe().grid
    assert grid.xy(6.0, 2.5) == pytest.approx((380_000, 5_820_000))


@pytest.mark.parametrize(
    ("info", "crs"),
    [
        ("UTM, 1, 1, 3e5, 7e6, 30, 30, 21, South, WGS-84, units=Meters", "EPSG:32721"),
        ("Geographic Lat/Lon, 1, 1, 13.0, 52.0, 0.001, 0.001, WGS-84", "EPSG:4326"),
        ("Arbitrary, 1, 1, 0, 0, 1, 1, 0, North", None),
        ("UTM, 1, 1, 3e5, 7e6, 30, 30, 21, South, Clarke-1866", None),
        ("UTM, 1, 1, nan, 7e6, 30, 30, 21, South, WGS-84", None),
        ("nonsense", None),
    ],
)
def test_crs_by_name(tmp_path: Path, info: str, crs: str | None) -> None:
    path = files.write_envi(tmp_path / "a.img", files.cube(), extra=f"map info = {{{info}}}\n")
    assert open_file(path).describe().grid.crs == crs


def test_crs_by_esri_text(tmp_path: Path) -> None:
    text = (
        'PROJCS["UTM_Zone_33N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",'
        '6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
        'PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],'
        'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",15.0],'
        'PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    extra = MAP.replace("WGS-84", "unknown") + f"coordinate system string = {{{text}}}\n"
    path = files.write_envi(tmp_path / "a.img", files.cube(), extra=extra)
    assert open_file(path).describe().grid.crs == "EPSG:32633"


@pytest.mark.parametrize("name", ["scene", "scene.img", "scene.raw", "scene.bsq"])
def test_either_file_of_the_pair_may_be_chosen(tmp_path: Path, name: str) -> None:
    path = files.write_envi(tmp_path / name, files.cube())
    by_data, by_header = open_file(path), open_file(path.with_suffix(".hdr"))
    assert by_data.describe() == by_header.describe()


def test_header_named_after_the_whole_data_file(tmp_path: Path) -> None:
    path = files.write_envi(tmp_path / "scene.img", files.cube())
    path.with_suffix(".hdr").rename(tmp_path / "scene.img.hdr")
    assert (
        open_file(path).describe().shape == open_file(tmp_path / "scene.img.hdr").describe().shape
    )


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    path = files.write_envi(tmp_path / "a.img", files.cube())
    path.unlink()
    with pytest.raises(UnreadableScene, match=r"data file that belongs to 'a\.hdr' is not"):
        open_file(path.with_suffix(".hdr"))


def test_a_text_beside_a_header_is_not_its_data(tmp_path: Path) -> None:
    files.write_envi(tmp_path / "a.img", files.cube())
    (tmp_path / "a.csv").write_text("name,value\nwater,1\n")
    with pytest.raises(UnreadableScene, match=r"'a.csv' is text"):
        open_file(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("bands = 5", "bands = five", "'five' for 'bands'"),
        ("bands = 5", "bands = 0", "at least 1"),
        ("bands = 5", "bands = 6", "too short"),
        ("bands = 5", "bands = 999999999999999999", "too short"),
        ("samples = 23", "samples = -23", "'-23' for 'samples'"),
        ("data type = 12", "data type = 7", "data type '7'"),
        ("byte order = 0", "byte order = 2", "byte order '2'"),
        ("interleave = bsq", "interleave = tiled", "bsq, bil or bip"),
        ("ENVI\n", "ENVI\nfile type = ENVI Spectral Library\n", "spectral library of 17 spectra"),
        ("ENVI\n", "ENVI\nfile compression = 1\n", "compressed"),
        ("byte order = 0", "byte order = 0\nwavelength = {1, 2", "never ends"),
    ],
)
def test_damaged_headers(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = files.write_envi(tmp_path / "a.img", files.cube())
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(UnreadableScene, match=words):
        open_file(path)


def test_classification_file_as_truth(tmp_path: Path) -> None:
    """ENVI classifications name their classes; the first belongs to unlabelled pixels."""
    labels = (np.arange(17 * 23).reshape(1, 17, 23) % 3).astype("u1")
    extra = (
        "file type = ENVI Classification\nclasses = 3\nclass names = {Unclassified, grass, water}\n"
        "class lookup = {0, 0, 0, 0, 255, 0, 0, 0, 255}\n"
    )
    path = files.write_envi(tmp_path / "labels.img", labels, extra=extra)
    assert open_file(path).classes.names == ("grass", "water")
    assert open_file(path).classes.colours == ("#00ff00", "#0000ff")


def test_fields_are_read_as_they_stand(tmp_path: Path) -> None:
    header = tmp_path / "a.hdr"
    header.write_text("ENVI\n; a remark = 1\nData  Type=4\nlist = {a,\n b=c, d}\nempty =\n")
    assert parse_header(header) == {"data type": "4", "list": "{a, b=c, d}", "empty": ""}
