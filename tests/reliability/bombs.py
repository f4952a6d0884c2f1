"""R2: 64 small files that would cost much memory or time: each reader, many ways."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import seeds

files = seeds.files
GIB = 1 << 30


def npy_header(shape: str, descr: str = "<u2", pad: int = 0) -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text = text.ljust(pad) + b"\n"
    return b"\x93NUMPY\x01\x00" + (len(text) & 0xFFFF).to_bytes(2, "little") + text


def zipped(entries: list[tuple[str, bytes]], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def mat5(elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + elements


def matrix(shape: tuple[int, ...], announced: int, kind: int = 11, name: bytes = b"scene\0\0\0"):
    dims = np.array(shape, "<i4").tobytes()
    body = struct.pack("<IIII", 6, 8, kind, 0) + struct.pack("<II", 5, len(dims)) + dims
    body += b"\0" * (-len(dims) % 8) + struct.pack("<II", 1, len(name)) + name
    body += struct.pack("<II", 4, announced) + b"\0" * 16
    return struct.pack("<II", 14, len(body)) + body


def packed(element: bytes) -> bytes:
    content = zlib.compress(element)
    return struct.pack("<II", 15, len(content)) + content


def netcdf3(dims: list[tuple[bytes, int]], records: int = 0, begin: int = 200, n_vars: int = 1):
    def text(word: bytes) -> bytes:
        return struct.pack(">I", len(word)) + word + b"\0" * (-len(word) % 4)

    out = b"CDF\x01" + struct.pack(">I", records) + struct.pack(">II", 10, len(dims))
    for name, size in dims:
        out += text(name) + struct.pack(">I", size)
    out += struct.pack(">II", 0, 0) + struct.pack(">II", 11, n_vars)
    out += text(b"scene") + struct.pack(">I", len(dims))
    out += b"".join(struct.pack(">I", i) for i in range(len(dims)))
    return out + struct.pack(">II", 0, 0) + struct.pack(">III", 3, 0, begin) + b"\0" * 64


def tiff(tags: dict[int, tuple[int, list[int]]], following: int = 0, n_tags: int = 0) -> bytes:
    """A TIFF of one directory: {tag: (type, values)}; types 3 uint16, 4 uint32."""
    extra, at = b"", 8 + 2 + 12 * len(tags) + 4
    entries = b""
    for tag, (kind, values) in sorted(tags.items()):
        form = {3: "H", 4: "I"}[kind]
        raw = struct.pack(f"<{len(values)}{form}", *values)
        if len(raw) > 4:
            entries += struct.pack("<HHII", tag, kind, len(values), at + len(extra))
            extra += raw
        else:
            entries += struct.pack("<HHI", tag, kind, len(values)) + raw.ljust(4, b"\0")
    head = struct.pack("<H", n_tags or len(tags))
    return b"II*\0\x08\0\0\0" + head + entries + struct.pack("<I", following) + extra + b"\0" * 64


def plain_tiff(width: int, height: int, bands: int = 1, rows: int = 0, packing: int = 1) -> bytes:
    return tiff(
        {
            256: (4, [width]),
            257: (4, [height]),
            258: (3, [16]),
            259: (3, [packing]),
            262: (3, [1]),
            273: (4, [8]),
            277: (3, [bands]),
            278: (4, [rows or height]),
            279: (4, [64]),
        }
    )


def tiled_tiff(side: int) -> bytes:
    return tiff(
        {
            256: (4, [side]),
            257: (4, [side]),
            258: (3, [16]),
            259: (3, [8]),
            262: (3, [1]),
            277: (3, [1]),
            322: (4, [side]),
            323: (4, [side]),
            324: (4, [8]),
            325: (4, [64]),
        }
    )


def png(width: int, height: int, depth: int = 16, colour: int = 6) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(b"\0" * 4096)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def envi_header(**changed: str) -> bytes:
    fields = {
        "samples": "8", "lines": "9", "bands": "3", "header offset": "0", "data type": "12",
        "interleave": "bsq", "byte order": "0",
    } | {name.replace("_", " "): value for name, value in changed.items()}  # fmt: skip
    return ("ENVI\n" + "".join(f"{k} = {v}\n" for k, v in fields.items())).encode()


def hdf5(fill: Callable[[h5py.File], object], folder: Path, matlab: bool = False) -> bytes:
    path = folder / "made.h5"
    with h5py.File(path, "w", userblock_size=512 if matlab else 0) as file:
        fill(file)
        if matlab:
            for node in file.values():
                node.attrs["MATLAB_class"] = np.bytes_("uint8")
    content = bytearray(path.read_bytes())
    if matlab:
        content[:128] = b"MATLAB 7.3 MAT-file, Platform: TEST".ljust(124) + b"\x00\x02IM"
    return bytes(content)


def one_chunk(shape: tuple[int, ...], chunk: tuple[int, ...], dtype: str = "u1"):
    def fill(file: h5py.File) -> None:
        file.create_dataset("scene", shape, dtype, chunks=chunk, compression="gzip", fillvalue=1)

    return fill


def deep(file: h5py.File) -> None:
    file["/".join(["a"] * 200) + "/scene"] = np.ones((4, 4))


def crowded(file: h5py.File) -> None:
    for i in range(10_100):
        file.create_group(f"g{i}")


def beyond(file: h5py.File) -> None:
    """A dataset in one piece, early allocation forgone, of which not a byte is there."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    space = h5py.h5s.create_simple((2, 2**20, 2**20, 2**19))
    h5py.h5d.create(file.id, b"scene", h5py.h5t.NATIVE_UINT8, space, properties)


