"""One scene in many containers, types, interleaves and byte orders: equal to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scene_files as files

from rsviz.core.grid import Window
from rsviz.io.catalog import open_scene

REAL_TYPES = ("u1", "i2", "u2", "i4", "u4", "f4", "f8")


def check(path: Path, data: np.ndarray, axes: str = "", variable: str = "") -> None:
    """Whole read, windows in odd bands, and spectra all equal the array that was written."""
    expected = data.astype(np.float32)
    source = open_scene(str(path), variable=variable, axes=axes)
    try:
        d = source.describe()
        assert d.shape == (1, *data.shape)
        scene = source.read()
        assert np.array_equal(scene.pixels[0], expected)
        assert scene.valid.all()
        window, bands = Window(3, 5, 7, 11), (4, 0, 2)
        part = source.read(window, bands)
        assert np.array_equal(part.pixels[0], expected[list(bands), 3:10, 5:16])
        assert part.bands == tuple(d.bands[b] for b in bands)
        assert part.grid == d.grid.crop(window)
        for row, col in ((0, 0), (16, 22), (9, 4)):
            assert np.array_equal(source.spectrum(row, col).values, expected[:, row, col])
    finally:
        source.close()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("dtype", [*REAL_TYPES, "i8", "u8"])
def test_envi(tmp_path: Path, dtype: str, interleave: str, order: str) -> None:
    data = files.cube(dtype).astype(order + dtype)
    check(files.write_envi(tmp_path / "a.img", data, interleave, offset=13), data)


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", REAL_TYPES)
def test_geotiff(tmp_path: Path, dtype: str, interleave: str, tiled: bool, endian: str) -> None:
    data = files.cube(dtype)
    tiles = {"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {}
    path = files.write_tif(
        tmp_path / "a.tif", data, interleave=interleave, endianness=endian, **tiles
    )
    check(path, data)


@pytest.mark.parametrize("compress", ["lzw", "deflate", "zstd", "packbits"])
@pytest.mark.parametrize("big", ["YES", "NO"])
def test_compressed_geotiff(tmp_path: Path, compress: str, big: str) -> None:
    data = files.cube("i2")
    check(files.write_tif(tmp_path / "a.tif", data, compress=compress, bigtiff=big), data)


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("axes", ["CHW", "HWC", "WHC", "HCW"])
@pytest.mark.parametrize("dtype", [*REAL_TYPES, "f2", "i8"])
def test_npy(tmp_path: Path, dtype: str, axes: str, order: str, fortran: bool) -> None:
    data = files.cube(dtype)
    stored = data.transpose(["CHW".index(a) for a in axes]).astype(order + dtype)
    stored = np.asfortranarray(stored) if fortran else np.ascontiguousarray(stored)
    check(files.write_npy(tmp_path / "a.npy", stored), data, axes)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", REAL_TYPES)
def test_npz(tmp_path: Path, dtype: str, compressed: bool) -> None:
    data = files.cube(dtype)
    path = files.write_npz(tmp_path / "a.npz", compressed, first=data[0], scene=data)
    check(path, data, "CHW", "scene")


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", [*REAL_TYPES, "i8"])
def test_matlab_5(tmp_path: Path, dtype: str, compressed: bool) -> None:
    data = files.cube(dtype)
    path = files.write_mat5(tmp_path / "a.mat", compressed, scene=data.transpose(1, 2, 0))
    check(path, data, "HWC")


def test_matlab_5_of_a_big_endian_machine(tmp_path: Path) -> None:
    """Checked by hand against the layout, because no library writes it."""
    data = files.cube("i2")
    hwc = data.transpose(1, 2, 0)
    body = b"".join(
        (
            np.array([6, 8, 10, 0], ">u4").tobytes(),
            np.array([5, 12, *hwc.shape, 0], ">u4").tobytes(),
            np.array([1, 5], ">u4").tobytes() + b"scene\0\0\0",
            np.array([3, data.nbytes], ">u4").tobytes(),
            hwc.astype(">i2").tobytes(order="F"),
        )
    )
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    path = tmp_path / "a.mat"
    path.write_bytes(head + np.array([14, len(body)], ">u4").tobytes() + body)
    check(path, data, "HWC")


@pytest.mark.parametrize("dtype", [*REAL_TYPES, "i8"])
def test_matlab_73(tmp_path: Path, dtype: str) -> None:
    data = files.cube(dtype)
    check(files.write_mat73(tmp_path / "a.mat", scene=data.transpose(1, 2, 0)), data, "HWC")


@pytest.mark.parametrize("order", ["CHW", "HWC", "HCW"])
@pytest.mark.parametrize("dtype", [*REAL_TYPES, "f2"])
def test_netcdf_4(tmp_path: Path, dtype: str, order: str) -> None:
    data = files.cube(dtype)
    check(files.write_netcdf4(tmp_path / "a.nc", data, order=order), data)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "f4", "f8"])
def test_netcdf_3(tmp_path: Path, dtype: str, version: int) -> None:
    data = files.cube(dtype)
    check(files.write_netcdf3(tmp_path / "a.nc", data, version), data)


@pytest.mark.parametrize("dtype", REAL_TYPES)
def test_plain_hdf5(tmp_path: Path, dtype: str) -> None:
    import h5py

    data = files.cube(dtype)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "a/b/scene", data=data, chunks=(2, 5, 7), compression="gzip", shuffle=True
        )
    check(path, data, "CHW")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_png_and_jpeg_2000_without_loss(tmp_path: Path) -> None:
    import rasterio

    data = files.cube("u1")[:3]
    for name, driver, settings in (
        ("a.png", "PNG", {}),
        ("a.jp2", "JP2OpenJPEG", {"REVERSIBLE": "YES", "QUALITY": "100", "YCBCR420": "NO"}),
    ):
        path = tmp_path / name
        with rasterio.open(
            path, "w", driver=driver, count=3, height=17, width=23, dtype="uint8", **settings
        ) as file:
            file.write(data)
        source = open_scene(str(path))
        assert np.array_equal(source.read().pixels[0], data)
        assert np.array_equal(source.spectrum(16, 22).values, data[:, 16, 22])
        source.close()
