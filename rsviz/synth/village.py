"""The edge of a village: houses, streets, halls, a sports ground, a river.

160 x 160 pixels of 2 m, 100 bands, 15 classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rsviz.synth import materials as made
from rsviz.synth.blocks import building_site, gardens, sports_ground, works
from rsviz.synth.canopy import Crop, canopy_table
from rsviz.synth.canvas import Canvas, Legend, Variation, vary
from rsviz.synth.landscape import (
    Frame,
    Mask,
    Partition,
    Trees,
    distance_to_line,
    frame,
    partition,
    plant_trees,
    rectangle,
    scatter,
)
from rsviz.synth.light import Sun
from rsviz.synth.render import Simulated, Surface, photograph
from rsviz.synth.sensor import two_spectrometers
from rsviz.synth.spectra import SpectralTable, soil, water
from rsviz.synth.texture import Field, grain, smooth_field

PIXELS, FACTOR, PIXEL_M = 160, 4, 2.0
SUN = Sun(zenith_deg=39.5, azimuth_deg=118.1)
"""27 June, 09:00 UTC at 49.75 N, 8.1 E (NOAA formulas)."""

LEGEND = Legend(
    names=(
        "clay tile roof", "dark tile roof", "bitumen roof", "metal roof", "solar panels",
        "asphalt", "concrete", "paving stones", "bare soil", "lawn", "rough grass", "trees",
        "water", "artificial turf", "running track",
    ),
    colours=(
        "#d55e00", "#661100", "#332288", "#88ccee", "#56b4e9", "#000000", "#999933", "#ddcc77",
        "#e69f00", "#009e73", "#f0e442", "#117733", "#0072b2", "#44aa99", "#cc79a7",
    ),
)  # fmt: skip
"""Okabe and Ito's eight colours, then Tol's muted ones."""

PLANTS = {
    "lawn": Crop((1.2, 4.1), (24, 49), (0.34, 0.02), (0.008, 0.018), 0.0051, 55, 1.56, 0.32),
    "rough grass": Crop((0.7, 3.6), (16, 42), (0.55, 0.06), (0.006, 0.016), 0.0056, 58, 1.6, 0.34),
    "trees": Crop((2.6, 6.0), (34, 60), (0.12, 0.0), (0.008, 0.017), 0.0080, 47, 1.7, 0.24),
}
BUILT = {
    "clay tile roof": made.clay_tile, "dark tile roof": made.dark_tile,
    "bitumen roof": made.bitumen, "metal roof": made.metal_sheet,
    "solar panels": made.solar_panel, "asphalt": made.asphalt, "concrete": made.concrete,
    "paving stones": made.paving, "artificial turf": made.artificial_turf,
    "running track": made.running_track,
}  # fmt: skip


def materials() -> dict[str, SpectralTable]:
    """Spectral tables of everything that covers the ground here, by name."""
    tables = {name: canopy_table(crop, SUN.zenith_deg) for name, crop in PLANTS.items()}
    for name, spectrum in BUILT.items():
        tables[name] = SpectralTable.build(spectrum, (3, 3, 3))
    tables["bare soil"] = SpectralTable.build(
        lambda bright, clay, wet: soil(0.24 + 0.2 * bright, 0.1 + 0.6 * wet, 0.6, clay), (3, 2, 4)
    )
    tables["water"] = SpectralTable.build(
        lambda green, mud, _: water(3.0 + 25.0 * green, 1.0 + 10.0 * mud), (4, 4, 1)
    )
    return tables


@dataclass(frozen=True)
class _Blocks:
    """The blocks between the streets and their distances."""

    land: Partition
    street_m: Field
    street_half_m: Field
    river_m: Field


def _streets(canvas: Canvas, rng: np.random.Generator) -> _Blocks:
    """Lay out river, streets and blocks, and paint all but the blocks."""
    place = canvas.place
    bends = rng.normal(0.0, 9.0, 9)
    river_m = distance_to_line(
        place,
        [(u, -215.0 + bend + 0.05 * u) for u, bend in zip(range(-60, 520, 70), bends, strict=True)],
    )
    south = (river_m < 16.0) | (place.v_m < -222.0 + 0.05 * place.u_m)
    land = partition(~south, place, (7000.0, 12500.0), rng, tilt_deg=4.0, elongation=1.8)
    main = land.distance_m(cut for cut in land.cuts if cut.depth == 0)
    street = land.distance_m(land.cuts)
    half = np.where(main < 6.0, 3.9, 2.8).astype(np.float32)
    canvas.paint(south, "rough grass", "rough grass", 0.3)
    canvas.paint(river_m < 6.2, "water", "water")
    return _Blocks(land, np.minimum(street, main), half, river_m)


def _pave_streets(canvas: Canvas, blocks: _Blocks, rng: np.random.Generator) -> None:
    canvas.paint(blocks.street_m < blocks.street_half_m + 1.7, "paving stones", "paving stones")
    road = blocks.street_m < blocks.street_half_m
    canvas.paint(road, "asphalt", "asphalt")
    patches = (smooth_field(canvas.place.shape, 9.0, rng) > 1.6) & road
    canvas.paint(patches, "asphalt", "asphalt")  # repaired: another age
    for row, col in scatter(road & (blocks.street_m > 1.2), 46.0, rng):
        spot = (
            float(canvas.place.u_m[int(row), int(col)]),
            float(canvas.place.v_m[int(row), int(col)]),
        )
        turn = 90.0 * float(rng.integers(2))
        canvas.paint(
            rectangle(canvas.place, spot, (4.4, 1.8), turn)[0] & road, "metal roof", "", 1.4
        )


def _trees(
    canvas: Canvas, blocks: _Blocks, park: Mask, treeless: Mask, rng: np.random.Generator
) -> Trees:
    """Trees of gardens, streets, park and river bank; they cover what is lower than they are."""
    green = np.isin(canvas.label, [LEGEND.label(name) for name in ("lawn", "rough grass")])
    kerb = np.abs(blocks.street_m - blocks.street_half_m - 2.2) < 0.6
    grove = park & (smooth_field(canvas.place.shape, 30.0, rng) > 0.0)
    bank = (blocks.river_m > 7.5) & (blocks.river_m < 15.0)
    clumps = smooth_field(canvas.place.shape, 18.0, rng)
    spots = np.concatenate(
        [
            scatter(green & ~park & ~treeless & ~kerb & (clumps > 0.1), 20.0, rng),
            scatter(kerb & (smooth_field(canvas.place.shape, 60.0, rng) > 0.2), 9.0, rng),
            scatter(grove, 11.0, rng),
            scatter(bank & (smooth_field(canvas.place.shape, 30.0, rng) > 0.0), 10.0, rng),
        ]
    )
    size = np.clip(rng.gamma(8.0, 0.38, len(spots)), 1.3, 6.0)
    return plant_trees(canvas.place.shape, canvas.place.cell_m, spots, size, 2.0 * size)


def _paint_all(place: Frame, names: list[str], rng: np.random.Generator) -> tuple[Canvas, Mask]:
    canvas = Canvas(place, names, LEGEND)
    blocks = _streets(canvas, rng)
    number = blocks.land.parcel
    area = np.bincount(number.ravel())
    area[0] = 0
    order = list(np.argsort(-area)[: int((area > 0).sum())])
    uses = dict(zip(order, ["sports", "works", "homes", "park", "site", "works"], strict=False))
    park = np.zeros(place.shape, dtype=bool)
    treeless = np.zeros(place.shape, dtype=bool)
    for block_number in order:
        block = number == block_number
        use = uses.get(block_number, "homes")
        if use == "sports":
            sports_ground(canvas, block)
            treeless |= block
        elif use == "works":
            works(canvas, block, rng)
        elif use == "site":
            building_site(canvas, block, rng)
            treeless |= block
        elif use == "park":
            canvas.paint(block, "lawn", "lawn", 0.1)
            rough = block & (smooth_field(place.shape, 25.0, rng) > 0.3)
            canvas.paint(rough, "rough grass", "rough grass", 0.3)
            park = block
        else:
            gardens(canvas, block, blocks.street_m, rng)
    _pave_streets(canvas, blocks, rng)
    trees = _trees(canvas, blocks, park, treeless, rng)
    leafy = (trees.crown > 0) & (trees.height_m > canvas.height_m) & (canvas.height_m < 2.0)
    canvas.plant(leafy, trees, "trees", "trees")
    return canvas, np.asarray(leafy)


def village(seed: int = 7) -> Simulated:
    """Simulate the village scene.

    Args:
        seed: number from which everything random follows.

    Raises:
        RsvizError: the package prosail is not installed.
    """
    rng = np.random.default_rng(seed)
    place = frame(PIXELS * FACTOR, PIXEL_M / FACTOR, angle_deg=-21.0, bend_m=3.0, rng=rng)
    tables = materials()
    canvas, leafy = _paint_all(place, list(tables), rng)
    shape = place.shape
    streak = smooth_field(shape, 2.0, rng, stretch=10.0, angle_deg=place.angle_deg)
    variations = (
        Variation(0.13, 0.05, 0.24, 0.03),
        Variation(0.14, 0.06, 0.24, 0.03),
        Variation(0.11, 0.06, 0.24),
    )
    traits = vary(canvas, variations, 30.0, streak, rng)
    metal = canvas.is_made_of("metal roof")
    traits[metal] = 0.5 + 0.5 * (traits[metal] - 0.5)  # sheets are even
    terrain = 1.5 * smooth_field(shape, 150.0, rng)
    tufts = np.where(canvas.is_made_of("rough grass"), 0.06, 0.02)
    gain = 1.0 + 0.05 * grain(shape, rng) + tufts * smooth_field(shape, 2.0, rng)
    surface = Surface(
        tables=tuple(tables.values()),
        material=canvas.material,
        traits=traits,
        label=canvas.label,
        height_m=(terrain + canvas.height_m).astype(np.float32),
        gain=np.clip(gain, 0.6, 1.4).astype(np.float32),
        cloud=np.ones(shape, dtype=np.float32),
        through=np.where(leafy, 0.5, 0.14).astype(np.float32),
        cell_m=place.cell_m,
    )
    sensor = two_spectrometers(visible=46, infrared=54, snr=70.0, psf_fwhm_px=1.1)
    return photograph(surface, LEGEND, sensor, SUN, FACTOR, 0.66, rng)
