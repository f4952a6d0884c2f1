"""Crop, from the UCR archive: series of one index over the year, seen by Formosat-2.

46 dates, 24 classes of land cover; Tan, Webb, Petitjean (2017). Only the 7,200 series that the
archive calls training data are read; how they are split is the protocol's matter.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rsviz.core.errors import UnreadableScene
from rsviz.core.scene import Band, Truth
from rsviz.io.budget import Budget
from rsviz.io.loaded import Series
from rsviz.io.source import SceneSource

NAMES = (
    "maize", "wheat", "dense building", "industrial building", "diffuse building",
    "temporary meadow", "hardwood", "wasteland", "fallow", "soy", "water", "meadow", "softwood",
    "sunflower", "sorghum", "eucalyptus", "rapeseed", "silage maize", "barley", "peas", "poplars",
    "mineral surface", "gravel pit", "lake",
)  # fmt: skip
MOST_BYTES = 64 << 20


def open_crop(path: Path, variable: str, budget: Budget) -> SceneSource:
    """The series, one a column.

    Raises:
        UnreadableScene: it is no table of a label and 46 values a line.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableScene(f"'{path.name}' has {path.stat().st_size} bytes; 2 MB are expected.")
    try:
        table = np.loadtxt(path, dtype=np.float32, delimiter="\t", ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise UnreadableScene(f"'{path.name}' is no table of numbers: {error}") from error
    labels = table[:, 0].astype(np.int16)
    if table.shape[1] < 3 or labels.min() < 1 or labels.max() > len(NAMES):
        raise UnreadableScene(
            f"'{path.name}' has {table.shape[1]} columns and labels {labels.min()} to "
            f"{labels.max()}; a label from 1 to {len(NAMES)} and a series are expected a line."
        )
    return Series(
        "Crop (UCR archive)",
        "tsv",
        np.ascontiguousarray(table[:, 1:].T[:, None, None]),  # (N, T) -> (T, 1, 1, N)
        (Band("vegetation index"),),
        "dn",
        truth=Truth(labels[None], NAMES),
        notes=(
            "Each column is one series of 46 dates; days and places are not known.",
            "Class names are translated from the French of the archive.",
        ),
    ).source(budget)
