"""Everything that a visitor can make a reader do with a file, for tests of hostile files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rsviz.core.errors import RsvizError
from rsviz.core.grid import Window
from rsviz.io.budget import Budget
from rsviz.io.doors import open_file

SMALL = Budget(read_bytes=50_000_000, unpack_bytes=10_000_000, block_bytes=10_000_000)


def read_everything(path: Path) -> bool:
    """Open, describe, read a corner, the whole and a spectrum; only RsvizError may escape.

    Returns:
        Whether the file was opened.
    """
    try:
        source = open_file(path, budget=SMALL)
    except RsvizError as error:
        assert error.message
        assert error.message.isprintable()
        return False
    try:
        d = source.describe()
        told = (d.name, d.variable, *d.notes, *d.choices, *(band.name for band in d.bands))
        assert all(text.isprintable() for text in told)
        t, c, h, w = d.shape
        corner = source.read(Window(h - 1, w - 1, 1, 1), (c - 1,))
        assert corner.pixels.shape == (t, 1, 1, 1)
        assert source.spectrum(h - 1, 0).values.shape == (c,)
        scene = source.read()
        assert np.isfinite(scene.pixels).all()
    except RsvizError as error:
        assert error.message
        assert error.message.isprintable()
    finally:
        source.close()
    return True
