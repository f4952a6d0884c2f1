"""R3: 60 files and paths that would show another file of the machine."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import rasterio
import seeds

files = seeds.files
SIDE = 40
CANARY = (b"the canary sings " * 200)[: SIDE * SIDE]
IN_ACCESS, IN_OPEN = 0x1, 0x20
EVENT = struct.Struct("<iIII")


@dataclass(frozen=True)
class Case:
    """A file or path that reaches for the canary.

    Attributes:
        name: what it does.
        ref: what is opened.
        plain: gives its bytes with the plain library, without any check.
    """

    name: str
    ref: str
    plain: Callable[[str], bytes]


def canaries(folder: Path) -> list[Path]:
    """The canary as plain bytes, as HDF5, as GeoTIFF, and as text with a password."""
    folder.mkdir()
    text, array, raster = (folder / name for name in ("secret.txt", "secret.h5", "secret.tif"))
    text.write_bytes(CANARY)
    pixels = np.frombuffer(CANARY, "u1").reshape(SIDE, SIDE)
    with h5py.File(array, "w") as file:
        file["scene"] = pixels
    files.write_tif(raster, pixels[None])
    return [text, array, raster]


def all_cases(work: Path, known: list[Path]) -> list[Case]:
    """12 of HDF5, 18 virtual rasters, 30 paths."""
    return [*_hdf5(work, known), *_rasters(work, known), *_paths(known)]


@contextmanager
def watched(paths: list[Path]) -> Iterator[Callable[[], int]]:
    """Gives a function that tells how often these files were opened or read since it was last
    asked (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK)
    assert handle >= 0
    for path in paths:
        assert libc.inotify_add_watch(handle, os.fsencode(path), IN_ACCESS | IN_OPEN) >= 0

    def opens() -> int:
        count = 0
        while True:
            try:
                raw = os.read(handle, 1 << 16)
            except BlockingIOError:
                return count
            at = 0
            while at < len(raw):
                at += EVENT.size + EVENT.unpack_from(raw, at)[3]
                count += 1

    try:
        yield opens
    finally:
        os.close(handle)


def _plain_hdf5(ref: str) -> bytes:
    with h5py.File(ref, "r") as file:
        return bytes(np.asarray(file["scene"][...]).astype("u1").tobytes())


def _plain_raster(ref: str) -> bytes:
    with rasterio.open(ref) as file:
        return bytes(file.read().astype("u1").tobytes())


def _hdf5(work: Path, known: list[Path]) -> Iterator[Case]:
    text, array, _ = known

    def storage(file: h5py.File) -> None:
        file.create_dataset("scene", (SIDE, SIDE), "u1", external=[(str(text), 0, SIDE * SIDE)])

    def link(file: h5py.File) -> None:
        file["scene"] = h5py.ExternalLink(str(array), "scene")

    def soft(file: h5py.File) -> None:
        file["hidden"] = h5py.ExternalLink(str(array), "/")
        file["scene"] = h5py.SoftLink("/hidden/scene")

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((SIDE, SIDE), "u1")
        layout[:] = h5py.VirtualSource(str(array), "scene", shape=(SIDE, SIDE))
        file.create_virtual_dataset("scene", layout)

    for dress in ("h5", "mat", "nc"):
        for reach in (storage, link, soft, virtual):
            path = work / f"{reach.__name__}.{dress}"
            if dress == "h5":
                h5py.File(path, "w").close()
            elif dress == "mat":
                files.write_mat73(path, other=files.cube())
            else:
                files.write_netcdf4(path, files.cube())
            with h5py.File(path, "a") as file:
                if "scene" in file:
                    del file["scene"]
                reach(file)
            yield Case(f"{reach.__name__} in .{dress}", str(path), _plain_hdf5)


def _rasters(work: Path, known: list[Path]) -> Iterator[Case]:
    text, _, raster = known
    size = f'rasterXSize="{SIDE}" rasterYSize="{SIDE}"'
    source = (
        f'<SourceFilename relativeToVRT="0">{raster}</SourceFilename><SourceBand>1</SourceBand>'
    )
    band = '<VRTRasterBand dataType="Byte" band="1"'
    bodies = {
        "simple": f"{band}><SimpleSource>{source}</SimpleSource></VRTRasterBand>",
        "complex": f"{band}><ComplexSource>{source}<ScaleRatio>1</ScaleRatio></ComplexSource>"
        "</VRTRasterBand>",
        "raw": f'{band} subClass="VRTRawRasterBand"><SourceFilename>{text}</SourceFilename>'
        f"<ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>{SIDE}</LineOffset>"
        "</VRTRasterBand>",
        "derived": f'{band} subClass="VRTDerivedRasterBand"><PixelFunctionType>sum'
        f"</PixelFunctionType><SimpleSource>{source}</SimpleSource></VRTRasterBand>",
        "kernel": f"{band}><KernelFilteredSource>{source}<Kernel><Size>1</Size><Coefs>1</Coefs>"
        "</Kernel></KernelFilteredSource></VRTRasterBand>",
        "pansharpened": f"{band}><AveragedSource>{source}</AveragedSource></VRTRasterBand>",
    }
    for kind, body in bodies.items():
        content = f"<VRTDataset {size}>{body}</VRTDataset>"
        for ending in (".vrt", ".tif", ".dat"):
            path = work / f"{kind}{ending}"
            path.write_text(content)
            if ending == ".dat":
                path.with_suffix(".hdr").write_text(f"<!--{'x' * 40}-->{content}")
            yield Case(f"a {kind} virtual raster as {ending}", str(path), _plain_raster)


def _paths(known: list[Path]) -> Iterator[Case]:
    text, array, raster = known
    folder, name = raster.parent, raster.name
    for ref in (
        f"/vsisubfile/0_1600,{text}", f"/vsicached?file={raster}", f"/vsisparse/{raster}",
        f"/vsigzip/{raster}", f"/vsizip/{folder}/{name}", f"/vsitar/{folder}/{name}",
        f"/vsicurl/file://{raster}", f"/vsicurl/http://127.0.0.1:9/{name}", "/vsistdin/",
        f"/vsicurl_streaming/file://{raster}", f"/vsis3/{name}", f"/vsigs/{name}", f"/vsiaz/{name}",
        f"/vsihdfs/{name}", f"/vsiwebhdfs/http://127.0.0.1:9/{name}", f"/vsicrypt/{raster}",
        f"GTIFF_DIR:1:{raster}", f"GTIFF_RAW:{raster}", f"vrt://{raster}", f"vrt://{raster}?bands=1",
        f"HDF5:{array}://scene", f"NETCDF:{array}:scene", f"BAG:{array}", f"file://{raster}",
        f"zip://{folder}!{name}", f"tar://{folder}!{name}", f"zip+file://{folder}!{name}",
        f"<VRTDataset rasterXSize='40' rasterYSize='40'><VRTRasterBand dataType='Byte' band='1'>"
        f"<SimpleSource><SourceFilename>{raster}</SourceFilename></SimpleSource></VRTRasterBand>"
        "</VRTDataset>",
        "MEM:::DATAPOINTER=4194304,PIXELS=40,LINES=40", f"DERIVED_SUBDATASET:AMPLITUDE:{raster}",
    ):  # fmt: skip
        yield Case(f"the path {ref.replace(str(folder), '…')[:60]}", ref, _plain_raster)
