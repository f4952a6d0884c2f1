"""Uploaded files: where they go, under which name, and which of them is the scene."""

import io
import os
from dataclasses import replace

import pytest

from rsviz.core.errors import RsvizError, SceneTooLarge, UnreadableScene
from rsviz.io import profiles
from rsviz.views import uploads


class File(io.BytesIO):
    def __init__(self, name: str, content: bytes = b"pixels") -> None:
        super().__init__(content)
        self.name = name


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "folder", lambda: tmp_path)
    return tmp_path


def test_the_file_is_written_whole_below_the_visitors_folder(folder):
    content = bytes(range(256)) * 9000
    file = File("cube.npy", content)
    file.read()  # somebody looked at it before
    path = uploads.spool([file])
    assert path.read_bytes() == content
    assert folder in path.parents


def test_a_header_comes_along_with_its_data():
    path = uploads.spool([File("scene.hdr"), File("scene.img")])
    assert path.name == "scene.img"
    assert (path.parent / "scene.hdr").is_file()


def test_several_scenes_are_refused_with_what_to_do(folder):
    with pytest.raises(UnreadableScene, match=r"a\.tif, b\.tif: these are 2 scenes") as told:
        uploads.spool([File("a.tif"), File("b.tif")])
    assert told.value.hint
    assert not list(folder.iterdir())


def test_labels_and_tiles_come_along_with_their_scene():
    path = uploads.spool([File("a_gt.mat"), File("a.mat")])
    assert path.name == "a.mat" and (path.parent / "a_gt.mat").is_file()
    tiles = [File(f"x_tile_{i}_0.tif") for i in range(3)]
    assert uploads.spool(tiles).name == "x_tile_0_0.tif"


@pytest.mark.parametrize(
    ("side", "scene"),
    [("a.hdr", "a.img"), ("a.img.hdr", "a.img"), ("a.pgw", "a.png"), ("a.tfw", "a.tif")],
)
@pytest.mark.parametrize("side_first", [True, False])
def test_a_scene_in_two_files_may_come_one_after_the_other(side, scene, side_first):
    for name in (side, scene) if side_first else (scene, side):
        path = uploads.spool([File(name)])
        assert path is None or path.name == scene
    assert (path.parent / side).is_file()
    assert (path.parent / scene).is_file()


def test_a_describing_file_joins_no_other_scene():
    other = uploads.spool([File("other.img")])
    assert uploads.spool([File("a.hdr")]) is None
    path = uploads.spool([File("a.img")])
    assert (path.parent / "a.hdr").is_file()
    assert [p.name for p in other.parent.iterdir()] == ["other.img"]


def test_a_visitors_oldest_uploads_go_when_there_is_no_room(folder, monkeypatch):
    tight = replace(profiles.PROFILES["local"], visitor_bytes=250)
    monkeypatch.setattr(profiles, "current", lambda: tight)
    monkeypatch.setattr(profiles, "uploads_root", lambda: folder.parent)
    first, second = (uploads.spool([File(n, bytes(100))]) for n in ("a.npy", "b.npy"))
    os.utime(first.parent, (0, 0))
    third = uploads.spool([File("c.npy", bytes(100))])
    assert not first.exists() and second.exists() and third.exists()
    with pytest.raises(SceneTooLarge, match="300 bytes; one visitor may keep 250 bytes"):
        uploads.spool([File("d.npy", bytes(300))])


def test_an_upload_waits_when_all_visitors_together_fill_the_room(folder, monkeypatch):
    tight = replace(profiles.PROFILES["local"], all_bytes=250)
    monkeypatch.setattr(profiles, "current", lambda: tight)
    monkeypatch.setattr(profiles, "uploads_root", lambda: folder)
    other = folder / f"{uploads.PREFIX}somebody"
    other.mkdir()
    (other / "x").write_bytes(bytes(200))
    with pytest.raises(RsvizError, match="uploads of 1 visitor take 200 bytes of 250 bytes"):
        uploads.spool([File("a.npy", bytes(100))])
    assert [p.name for p in folder.iterdir()] == [other.name]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a b\x00c.tif", "a_b_c.tif"),
        (".hidden", "hidden"),
        ("///", "scene"),
        ("x" * 300 + ".tif", ("x" * 300 + ".tif")[-100:]),
    ],
)
def test_names_cannot_leave_the_folder(folder, name, safe):
    assert uploads.safe_name(name) == safe
    assert uploads.spool([File(name)]).parent.parent == folder
