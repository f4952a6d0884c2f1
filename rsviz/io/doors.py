"""One door per format: a file's first bytes choose its reader, never its name."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from rsviz.core.errors import RsvizError, UnreadableScene
from rsviz.io.budget import DEFAULT_BUDGET, Budget
from rsviz.io.paths import header_of, regular_file, shown, truth_of
from rsviz.io.source import SceneSource
from rsviz.io.truth import pair

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"II*\0", "geotiff"),
    (b"MM\0*", "geotiff"),
    (b"II+\0", "geotiff"),
    (b"MM\0+", "geotiff"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"\x93NUMPY", "npy"),
    (b"PK\x03\x04", "npz"),
    (b"PK\x05\x06", "npz"),
    (b"CDF\x01", "netcdf3"),
    (b"CDF\x02", "netcdf3"),
    (b"CDF\x05", "netcdf3"),
    (b"MATLAB 5.0 MAT-file", "mat5"),
    (b"ENVI", "envi-header"),
)
HDF5 = b"\x89HDF\r\n\x1a\n"

REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"<VRTDataset", "a GDAL virtual raster", "It can point to any other file; open that file."),
    (b"<", "XML or HTML text", "Open the image file that belongs to it."),
    (b"\x0e\x03\x13\x01", "an HDF4 file", "Convert it to GeoTIFF or NetCDF first."),
    (b"EHFA_HEADER_TAG", "an ERDAS Imagine file", "Convert it to GeoTIFF first."),
    (b"HEAD74", "an ERDAS LAN or GIS file", "Convert it to GeoTIFF first."),
    (b"GIF8", "a GIF picture", "Save it as PNG or GeoTIFF."),
    (b"RIFF", "a RIFF file (WebP, video)", "Save it as PNG or GeoTIFF."),
    (b"BM", "a bitmap picture", "Save it as PNG or GeoTIFF."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    (b"BZh", "a bzip2 archive", "Unpack it first."),
    (b"%PDF", "a PDF document", "Export the image as GeoTIFF."),
    (b"SQLite format 3", "an SQLite database or GeoPackage", "Vector data are not scenes."),
    (b"\x80\x02", "a Python pickle", "Pickles can run code and are never loaded; save as .npy."),
    (b"\x80\x03", "a Python pickle", "Pickles can run code and are never loaded; save as .npy."),
    (b"\x80\x04", "a Python pickle", "Pickles can run code and are never loaded; save as .npy."),
    (b"\x80\x05", "a Python pickle", "Pickles can run code and are never loaded; save as .npy."),
)
FORMATS = (
    "GeoTIFF, ENVI (data and .hdr), PNG, JPEG, JPEG 2000, MATLAB .mat, NetCDF, HDF5, .npy or .npz"
)

DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
"""What libraries raise when a file is not what it claims to be."""


def sniff(path: Path) -> str:
    """The reader that a file's first bytes call for.

    Raises:
        UnreadableScene: none; the sentence says what the file seems to be.
    """
    with path.open("rb") as file:
        head = file.read(512)
        for magic, reader in MAGIC:
            if head.startswith(magic):
                if reader == "mat5" and _hdf5_at(file.seek(512) and file.read(8)):
                    return "hdf5"
                return reader
        for offset in (0, *(512 << k for k in range(11))):
            file.seek(offset)
            if _hdf5_at(file.read(8)):
                return "hdf5"
    header = header_of(path)
    if header is not None and _starts_with(header, b"ENVI"):
        return "envi"
    for magic, what, hint in REFUSED:
        if head.lstrip().startswith(magic):
            raise UnreadableScene(f"'{shown(path.name)}' is {what}; a scene is expected.", hint)
    kind = "text" if _is_text(head) else "of an unknown kind"
    raise UnreadableScene(
        f"'{shown(path.name)}' is {kind}: its first bytes belong to no format that is read here.",
        f"Expected: {FORMATS}.",
    )


def open_file(
    path: str | Path, variable: str = "", axes: str = "", budget: Budget = DEFAULT_BUDGET
) -> SceneSource:
    """Open a scene file with the reader that its first bytes call for.

    Args:
        path: an existing ordinary file.
        variable: which array of the file; "" lets the reader choose.
        axes: order of its axes, e.g. "HWC"; "" lets the reader guess.
        budget: byte limits.

    Raises:
        UnreadableScene: not a scene, or damaged.
        SceneTooLarge: a part that must be unpacked exceeds the budget.
        BadOption: the variable or the axes do not fit.
    """
    real = regular_file(path)
    source = _open(real, variable, axes, budget)
    beside = truth_of(real)
    if beside is None or source.describe().truth_names:
        return source
    try:
        labels = _open(regular_file(beside), "", "", budget)
        return pair(source, labels, f"the file '{shown(beside.name)}'")
    except RsvizError as error:
        told = f"Reference labels in '{shown(beside.name)}' were not used: {error.message}"
        return source.paired(None, (told,))


def _open(path: Path, variable: str, axes: str, budget: Budget) -> SceneSource:
    name = shown(path.name)
    try:
        return _reader(path, sniff(path), variable, axes, budget)
    except RsvizError:
        raise
    except DAMAGE as error:
        cause = " ".join(str(error).split())[:160] or type(error).__name__
        raise UnreadableScene(
            f"'{name}' is damaged or not what it claims to be: {cause}", "Fetch the file again."
        ) from error


def _reader(path: Path, kind: str, variable: str, axes: str, budget: Budget) -> SceneSource:
    """Each reader is imported when its kind of file is first opened."""
    if kind in ("geotiff", "png", "jpeg", "jpeg2000"):
        from rsviz.io.raster import open_raster

        return open_raster(path, kind, budget)
    if kind == "npy":
        from rsviz.io.npy import open_npy

        return open_npy(path, axes, budget)
    if kind == "npz":
        from rsviz.io.npy import open_npz

        return open_npz(path, variable, axes, budget)
    raise UnreadableScene(f"'{shown(path.name)}' is a file of the kind {kind}.")


def _hdf5_at(head: bytes | int) -> bool:
    return head == HDF5


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\r\n" or byte >= 0x20 for byte in head)
