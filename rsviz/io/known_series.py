"""Collections of series that are known by name, where the folder of real data sets holds them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rsviz.io.budget import Budget
from rsviz.io.source import SceneSource


@dataclass(frozen=True)
class Collection:
    """A collection of several files that is one scene.

    Attributes:
        title: for people.
        file: end of the path of the file that stands for all.
        about: one sentence.
        licence: of the data.
        opener: "module:function" of (file, variable, budget) -> source.
    """

    title: str
    file: str
    about: str
    licence: str
    opener: str

    def open(self, path: Path, variable: str, budget: Budget) -> SceneSource:
        """Open the collection."""
        module, _, name = self.opener.partition(":")
        function: Callable[[Path, str, Budget], SceneSource] = getattr(
            importlib.import_module(module), name
        )
        return function(path, variable, budget)


_DTWSAT = "dtwSat, inst/lucc_MT (GPL-2 or later); MODIS data in the public domain"

COLLECTIONS: dict[str, Collection] = {
    "mato-grosso-map": Collection(
        "Mato Grosso, six crop years",
        "dtwsat_mt/timeline",
        "MODIS, 27 x 37 pixels of 232 m, 16-day composites 2007 to 2013, with samples of crops "
        "and forest.",
        _DTWSAT,
        "rsviz.io.mato_grosso:open_map",
    ),
    "mato-grosso-map-samples": Collection(
        "Mato Grosso, samples of the map",
        "dtwsat_mt/timeline",
        "603 samples of the map, one a column: a pixel in one crop year, 23 dates, 5 classes.",
        _DTWSAT,
        "rsviz.io.mato_grosso:open_samples",
    ),
    "mato-grosso-points": Collection(
        "Mato Grosso, samples",
        "sits_matogrosso/samples_mt_6bands.rda",
        "425 pixel series of MODIS, one a column: 23 dates, 6 bands, 9 classes.",
        "sits (GPL-2), samples of Embrapa and INPE",
        "rsviz.io.mato_grosso:open_points",
    ),
    "ucr-crop": Collection(
        "Crop (UCR archive)",
        "ucr_crop/Crop_TRAIN.tsv",
        "7,200 series of a vegetation index by Formosat-2, one a column: 46 dates, 24 classes.",
        "UCR time series archive; cite Tan, Webb, Petitjean (2017)",
        "rsviz.io.ucr_crop:open_crop",
    ),
    "slovenia": Collection(
        "Slovenia, Sentinel-2 NDVI",
        "eolearn_TestEOPatch/timestamps.json",
        "68 dates from 2015 to 2017, 101 x 100 pixels of 10 m with cloud masks and land cover.",
        "eo-learn (MIT); Copernicus Sentinel data",
        "rsviz.io.slovenia:open_patch",
    ),
}
"""Collections by the id of their scene."""

DEEPEST = 3


def found(root: Path) -> Iterator[tuple[str, Collection, Path]]:
    """The collections under a folder, up to three folders down."""
    for name, collection in COLLECTIONS.items():
        for depth in range(DEEPEST):
            path = next(iter(sorted(root.glob("*/" * depth + collection.file))), None)
            if path is not None and path.is_file():
                yield name, collection, path
                break
