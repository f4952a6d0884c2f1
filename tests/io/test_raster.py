"""GeoTIFF, PNG, JPEG and JPEG 2000: masks, scale, tags, places, and GDAL kept on a short lead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import scene_files as files
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from rsviz.core.errors import BadOption, SceneTooLarge, UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.catalog import open_scene
from rsviz.io.doors import open_file

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def noted(source: object, *words: str) -> bool:
    notes = " ".join(source.describe().notes)  # type: ignore[attr-defined]
    return all(word in notes for word in words)


def test_describe_reads_no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_file(files.write_tif(tmp_path / "a.tif", files.cube()))

    def forbidden(*_: object) -> None:
        raise AssertionError("pixels were read")

    monkeypatch.setattr(type(source._pixels), "blocks", forbidden)
    assert source.describe().shape == (1, 5, 17, 23)


def test_wavelengths_widths_bad_bands_and_scale_from_band_tags(tmp_path: Path) -> None:
    tags = [
        {"wavelength": str(w), "wavelength_units": "Micrometers", "fwhm": "0.0065", "bbl": good}
        for w, good in ((0.4182, "1"), (0.55, "1"), (1.4, "0"), (1.65, "1"), (2.2, "1"))
    ]
    path = files.write_tif(tmp_path / "a.tif", files.cube("i2", seed=1), tags)
    with rasterio.open(path, "r+") as file:
        file.scales = (0.0001,) * 5
        file.offsets = (0.1,) * 5
    source = open_file(path)
    d = source.describe()
    assert d.wavelengths_nm == pytest.approx((418.2, 550, 1400, 1650, 2200))
    assert [band.fwhm_nm for band in d.bands] == pytest.approx([6.5] * 5)
    assert [band.good for band in d.bands] == [True, True, False, True, True]
    assert d.quantity == "reflectance"
    assert noted(source, "multiplied by 0.0001 and 0.1 is added", "1 of 5 bands are marked as bad")
    expected = files.cube("i2", seed=1) * np.float32(0.0001) + np.float32(0.1)
    assert np.array_equal(source.read().pixels[0], expected)


def test_lists_in_envi_style_and_a_missing_unit(tmp_path: Path) -> None:
    path = files.write_tif(tmp_path / "a.tif", files.cube())
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="ENVI", wavelength="{0.45, 0.55, 0.65, 0.85, 1.6}", fwhm="{1, 2, 3}")
    source = open_file(path)
    assert source.describe().wavelengths_nm == pytest.approx((450, 550, 650, 850, 1600))
    assert noted(source, "no unit", "micrometres", "3 band widths are given for 5 bands")


def test_nodata_nan_and_infinity_are_masked_and_told(tmp_path: Path) -> None:
    data = files.cube("f4")
    data[:, 0, 0] = -9999
    data[:, 1, 1] = np.nan
    data[:, 2, 2] = np.inf
    data[0, 3, 3] = -np.inf
    scene = open_file(files.write_tif(tmp_path / "a.tif", data, nodata=-9999)).read()
    assert not scene.valid[0, [0, 1, 2], [0, 1, 2]].any()
    assert scene.valid.sum() == 17 * 23 - 3
    assert scene.pixels[0, 0, 3, 3] == 0
    assert np.isfinite(scene.pixels).all()
    assert "1 pixels" in scene.notes[-1]


def test_a_scene_without_any_valid_pixel(tmp_path: Path) -> None:
    source = open_file(files.write_tif(tmp_path / "a.tif", np.full((2, 5, 6), 7, "u1"), nodata=7))
    scene = source.read()
    assert not scene.valid.any()
    assert "no valid pixel" in scene.notes[-1]
    assert np.isnan(source.spectrum(2, 3).values).all()


def test_bad_bands_do_not_hide_pixels(tmp_path: Path) -> None:
    """EnMAP fills its water-vapour bands with no-data everywhere; the others still count."""
    data = files.cube("i2")
    data[2] = -32768
    tags = [{"bbl": str(int(band != 2))} for band in range(5)]
    source = open_file(files.write_tif(tmp_path / "a.tif", data, tags, nodata=-32768))
    scene = source.read()
    assert scene.valid.all()
    assert not any("lack a value" in note for note in scene.notes)
    assert np.isnan(source.spectrum(4, 4).values[2])
    assert np.isfinite(source.spectrum(4, 4).values[[0, 1, 3, 4]]).all()


def test_negative_reflectance_stays(tmp_path: Path) -> None:
    data = files.cube("f4") / 1000 - 0.06
    scene = open_file(files.write_tif(tmp_path / "a.tif", data)).read()
    assert scene.quantity == "reflectance"
    assert np.array_equal(scene.pixels[0], data.astype("f4"))


@pytest.mark.parametrize("suffix", ["tif", "png"])
def test_alpha_is_the_mask(tmp_path: Path, suffix: str) -> None:
    data = files.cube("u1")[:4]
    data[3] = 255
    data[3, :4] = 0
    path = tmp_path / f"a.{suffix}"
    driver = {"tif": "GTiff", "png": "PNG"}[suffix]
    with rasterio.open(
        path, "w", driver=driver, count=4, height=17, width=23, dtype="uint8"
    ) as file:
        file.write(data)
        file.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    source = open_file(path)
    assert source.describe().shape == (1, 3, 17, 23)
    assert noted(source, "alpha band")
    scene = source.read(Window(2, 0, 6, 23))
    assert np.array_equal(scene.valid[0], np.arange(2, 8)[:, None] >= np.full((1, 23), 4))
    assert np.isnan(source.spectrum(0, 0).values).all()


def test_internal_mask(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"),
        rasterio.open(
            path, "w", driver="GTiff", count=5, height=17, width=23, dtype="uint16"
        ) as file,
    ):
        file.write(files.cube())
        file.write_mask(np.tri(17, 23) > 0)
    source = open_file(path)
    assert noted(source, "internal mask")
    assert np.array_equal(source.read().valid[0], np.tri(17, 23) > 0)


def test_no_crs_is_said(tmp_path: Path) -> None:
    source = open_file(files.write_tif(tmp_path / "a.tif", files.cube(), crs=None, transform=None))
    assert source.describe().grid.crs is None
    assert noted(source, "no map coordinates", "pixel coordinates")


def test_ground_control_points_only_is_said(tmp_path: Path) -> None:
    points = [
        GroundControlPoint(r, c, 13 + c / 100, 52 - r / 100) for r in (0, 16) for c in (0, 22)
    ]
    path = files.write_tif(
        tmp_path / "a.tif", files.cube(), crs="EPSG:4326", transform=None, gcps=points
    )
    source = open_file(path)
    assert source.describe().grid.crs is None
    assert noted(source, "4 ground control points only")


@pytest.mark.parametrize(
    ("crs", "transform", "expected", "words"),
    [
        ("EPSG:32633", files.AFFINE, (30, 30), ()),
        ("EPSG:32633", Affine(10, 0, 4e5, 0, -20, 5.8e6), (10, 20), ("not square",)),
        (
            "EPSG:32633",
            Affine(3, 4, 4e5, 4, -3, 5.8e6),
            (5, 5),
            ("rotated by 53.1 degrees",),
        ),
        ("EPSG:32633", Affine(30, 0, 4e5, 0, 30, 5.8e6), (30, 30), ("south to north",)),
        ("EPSG:2263", Affine(3.28, 0, 9.8e5, 0, -3.28, 2e5), (0.99974, 0.99974), ()),  # US feet
        ("EPSG:3857", Affine(2, 0, 1.5e6, 0, -2, 8.399738e6), (1.0, 1.0), ("stretches areas",)),
        ("EPSG:32660", Affine(1000, 0, 7.0e5, 0, -1000, 5.8e6), (1000, 1000), ("date line",)),
        ("EPSG:4326", Affine(0.5, 0, 175, 0, -0.5, 10), (55_600, 55_300), ("date line",)),
    ],
)
def test_places(
    tmp_path: Path,
    crs: str,
    transform: Affine,
    expected: tuple[float, float],
    words: tuple[str, ...],
) -> None:
    data = np.ones((1, 60, 60) if "60" in crs else (1, 17, 23), "u1")
    source = open_file(files.write_tif(tmp_path / "a.tif", data, crs=crs, transform=transform))
    grid = source.describe().grid
    assert grid.crs == crs
    assert grid.affine == pytest.approx(tuple(transform)[:6])
    assert grid.pixel_m == pytest.approx(expected, rel=0.01)
    assert noted(source, *words)


def test_a_scene_on_mars(tmp_path: Path) -> None:
    mars = "+proj=eqc +lat_ts=0 +lon_0=0 +R=3396190 +units=m +no_defs"
    source = open_file(files.write_tif(tmp_path / "a.tif", files.cube(), crs=mars))
    assert noted(source, "does not lie on Earth", "3396 km")
    assert source.describe().grid.pixel_m is not None


@pytest.mark.parametrize("bands", [1, 2000])
def test_few_and_many_bands(tmp_path: Path, bands: int) -> None:
    data = np.arange(bands * 4, dtype="u2").reshape(bands, 2, 2)
    source = open_file(files.write_tif(tmp_path / "a.tif", data, interleave="band"))
    assert source.describe().shape == (1, bands, 2, 2)
    assert np.array_equal(source.spectrum(1, 0).values, data[:, 1, 0])


def test_a_file_of_20000_by_20000(tmp_path: Path) -> None:
    """Small on disk, large once read: windows work, the whole is refused before it is allocated."""
    path = tmp_path / "a.tif"
    profile = {"tiled": True, "sparse_ok": True, "crs": files.CRS, "transform": files.AFFINE}
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=20_000, width=20_000, dtype="uint16", **profile
    ) as file:
        window = rasterio.windows.Window(19_990, 19_990, 10, 10)
        file.write(np.full((3, 10, 10), 7, "u2"), window=window)
    source = open_file(path)
    assert (source.read(Window(19_995, 19_995, 5, 5)).pixels == 7).all()
    assert (source.spectrum(19_999, 19_999).values == 7).all()
    with pytest.raises(SceneTooLarge, match=r"3 x 20000 x 20000 .* needs 5\.2 GB"):
        source.read()


def test_a_virtual_raster_named_tif_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the canary sings")
    vrt = f"""<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"
      subClass="VRTRawRasterBand"><SourceFilename relativetoVRT="0">{secret}</SourceFilename>
      <ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>4</LineOffset>
      </VRTRasterBand></VRTDataset>"""
    for name in ("a.vrt", "a.tif", "a.png"):
        (tmp_path / name).write_text(vrt)
        with pytest.raises(UnreadableScene, match="virtual raster"):
            open_scene(str(tmp_path / name))


@pytest.mark.parametrize("magic", [b"II*\0", b"MM\0*", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_a_virtual_raster_behind_a_magic_number_is_refused(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(magic + b'<VRTDataset rasterXSize="4" rasterYSize="4"></VRTDataset>')
    with pytest.raises(UnreadableScene):
        open_scene(str(path))


def test_files_beside_are_not_looked_at(tmp_path: Path) -> None:
    """Side-car masks, overviews and metadata could come from anybody; none is opened."""
    path = files.write_tif(tmp_path / "a.tif", files.cube())
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><Metadata><MDI key='wavelength'>1</MDI></Metadata><PAMRasterBand band='1'>"
        "<NoDataValue>5</NoDataValue><Scale>2</Scale></PAMRasterBand></PAMDataset>"
    )
    (tmp_path / "a.tif.msk").write_bytes(b"II*\0 not a mask")
    (tmp_path / "a.tif.ovr").write_bytes(b"II*\0 not an overview")
    source = open_file(path)
    assert source.describe().nodata is None
    assert np.array_equal(source.read().pixels[0], files.cube())


def test_world_file_places_a_png_but_only_with_a_crs(tmp_path: Path) -> None:
    path = files.SEEDS["png"](tmp_path)
    path.with_suffix(".pgw").write_text("2.0\n0.0\n0.0\n-2.0\n1000.0\n2000.0\n")
    source = open_file(path)
    assert source.describe().grid.crs is None
    assert noted(source, "world file", "no CRS")


def test_truth_beside_a_scene_with_names_and_colours(tmp_path: Path) -> None:
    files.write_tif(tmp_path / "a.tif", files.cube())
    labels = (np.arange(17 * 23).reshape(1, 17, 23) % 4).astype("u1")
    path = files.write_tif(tmp_path / "a_truth.tif", labels)
    with rasterio.open(path, "r+") as file:
        file.update_tags(
            class_names='["unlabelled", "wheat, winter", "water", "wood"]',
            class_colours='["#ffffff", "#f0e442", "#0072b2", "#009e73"]',
        )
    source = open_file(tmp_path / "a.tif")
    assert source.describe().truth_names == ("wheat, winter", "water", "wood")
    truth = source.read(Window(3, 4, 5, 6)).truth
    assert truth is not None
    assert truth.colours == ("#f0e442", "#0072b2", "#009e73")
    assert np.array_equal(truth.labels, labels[0, 3:8, 4:10])
    assert noted(source, "a_truth.tif")


def test_truth_of_another_size_is_told_and_left_out(tmp_path: Path) -> None:
    files.write_tif(tmp_path / "a.tif", files.cube())
    files.write_tif(tmp_path / "a_truth.tif", files.cube()[:1, :9])
    source = open_file(tmp_path / "a.tif")
    assert source.describe().truth_names == ()
    assert source.read().truth is None
    assert noted(source, "were not used", "17 x 23")


def test_axes_of_an_image_cannot_be_chosen(tmp_path: Path) -> None:
    path = files.write_tif(tmp_path / "a.tif", files.cube())
    with pytest.raises(BadOption, match="fixed"):
        open_scene(str(path), axes="HWC")


def test_nodata_that_is_nan_is_not_stated(tmp_path: Path) -> None:
    """NaN is no data anyway, and would make descriptions unequal to themselves."""
    source = open_file(files.write_tif(tmp_path / "a.tif", files.cube("f4"), nodata=np.nan))
    assert source.describe().nodata is None
    assert source.describe() == open_file(tmp_path / "a.tif").describe()


def test_a_colour_table_is_told(tmp_path: Path) -> None:
    path = files.write_tif(tmp_path / "a.tif", files.cube("u1")[:1], photometric="palette")
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {1: (255, 0, 0, 255)})
    assert noted(open_file(path), "colour table")


def test_complex_numbers_are_shown_as_magnitude(tmp_path: Path) -> None:
    data = (files.cube("f4") * (3 + 4j)).astype("c8")
    source = open_file(files.write_tif(tmp_path / "a.tif", data))
    assert noted(source, "magnitude")
    assert source.read().pixels[0] == pytest.approx(5 * files.cube("f4"))
