"""The outline of the land, for maps of the world that need no internet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@cache
def coasts() -> NDArray[np.float32]:
    """Longitude and latitude [degrees] (N, 2) of all coasts, a row of NaN after each line.

    Natural Earth 1:110m, public domain; `sample_data/coasts.py` made the file.
    """
    with np.load(Path(__file__).with_name("coasts.npz")) as stored:
        points, lengths = stored["points"].astype(np.float32) / 10, stored["lengths"]
    found: NDArray[np.float32] = np.insert(points, np.cumsum(lengths), np.nan, axis=0)
    found.setflags(write=False)
    return found
