"""Small valid files of every format, from which fuzzing starts; and its corpus of earlier finds."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import rasterio

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "io"))

import scene_files as files  # noqa: E402

CORPUS = HERE.parent / "corpus"
SHAPE = (3, 9, 8)
LARGEST = 16_384
LIBRARY = "inside HDF5"
TYPES = ("u1", "i2", "u2", "f4", "f8")


@dataclass(frozen=True)
class Seed:
    """A valid file.

    Attributes:
        content: of the file.
        header: of the ENVI header beside it, or b"".
    """

    content: bytes
    header: bytes = b""


def all_seeds() -> dict[str, list[Seed]]:
    """Up to 20 seeds of at most 16 KB for each reader."""
    found: dict[str, list[Seed]] = {}
    with tempfile.TemporaryDirectory(prefix="rsviz-seeds-") as folder:
        for reader, path in _written(Path(folder)):
            header = path.with_suffix(".hdr")
            beside = header.read_bytes() if reader == "envi" else b""
            seed = Seed(path.read_bytes(), beside)
            if len(seed.content) <= LARGEST and len(found.setdefault(reader, [])) < 20:
                found[reader].append(seed)
    for path in sorted(CORPUS.glob("*.bin")):
        if path.with_suffix(".txt").read_text().startswith(LIBRARY):
            continue  # its children would run on as well, seconds each
        found.setdefault(path.name.partition("-")[0], []).append(Seed(path.read_bytes()))
    return found


def _written(folder: Path) -> Iterator[tuple[str, Path]]:
    for dtype in TYPES:
        cube = files.cube(dtype, SHAPE)
        hwc = np.ascontiguousarray(cube.transpose(1, 2, 0))
        for packing, interleave in product(("deflate", "lzw", "none"), ("pixel", "band")):
            yield (
                "geotiff",
                files.write_tif(folder / "a.tif", cube, compress=packing, interleave=interleave),
            )
        yield "npy", files.write_npy(folder / "a.npy", cube)
        yield "npy", files.write_npy(folder / "a.npy", np.asfortranarray(hwc).astype(f">{dtype}"))
        for packed in (True, False):
            yield "npz", files.write_npz(folder / "a.npz", packed, a=cube, b=cube[0])
            gt = files.cube()[0, :9, :8]
            yield "mat5", files.write_mat5(folder / "a.mat", packed, data=hwc, a_gt=gt)
        yield "mat73", files.write_mat73(folder / "v.mat", data=hwc)
        for order in ("CHW", "HWC"):
            yield "netcdf4", files.write_netcdf4(folder / "a.nc", cube, order=order)
        for chunked in (False, True):
            yield "hdf5", _hdf5(folder / "a.h5", cube, chunked)
        for interleave, order in product(("bsq", "bil", "bip"), "<>"):
            data = cube.astype(order + dtype)
            yield "envi", files.write_envi(folder / "a.dat", data, interleave)
        if dtype in ("i2", "f4", "f8"):
            for version, records in product((1, 2), (False, True)):
                path = folder / f"c{version}{records}.nc"
                yield "netcdf3", files.write_netcdf3(path, cube, version, records)
        yield from _pictures(folder, dtype, cube)


def _hdf5(path: Path, cube: np.ndarray, chunked: bool) -> Path:
    with h5py.File(path, "w", libver="latest" if chunked else "earliest") as file:
        how = {"chunks": (1, 5, 5), "compression": "gzip", "shuffle": True} if chunked else {}
        file.create_dataset("group/data", data=cube, **how)
        file["wavelength"] = np.array([450.0, 550.0, 650.0])
        file["group/data"].attrs["units"] = "reflectance"
    return path


def _pictures(folder: Path, dtype: str, cube: np.ndarray) -> Iterator[tuple[str, Path]]:
    kinds = {"png": ("PNG", ("u1", "u2")), "jpeg": ("JPEG", ("u1",))}
    kinds["jpeg2000"] = ("JP2OpenJPEG", ("u1", "i2", "u2"))
    for reader, (driver, types) in kinds.items():
        for count in (1, 3) if dtype in types else ():
            path = folder / f"a.{reader}"
            with rasterio.open(
                path, "w", driver=driver, count=count, height=9, width=8, dtype=cube.dtype.name
            ) as file:
                file.write(cube[:count])
            yield reader, path
