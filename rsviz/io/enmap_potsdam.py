"""EnMAP over Potsdam: real satellite data, read where the folder of real data sets holds them.

24 July 2022, 13 tiles of 32 x 32 pixels of 30 m and 224 bands, with land-cover labels; test data
of the EnMAP-Box. The data come with no names for the six labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rsviz.io.budget import Budget
from rsviz.io.mosaic import open_mosaic
from rsviz.io.source import Classes, SceneSource

FOLDER, FIRST = "enmap_potsdam", "enmap_potsdam_tile_"
TITLE = "EnMAP, Potsdam"
ABOUT = (
    "A town and its lakes seen by the satellite EnMAP on 24 July 2022: 13 tiles of 32 x 32 pixels "
    "of 30 m, 224 bands, 6 classes of land cover."
)
LICENCE = "EnMAP data (c) DLR 2022; tiles and labels: EnMAP-Box test data, GPL-3"
CLASSES = Classes(
    ("Roof", "Pavement", "Low vegetation", "Tree", "Soil", "Water"),
    ("#d55e00", "#8a8f98", "#b5d334", "#009e73", "#e69f00", "#0072b2"),
)
"""Names of the six labels, an assumption: the scheme of the EnMAP-Box for Berlin, level 3."""


def first_tile(paths: Sequence[Path]) -> Path | None:
    """The first tile among the files of a data folder; None when it has none."""
    return next((p for p in paths if p.name.startswith(FIRST) and FOLDER in p.parts), None)


def open_enmap_potsdam(first: Path, budget: Budget) -> SceneSource:
    """Open all tiles as one scene.

    Raises:
        UnreadableScene: a tile is damaged.
    """
    source = open_mosaic(first, CLASSES, budget)
    plain = source.describe()
    return source.described(
        replace(
            plain,
            name=TITLE,
            notes=(
                *plain.notes,
                "The labels come without names; those shown are an assumption, taken from the "
                "scheme that the EnMAP-Box uses for Berlin.",
            ),
        )
    )
