"""Large plain scenes in every uncompressed format, to measure how fast they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Cube = NDArray[np.uint16]


def cube(height: int, width: int, bands: int) -> Cube:
    """A smooth scene (C, H, W) uint16 whose bands differ."""
    rows, cols = np.arange(height)[:, None], np.arange(width)[None, :]
    shade = ((rows * 7 + cols * 3) % 4096).astype(np.uint16)  # (H, W)
    return shade[None] + np.arange(bands, dtype=np.uint16)[:, None, None] * np.uint16(16)


def _envi(interleave: str, order: tuple[int, int, int]) -> Callable[[Cube, Path], Path]:
    def write(pixels: Cube, folder: Path) -> Path:
        bands, lines, samples = pixels.shape
        path = folder / f"scene_{interleave}.img"
        _raw(pixels.transpose(order), path)
        path.with_suffix(".hdr").write_text(
            f"ENVI\nsamples = {samples}\nlines = {lines}\nbands = {bands}\nheader offset = 0\n"
            f"file type = ENVI Standard\ndata type = 12\ninterleave = {interleave}\n"
            "byte order = 0\n",
            encoding="ascii",
        )
        return path

    return write


def _geotiff(interleave: str) -> Callable[[Cube, Path], Path]:
    def write(pixels: Cube, folder: Path) -> Path:
        import rasterio
        from rasterio.transform import from_origin

        path = folder / f"scene_{interleave}.tif"
        bands, height, width = pixels.shape
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=height,
            width=width,
            count=bands,
            dtype="uint16",
            crs="EPSG:32633",
            transform=from_origin(4e5, 52e5, 10, 10),
            interleave=interleave,
        ) as file:
            file.write(pixels)
        return path

    return write


def _npy(pixels: Cube, folder: Path) -> Path:
    path = folder / "scene.npy"
    np.save(path, pixels.transpose(1, 2, 0))
    return path


def _hdf5(pixels: Cube, folder: Path) -> Path:
    import h5py

    path = folder / "scene.h5"
    with h5py.File(path, "w") as file:
        file["scene"] = pixels
    return path


def _mat5(pixels: Cube, folder: Path) -> Path:
    from scipy.io import savemat

    path = folder / "scene.mat"
    savemat(path, {"scene": pixels.transpose(1, 2, 0)}, do_compression=False)
    return path


def _raw(pixels: NDArray[np.uint16], path: Path) -> None:
    with path.open("wb") as file:
        for part in pixels:
            file.write(np.ascontiguousarray(part).data)


SPECIMENS: dict[str, Callable[[Cube, Path], Path]] = {
    "envi bsq": _envi("bsq", (0, 1, 2)),
    "envi bil": _envi("bil", (1, 0, 2)),
    "envi bip": _envi("bip", (1, 2, 0)),
    "geotiff by band": _geotiff("band"),
    "geotiff by pixel": _geotiff("pixel"),
    "npy": _npy,
    "hdf5": _hdf5,
    "matlab 5": _mat5,
}
"""Writers by format: (pixels, folder) -> path of the scene."""
