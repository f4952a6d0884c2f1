"""Classic NetCDF: records, places, lies in the header."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import scene_files as files
import scipy.io

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.doors import open_file


def test_place_scale_and_gaps(tmp_path: Path) -> None:
    data = files.cube("i2")
    data[:, 1, 2] = -9999
    path = files.write_netcdf3(
        tmp_path / "a.nc", data, scale_factor=0.5, add_offset=3.0, _FillValue=np.int16(-9999)
    )
    source = open_file(path)
    d = source.describe()
    assert (d.driver, d.grid.crs) == ("netcdf3", files.CRS)
    assert d.grid.affine == pytest.approx(tuple(files.AFFINE)[:6])
    scene = source.read()
    assert not scene.valid[0, 1, 2]
    assert np.array_equal(scene.pixels[0], np.where(data == -9999, 0, data * 0.5 + 3))


def classic(version: int, dims: dict[str, int], variables: dict[str, np.ndarray]) -> bytes:
    """A classic file written by hand from the specification.

    A dimension of size 0 is the record dimension; variables are given by "name(dim,dim)".
    """
    count, place = (">Q" if version == 5 else ">I"), (">I" if version == 1 else ">Q")
    types = {"i1": 1, "i2": 3, "i4": 4, "f4": 5, "f8": 6, "u1": 7, "u2": 8, "u4": 9}

    def name(text: str) -> bytes:
        return struct.pack(count, len(text)) + text.encode() + b"\0" * (-len(text) % 4)

    def listed(tag: int, items: list[bytes]) -> bytes:
        return struct.pack(">I", tag) + struct.pack(count, len(items)) + b"".join(items)

    named = [
        (k.partition("(")[0], k.partition("(")[2][:-1].split(","), v) for k, v in variables.items()
    ]
    in_record = [dims[of[0]] == 0 for _, of, _ in named]
    records = max((len(v) for (_, _, v), r in zip(named, in_record, strict=True) if r), default=0)

    def header(starts: list[int]) -> bytes:
        parts = [
            name(title)
            + struct.pack(count, len(of))
            + b"".join(struct.pack(count, list(dims).index(d)) for d in of)
            + listed(0, [])
            + struct.pack(">I", types[v.dtype.str[1:]])
            + struct.pack(count, v.nbytes)
            + struct.pack(place, start)
            for (title, of, v), start in zip(named, starts, strict=True)
        ]
        sizes = listed(10, [name(d) + struct.pack(count, n) for d, n in dims.items()])
        head = b"CDF" + bytes([version]) + struct.pack(count, records)
        return head + sizes + listed(0, []) + listed(11, parts)

    def padded(array: np.ndarray) -> bytes:
        raw = array.astype(array.dtype.newbyteorder(">")).tobytes()
        return raw + b"\0" * (-len(raw) % 4)

    at, starts = len(header([0] * len(named))), []
    pieces: list[bytes] = []
    for (_, _, v), record in zip(named, in_record, strict=True):
        starts.append(at)
        pieces.append(b"" if record else padded(v))
        at += len(padded(v[0])) if record else len(pieces[-1])
    body = b"".join(pieces)
    for i in range(records):
        body += b"".join(padded(v[i]) for (_, _, v), r in zip(named, in_record, strict=True) if r)
    return header(starts) + body


@pytest.mark.parametrize("version", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["i1", "i2", "f4", "f8", "u1", "u2"])
def test_interleaved_records(tmp_path: Path, dtype: str, version: int) -> None:
    """With two record variables their steps alternate in the file."""
    data = files.cube(dtype)
    dims = {"time": 0, "y": 17, "x": 23}
    scenes = {"other(time)": np.arange(5, dtype="i2"), "scene(time,y,x)": data}
    path = tmp_path / "a.nc"
    path.write_bytes(classic(version, dims, scenes))
    source = open_file(path)
    assert source.describe().shape == (5, 1, 17, 23)
    assert np.array_equal(source.read().pixels[:, 0], data)
    part = source.read(Window(3, 4, 5, 6)).pixels[:, 0]
    assert np.array_equal(part, data[:, 3:8, 4:10])


def test_records_of_a_writer_that_did_not_count_them(tmp_path: Path) -> None:
    """A file that was streamed has -1 records; they are counted from its size."""
    data = files.cube("i2")
    content = classic(
        1, {"time": 0, "y": 17, "x": 23}, {"o(time)": data[:, 0, 0], "s(time,y,x)": data}
    )
    path = tmp_path / "a.nc"
    path.write_bytes(content[:4] + b"\xff" * 4 + content[8:])
    assert np.array_equal(open_file(path).read().pixels[:, 0], data)


def test_dates_along_the_record_dimension(tmp_path: Path) -> None:
    path = files.write_netcdf3(tmp_path / "a.nc", files.cube("i4"), records=True)
    d = open_file(path).describe()
    assert d.shape == (5, 1, 17, 23)
    assert d.dates == ("2020-01-01", "2020-01-17", "2020-02-02", "2020-02-18", "2020-03-05")


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_a_single_record_variable_is_not_padded(tmp_path: Path, width: int) -> None:
    data = np.arange(4 * 3 * width, dtype="i1").reshape(4, 3, width)
    path = tmp_path / "a.nc"
    with scipy.io.netcdf_file(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("y", 3)
        file.createDimension("x", width)
        file.createVariable("scene", "i1", ("time", "y", "x"))[:] = data
    assert np.array_equal(open_file(path).read().pixels[:, 0], data)


@pytest.mark.parametrize("dtype", ["u2", "u4", "f8"])
def test_version_5(tmp_path: Path, dtype: str) -> None:
    data = files.cube(dtype)
    path = tmp_path / "a.nc"
    path.write_bytes(classic(5, {"band": 5, "y": 17, "x": 23}, {"scene(band,y,x)": data}))
    assert np.array_equal(open_file(path).read().pixels[0], data)


@pytest.mark.parametrize(
    ("find", "change", "words"),
    [
        (struct.pack(">I", 23), struct.pack(">I", 2**31), "too short|no image"),
        (struct.pack(">II", 10, 3), struct.pack(">II", 10, 2**32 - 1), "4294967295 items"),
        (b"\0\0\0\5scene", b"\xff\xff\xff\xf0scene", "ends early"),
    ],
)
def test_headers_that_lie(tmp_path: Path, find: bytes, change: bytes, words: str) -> None:
    path = files.write_netcdf3(tmp_path / "a.nc", files.cube("i2"))
    content = path.read_bytes()
    assert find in content
    path.write_bytes(content.replace(find, change, 1))
    with pytest.raises(UnreadableScene, match=words):
        open_file(path)