def _encrypted() -> bytes:
    raw = bytearray(zipped([("a.npy", npy_header("(500, 500, 9)"))]))
    raw[6] |= 1
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def overlapping() -> bytes:
    """A zip whose 900 directory entries all point at one deflated megabyte."""
    raw = bytearray(zipped([("a.npy", npy_header("(2000, 2000, 500)") + bytes(1 << 20))]))
    at = raw.rindex(b"PK\x01\x02")
    end = raw.rindex(b"PK\x05\x06")
    entry = bytes(raw[at:end])
    out = bytes(raw[:at]) + entry * 900
    return out + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 900, 900, len(entry) * 900, at, 0)


Bomb = tuple[str, bytes, bytes]


def all_bombs(folder: Path) -> list[Bomb]:
    """Name, content, and ENVI header of each bomb."""
    found: list[Bomb] = []

    def add(reader: str, what: str, content: bytes, header: bytes = b"") -> None:
        found.append((f"{reader}: {what}", content, header))

    for what, shape in (
        ("2^63 numbers", "(4294967296, 2147483648)"),
        ("a terabyte", "(1048576, 524288)"),
        ("10^7 bands", "(10000000, 4, 4)"),
        ("a negative size", "(-1, 9, 8)"),
        ("40 axes", str((2,) * 40)),
        ("a size of 400 digits", f"({'9' * 400}, 2)"),
    ):
        add("npy", what, npy_header(shape))
    add("npy", "items of 2 GiB", npy_header("(4, 4)", "|V2147483647"))
    add("npy", "a nested header", b"\x93NUMPY\x02\0" + struct.pack("<I", 9000) + b"(" * 9000)
    add("npy", "a header of 4 GiB", b"\x93NUMPY\x02\0" + struct.pack("<I", 2**32 - 1) + b"{}")
    add("npy", "pickled objects", npy_header("(9, 9)", "|O") + b"\x80\x04cos\nsystem\n")

    tall = npy_header("(3000, 3000, 200)")
    add("npz", "3.6 GB once unpacked", zipped([("a.npy", tall + bytes(1 << 20))]))
    add("npz", "2^63 numbers", zipped([("a.npy", npy_header("(4294967296, 2147483648)"))]))
    add("npz", "less than it says", zipped([("a.npy", npy_header("(500, 500, 9)"))]))
    add("npz", "more than it says", zipped([("a.npy", npy_header("(4, 4)") + bytes(64 << 20))]))
    add("npz", "2000 entries", zipped([(f"{i}.npy", npy_header("(4, 4)")) for i in range(2000)]))
    add("npz", "entries that overlap", overlapping())
    add("npz", "an archive in an archive", zipped([("a.npy", zipped([("b", bytes(1 << 24))]))]))
    add("npz", "a header of zeros, 1000:1", zipped([("a.npy", bytes(200 << 20))]))

    big = (46_341, 46_341, 9)
    add("mat5", "2^63 numbers", mat5(matrix((2**31 - 1, 2**31 - 1, 2), 2**32 - 1)))
    add("mat5", "a negative size", mat5(matrix((-3, 9, 8), 432)))
    add("mat5", "more than the file has", mat5(matrix((9000, 9000, 9), 1_458_000_000)))
    add("mat5", "19 GB once unpacked", mat5(packed(matrix(big, 2**32 - 8))))
    add("mat5", "less than it says, packed", mat5(packed(matrix((2000, 2000, 100), 800_000_000))))
    add("mat5", "a name of a megabyte", mat5(matrix((9, 8), 144, name=b"x" * (1 << 20))))
    add("mat5", "40 axes", mat5(matrix((2,) * 40, 16)))
    add("mat5", "a cell of cells", mat5(matrix((9, 8), 144, kind=1) * 3))
    add("mat5", "2000 variables", mat5(matrix((1, 1), 2) * 2000))
    add("mat5", "a gigabyte of zeros, 1000:1", mat5(packed(bytes(64 << 20))))

    for matlab, reader in ((False, "hdf5"), (True, "mat73")):
        for what, fill in (
            ("one chunk of 3 GiB", one_chunk((60_000, 60_000), (60_000, 53_000))),
            ("10^7 bands", one_chunk((10_000_000, 4, 4), (1000, 4, 4))),
            ("200 levels", deep),
            ("10,100 objects", crowded),
        ):
            add(reader, what, hdf5(fill, folder, matlab and fill is not deep))
    add("netcdf4", "one chunk of 3 GiB", _netcdf4(folder))

    yx = [(b"y", 2**31 - 1), (b"x", 2**31 - 1)]
    add("netcdf3", "2^62 numbers", netcdf3(yx))
    add("netcdf3", "2^31 records", netcdf3([(b"time", 0), (b"y", 900), (b"x", 900)], 2**31 - 1))
    add("netcdf3", "10^7 bands", netcdf3([(b"band", 10**7), (b"y", 4), (b"x", 4)]))
    add("netcdf3", "numbers behind the end", netcdf3([(b"y", 9), (b"x", 8)], begin=2**31 - 1))
    add("netcdf3", "2^31 variables", netcdf3([(b"y", 9), (b"x", 8)], n_vars=2**31 - 1))
    add("netcdf3", "a name of 2 GiB",
        b"CDF\x01" + struct.pack(">IIII", 0, 10, 1, 2**31 - 1) + bytes(64))  # fmt: skip

    add("geotiff", "2^62 numbers", plain_tiff(2**31 - 1, 2**31 - 1))
    add("geotiff", "a strip of 7 GB", plain_tiff(60_000, 60_000, packing=8))
    add("geotiff", "a tile of 800 MB", tiled_tiff(20_000))
    add("geotiff", "65,535 bands together", plain_tiff(100_000, 1, 65_535))
    add("geotiff", "a directory that repeats itself", tiff({256: (4, [8])}, following=8))
    add("geotiff", "65,535 entries", tiff({256: (4, [8]), 257: (4, [9])}, n_tags=65_535))
    add("geotiff", "no sizes", tiff({258: (3, [16])}))
    add("geotiff", "a size of 0", plain_tiff(0, 0))

    data = bytes(9 * 8 * 3 * 2)
    for what, changed in (
        ("2^60 lines", {"lines": str(2**60)}),
        ("10^7 bands", {"bands": "10000000"}),
        ("a negative size", {"samples": "-8"}),
        ("an offset of 2^60", {"header_offset": str(2**60)}),
        ("a size of 400 digits", {"lines": "9" * 400}),
        ("a list that never ends", {"wavelength": "{" + "1," * 1000}),
        ("numbers of an unknown type", {"data_type": "999999"}),
    ):
        add("envi", what, data, envi_header(**changed))
    add("envi", "a header of 9 MB", data, envi_header() + b";" * (9 << 20))

    add("npz", "an encrypted entry", _encrypted())
    add("mat73", "2^60 numbers in one piece", hdf5(beyond, folder, True))
    add("netcdf3", "40 axes", netcdf3([(b"d", 2)] * 40))
    add("png", "2^31 columns", png(2**31 - 1, 2))
    add("png", "2^62 numbers", png(2**31 - 1, 2**31 - 1))
    return found


def _netcdf4(folder: Path) -> bytes:
    path = files.write_netcdf4(folder / "a.nc", files.cube())
    with h5py.File(path, "a") as file:
        del file["scene"]
        one_chunk((60_000, 60_000), (60_000, 53_000))(file)
        for name, size in (("y2", 60_000), ("x2", 60_000)):
            file[name] = np.arange(size, dtype="i4")
            file[name].make_scale(name.rstrip("2"))
        file["scene"].dims[0].attach_scale(file["y2"])
        file["scene"].dims[1].attach_scale(file["x2"])
        file["y2"].attrs["units"] = file["x2"].attrs["units"] = "m"
    return path.read_bytes()
