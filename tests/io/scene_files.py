"""Small scene files of every format, written for the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio
import scipy.io
from rasterio.transform import Affine

CRS = "EPSG:32633"
AFFINE = Affine(30.0, 0.0, 380_000.0, 0.0, -30.0, 5_820_000.0)
ENVI_TYPES = {
    "u1": 1,
    "i2": 2,
    "i4": 3,
    "f4": 4,
    "f8": 5,
    "c8": 6,
    "c16": 9,
    "u2": 12,
    "u4": 13,
    "i8": 14,
    "u8": 15,
}
ENVI_AXES = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}
WAVELENGTHS = (450.0, 550.5, 650.0, 850.0, 1600.0)


def cube(dtype: str = "u2", shape: tuple[int, int, int] = (5, 17, 23), seed: int = 0) -> Any:
    """A (C, H, W) array of random numbers that all types hold exactly as float32."""
    numbers = np.random.default_rng(seed).integers(1, 100, shape)
    kind = np.dtype(dtype).kind
    if kind == "i":
        numbers = numbers - 50
    return (numbers + (0.25 if kind == "f" else 0)).astype(dtype)


def write_tif(path: Path, data: Any, tags: Sequence[dict[str, str]] = (), **profile: Any) -> Path:
    """A GeoTIFF of a (C, H, W) array; `tags` for each band."""
    settings = {"crs": CRS, "transform": AFFINE, **profile}
    c, h, w = data.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=c, height=h, width=w, dtype=data.dtype.name, **settings
    ) as file:
        file.write(data)
        for index, band_tags in enumerate(tags, start=1):
            file.update_tags(index, **band_tags)
    return path


def write_envi(
    path: Path, data: Any, interleave: str = "bsq", extra: str = "", offset: int = 0
) -> Path:
    """An ENVI pair of a (C, H, W) array, in the byte order of its type."""
    c, h, w = data.shape
    big = data.dtype.byteorder == ">"
    stored = np.ascontiguousarray(data.transpose(ENVI_AXES[interleave]))
    path.write_bytes(b"\xab" * offset + stored.tobytes())
    path.with_suffix(".hdr").write_text(
        f"ENVI\ndescription = {{a scene\n of two lines}}\nsamples = {w}\nlines = {h}\nbands = {c}\n"
        f"header offset = {offset}\ndata type = {ENVI_TYPES[data.dtype.str[1:]]}\n"
        f"interleave = {interleave}\nbyte order = {int(big)}\n{extra}"
    )
    return path


def write_npy(path: Path, data: Any) -> Path:
    np.save(path, data)
    return path


def write_npz(path: Path, compressed: bool = True, **arrays: Any) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def write_mat5(path: Path, compressed: bool = True, **arrays: Any) -> Path:
    scipy.io.savemat(path, arrays, do_compression=compressed)
    return path


def write_mat73(path: Path, **arrays: Any) -> Path:
    """A MATLAB 7.3 file: HDF5 behind a text of 512 bytes, arrays with reversed axes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            node = file.create_dataset(name, data=np.ascontiguousarray(np.asarray(array).T))
            node.attrs["MATLAB_class"] = np.bytes_(
                {"f4": "single", "f8": "double", "u1": "uint8"}.get(
                    array.dtype.str[1:], array.dtype.name
                )
            )
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: TEST".ljust(116) + b" " * 8 + b"\x00\x02IM")
    return path


