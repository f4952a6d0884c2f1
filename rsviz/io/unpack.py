"""Arrays that cannot be read in parts are unpacked once, into a file without a name.

The file disappears with the process, whatever happens to it: nothing is ever left behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import BinaryIO

from rsviz.core.errors import UnreadableScene
from rsviz.io.budget import Budget


def unpacked(chunks: Iterable[bytes], needed: int, name: str, budget: Budget) -> BinaryIO:
    """A temporary file with exactly the needed bytes of an unpacked array.

    Raises:
        UnreadableScene: the packed data give fewer or more bytes than the array needs.
    """
    file: BinaryIO = tempfile.TemporaryFile(dir=budget.folder, buffering=0)  # noqa: SIM115
    written = 0
    try:
        for chunk in chunks:
            written += len(chunk)
            if written > needed:
                break
            file.write(chunk)
        if written != needed:
            more = "more" if written > needed else f"only {written}"
            raise UnreadableScene(
                f"'{name}' is damaged: {needed} bytes were expected once unpacked, {more} came."
            )
    except BaseException:
        file.close()
        raise
    return file
