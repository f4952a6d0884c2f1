"""A year of Sentinel-2 over fields: 96 x 96 pixels of 10 m, 10 bands, irregular dates, clouds.

Each field follows the phenology of its crop, with days and densities of its own; canopies are
PROSAIL at the sun's height of each date. Clouds and their shadows are masked as by a good
detector, which misses thin edges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import binary_dilation, shift

from rsviz.synth.canopy import Crop, canopy
from rsviz.synth.canvas import Legend
from rsviz.synth.landscape import crops_of_parcels, distance_to_line, frame, partition
from rsviz.synth.materials import straw
from rsviz.synth.phenology import Field, Season, state
from rsviz.synth.render import majority
from rsviz.synth.sensor import Sensor, sampling_matrix
from rsviz.synth.spectra import FloatArray, curve
from rsviz.synth.texture import smooth_field

PIXELS, FACTOR, PIXEL_M, LATITUDE_DEG = 96, 2, 10.0, 49.75
FIRST, DATES, REVISIT_DAYS = date(2023, 1, 4), 40, (2, 3)
SCALE, NODATA, PURITY = 1e-4, -32768, 0.8

BANDS: Mapping[str, tuple[float, float]] = {
    "B02": (492.4, 66.0), "B03": (559.8, 36.0), "B04": (664.6, 31.0), "B05": (704.1, 15.0),
    "B06": (740.5, 15.0), "B07": (782.8, 20.0), "B08": (832.8, 106.0), "B8A": (864.7, 21.0),
    "B11": (1613.7, 91.0), "B12": (2202.4, 175.0),
}  # fmt: skip
"""Centre and width of the ten bands of Sentinel-2A at 10 and 20 m, nm (ESA user handbook)."""
COARSE = tuple(name not in ("B02", "B03", "B04", "B08") for name in BANDS)
STEP = 20.0
"""Counts are stored in steps of this many, half of the noise, so that the file is small."""
NOISE = (0.0035, 0.018)
"""Standard deviation of the noise: constant part, and share of the reflectance."""


def _crop(dry_matter: float, angle: float, layers: float, chlorophyll: float = 52.0) -> Crop:
    """A canopy from bare ground to dense, from withered to green."""
    return Crop(
        (0.01, 6.5), (6.0, chlorophyll), (1.1, 0.0), (0.009, 0.017), dry_matter, angle, layers
    )


SEASONS: Mapping[str, Season] = {
    "winter wheat": Season(
        _crop(0.0060, 61, 1.56), 0.8, (3.4, 5.6), (93, 13), (184, 8), 205, spread=9, catch=0.4
    ),
    "winter barley": Season(
        _crop(0.0061, 60, 1.57), 0.9, (3.2, 5.5), (88, 13), (174, 8), 194, spread=9, catch=0.5
    ),
    "rapeseed": Season(
        _crop(0.0055, 46, 1.60), 1.1, (3.2, 5.2), (80, 12), (178, 9), 203,
        bloom=(120, 10, 0.35), catch=0.2,
    ),
    "maize": Season(
        _crop(0.0051, 50, 1.48, 56), 0.03, (2.8, 5.2), (168, 10), (260, 10), 277, spread=12
    ),
    "sugar beet": Season(
        _crop(0.0050, 48, 1.48, 56), 0.03, (2.8, 5.2), (161, 11), (296, 18), 292, spread=12
    ),
    "sunflower": Season(
        _crop(0.0051, 48, 1.48, 55), 0.03, (2.6, 4.8), (163, 9), (236, 9), 258,
        bloom=(196, 7, 0.10), spread=12,
    ),
    "potato": Season(
        _crop(0.0049, 48, 1.49, 54), 0.03, (2.8, 5.0), (158, 9), (231, 9), 259, spread=12
    ),
    "alfalfa": Season(
        _crop(0.0049, 52, 1.51), 0.7, (3.0, 5.0), (86, 13), cuts=(143, 184, 226, 270), spread=8
    ),
    "meadow": Season(
        _crop(0.0051, 54, 1.53, 48), 0.9, (2.8, 4.8), (83, 14), cuts=(150, 192, 246), spread=9
    ),
    "woodland": Season(_crop(0.0085, 47, 1.70, 54), 0.25, (4.0, 6.0), (116, 7), (298, 9), spread=3),
}  # fmt: skip
"""Days near those of the Upper Rhine; neighbouring crops overlap on purpose."""

LEGEND = Legend(
    tuple(SEASONS),
    (
        "#f0e442", "#e69f00", "#ddcc77", "#009e73", "#aa4499", "#cc79a7", "#882255", "#332288",
        "#44aa99", "#117733",
    ),
)  # fmt: skip
SHARES: Mapping[str, float] = dict.fromkeys(SEASONS, 1.0)


@dataclass(frozen=True)
class SimulatedYear:
    """A finished series.

    Attributes:
        counts: (T, C, H, W) int16 reflectance in steps of 1e-4; NODATA where masked.
        dates: T ISO days.
        truth: (H, W) uint8 class label; 0 where no field covers enough of the pixel.
        legend: class names and colours.
        pixel_m: size of a pixel, metres.
    """

    counts: NDArray[np.int16]
    dates: tuple[str, ...]
    truth: NDArray[np.uint8]
    legend: Legend
    pixel_m: float = PIXEL_M


LAI_NODES = np.array([0.01, 0.3, 0.7, 1.3, 2.2, 3.5, 6.5])
GREEN_NODES, WET_NODES = np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0])
ZENITH_NODES = np.array([26.0, 48.0, 70.0])


def _response() -> FloatArray:
    centres, widths = (np.array(v) for v in zip(*BANDS.values(), strict=True))
    return Sensor(centres, widths, 100.0, 1.0, 0.0).response


def canopy_bands(crop: Crop, response: FloatArray) -> RegularGridInterpolator:
    """Band reflectances of a crop by leaf area, greenness, wetness and the sun's zenith angle."""
    low, high = crop.lai
    values = [
        canopy(crop, (lai - low) / (high - low), green, wet, zenith) @ response
        for lai in LAI_NODES
        for green in GREEN_NODES
        for wet in WET_NODES
        for zenith in ZENITH_NODES
    ]
    nodes = (LAI_NODES, GREEN_NODES, WET_NODES, ZENITH_NODES)
    shape = tuple(len(n) for n in nodes)
    table = np.array(values).reshape(*shape, -1)  # (nodes, C) -> (7, 3, 2, 3, C)
    return RegularGridInterpolator(nodes, table, bounds_error=False, fill_value=None)


