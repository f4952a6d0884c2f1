"""A farmland in early summer: fields, hedges, a stream, woodland, tracks.

160 x 160 pixels of 5 m, 200 bands, 16 classes. Crops are PROSAIL canopies whose traits vary
between parcels, across the terrain and along the direction of work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rsviz.synth.canopy import Crop, canopy_table
from rsviz.synth.canvas import Canvas, Legend, Variation, vary
from rsviz.synth.landscape import (
    Frame,
    Mask,
    Partition,
    blob,
    crops_of_parcels,
    distance_to_line,
    frame,
    partition,
    plant_trees,
    scatter,
)
from rsviz.synth.light import Sun
from rsviz.synth.materials import gravel, straw
from rsviz.synth.render import Simulated, Surface, photograph
from rsviz.synth.sensor import two_spectrometers
from rsviz.synth.spectra import FloatArray, SpectralTable, soil, water
from rsviz.synth.texture import Field, grain, rows_of, smooth_field

PIXELS, FACTOR, PIXEL_M = 160, 4, 5.0
SUN = Sun(zenith_deg=35.4, azimuth_deg=127.3)
"""27 June, 09:30 UTC at 49.75 N, 8.1 E (NOAA formulas)."""

LEGEND = Legend(
    names=(
        "winter wheat, milk stage", "winter wheat, dough stage", "winter barley", "maize",
        "sunflower", "sugar beet", "alfalfa", "meadow", "mown meadow", "stubble",
        "ploughed soil", "seedbed", "woodland and hedge", "orchard", "water", "farm track",
    ),
    colours=(
        "#f0e442", "#ddcc77", "#e69f00", "#009e73", "#cc79a7", "#aa4499", "#332288", "#999933",
        "#44aa99", "#d55e00", "#882255", "#661100", "#117733", "#56b4e9", "#0072b2", "#000000",
    ),
)  # fmt: skip
"""Okabe and Ito's eight colours, then Tol's muted ones."""


CROPS: Mapping[str, Crop] = {
    "winter wheat, milk stage": Crop(
        (2.4, 5.4), (28, 52), (0.20, 0.00), (0.010, 0.020), 0.0060, 61, 1.56
    ),
    "winter wheat, dough stage": Crop(
        (2.0, 5.0), (22, 47), (0.34, 0.02), (0.009, 0.019), 0.0061, 60, 1.57
    ),
    "winter barley": Crop((1.4, 3.8), (1, 14), (1.80, 0.50), (0.003, 0.010), 0.0066, 58, 1.70),
    "maize": Crop((0.9, 3.8), (35, 59), (0.06, 0.00), (0.011, 0.022), 0.0051, 51, 1.46),
    "sunflower": Crop((0.9, 3.8), (34, 58), (0.07, 0.00), (0.012, 0.023), 0.0052, 49, 1.48),
    "sugar beet": Crop((1.3, 4.5), (36, 60), (0.05, 0.00), (0.013, 0.025), 0.0050, 48, 1.47),
    "alfalfa": Crop((1.8, 5.0), (33, 57), (0.09, 0.00), (0.010, 0.021), 0.0048, 51, 1.50),
    "meadow": Crop((1.6, 4.6), (27, 51), (0.28, 0.02), (0.008, 0.019), 0.0052, 56, 1.55),
    "mown meadow": Crop((0.6, 2.6), (18, 42), (0.60, 0.10), (0.006, 0.015), 0.0056, 52, 1.62),
    "trees": Crop((2.6, 6.0), (34, 60), (0.12, 0.00), (0.008, 0.017), 0.0085, 47, 1.70, 0.24),
}
"""Trait ranges near the end of June, inside those of Weiss and Baret (2016, table of the
Sentinel-2 toolbox); they overlap on purpose."""

SHARES: Mapping[str, float] = {
    "winter wheat, milk stage": 1.3, "winter wheat, dough stage": 1.3, "winter barley": 1.0,
    "maize": 1.2, "sunflower": 1.0, "sugar beet": 1.1, "alfalfa": 0.9, "meadow": 0.9,
    "mown meadow": 0.8, "stubble": 0.8, "ploughed soil": 0.8, "seedbed": 0.8, "orchard": 0.6,
}  # fmt: skip
"""Relative area of the field classes."""

HEIGHT_M: Mapping[str, float] = {
    "winter wheat, milk stage": 0.9, "winter wheat, dough stage": 0.9, "winter barley": 0.9,
    "maize": 1.6, "sunflower": 1.3, "sugar beet": 0.5, "alfalfa": 0.6, "meadow": 0.4,
}  # fmt: skip
"""Height of the standing crops, metres."""

VARIATIONS = (
    Variation(0.13, 0.11, 0.17, 0.07),
    Variation(0.15, 0.12, 0.17, 0.04),
    Variation(0.12, 0.09, 0.16, 0.04),
)
"""Of density, greenness and moisture."""


def materials() -> dict[str, SpectralTable]:
    """Spectral tables of everything that covers the ground here, by name."""
    tables = {name: canopy_table(crop, SUN.zenith_deg) for name, crop in CROPS.items()}

    def earth(dry: float, wet: float, residue: float) -> SpectralTable:
        def spectrum(bright: float, straws: float, moisture: float) -> FloatArray:
            ground = soil(0.24 + 0.16 * bright, dry + (wet - dry) * moisture, iron=0.6)
            share = residue * straws
            return (1.0 - share) * ground + share * straw(1.0, 0.8, moisture)

        return SpectralTable.build(spectrum, (3, 3, 4))

    tables["stubble"] = SpectralTable.build(straw, (3, 3, 3))
    tables["ploughed soil"] = earth(0.20, 0.85, 0.14)
    tables["seedbed"] = earth(0.12, 0.75, 0.18)
    tables["water"] = SpectralTable.build(
        lambda green, mud, _: water(4.0 + 30.0 * green, 1.0 + 9.0 * mud), (4, 4, 1)
    )
    tables["farm track"] = SpectralTable.build(gravel, (3, 3, 3))
    return tables


@dataclass(frozen=True)
class _Layout:
    """Where everything lies: masks and distances on the fine grid."""

    place: Frame
    land: Partition
    crops: list[str]
    water: Mask
    track: Mask
    margin: Mask
    verge: Mask
    wood: Mask
    hedge: Mask
    edge_m: Field
    stream_m: Field


def _lay_out(rng: np.random.Generator) -> _Layout:
    place = frame(PIXELS * FACTOR, PIXEL_M / FACTOR, angle_deg=17.0, bend_m=9.0, rng=rng)
    shape = place.shape
    bends = rng.normal(0.0, 26.0, 9)
    stream_m = distance_to_line(
        place,
        [
            (u, -610.0 + bend + 0.10 * u)
            for u, bend in zip(range(-350, 1000, 150), bends, strict=True)
        ],
    )
    pond = blob(place, (70.0, -545.0), 36.0, rng) > 0.0
    wet = (stream_m < 3.6) | pond
    valley = (stream_m < 24.0 + 7.0 * smooth_field(shape, 25.0, rng)) | (
        blob(place, (70.0, -545.0), 62.0, rng) > 0.0
    )
    forest = blob(place, (505.0, -330.0), 95.0, rng) > 0.0
    land = partition(~forest, place, (7500.0, 25000.0), rng)
    tracks = [cut for cut in land.cuts if cut.depth <= 1]
    hedges = [cut for cut in land.cuts if cut.depth >= 2 and rng.random() < 0.24]
    track_m = land.distance_m(tracks)
    hedge_m = land.distance_m(hedges)
    wobble = smooth_field(shape, 6.0, rng)
    hedge = (hedge_m < 3.6 + 1.1 * wobble) & (smooth_field(shape, 22.0, rng) > -1.1)
    bank = valley & (stream_m < 13.0) & (smooth_field(shape, 12.0, rng) > 0.7)
    track = track_m < 3.1  # crosses the stream on bridges
    verge = (track_m < 0.55 + 0.5 * wobble) & track  # grass between the wheel ruts
    hedge &= ~valley
    wood = (forest | hedge | bank) & ~wet & ~track
    wet &= ~track
    edge_m = land.distance_m(land.cuts)
    margin = ((edge_m < 1.0) | (track_m < 5.2)) & ~valley & ~track & ~wood
    fields = Partition(np.where(valley, 0, land.parcel).astype(np.int32), land.cuts)
    return _Layout(
        place=place,
        land=fields,
        crops=crops_of_parcels(fields, SHARES, rng),
        water=wet,
        track=track,
        margin=margin,
        verge=verge,
        wood=wood,
        hedge=hedge,
        edge_m=edge_m,
        stream_m=stream_m,
    )


def _paint_all(layout: _Layout, canvas: Canvas, rng: np.random.Generator) -> Mask:
    """Paint fields, trees, water and tracks; returns the cells under crowns."""
    place, parcel = layout.place, layout.land.parcel
    canvas.paint(np.ones(place.shape, dtype=bool), "meadow", "meadow", 0.4)  # the valley
    for number, crop in enumerate(layout.crops):
        if crop:
            grown = "mown meadow" if crop == "orchard" else crop
            canvas.paint(parcel == number, grown, crop, HEIGHT_M.get(crop, 0.1))
    canvas.material[layout.margin] = canvas.number("meadow")  # still part of its parcel
    canvas.label[layout.margin] = 0

    orchard = (canvas.label == LEGEND.label("orchard")) & (layout.edge_m > 5.0)
    node = rows_of(place.u_m, 6.0, place.cell_m) & rows_of(place.v_m, 4.0, place.cell_m)
    node &= orchard & (rng.random(place.shape) > 0.08)  # a planting grid; some trees are missing
    groups = (
        (scatter(layout.wood, 3.6, rng), 3.4, 0.7, 8.0),
        (np.argwhere(node).astype(np.float64), 1.8, 0.2, 3.2),
        (scatter((parcel > 0) & ~layout.wood, 190.0, rng)[:9], 3.6, 0.5, 7.0),
    )
    trunks = np.concatenate([points for points, *_ in groups])
    radius = np.concatenate([rng.normal(mean, sd, len(p)) for p, mean, sd, _ in groups])
    tall = np.concatenate([rng.normal(high, 0.2 * high, len(p)) for p, _, _, high in groups])
    low = layout.hedge[trunks[:, 0].astype(np.int64), trunks[:, 1].astype(np.int64)]
    tall = np.where(low, 0.45 * tall, tall)
    trees = plant_trees(place.shape, place.cell_m, trunks, np.maximum(radius, 1.2), tall)

    canvas.label[layout.wood] = LEGEND.label("woodland and hedge")
    canvas.paint(layout.track, "farm track", "farm track")
    canvas.material[layout.verge] = canvas.number("mown meadow")
    canvas.paint(layout.water, "water", "water")
    leafy = (trees.crown > 0) & ~layout.track
    in_orchard = leafy & orchard & ~layout.wood
    canvas.plant(leafy, trees, "trees", "woodland and hedge")
    canvas.label[in_orchard] = LEGEND.label("orchard")
    return np.asarray(leafy)


def farmland(seed: int = 1) -> Simulated:
    """Simulate the farmland scene.

    Args:
        seed: number from which everything random follows.

    Raises:
        RsvizError: the package prosail is not installed.
    """
    rng = np.random.default_rng(seed)
    layout = _lay_out(rng)
    place, tables = layout.place, materials()
    shape, cell = place.shape, place.cell_m
    canvas = Canvas(place, list(tables), LEGEND)
    leafy = _paint_all(layout, canvas, rng)
    farmed = layout.land.parcel > 0

    # How it grows: by parcel, terrain, patches, direction of work, grain.
    terrain = 7.0 * smooth_field(shape, 150.0, rng) + 0.02 * np.minimum(layout.stream_m, 300.0)
    by_u = (rng.random(len(layout.crops)) < 0.5)[layout.land.parcel]
    angle = place.angle_deg
    along_u = smooth_field(shape, 2.2, rng, stretch=22.0, angle_deg=angle)
    along_v = smooth_field(shape, 2.2, rng, stretch=22.0, angle_deg=angle + 90.0)
    streak = np.where(by_u, along_u, along_v)
    traits = vary(canvas, VARIATIONS, 26.0, streak, rng)
    traits[..., 2] -= 0.10 * (terrain - terrain.mean()) / terrain.std()  # hollows are wet
    lodged = smooth_field(shape, 7.0, rng) - 0.5 * smooth_field(shape, 40.0, rng) > 2.2
    traits[..., 0] -= 0.4 * lodged * farmed  # wet spots, lodging, failed sowing
    across_m = np.where(by_u, place.v_m, place.u_m)
    wheels = rows_of(across_m, 21.0, cell) | rows_of(across_m, 21.0, cell, 3.0)
    traits[..., 0] -= 0.35 * wheels * farmed + 0.25 * np.exp(-layout.edge_m / 4.0)

    # How bright it is by itself: clods, rows, view angle.
    ploughed = canvas.is_made_of("ploughed soil")
    gain = rng.normal(1.0, 0.03, canvas.things)[canvas.thing]
    gain = gain * (1.0 + np.where(ploughed, 0.11, 0.035) * grain(shape, rng) + 0.022 * streak)
    gain = gain * (1.0 + 0.06 * np.linspace(-0.5, 0.5, shape[1])) * np.where(ploughed, 0.94, 1.0)
    cloud_depth = blob(place, (470.0, -760.0), 120.0, rng)
    surface = Surface(
        tables=tuple(tables.values()),
        material=canvas.material,
        traits=traits,
        label=canvas.label,
        height_m=(terrain + canvas.height_m).astype(np.float32),
        gain=np.clip(gain, 0.6, 1.4).astype(np.float32),
        cloud=(1.0 - 0.30 / (1.0 + np.exp(-cloud_depth / 0.13))).astype(np.float32),
        through=np.where(leafy, 0.45, 0.15).astype(np.float32),
        cell_m=cell,
    )
    sensor = two_spectrometers(visible=88, infrared=112, snr=170.0, psf_fwhm_px=1.15)
    return photograph(surface, LEGEND, sensor, SUN, FACTOR, 0.62, rng)
