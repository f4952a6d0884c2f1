"""How far a server trusts those who use it: `local`, `class` or `public`.

The environment variable RSVIZ_PROFILE names the profile; processes inherit it. `class` and
`public` refuse to start while the machine or the settings are weak; see `rsviz.jobs.doctor`.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rsviz.core.errors import BadOption, UnreadableScene
from rsviz.core.places import OutsideFolder, inside
from rsviz.io.budget import GIB, MIB

UPLOADS = re.compile(r"rsviz-upload-[A-Za-z0-9_]{8,40}")
Paths = Literal["any", "roots", "none"]


@dataclass(frozen=True)
class Profile:
    """What is allowed.

    Attributes:
        name: local, class or public.
        about: for whom it is.
        server_paths: which files of the server a visitor may name: any; those below the folders
            in RSVIZ_DATA and RSVIZ_ROOTS; or none but the listed scenes and their own uploads.
        refused_readers: readers that are not used.
        upload_bytes: largest upload at once.
        visitor_bytes: what one visitor may keep.
        all_bytes: what all visitors together may keep.
        checked: whether the server refuses to start while something is weak.
    """

    name: str
    about: str
    server_paths: Paths
    upload_bytes: int
    visitor_bytes: int
    all_bytes: int
    refused_readers: frozenset[str] = frozenset()
    checked: bool = True


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "local",
            "one's own machine: every file that its user can read may be opened",
            "any",
            upload_bytes=200 * MIB,
            visitor_bytes=2 * GIB,
            all_bytes=8 * GIB,
            checked=False,
        ),
        Profile(
            "class",
            "a room of people on one network: uploads, and files below named folders",
            "roots",
            upload_bytes=200 * MIB,
            visitor_bytes=400 * MIB,
            all_bytes=8 * GIB,
        ),
        Profile(
            "public",
            "a demonstration for everybody: listed scenes and small uploads",
            "none",
            upload_bytes=50 * MIB,
            visitor_bytes=100 * MIB,
            all_bytes=2 * GIB,
            refused_readers=frozenset(("jpeg2000",)),
        ),
    )
}


def current() -> Profile:
    """The profile of this process.

    Raises:
        BadOption: RSVIZ_PROFILE names none.
    """
    name = os.environ.get("RSVIZ_PROFILE", "") or "local"
    if name not in PROFILES:
        raise BadOption(
            f"RSVIZ_PROFILE is '{name[:40]}'; there is no such profile.",
            f"Profiles: {', '.join(PROFILES)}.",
        )
    return PROFILES[name]


def roots() -> tuple[Path, ...]:
    """Folders whose files a visitor of a class may name: RSVIZ_DATA and those of RSVIZ_ROOTS."""
    named = [os.environ.get("RSVIZ_DATA", ""), *os.environ.get("RSVIZ_ROOTS", "").split(":")]
    return tuple(Path(os.path.realpath(name)) for name in named if name)


def permit(ref: str) -> None:
    """Make sure that the profile lets a visitor open a file by its path.

    Folders of uploads have names that cannot be guessed; who knows one may open what is in it.

    Raises:
        UnreadableScene: it does not; whether there is such a file is not told.
    """
    profile = current()
    if profile.server_paths == "any":
        return
    allowed = roots() if profile.server_paths == "roots" else ()
    if any(_lies_in(root, ref) for root in allowed) or _is_upload(ref):
        return
    raise UnreadableScene(
        f"This server (profile '{profile.name}') does not open files by this path.",
        "Choose a listed scene, or upload the file.",
    )


def permit_reader(kind: str) -> None:
    """Make sure that the profile uses the reader that a file calls for.

    Raises:
        UnreadableScene: it does not.
    """
    profile = current()
    if kind in profile.refused_readers:
        raise UnreadableScene(
            f"This server (profile '{profile.name}') does not read files of the kind '{kind}'.",
            "Save the scene as GeoTIFF.",
        )


def uploads_root() -> Path:
    """The folder below which each visitor's folder lies, the same in all processes."""
    return Path(os.path.realpath(os.environ.get("RSVIZ_UPLOADS") or tempfile.gettempdir()))


def _lies_in(root: Path, ref: str) -> bool:
    try:
        inside(root, ref)
    except OutsideFolder:
        return False
    return os.path.isabs(ref)


def _is_upload(ref: str) -> bool:
    root = uploads_root()
    if not _lies_in(root, ref):
        return False
    parts = inside(root, ref).relative_to(root).parts
    return len(parts) > 1 and UPLOADS.fullmatch(parts[0]) is not None