def sun_zenith_deg(day: int) -> float:
    """The sun's angle from the vertical near noon (half past ten, UTC), degrees."""
    declination = np.deg2rad(-23.44 * np.cos(2 * np.pi * (day + 10) / 365.25))
    latitude, hour = np.deg2rad(LATITUDE_DEG), np.deg2rad(15.0)
    cosine = np.sin(latitude) * np.sin(declination)
    cosine += np.cos(latitude) * np.cos(declination) * np.cos(hour)
    return float(np.rad2deg(np.arccos(cosine)))


def year(seed: int = 3) -> SimulatedYear:
    """Simulate a year.

    Args:
        seed: number from which everything random follows.

    Raises:
        RsvizError: the package prosail is not installed.
    """
    rng = np.random.default_rng(seed)
    size = PIXELS * FACTOR
    place = frame(size, PIXEL_M / FACTOR, 14.0, 8.0, rng)
    land = partition(np.ones(place.shape, bool), place, (3500.0, 11000.0), rng)
    crops = crops_of_parcels(land, SHARES, rng)
    fields = [Field.drawn(SEASONS[name], rng) if name else None for name in crops]
    label = np.array([LEGEND.label(name) for name in crops], np.uint8)[land.parcel]
    edge = land.distance_m(land.cuts) < 2.5
    road = distance_to_line(place, [(u, -500.0 + 0.15 * u) for u in range(-300, 1300, 200)]) < 4.0
    label[edge | road] = 0
    truth = majority(label, FACTOR, len(LEGEND.names), PURITY)

    dates = _dates(rng)
    response = _response()
    tables = {name: canopy_bands(season.crop, response) for name, season in SEASONS.items()}
    straw_bands = straw(1.0, 0.6, 0.2) @ response
    flowers = curve([(400, 0.05), (490, 0.07), (540, 0.42), (700, 0.50), (900, 0.55), (2500, 0.2)])
    flower_bands = flowers @ response
    patches = 0.17 * smooth_field(place.shape, 12.0, rng) + 0.08 * smooth_field(
        place.shape, 3.0, rng
    )
    delay = 2.5 * smooth_field(place.shape, 15.0, rng)  # parts of a field lag behind
    wet_ground = 0.5 + 0.16 * smooth_field(place.shape, 40.0, rng)
    images = []
    for day in dates:
        of_year = day.timetuple().tm_yday
        rain = float(rng.uniform(-0.35, 0.35))
        image = np.zeros((*place.shape, len(BANDS)))
        for number, field in enumerate(fields):
            cells = land.parcel == number
            if field is None or not cells.any():
                continue
            image[cells] = _look(
                field, of_year, tables[crops[number]], patches[cells], delay[cells],
                np.clip(wet_ground[cells] + rain, 0.0, 1.0), straw_bands, flower_bands,
            )  # fmt: skip
        margin = Field(SEASONS["meadow"], 0.0, 2.6, (0.0, 0.0, 0.0), False, 1.0, 0.1)
        for where in (edge, road):
            image[where] = _look(
                margin, of_year, tables["meadow"], patches[where], delay[where],
                wet_ground[where], straw_bands, flower_bands,
            )  # fmt: skip
        images.append(_sensed(image, rng))
    counts = np.stack([_stored(image, rng) for image in images])  # (T, H, W, C)
    for t in range(len(dates)):
        cloud, masked = _clouds(rng)
        thin = np.clip(cloud, 0.0, 1.0)[..., None]
        counts[t] = counts[t] * (1.0 - 0.6 * thin) + 0.35 / SCALE * 0.6 * thin
        counts[t][masked] = NODATA
    steps = np.where(counts == NODATA, NODATA, np.round(counts / STEP) * STEP)
    return SimulatedYear(
        np.moveaxis(steps, 3, 1).astype(np.int16),
        tuple(day.isoformat() for day in dates),
        truth,
        LEGEND,
    )


