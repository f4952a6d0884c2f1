"""What fills the blocks of a village: houses in gardens, works, a sports ground, a building site.

Each function paints one block on the canvas; `block` is the (h, w) mask of its cells.
"""

from __future__ import annotations

import numpy as np

from rsviz.synth.canvas import Canvas
from rsviz.synth.landscape import Mask, partition, rectangle
from rsviz.synth.texture import Field, rows_of, smooth_field


def house(
    canvas: Canvas,
    centre_m: tuple[float, float],
    size_m: tuple[float, float],
    turn_deg: float,
    rng: np.random.Generator,
) -> None:
    """A house with a gable roof or a flat one, perhaps with solar modules on its sunny side."""
    inside, along, across = rectangle(canvas.place, centre_m, size_m, turn_deg)
    roof = str(rng.choice(["clay tile roof", "dark tile roof", "bitumen roof", "metal roof"],
                          p=[0.50, 0.33, 0.11, 0.06]))  # fmt: skip
    eave = rng.uniform(3.2, 5.5)
    if roof == "bitumen roof":
        height = np.full(canvas.place.shape, eave, dtype=np.float32)
    else:
        pitch = rng.uniform(0.45, 0.75)
        height = (eave + pitch * size_m[1] / 2 * (1.0 - np.abs(across))).astype(np.float32)
    canvas.paint(inside, roof, roof, height)
    if rng.random() < 0.34:
        turn = np.deg2rad(canvas.place.angle_deg + turn_deg)
        sunny = across * (-1.0 if np.cos(turn) > 0 else 1.0)
        modules = inside & (sunny > 0.12) & (sunny < 0.88) & (np.abs(along) < 0.72)
        canvas.paint(modules, "solar panels", "solar panels", height + np.float32(0.1))


def gardens(canvas: Canvas, block: Mask, street_m: Field, rng: np.random.Generator) -> None:
    """Fill a block with houses in gardens."""
    place = canvas.place
    plots = partition(block, place, (620.0, 1250.0), rng, tilt_deg=2.0, elongation=1.7)
    for number in range(1, int(plots.parcel.max()) + 1):
        plot = plots.parcel == number
        if plot.sum() * place.cell_m**2 < 160.0:
            canvas.paint(plot, "lawn", "lawn", 0.1)
            continue
        u, v = place.u_m[plot], place.v_m[plot]
        wide, deep = np.ptp(u), np.ptp(v)
        kind = "lawn" if rng.random() < 0.75 else "rough grass"
        canvas.paint(plot, kind, kind, 0.1)
        street = street_m[plot]
        front = int(np.argmin(street))
        middle = (float(u.mean()), float(v.mean()))
        gate = (float(u[front]), float(v[front]))
        pull = rng.uniform(0.05, 0.25)
        centre = (
            middle[0] + pull * (gate[0] - middle[0]) * 0.6,
            middle[1] + pull * (gate[1] - middle[1]) * 0.6,
        )
        turn = (0.0 if wide > deep else 90.0) + float(rng.normal(0.0, 2.0))
        length = min(rng.uniform(12.0, 19.0), 0.8 * max(wide, deep))
        width = min(rng.uniform(9.0, 12.5), 0.75 * min(wide, deep))
        yard = str(rng.choice(["paving stones", "concrete", "asphalt"], p=[0.55, 0.25, 0.20]))
        reach = float(np.hypot(gate[0] - centre[0], gate[1] - centre[1])) + 4.0
        half = ((gate[0] + centre[0]) / 2 + 2.0, (gate[1] + centre[1]) / 2)
        heading = float(np.rad2deg(np.arctan2(gate[1] - centre[1], gate[0] - centre[0])))
        drive = rectangle(place, half, (reach, rng.uniform(4.0, 6.0)), heading)[0] & plot
        canvas.paint(drive, yard, yard)
        terrace = rectangle(
            place, (centre[0] - 2.0, centre[1] + 2.0), (length + 3, width + 5), turn
        )[0]
        canvas.paint(terrace & plot, "paving stones", "paving stones")
        if rng.random() < 0.4:
            bed = (u.min() + 0.2 * wide, v.min() + 0.2 * deep)
            soil_bed = rectangle(place, (float(bed[0]), float(bed[1])), (9.0, 6.0), turn)[0]
            canvas.paint(soil_bed & plot, "bare soil", "bare soil")
        house(canvas, centre, (float(length), float(width)), turn, rng)
        if rng.random() < 0.6:
            shed = (float(u.max() - 0.2 * wide), float(v.max() - 0.2 * deep))
            roof = "bitumen roof" if rng.random() < 0.6 else "metal roof"
            shape = rectangle(place, shed, (8.0, 5.5), turn)[0] & plot
            canvas.paint(shape & (canvas.height_m < 1.0), roof, roof, 2.6)


