"""Which sites of the table of atmospheres train, and which test.

Sites are real places; all variations of a site stay on one side.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rsviz.evaluate.heat.baselines import BASELINES, CLASSICAL
from rsviz.physics.atmospheres import TABLE, Errors, Measurements, measure, table
from rsviz.physics.thermal_bands import ThermalBand

Split = Literal["sites", "humid", "continents"]
FOLDS = 5
DRY, HUMID = 4.0, 5.0
"""Water vapour in g/cm2 below which the humid protocol trains, and above which it tests."""
TRAIN_EACH, TEST_EACH = 4, 6
TEST_SEED = 1000

REGIONS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "Europe": ((35.0, 72.0, -25.0, 45.0),),
    "Africa": ((-37.0, 35.0, -20.0, 52.0),),
    "Asia": ((5.0, 82.0, 45.0, 180.0), (35.0, 82.0, 45.0, 180.0), (-10.0, 5.0, 92.0, 130.0)),
    "North America": ((8.0, 84.0, -170.0, -50.0),),
    "South America": ((-57.0, 8.0, -85.0, -33.0),),
    "Australia and Pacific": ((-50.0, -10.0, 110.0, 180.0),),
    "Antarctica": ((-90.0, -60.0, -180.0, 180.0),),
}
"""Boxes of latitude and longitude (south, north, west, east) for sites on land; the rest is sea."""
SEA = "Oceans"


@dataclass(frozen=True)
class HeatProtocol:
    """How sites are divided.

    Attributes:
        name: for the command line.
        scene: id of the sample scene on which such models are shown.
        about: one or two sentences.
        split: what the seed divides: a fifth of the sites, or one region.
        baselines: names of the methods to compare with.
        version: raised when the protocol changes.
    """

    name: str
    scene: str
    about: str
    split: Split
    baselines: tuple[str, ...] = tuple(BASELINES)
    version: int = 1

    def training(self, band: ThermalBand, seed: int) -> Measurements:
        """Measurements at training sites, with input errors of every level."""
        rows = table().of_sites(~self.test_sites(seed))
        if self.split == "humid":
            rows = rows[table().water_vapour_g_cm2[rows] < DRY]
        return measure(table(), rows, band, None, seed, TRAIN_EACH)

    def test(self, band: ThermalBand, seed: int, errors: Errors) -> Measurements:
        """Measurements at test sites with one level of input errors."""
        rows = table().of_sites(self.test_sites(seed))
        if self.split == "humid":
            rows = rows[table().water_vapour_g_cm2[rows] > HUMID]
        return measure(table(), rows, band, errors, TEST_SEED + seed, TEST_EACH)

    def test_sites(self, seed: int) -> NDArray[np.bool_]:
        """The sites (S,) that a seed tests: every fifth by its mean water vapour, or a region."""
        if self.split == "continents":
            names = region_names()
            return np.array([name == names[seed % len(names)] for name in regions()])
        return np.asarray(_wetness_rank() % FOLDS == seed % FOLDS)

    def fingerprint(self) -> str:
        """Hash of the table, so that records of another one are recognised."""
        return hashlib.sha256(TABLE.read_bytes()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _wetness_rank() -> NDArray[np.int64]:
    """Rank of each site by the mean water vapour of its columns: folds then have equal shares of
    dry and humid sites."""
    atmospheres = table()
    total = np.bincount(atmospheres.site, atmospheres.water_vapour_g_cm2)
    return np.argsort(np.argsort(total / np.bincount(atmospheres.site)))


@lru_cache(maxsize=1)
def regions() -> tuple[str, ...]:
    """The region of every site."""
    atmospheres = table()
    east = (atmospheres.longitude + 180) % 360 - 180
    return tuple(
        _region(lat, lon) if land else SEA
        for lat, lon, land in zip(atmospheres.latitude, east, atmospheres.land, strict=True)
    )


def region_names() -> list[str]:
    """All regions that have sites, in the order of seeds."""
    return [name for name in (*REGIONS, SEA) if name in regions()]


def _region(lat: float, lon: float) -> str:
    for name, boxes in REGIONS.items():
        if any(s <= lat <= n and w <= lon <= e for s, n, w, e in boxes):
            return name
    return SEA


PROTOCOLS: dict[str, HeatProtocol] = {
    p.name: p
    for p in (
        HeatProtocol(
            "rfmip-sites",
            "thermal",
            "Simulated measurements at 100 real sites; each of five seeds tests another fifth of "
            "them, with equal shares of dry and humid ones.",
            "sites",
        ),
        HeatProtocol(
            "rfmip-humid",
            "thermal",
            "Trained where there are less than 4 g/cm² of water vapour, tested at other sites "
            "above 5 g/cm².",
            "humid",
        ),
        HeatProtocol(
            "rfmip-continents",
            "thermal",
            "Trained everywhere but on one continent (or the oceans), tested there; the seed says "
            "which.",
            "continents",
            tuple(CLASSICAL),
        ),
    )
}
