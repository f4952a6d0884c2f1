"""Where compiled kernels are kept, so that only the first start of a version waits for them.

Numba would put them beside the source, which fails where the package is installed read-only, and
it looks at the date of a kernel's own file alone, not at the files whose functions it calls. Here
the folder is the user's own and its name holds a hash of all the scan's sources and of the files
`*_kernel*.py` beside the kernel. The environment variable NUMBA_CACHE_DIR overrules it.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numba


def kernel(function: Callable) -> Callable:
    """Compiles a function at its first call (or loads it), to run without Python's lock."""
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    former = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = former or str(_folder(Path(function.__code__.co_filename).parent))
    try:
        compiled.enable_caching()
    finally:
        numba.config.CACHE_DIR = former
    return compiled


@cache
def _folder(beside: Path) -> Path:
    sources = sorted(Path(__file__).parent.glob("scan_*.py")) + sorted(beside.glob("*_kernel*.py"))
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    for home in _homes():
        folder = home / "rsviz" / f"kernels-{version}"
        if _is_ours(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="rsviz-kernels-"))


def _homes() -> list[Path]:
    """The user's folder for what can be made again, then a private one among temporary files."""
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    usual = "Library/Caches" if sys.platform == "darwin" else ".cache"
    user = getattr(os, "getuid", lambda: "me")()
    home = Path(named) if named else Path(os.path.expanduser("~")) / usual
    return [home, Path(tempfile.gettempdir()) / f"rsviz-{user}"]


def _is_ours(folder: Path) -> bool:
    """Whether we can write there and nobody else could have put code there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return False
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
