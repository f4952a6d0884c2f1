"""Files that a visitor brings: spooled at once to a folder of their own, gone when they leave."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import streamlit as st

from rsviz.core.errors import UnreadableScene

CHUNK = 1 << 20
SIDE_FILES = (".hdr", ".wld", ".pgw", ".jgw", ".pngw", ".jpgw", ".xml")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Uploaded(Protocol):
    """What the uploader hands over: a name and the bytes."""

    name: str

    def seek(self, offset: int) -> int: ...
    def read(self, size: int) -> bytes: ...


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@st.cache_resource(scope="session", on_release=_remove, show_spinner=False)
def folder() -> Path:
    """This visitor's folder; removed with everything in it when the session ends."""
    return Path(tempfile.mkdtemp(prefix="rsviz-upload-"))


def spool(files: Sequence[Uploaded]) -> Path:
    """Write uploaded files to the visitor's folder and return the path of the scene.

    Side files (an ENVI header, a world file) come along with the file that they describe.

    Raises:
        UnreadableScene: only side files were brought, or files of several scenes.
    """
    scenes = [f for f in files if not f.name.lower().endswith(SIDE_FILES)]
    names = ", ".join(f.name for f in files)
    if not scenes:
        raise UnreadableScene(
            f"{names} describes a scene; the file with its pixels is missing.",
            "Choose both files at once.",
        )
    if len(scenes) > 1:
        raise UnreadableScene(
            f"{names}: these are {len(scenes)} scenes; one at a time can be opened.",
            "Choose one scene, with its header where it has one.",
        )
    place = Path(tempfile.mkdtemp(dir=folder()))
    for file in files:
        file.seek(0)
        with (place / safe_name(file.name)).open("xb") as out:
            while chunk := file.read(CHUNK):
                out.write(chunk)
    return place / safe_name(scenes[0].name)


def safe_name(name: str) -> str:
    """A file name without folders, control characters or anything a shell could mind."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _UNSAFE.sub("_", last).lstrip(".")[-100:]
    return cleaned or "scene"