def _look(
    field: Field,
    day: int,
    table: RegularGridInterpolator,
    patches: NDArray[np.float32],
    delay: NDArray[np.float32],
    wet: NDArray[np.float32],
    straw_bands: FloatArray,
    flower_bands: FloatArray,
) -> FloatArray:
    """Reflectance (N, C) of the cells of a field at a day."""
    early, late = (state(field, day - lag) for lag in (-4.0, 4.0))
    share = np.clip(0.5 + delay / 8.0, 0.0, 1.0)  # 0 is early, 1 is late

    def between(a: float, b: float) -> NDArray[np.float64]:
        return np.asarray((1.0 - share) * a + share * b, np.float64)

    def mixed(name: str) -> NDArray[np.float64]:
        return between(getattr(early, name), getattr(late, name))

    lai = np.clip(mixed("lai") * (1.0 + patches), 0.01, 6.5)
    zenith = np.full(len(lai), sun_zenith_deg(day))
    green = np.clip(mixed("green") - field.pale, 0.0, 1.0)
    seen = table(np.stack([lai, green, wet, zenith], axis=1))
    seen = seen * (1.0 + (field.soil - 1.0) * np.exp(-0.6 * lai))[:, None]
    for name, other in (("straw", straw_bands), ("bloom", flower_bands)):
        cover = np.clip(mixed(name) * (1.0 + 0.5 * patches), 0.0, 1.0)[:, None]
        seen = (1.0 - cover) * seen + cover * other
    return np.asarray(seen)


def _dates(rng: np.random.Generator) -> list[date]:
    """Irregular days of one year: passes every two or three days, of which some are ordered."""
    passes = [FIRST]
    while passes[-1].year == FIRST.year:
        passes.append(passes[-1] + timedelta(days=REVISIT_DAYS[len(passes) % 2]))
    in_year = passes[:-1]
    weight = np.array([1.0 if 75 < d.timetuple().tm_yday < 300 else 0.45 for d in in_year])
    chosen = rng.choice(len(in_year), DATES, replace=False, p=weight / weight.sum())
    return [in_year[i] for i in sorted(chosen)]


def _sensed(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Blur and sample (h, w, C) to pixels; bands of 20 m come in squares of two pixels."""
    down = sampling_matrix(PIXELS, FACTOR, 0.9)
    rows = np.tensordot(down, image, axes=(1, 0))  # (H, w, C)
    sampled = np.tensordot(rows, down, axes=(1, 1)).transpose(0, 2, 1)  # (H, C, W) -> (H, W, C)
    blocks = sampled.reshape(PIXELS // 2, 2, PIXELS // 2, 2, -1).mean(axis=(1, 3))
    return np.asarray(np.where(np.array(COARSE), _twice(blocks), sampled))


def _twice(blocks: FloatArray) -> FloatArray:
    """Every pixel of (h, w, C) as a square of two by two."""
    return np.asarray(blocks.repeat(2, axis=0).repeat(2, axis=1))


def _stored(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Reflectance as it is delivered, in counts: calibration, haze left over, noise."""
    nm = np.array([centre for centre, _ in BANDS.values()])
    gain = 1.0 + rng.normal(0.0, 0.02) + rng.normal(0.0, 0.008, len(BANDS))
    haze = 0.006 * (rng.random() + 0.3 * smooth_field((PIXELS // 2, PIXELS // 2), 15.0, rng))
    seen = image * gain + _twice(np.maximum(haze, 0.0)[..., None] * (550.0 / nm) ** 2.0)
    sigma = NOISE[0] + NOISE[1] * seen
    fresh = rng.standard_normal(seen.shape)
    fresh = np.where(np.array(COARSE), _twice(fresh[::2, ::2]), fresh)
    return np.asarray((seen + sigma * fresh) / SCALE)


def _clouds(rng: np.random.Generator) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Opacity of clouds that stay in the picture (H, W), and the mask of those found."""
    shape = (PIXELS, PIXELS)
    kind = rng.random()
    if kind < 0.36:
        return np.zeros(shape), np.zeros(shape, np.bool_)
    cover = 1.0 if kind > 0.93 else rng.uniform(0.08, 0.75)
    field = smooth_field(shape, float(rng.uniform(9.0, 22.0)), rng, stretch=1.5, angle_deg=30.0)
    level = np.quantile(field, 1.0 - cover) if cover < 1.0 else field.min() - 1.0
    depth = np.clip((field - level) / 0.5, 0.0, 1.0)
    found = binary_dilation(depth > 0.35, iterations=1)
    shade = shift((depth > 0.35).astype(np.float32), (-5, 4), order=0) > 0
    masked = found | binary_dilation(shade)
    return np.where(masked, 0.0, depth), masked
