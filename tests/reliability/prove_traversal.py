"""R5: 500 ways to write a path that leads out, at five entries."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable
from itertools import product
from pathlib import Path

from proof import Proof, timed

from rsviz.core import registry
from rsviz.core.errors import RsvizError
from rsviz.core.places import inside
from rsviz.io import catalog, profiles
from rsviz.jobs import identity
from rsviz.jobs.store import ResultStore
from rsviz.views import uploads

CANARY = b"canary outside of every folder"
UP = ("..", "../..", "../../..", "....//", "..;/", "%2e%2e", "%252e%252e", "..%2f", "..%5c", "..\\",
      ".\u2024", "\uff0e\uff0e", "..\0", "a/../..", "./.././..", "link", "link/.")  # fmt: skip
ENDS = ("secret.tif", "secret.tif#x", "secret.tif?x", "secret.tif%00.npy", "secret.tif\0.npy",
        "./secret.tif", "//secret.tif")  # fmt: skip
WHOLE = ("/etc/passwd", "//etc/passwd", "\\\\host\\share\\a.tif", "C:\\Windows\\win.ini", "C:a.tif",
         "file:///etc/passwd", "~root/.bashrc", "/proc/self/environ", "/dev/stdin", "\n/etc/passwd",
         "http://127.0.0.1/a.tif", "con", "a" * 5000, "/vsizip//etc/passwd", "")  # fmt: skip


def strings(folder: Path, secret: Path) -> list[str]:
    """500 strings; some lead to the secret, some nowhere."""
    made = [f"{up}/{end}" for up, end in product(UP, ENDS)]
    made += [f"{up}/{secret.relative_to('/')}" for up in UP]
    made += [*WHOLE, str(secret), f"{folder}/../{secret.name}", f"{folder}/link/{secret.name}"]
    rng = random.Random(5)
    while len(made) < 500:
        parts = [rng.choice((*UP, "a", ".", "b.tif", "")) for _ in range(rng.randint(1, 9))]
        made.append(rng.choice(("/", "\\", "//", "/./")).join([*parts, rng.choice(ENDS)]))
    return made[:500]


def prove(quick: bool, work: Path) -> Proof:
    """Put every string to every entry; nothing from outside may come out."""
    proof = Proof(
        "R5",
        "traversal: 500 strings at 5 entries (file of the server, name of an upload, model, stored "
        "result, path function)",
        "not a byte from outside of the folder",
    )
    folder, secret = work / "root", work / "secret.tif"
    folder.mkdir()
    secret.write_bytes(CANARY)
    (folder / "link").symlink_to(work)
    (folder / "inside.tif").write_bytes(b"II*\0")
    before = dict(os.environ)
    os.environ |= {"RSVIZ_PROFILE": "class", "RSVIZ_ROOTS": str(folder), "RSVIZ_DATA": ""}
    os.environ["RSVIZ_UPLOADS"] = str(work / "uploads")
    entries: dict[str, Callable[[str], bytes]] = {
        "server file": lambda text: _server_file(folder, text),
        "upload name": lambda text: _upload_name(work / "uploads", text),
        "model": lambda text: registry.card(text).id.encode(),
        "stored result": lambda text: _stored(work / "store", text),
        "path function": lambda text: inside(folder, text).read_bytes(),
    }
    try:
        with timed(proof):
            for name, entry in entries.items():
                for text in strings(folder, secret):
                    out = _answer(entry, text)
                    proof.count(CANARY not in out and b"root:" not in out, f"{name}: {text[:80]!r}")
        assert inside(folder, "inside.tif").read_bytes() == b"II*\0"
        profiles.permit(str(folder / "inside.tif"))
    finally:
        os.environ.clear()
        os.environ.update(before)
    return proof


def _answer(entry: Callable[[str], bytes], text: str) -> bytes:
    try:
        return entry(text)
    except (RsvizError, ValueError, OSError):
        return b""


def _server_file(folder: Path, text: str) -> bytes:
    """What the server would open for a path in the box or the address, taken as it is and below
    the folder of data."""
    out = b""
    for ref in (text, f"{folder}/{text}"):
        path = identity.file_of(ref)
        out += path.read_bytes() if path is not None else b""
        try:
            entry = catalog.find_scene(ref)
        except (RsvizError, ValueError, OSError):
            continue
        found = Path(entry.path if entry else ref)
        out += found.read_bytes() if found.is_file() else b""
    return out


def _upload_name(root: Path, text: str) -> bytes:
    """Where an upload of this name is written: outside would be a find."""
    place = root / f"{uploads.PREFIX}{secrets.token_hex(8)}"
    place.mkdir(parents=True)
    path = inside(place, uploads.safe_name(text))
    path.write_bytes(b"x")
    return b"" if [*place.iterdir()] == [path] else CANARY


def _stored(folder: Path, text: str) -> bytes:
    store = ResultStore(folder)
    return b"" if store.get(text) is None else CANARY
