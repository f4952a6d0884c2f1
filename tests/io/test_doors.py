"""The doors: first bytes choose the reader, and whatever is wrong gives one clear sentence."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
import rasterio
import scene_files as files

from rsviz.core.errors import UnreadableScene
from rsviz.io.catalog import open_scene
from rsviz.io.doors import READERS, open_file, sniff
from rsviz.io.paths import belonging, shown

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
KINDS = {
    "mat5-plain": "mat5",
    "mat73": "hdf5",
    "netcdf4": "hdf5",
}


@pytest.mark.parametrize("seed", files.SEEDS)
def test_first_bytes_choose_the_reader(tmp_path: Path, seed: str) -> None:
    path = files.SEEDS[seed](tmp_path)
    assert sniff(path) == KINDS.get(seed, seed)
    assert sniff(path) in READERS


@pytest.mark.parametrize("seed", [s for s in files.SEEDS if s != "envi"])
def test_a_wrong_extension_does_not_matter(tmp_path: Path, seed: str) -> None:
    path = files.SEEDS[seed](tmp_path)
    for ending in (".tif", ".mat", ".npy", ".nc", ".txt", ""):
        renamed = path.with_name("renamed" + ending)
        path.rename(renamed)
        source = open_file(renamed)
        assert source.describe().shape[2:] == (9, 8)
        source.close()
        path = renamed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello, world\n", "is text"),
        (b"\x00\x01\x02\x03" * 30, "unknown kind"),
        (b"<VRTDataset/>", "virtual raster"),
        (b"  \n<GDAL_WMS></GDAL_WMS>", "XML"),
        (b"\x0e\x03\x13\x01rest", "HDF4"),
        (b"EHFA_HEADER_TAG\0", "ERDAS"),
        (b"GIF89a", "GIF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"%PDF-1.7", "PDF"),
        (b"\x80\x05\x95", "pickle"),
    ],
)
def test_what_is_no_scene_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(UnreadableScene, match=words) as refused:
        open_file(path)
    assert "a.tif" in refused.value.message
    assert refused.value.message.count("\n") == 0


@pytest.mark.parametrize(
    "ref",
    [
        "/vsizip/x.zip/a.tif",
        "/vsicurl/http://127.0.0.1:1/a.tif",
        "/vsistdin/",
        "/vsimem/a.tif",
        "NETCDF:a.nc:scene",
        "GTIFF_DIR:1:a.tif",
        "HDF5:a.h5://scene",
        "MEM:::DATAPOINTER=1,PIXELS=1,LINES=1",
        "zip+file://a.zip!a.tif",
        "http://127.0.0.1:1/a.tif",
        "<VRTDataset rasterXSize='1' rasterYSize='1'/>",
        '{"type": "gdal_virtual_file_system"}',
        "../../../../../../nowhere/a.tif",
        "no/such/file.tif",
        "no-such-scene",
        "a\0b.tif",
        "x" * 5000,
        "",
    ],
)
def test_only_existing_files_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in ("geotiff", "netcdf4", "hdf5"):
        files.SEEDS[seed](tmp_path)
    with pytest.raises(UnreadableScene) as refused:
        open_scene(ref)
    assert len(refused.value.message) < 300


def test_folders_pipes_sockets_and_devices(tmp_path: Path) -> None:
    with pytest.raises(UnreadableScene, match="holds 0 images"):
        open_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableScene, match="device or a pipe"):
        open_file(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        with pytest.raises(UnreadableScene, match="device or a pipe"):
            open_file(tmp_path / "s")
    with pytest.raises(UnreadableScene, match="device or a pipe"):
        open_file("/dev/zero")


def test_names_with_control_characters_are_shown_harmlessly(tmp_path: Path) -> None:
    name = "evil\x1b[31m\n\u202e<b>.npy"
    path = files.write_npy(tmp_path / name, files.cube())
    described = open_file(path).describe().name
    assert described.isprintable()
    path.write_bytes(b"\x93NUMPY garbage")
    with pytest.raises(UnreadableScene) as refused:
        open_file(path)
    assert refused.value.message.isprintable()
    assert len(shown("y" * 1000)) == 120


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("driver", ["PNG", "JPEG", "JP2OpenJPEG"])
def test_truncated_pictures_are_refused(tmp_path: Path, driver: str, share: float) -> None:
    """Their libraries would fill the rest with grey and go on."""
    path = tmp_path / "a"
    noise = np.random.default_rng(0).integers(0, 255, (3, 90, 80), dtype="u1")
    with rasterio.open(
        path, "w", driver=driver, count=3, height=90, width=80, dtype="uint8"
    ) as file:
        file.write(noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UnreadableScene):
        open_file(path).read()


@pytest.mark.parametrize("seed", [s for s in files.SEEDS if s not in ("png", "jpeg")])
def test_truncated_files_are_refused(tmp_path: Path, seed: str) -> None:
    """Half a file is refused when it is opened or when it is read, never shown as a scene."""
    path = files.SEEDS[seed](tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableScene) as refused:
        open_file(path).read()
    assert refused.value.message.isprintable()


def test_files_that_belong_together(tmp_path: Path) -> None:
    scene = files.write_envi(tmp_path / "a.img", files.cube())
    header = tmp_path / "a.hdr"
    truth = files.write_npy(tmp_path / "a_gt.npy", files.cube()[0])
    (tmp_path / "b.img").write_bytes(b"unrelated")
    assert set(belonging(scene)) == {scene, header, truth}
    assert set(belonging(header)) >= {scene, header}
