"""Files that a visitor brings: spooled at once to a folder of their own, gone when they leave.

A scene may come in several files (ENVI data and header, a picture and its world file), all at
once or one after the other; files wait beside each other until they can be opened.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import streamlit as st

from rsviz.core.errors import RsvizError, SceneTooLarge, UnreadableScene
from rsviz.core.places import inside
from rsviz.io import profiles
from rsviz.io.budget import check_disk
from rsviz.io.paths import DATE_ENDINGS, belonging
from rsviz.views.words import many, size

CHUNK = 1 << 20
SIDE_FILES = (
    ".hdr", ".wld", ".pgw", ".jgw", ".tfw", ".j2w", ".pngw", ".jpgw", ".tifw", ".xml", ".prj",
    *DATE_ENDINGS,
)  # fmt: skip
"""How the names of files end that only describe another."""

PREFIX = "rsviz-upload-"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Uploaded(Protocol):
    """What the uploader hands over: a name and the bytes."""

    name: str

    def seek(self, offset: int, whence: int = ...) -> int: ...
    def read(self, size: int) -> bytes: ...
    def tell(self) -> int: ...


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@st.cache_resource(scope="session", on_release=_remove, show_spinner=False)
def folder() -> Path:
    """This visitor's folder; removed with everything in it when the session ends.

    Its name cannot be guessed, for who knows it may open what is inside.
    """
    place = profiles.uploads_root() / f"{PREFIX}{secrets.token_hex(16)}"
    place.mkdir(mode=0o700)
    return place


def spool(files: Sequence[Uploaded]) -> Path | None:
    """Write uploaded files to the visitor's folder.

    Returns:
        The file to open; None when only files came that describe one which is not there yet.

    Raises:
        UnreadableScene: files of several scenes came at once.
        SceneTooLarge: they exceed what one visitor may keep.
        RsvizError: the uploads of all visitors leave no room, or the disk is full.
    """
    names = [safe_name(f.name) for f in files]
    scenes = [n for n in names if not n.lower().endswith(SIDE_FILES)]
    _make_room(sum(_length(f) for f in files))
    place = folder() / secrets.token_hex(4)
    place.mkdir()
    try:
        for file, name in zip(files, names, strict=True):
            file.seek(0)
            with inside(place, name).open("xb") as out:
                while chunk := file.read(CHUNK):
                    out.write(chunk)
        if not scenes:
            return _join_earlier(place, names)
        main = _main(place, scenes)
    except OSError as error:
        _remove(place)
        raise RsvizError(
            f"The upload could not be kept: {error.strerror}.", "Try again in a few minutes."
        ) from error
    except RsvizError:
        _remove(place)
        raise
    _fetch_waiting(main)
    return main


def safe_name(name: str) -> str:
    """A file name without folders, control characters or anything a shell could mind."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _UNSAFE.sub("_", last).lstrip(".")[-100:]
    return cleaned or "scene"


def _main(place: Path, scenes: Sequence[str]) -> Path:
    """The scene among uploaded files: the one to which all the others belong.

    Raises:
        UnreadableScene: there is none.
    """
    paths = [place / name for name in sorted(scenes)]
    for path in paths:
        if set(paths) <= set(belonging(path)):
            return path
    raise UnreadableScene(
        f"{', '.join(scenes)}: these are {len(scenes)} scenes; one at a time can be opened.",
        "Choose one scene, with its header where it has one.",
    )


def _join_earlier(place: Path, names: Sequence[str]) -> Path | None:
    """Put describing files beside a scene that came before; None when they have to wait."""
    others = (p for p in folder().glob("*/*") if p.parent != place and not _is_side(p))
    for scene in sorted(others, key=lambda p: p.stat().st_mtime_ns, reverse=True):
        if any(_describes(name, scene) for name in names):
            for name in names:
                os.replace(place / name, scene.parent / name)
            place.rmdir()
            os.utime(scene)  # it is read in another way now
            return scene
    return None


def _fetch_waiting(scene: Path) -> None:
    """Fetch describing files that came before their scene."""
    for side in folder().glob("*/*"):
        alone = side.parent != scene.parent and all(map(_is_side, side.parent.iterdir()))
        if alone and _describes(side.name, scene) and not (scene.parent / side.name).exists():
            os.replace(side, scene.parent / side.name)


def _is_side(path: Path) -> bool:
    return path.name.lower().endswith(SIDE_FILES)


def _describes(side: str, scene: Path) -> bool:
    """Whether a describing file has the name of a scene: scene.hdr or scene.img.hdr."""
    return Path(side).stem in (scene.stem, scene.name)


def _make_room(needed: int) -> None:
    """Make sure that there is room for an upload; the visitor's oldest ones go for it.

    Raises:
        SceneTooLarge: it exceeds what one visitor may keep.
        RsvizError: the uploads of all visitors leave no room, or the disk is full.
    """
    profile = profiles.current()
    if needed > profile.visitor_bytes:
        raise SceneTooLarge(
            f"The upload has {size(needed)}; one visitor may keep {size(profile.visitor_bytes)}.",
            "Upload a part of the scene, or fewer bands.",
        )
    places = sorted(folder().iterdir(), key=lambda p: p.stat().st_mtime_ns)
    while places and _bytes_in(folder()) + needed > profile.visitor_bytes:
        _remove(places.pop(0))
    visitors = [p for p in profiles.uploads_root().glob(f"{PREFIX}*") if p.is_dir()]
    kept = sum(map(_bytes_in, visitors))
    if kept + needed > profile.all_bytes:
        raise RsvizError(
            f"The uploads of {many(len(visitors), 'visitor')} take {size(kept)} of "
            f"{size(profile.all_bytes)}; yours of {size(needed)} has to wait.",
            "Room comes free when others leave; try again in a few minutes.",
        )
    check_disk(folder(), needed, "the upload")


def _length(file: Uploaded) -> int:
    file.seek(0, os.SEEK_END)
    return file.tell()


def _bytes_in(place: Path) -> int:
    total = 0
    for path in place.rglob("*"):
        try:
            status = path.lstat()
        except FileNotFoundError:  # another visitor leaves
            continue
        total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total
