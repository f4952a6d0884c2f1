"""Uploaded files: where they go, under which name, and which of them is the scene."""

import io

import pytest

from rsviz.core.errors import UnreadableScene
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


@pytest.mark.parametrize("names", [["scene.hdr"], ["a.tif", "b.tif"]])
def test_what_is_no_scene_is_refused_with_what_to_do(names):
    with pytest.raises(UnreadableScene) as told:
        uploads.spool([File(name) for name in names])
    assert names[0] in told.value.message and told.value.hint


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
