"""The one function that turns somebody's text into a path: inside a folder, or refused.

Nothing is filtered out of the text; it is resolved with all its links, and the result must lie
in the folder. Whoever opens a stranger's path comes through here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from rsviz.core.errors import RsvizError

LONGEST = 4096
FOREIGN = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:|^//|%2[eEfF]|%5[cC]|%00")
"""Control characters, and how other systems and web addresses write folders."""


class OutsideFolder(RsvizError):
    """A path leads out of the folder that it must stay in."""


def inside(root: Path, text: str) -> Path:
    """The real path that a text means below a folder; it need not exist.

    Args:
        root: the folder.
        text: a path, relative to the folder or absolute.

    Raises:
        OutsideFolder: it leads elsewhere, also by links, or is no path of this system.
    """
    if not text or len(text) > LONGEST or FOREIGN.search(text):
        raise _refused()
    base = os.path.realpath(root)
    try:
        real = os.path.realpath(os.path.join(base, text))
    except (OSError, ValueError) as error:
        raise _refused() from error
    if os.path.commonpath((base, real)) != base:
        raise _refused()
    return Path(real)


def _refused() -> OutsideFolder:
    return OutsideFolder(
        "The path leads out of the folders that may be read here.", "Choose a file inside them."
    )