def works(canvas: Canvas, block: Mask, rng: np.random.Generator) -> None:
    """A yard with flat halls, modules in rows on one of them, and a car park."""
    place = canvas.place
    ground = "concrete" if rng.random() < 0.5 else "asphalt"
    canvas.paint(block, ground, ground)
    u, v = place.u_m[block], place.v_m[block]
    cu, cv = float(u.mean()), float(v.mean())
    wide, deep = float(np.ptp(u)), float(np.ptp(v))
    lot = block & (place.v_m < cv - 0.18 * deep)
    canvas.paint(lot, "asphalt", "asphalt")
    cars = rows_of(place.u_m, 2.7, 1.9) & rows_of(place.v_m, 11.0, 4.6) & lot
    full = smooth_field(place.shape, 7.0, rng) > 0.5
    canvas.paint(cars & full, "metal roof", "", 1.4)
    for shift, roof in ((-0.24, "metal roof"), (0.24, "bitumen roof")):
        centre = (cu + shift * wide, cv + 0.14 * deep)
        hall, along, across = rectangle(place, centre, (0.40 * wide, 0.50 * deep), 0.0)
        hall &= block
        canvas.paint(hall, roof, roof, 7.0)
        rows = rows_of(place.v_m, 4.4, 3.8) & (np.abs(along) < 0.8) & (np.abs(across) < 0.8)
        if roof == "bitumen roof":
            canvas.paint(hall & rows & (along > -0.1), "solar panels", "solar panels", 7.5)


def sports_ground(canvas: Canvas, block: Mask) -> None:
    """A pitch of artificial turf inside a running track, on a lawn."""
    place = canvas.place
    canvas.paint(block, "lawn", "lawn", 0.05)
    u, v = place.u_m[block], place.v_m[block]
    size = (0.80 * float(np.ptp(u)), 0.74 * float(np.ptp(v)))
    centre = (float(u.mean()), float(v.mean()))
    _, along, across = rectangle(place, centre, size)
    oval = block & (np.abs(along) ** 3.2 + np.abs(across) ** 3.2 < 1.0)
    inner = np.abs(along / 0.80) ** 3.2 + np.abs(across / 0.78) ** 3.2 < 1.0
    canvas.paint(oval, "running track", "running track")
    canvas.paint(oval & inner, "lawn", "lawn", 0.05)
    pitch = (np.abs(along) < 0.62) & (np.abs(across) < 0.52) & block
    canvas.paint(pitch, "artificial turf", "artificial turf")


def building_site(canvas: Canvas, block: Mask, rng: np.random.Generator) -> None:
    """Open soil with heaps, a slab, and grass that comes back; modules on the ground beside it."""
    place = canvas.place
    canvas.paint(block, "rough grass", "rough grass", 0.3)
    open_soil = block & (smooth_field(place.shape, 26.0, rng) > -0.55)
    heaps = np.maximum(smooth_field(place.shape, 9.0, rng) - 1.3, 0.0) * 2.0
    canvas.paint(open_soil, "bare soil", "bare soil", heaps.astype(np.float32))
    u, v = place.u_m[block], place.v_m[block]
    slab = rectangle(place, (float(u.mean()), float(v.mean())), (26.0, 14.0), 8.0)[0]
    canvas.paint(slab & block, "concrete", "concrete", 0.3)
    array = (place.u_m > np.percentile(u, 62)) & block
    canvas.paint(array, "rough grass", "rough grass", 0.2)
    canvas.paint(array & rows_of(place.v_m, 6.5, 4.0), "solar panels", "solar panels", 1.4)
