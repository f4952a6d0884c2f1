"""Crops and forest of Mato Grosso (Brazil) seen by MODIS: a stack of images, and samples.

Two collections of 16-day composites (MOD13Q1): `dtwsat_mt`, a stack of 27 x 37 pixels over six
crop years with 603 samples of the ground, and `sits_matogrosso`, 425 series of single pixels.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from scipy.ndimage import label as connected
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from rsviz.core.errors import BadOption, UnreadableScene
from rsviz.core.grid import Grid
from rsviz.core.scene import Band, Truth
from rsviz.io.budget import Budget
from rsviz.io.georef import grid_of, parsed_crs
from rsviz.io.loaded import Series
from rsviz.io.raster import SETTINGS, gdal_open
from rsviz.io.rda import read_rda
from rsviz.io.source import SceneSource

BANDS: tuple[Band, ...] = (
    Band("blue", 469.0, 20.0),
    Band("red", 645.0, 50.0),
    Band("nir", 859.0, 35.0),
    Band("mir", 2130.0, 50.0),
    Band("evi"),
    Band("ndvi"),
)
"""Reflectances of MODIS (band 7 for the middle infrared) and the two indices of MOD13Q1."""

ALL_DATES, YEAR, LONGEST_GAP_DAYS = "all dates", 23, 24
SMALLEST, LARGEST = -1.0, 2.0
NEIGHBOURS_M, EARTH_RADIUS_M, EPOCH = 500.0, 6_371_000.0, date(1970, 1, 1)
COLOURS = {
    "Cotton-fallow": "#d55e00", "Forest": "#117733", "Soybean-cotton": "#e69f00",
    "Soybean-maize": "#f0e442", "Soybean-millet": "#56b4e9", "Cerrado": "#999933",
    "Fallow_Cotton": "#d55e00", "Pasture": "#44aa99", "Soy_Corn": "#f0e442",
    "Soy_Cotton": "#e69f00", "Soy_Fallow": "#882255", "Soy_Millet": "#56b4e9",
    "Soy_Sunflower": "#cc79a7",
}  # fmt: skip
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Stack:
    """The whole stack with its samples.

    Attributes:
        pixels: (T, C, H, W), six crop years of 23 dates.
        valid: (T, H, W).
        dates: T ISO days.
        grid: of the pixels.
        samples: (N, 4) row, column, first date and label 1..K of each sample.
        names: of the K classes.
    """

    pixels: Floats
    valid: NDArray[np.bool_]
    dates: tuple[str, ...]
    grid: Grid
    samples: NDArray[np.int64]
    names: tuple[str, ...]

    @property
    def years(self) -> dict[str, int]:
        """The first date of each crop year."""
        first = range(0, len(self.dates), YEAR)
        return {f"{self.dates[t][:4]}-{int(self.dates[t][:4]) + 1}": t for t in first}

    def neighbourhoods(self) -> NDArray[np.int32]:
        """(H, W) number of the patch of touching sampled pixels, whatever their class or year."""
        sampled = np.zeros(self.grid.shape, np.bool_)
        sampled[self.samples[:, 0], self.samples[:, 1]] = True
        patches, _ = connected(sampled, structure=np.ones((3, 3)))
        return np.asarray(patches, np.int32)

    def truth(self, start: int) -> Truth:
        """Labels of the samples of the crop year that begins with a date."""
        labels = np.zeros(self.grid.shape, np.int16)
        rows, cols, _, known = self.samples[self.samples[:, 2] == start].T
        labels[rows, cols] = known
        return Truth(labels, self.names, _colours(self.names), self.neighbourhoods())


def read_stack(timeline: Path) -> Stack:
    """Read the rasters and samples that lie beside the list of dates.

    Raises:
        UnreadableScene: a raster is damaged, or does not fit the dates.
    """
    folder = timeline.parent
    days = timeline.read_text("ascii").split()
    planes = []
    for band in BANDS:
        try:
            with (
                rasterio.Env(**SETTINGS),
                gdal_open(folder / f"{band.name}.tif", "geotiff") as raster,
            ):
                planes.append(raster.read())
                affine, wkt = tuple(raster.transform)[:6], raster.crs.to_wkt()
        except (rasterio.errors.RasterioError, OSError, AttributeError) as error:
            raise UnreadableScene(f"'{band.name}.tif' could not be read: {error}") from error
    pixels = np.stack(planes, 1)  # C x (T, H, W) -> (T, C, H, W)
    if len(days) != len(pixels):
        raise UnreadableScene(f"There are {len(days)} dates for {len(pixels)} images.")
    place = 1
    while place < len(days):  # a composite that is not there counts as clouded
        before = date.fromisoformat(days[place - 1])
        if (date.fromisoformat(days[place]) - before).days > LONGEST_GAP_DAYS:
            days.insert(place, (before + timedelta(days=16)).isoformat())
            pixels = np.insert(pixels, place, np.nan, axis=0)
        place += 1
    ok = np.isfinite(pixels) & (pixels > SMALLEST) & (pixels < LARGEST)
    valid = ok.all(axis=1)
    pixels = np.where(valid[:, None], pixels, 0).astype(np.float32)
    crs = parsed_crs(wkt)
    grid, _ = grid_of(pixels.shape[2], pixels.shape[3], affine, crs)
    samples, names = _samples(folder / "samples.csv", grid, affine, wkt, days)
    return Stack(pixels, valid, tuple(days), grid, samples, names)


def open_map(timeline: Path, variable: str, budget: Budget) -> SceneSource:
    """The stack over one crop year with the samples of that year, or over all dates.

    Raises:
        BadOption: there is no such crop year.
        UnreadableScene: a file is damaged.
    """
    stack = read_stack(timeline)
    years = stack.years
    counts = Counter(stack.samples[:, 2].tolist())
    chosen = variable or max(years, key=lambda name: counts[years[name]])
    if chosen != ALL_DATES and chosen not in years:
        raise BadOption(
            f"There is no crop year '{chosen}'.", f"There are: {', '.join(years)}, {ALL_DATES}."
        )
    whole = chosen == ALL_DATES
    part = slice(None) if whole else slice(years[chosen], years[chosen] + YEAR)
    note = (
        "Labels belong to one crop year; choose one to see them."
        if whole
        else "The labels are the samples of this crop year; most pixels have none."
    )
    return Series(
        f"Mato Grosso, {'2007-2013' if whole else chosen}",
        "geotiff",
        stack.pixels[part],
        BANDS,
        "reflectance",
        stack.dates[part],
        stack.valid[part],
        stack.grid,
        None if whole else stack.truth(years[chosen]),
        (note, "The last two bands are indices (EVI, NDVI), not reflectances."),
        (*years, ALL_DATES),
        chosen,
    ).source(budget)


def open_samples(timeline: Path, variable: str, budget: Budget) -> SceneSource:
    """The samples of all crop years as series of 23 dates, one a column.

    Raises:
        UnreadableScene: a file is damaged.
    """
    stack = read_stack(timeline)
    rows, cols, start, labels = stack.samples.T
    dates = start[None, :] + np.arange(YEAR)[:, None]  # (23, N)
    pixels = stack.pixels[dates, :, rows, cols].transpose(0, 2, 1)  # (23, N, C) -> (23, C, N)
    groups = stack.neighbourhoods()[rows, cols]
    first = Counter(start.tolist()).most_common(1)[0][0]
    return Series(
        "Mato Grosso, samples of the map",
        "geotiff",
        np.ascontiguousarray(pixels[:, :, None]),
        BANDS,
        "reflectance",
        stack.dates[first : first + YEAR],
        stack.valid[dates, rows, cols][:, None],
        truth=Truth(
            labels[None].astype(np.int16), stack.names, _colours(stack.names), groups[None]
        ),
        notes=(
            "Each column is one sample: a pixel in one crop year. The dates are those of the most "
            "frequent crop year; other years differ by a day or two.",
        ),
    ).source(budget)


def open_points(rda: Path, variable: str, budget: Budget) -> SceneSource:
    """425 series of six bands with labels, saved by R; one sample a column.

    Raises:
        UnreadableScene: the file is damaged or of another content.
    """
    try:
        table = next(iter(read_rda(rda, budget).values()))
        series = list(table.column("time_series"))
        pixels = np.stack([[s.column(b.name) for b in BANDS] for s in series], axis=-1)
        index = np.stack([s.column("Index") for s in series], axis=-1)  # (T, N) days
        labels = [str(text) for text in table.column("label")]
        where = np.stack([table.column("longitude"), table.column("latitude")], axis=1)
    except (KeyError, StopIteration, AttributeError, ValueError) as error:
        raise UnreadableScene(f"'{rda.name}' holds no table of series: {error}") from error
    names = tuple(sorted(set(labels)))
    known = np.array([names.index(text) + 1 for text in labels], np.int16)
    first = Counter(index[0].tolist()).most_common(1)[0][0]
    days = index[:, index[0] == first][:, 0]
    return Series(
        "Mato Grosso, samples",
        "rda",
        np.ascontiguousarray(pixels.transpose(1, 0, 2)[:, :, None], np.float32),  # (T, C, 1, N)
        BANDS,
        "reflectance",
        tuple((EPOCH + timedelta(days=int(d))).isoformat() for d in days),
        truth=Truth(known[None], names, _colours(names), _within(where, NEIGHBOURS_M)[None]),
        notes=(
            "Each column is one sample: a pixel in one crop year from September on. The dates are "
            "those of the most frequent crop year.",
        ),
    ).source(budget)


def _samples(
    path: Path, grid: Grid, affine: tuple[float, ...], wkt: str, days: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Row, column, first date and label of each sample; the class names."""
    rows = list(csv.DictReader(path.read_text("utf8").splitlines()))
    names = tuple(sorted({row["label"] for row in rows}))
    to_map = pyproj.Transformer.from_crs("EPSG:4326", wkt, always_xy=True)
    lon, lat = (np.array([float(row[k]) for row in rows]) for k in ("longitude", "latitude"))
    x, y = to_map.transform(lon, lat)
    a, _, left, _, e, top = affine
    col, row = np.floor((x - left) / a).astype(int), np.floor((y - top) / e).astype(int)
    start = [next(i for i, day in enumerate(days) if day >= r["from"]) for r in rows]
    known = [names.index(r["label"]) + 1 for r in rows]
    inside = (row >= 0) & (row < grid.height) & (col >= 0) & (col < grid.width)
    return np.stack([row, col, np.array(start), np.array(known)], axis=1)[inside], names


def _within(lon_lat: NDArray[np.float64], metres: float) -> NDArray[np.int32]:
    """Number of the group of each place: chains of places that are closer than a distance."""
    lon, lat = np.deg2rad(lon_lat).T
    xyz = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    near = cKDTree(xyz).query_pairs(metres / EARTH_RADIUS_M, output_type="ndarray")
    links = coo_array((np.ones(len(near)), near.T), shape=(len(xyz), len(xyz)))
    return np.asarray(connected_components(links, directed=False)[1], np.int32)


def _colours(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(COLOURS[name] for name in names) if set(names) <= set(COLOURS) else ()
