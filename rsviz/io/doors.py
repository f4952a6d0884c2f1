"""One door per format: a file's first bytes choose its reader, never its name."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from rsviz.core.errors import RsvizError, SceneTooLarge, UnreadableScene
from rsviz.io import profiles
from rsviz.io.budget import DEFAULT_BUDGET, Budget
from rsviz.io.paths import header_of, metadata_in, printable, regular_file, shown, truth_of
from rsviz.io.source import Request, SceneSource
from rsviz.io.stacks import dated, is_folder, open_folder, truth_inside
from rsviz.io.truth import paired

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
    (b"ENVI", "envi"),
    (b"GROUP = L1_METADATA_FILE", "landsat"),
    (b"GROUP = LANDSAT_METADATA_FILE", "landsat"),
)
READERS: dict[str, tuple[str, str]] = {
    "geotiff": ("raster", "open_raster"),
    "png": ("raster", "open_raster"),
    "jpeg": ("raster", "open_raster"),
    "jpeg2000": ("raster", "open_raster"),
    "npy": ("npy", "open_npy"),
    "npz": ("npy", "open_npz"),
    "mat5": ("mat5", "open_mat5"),
    "hdf5": ("hdf5", "open_hdf5"),
    "netcdf3": ("netcdf3", "open_netcdf3"),
    "envi": ("envi", "open_envi"),
    "landsat": ("landsat", "open_landsat"),
}
"""Module and function for each kind of file."""

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
    "GeoTIFF, ENVI (data and .hdr), Landsat (bands and _MTL.txt), PNG, JPEG, JPEG 2000, MATLAB "
    ".mat, NetCDF, HDF5, .npy or .npz"
)

DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
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
                return reader
        for offset in (0, *(512 << k for k in range(11))):
            file.seek(offset)
            if file.read(8) == HDF5:
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
        f"Expected: {FORMATS}. The data of an ENVI scene need their header, "
        f"'{shown(path.stem)}.hdr', beside them.",
    )


def open_file(
    path: str | Path, variable: str = "", axes: str = "", budget: Budget = DEFAULT_BUDGET
) -> SceneSource:
    """Open a scene file with the reader that its first bytes call for, or a folder as a series.

    Args:
        path: an existing ordinary file, or a folder with one image for each date, or
            with a Landsat scene.
        variable: which array of the file; "" lets the reader choose.
        axes: order of its axes, e.g. "HWC"; "" lets the reader guess.
        budget: byte limits.

    Raises:
        UnreadableScene: not a scene, or damaged.
        SceneTooLarge: a part that must be unpacked exceeds the budget.
        BadOption: the variable or the axes do not fit.
    """
    request = Request(budget, variable, axes)
    if is_folder(path):
        path = metadata_in(Path(path)) or path
    if is_folder(path):
        real = Path(path).resolve()
        source = open_folder(real, request, lambda one, how: _open(regular_file(one), how))
        beside = truth_inside(real)
    else:
        real = regular_file(path)
        source = dated(_open(real, request), real)
        beside = truth_of(real)
    if beside is None or source.describe().truth_names:
        return source
    return paired(
        source,
        lambda: _open(regular_file(beside), Request(budget)),
        f"the file '{shown(beside.name)}'",
    )


def _open(path: Path, request: Request) -> SceneSource:
    name = shown(path.name)
    try:
        kind = sniff(path)
        profiles.permit_reader(kind)
        return _reader(kind)(path, request)
    except RsvizError as error:
        raise type(error)(printable(error.message), printable(error.hint)) from error
    except MemoryError as error:
        raise SceneTooLarge(f"Opening '{name}' needs more memory than there is.") from error
    except DAMAGE as error:
        cause = " ".join(str(error).split())[:160] or type(error).__name__
        raise UnreadableScene(
            f"'{name}' is damaged or not what it claims to be: {printable(cause)}",
            "Fetch the file again.",
        ) from error


def _reader(kind: str) -> Callable[[Path, Request], SceneSource]:
    """The reader of a kind of file; its libraries are imported when it is first needed."""
    module, function = READERS[kind]
    reader: Callable[..., SceneSource] = getattr(import_module(f"rsviz.io.{module}"), function)
    return partial(reader, driver=kind) if module == "raster" else reader


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\r\n" or byte >= 0x20 for byte in head)