def write_netcdf4(
    path: Path, data: Any, attributes: dict[str, Any] | None = None, order: str = "CHW"
) -> Path:
    """A CF file with dimensions band, y, x, coordinates, a grid mapping and wavelengths."""
    c, h, w = data.shape
    names = {"C": "band", "H": "y", "W": "x"}
    with h5py.File(path, "w") as file:
        file["x"] = AFFINE.c + AFFINE.a * (np.arange(w) + 0.5)
        file["y"] = AFFINE.f + AFFINE.e * (np.arange(h) + 0.5)
        file["x"].attrs.update({"standard_name": "projection_x_coordinate", "units": "m"})
        file["y"].attrs.update({"standard_name": "projection_y_coordinate", "units": "m"})
        file["band"] = np.arange(c)
        file["wavelength"] = np.array(WAVELENGTHS[:c]) / 1000
        file["wavelength"].attrs["units"] = "um"
        file["crs"] = np.int32(0)
        file["crs"].attrs["crs_wkt"] = rasterio.crs.CRS.from_string(CRS).to_wkt()
        for name in ("x", "y", "band"):
            file[name].make_scale(name)
        file["wavelength"].dims[0].attach_scale(file["band"])
        stored = data.transpose(["CHW".index(letter) for letter in order])
        node = file.create_dataset("scene", data=stored, compression="gzip", chunks=True)
        for axis, letter in enumerate(order):
            node.dims[axis].attach_scale(file[names[letter]])
        node.attrs["grid_mapping"] = "crs"
        node.attrs.update(attributes or {})
    return path


def write_netcdf3(
    path: Path, data: Any, version: int = 1, records: bool = False, **attributes: Any
) -> Path:
    """A classic NetCDF file with dimensions band, y, x (or time as a record dimension)."""
    c, h, w = data.shape
    with scipy.io.netcdf_file(path, "w", version=version) as file:
        first = "time" if records else "band"
        file.createDimension(first, None if records else c)
        file.createDimension("y", h)
        file.createDimension("x", w)
        for name, size, start, step in (
            ("x", w, AFFINE.c, AFFINE.a),
            ("y", h, AFFINE.f, AFFINE.e),
        ):
            node = file.createVariable(name, "f8", (name,))
            node[:] = start + step * (np.arange(size) + 0.5)
            node.units = "m"
        mapping = file.createVariable("utm", "c", ())
        mapping.spatial_ref = rasterio.crs.CRS.from_string(CRS).to_wkt()
        scene = file.createVariable("scene", data.dtype, (first, "y", "x"))
        scene[:] = data
        scene.grid_mapping = "utm"
        for name, value in attributes.items():
            setattr(scene, name, value)
        if records:
            time = file.createVariable("time", "i4", ("time",))
            time[:] = np.arange(c) * 16
            time.units = "days since 2020-01-01"
    return path


SEEDS: dict[str, Callable[[Path], Path]] = {
    "geotiff": lambda f: write_tif(f / "a.tif", cube(shape=(3, 9, 8)), compress="deflate"),
    "png": lambda f: _picture(f / "a.png", "PNG"),
    "jpeg": lambda f: _picture(f / "a.jpg", "JPEG"),
    "jpeg2000": lambda f: _picture(f / "a.jp2", "JP2OpenJPEG"),
    "npy": lambda f: write_npy(f / "a.npy", cube(shape=(3, 9, 8))),
    "npz": lambda f: write_npz(f / "a.npz", a=cube(shape=(3, 9, 8)), b=cube(shape=(1, 2, 3))),
    "mat5": lambda f: write_mat5(f / "a.mat", data=cube(shape=(9, 8, 3)), a_gt=cube()[0, :9, :8]),
    "mat5-plain": lambda f: write_mat5(f / "p.mat", compressed=False, data=cube(shape=(9, 8, 3))),
    "mat73": lambda f: write_mat73(f / "v.mat", data=cube(shape=(9, 8, 3))),
    "netcdf4": lambda f: write_netcdf4(f / "a.nc", cube(shape=(3, 9, 8))),
    "netcdf3": lambda f: write_netcdf3(f / "c.nc", cube("i2", (3, 9, 8))),
    "hdf5": lambda f: _hdf5(f / "a.h5"),
    "envi": lambda f: write_envi(f / "a.dat", cube(shape=(3, 9, 8)), "bip"),
}
"""A small valid file of every format; each function writes into a folder."""


def _picture(path: Path, driver: str) -> Path:
    data = cube("u1", (3, 9, 8))
    with rasterio.open(path, "w", driver=driver, count=3, height=9, width=8, dtype="uint8") as file:
        file.write(data)
    return path


def _hdf5(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("group/data", data=cube(shape=(3, 9, 8)), compression="lzf")
    return path
