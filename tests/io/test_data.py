"""Every real file opens, or is refused with a sentence that is right."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.catalog import EXTENSIONS, open_scene, scenes

pytestmark = pytest.mark.data

REFUSED = {
    "geo/rasterio/corrupt.tif": "could not be read",
    "hsi/enmap_berlin_samples/enmap_berlin.hdr": "data file that belongs to",
    "hsi/spectral_libraries/gamsberg_field_library": "spectral library of 27 spectra",
    "hsi/spectral_libraries/gamsberg_field_library.hdr": "spectral library of 27 spectra",
    "hsi/spectral_libraries/library_berlin.hdr": "spectral library of 75 spectra",
    "hsi/spectral_libraries/library_berlin.sli": "spectral library of 75 spectra",
    "hsi/indian_pines/92AV3GT.GIS": "ERDAS",
    "multiframe/villena2011_real/car8_yc.mat": "yc is a cell array",
    "multiframe/villena2011_real/car_yc.mat": "yc is a cell array",
    "sits/eolearn_TestEOPatch/label/IS_CLOUDLESS.npy": "has the shape 68 x 1",
    "sits/eolearn_TestEOPatch/label_timeless/LULC_COUNTS.npy": "has the shape 6",
    "sits/eolearn_TestEOPatch/scalar/CLOUD_COVERAGE.npy": "has the shape 68 x 1",
    "sits/eolearn_TestEOPatch/scalar_timeless/LULC_PERCENTAGE.npy": "has the shape 6",
    "thermal/landsat8_mendoza/L7.MTL.txt": "no band of it lies beside it",
    "thermal/rfmip/multiple_input4MIPs_radiation_RFMIP_UColorado-RFMIP-1-2_none.nc": "no image",
    "thermal/rfmip/rld_Efx_RTE-RRTMGP-181204_rad-irf_r1i1p1f1_gn.nc": "no image",
    "thermal/rfmip/rlu_Efx_RTE-RRTMGP-181204_rad-irf_r1i1p1f1_gn.nc": "no image",
}
NO_SCENES = frozenset(
    [".csv", ".json", ".geojson", ".md", ".txt", ".xml", ".tsv", ".rda", ".gpkg", ".dat", ".spc"]
)


def is_scene(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS or path.name.lower().endswith("mtl.txt")


def test_every_file(data_folder: Path) -> None:
    """Scenes open, are read in a corner and at a pixel; the rest is refused as listed."""
    opened, refused = 0, set()
    for path in sorted(p for p in data_folder.rglob("*") if p.is_file()):
        inside = str(path.relative_to(data_folder))
        if inside in REFUSED:
            with pytest.raises(UnreadableScene, match=REFUSED[inside]):
                open_scene(str(path)).read()
            refused.add(inside)
        elif is_scene(path):
            source = open_scene(str(path))
            d = source.describe()
            assert d.notes or d.driver == "geotiff", inside
            h, w = d.grid.shape
            corner = source.read(Window(max(0, h - 9), max(0, w - 9), min(h, 9), min(w, 9)))
            values = source.spectrum(h - 1, w - 1).values
            pixel = corner.pixels[0, :, -1, -1]
            assert np.array_equal(pixel, np.nan_to_num(values)), inside
            source.close()
            opened += 1
        else:
            with pytest.raises(UnreadableScene):
                open_scene(str(path))
    assert refused == set(REFUSED)
    assert opened > 300


def test_every_file_is_in_the_list(data_folder: Path) -> None:
    """Only labels that belong to a scene, headers and libraries have no entry of their own."""
    listed = {Path(e.path) for e in scenes()}
    root = Path(os.path.realpath(data_folder))
    missing = [
        str(p.relative_to(root))
        for p in root.rglob("*")
        if p.is_file() and p.suffix.lower() in EXTENSIONS and p.suffix != ".hdr" and p not in listed
    ]
    assert all("labels/" in m or "ann_dir/" in m or "groundtruth/" in m for m in missing), missing


def test_enmap_potsdam(data_folder: Path) -> None:
    source = open_scene("enmap-potsdam-tile-128-128")
    d = source.describe()
    assert d.shape == (1, 224, 32, 32)
    assert (d.grid.crs, d.quantity, d.dates) == ("EPSG:32633", "reflectance", ("2022-07-24",))
    assert d.grid.pixel_m == pytest.approx((30, 30))
    assert d.bands[0].wavelength_nm == pytest.approx(418.24)
    assert sum(not band.good for band in d.bands) == 6
    scene = source.read()
    assert scene.valid.all()
    assert -0.1 < scene.pixels.min() < scene.pixels.max() < 1.5
    assert scene.truth is not None
    assert scene.truth.labels.max() <= 6


@pytest.mark.parametrize(
    ("place", "shape", "crs", "words"),
    [
        ("geo/rio_tiler/cog_gcps.tif", (1, 1, 837, 1280), None, "210 ground control points"),
        ("geo/rio_tiler/cog_dateline.tif", (1, 1, 2355, 2325), "EPSG:32660", "date line"),
        ("geo/rasterio/cogeo.tif", (1, 3, 1024, 1024), "EPSG:3857", "internal mask"),
        ("geo/rasterio/RGB.nc", (1, 3, 718, 791), "EPSG:32618", "3 variables"),
        ("geo/netcdf/tmmx_20190121.nc", (1, 1, 585, 1386), "EPSG:4326", "0.1 and 220"),
        ("hsi/anomaly/abu-urban-1.mat", (1, 204, 100, 100), None, "unpacked once"),
        ("hsi/samson/Y_clean.mat", (1, 156, 95, 95), None, "guessed as HWC"),
        ("sits/eolearn_TestEOPatch/data/NDVI.npy", (68, 1, 101, 100), None, "THWC"),
    ],
)
def test_known_files(
    data_folder: Path, place: str, shape: tuple[int, ...], crs: str | None, words: str
) -> None:
    d = open_scene(str(data_folder / place)).describe()
    assert (d.shape, d.grid.crs) == (shape, crs)
    assert words in " ".join(d.notes)


def test_scenes_on_other_bodies(data_folder: Path) -> None:
    for name, radius in (("cog_hirise_mars", "3396 km"), ("cog_nonearth", "1561 km")):
        d = open_scene(str(data_folder / f"geo/rio_tiler/{name}.tif")).describe()
        assert d.grid.crs is not None
        assert any("not lie on Earth" in note and radius in note for note in d.notes)


def test_netcdf_and_geotiff_of_the_same_image_agree(data_folder: Path) -> None:
    """RGB.nc was made of RGB.byte.tif; its rows run from south to north."""
    one = open_scene(str(data_folder / "geo/rasterio/RGB.byte.tif")).read()
    other = open_scene(str(data_folder / "geo/rasterio/RGB.nc")).read()
    assert np.array_equal(one.pixels, other.pixels[:, :, ::-1])
    assert np.array_equal(one.valid, other.valid[:, ::-1])
    x, y = one.grid.xy(10.5, 20.5)
    assert other.grid.rowcol(x, y) == (718 - 11, 20)


def test_matlab_agrees_with_scipy(data_folder: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    for place, name in (
        ("hsi/anomaly/abu-airport-1.mat", "data"),
        ("hsi/anomaly/abu-urban-1.mat", "data"),
        ("hsi/samson/Y_clean.mat", "Y_clean"),
        ("hsi/indian_pines/IP_200_M.mat", "data_M"),
    ):
        path = data_folder / place
        expected = scipy_io.loadmat(path)[name].transpose(2, 0, 1).astype("f4")
        assert np.array_equal(open_scene(str(path)).read().pixels[0], expected)
