"""Shapes on the ground: parcels, lines, buildings, trees.

A landscape is drawn on a fine grid (several cells to a pixel of the later image). Arrays are
(h, w) with row 0 in the north; lengths are metres.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from rsviz.synth.texture import Field, smooth_field

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Frame:
    """Local map coordinates, turned and gently bent so that nothing is ruled.

    Attributes:
        u_m: (h, w) coordinate along, metres.
        v_m: (h, w) coordinate across, metres.
        cell_m: size of a cell, metres.
        angle_deg: direction of u, degrees anticlockwise from the row direction.
    """

    u_m: Field
    v_m: Field
    cell_m: float
    angle_deg: float

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the fine grid."""
        return self.u_m.shape[0], self.u_m.shape[1]


def frame(
    size: int, cell_m: float, angle_deg: float, bend_m: float, rng: np.random.Generator
) -> Frame:
    """Set up the coordinates of a square landscape.

    Args:
        size: cells along a side.
        cell_m: size of a cell, metres.
        angle_deg: main direction of the parcels.
        bend_m: standard deviation of the bending, metres.
        rng: source of the bending.
    """
    row, col = np.mgrid[0:size, 0:size].astype(np.float32) * np.float32(cell_m)
    x = col + bend_m * smooth_field((size, size), size / 5, rng)
    y = -row + bend_m * smooth_field((size, size), size / 5, rng)
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    return Frame(
        (x * cos + y * sin).astype(np.float32),
        (y * cos - x * sin).astype(np.float32),
        cell_m,
        angle_deg,
    )


@dataclass(frozen=True)
class Cut:
    """One straight cut through one piece of land.

    Attributes:
        depth: 0 for the first cut, 1 for cuts of its halves, and so on.
        index: (n,) flat indices of the piece that was cut.
        distance_m: (n,) distance of its cells from the cut.
    """

    depth: int
    index: NDArray[np.int64]
    distance_m: Field


@dataclass(frozen=True)
class Partition:
    """Land divided by repeated cuts, as by roads, inheritance and sale.

    Attributes:
        parcel: (h, w) parcel number from 1; 0 outside the land that was divided.
        cuts: the cuts, parents before children.
    """

    parcel: NDArray[np.int32]
    cuts: tuple[Cut, ...]

    def distance_m(self, cuts: Iterable[Cut]) -> Field:
        """Distance of every cell to the nearest of some cuts, metres; 1e6 where none is near."""
        nearest = np.full(self.parcel.size, 1e6, dtype=np.float32)
        for cut in cuts:
            nearest[cut.index] = np.minimum(nearest[cut.index], cut.distance_m)
        return nearest.reshape(self.parcel.shape)


def partition(
    land: Mask,
    place: Frame,
    area_m2: tuple[float, float],
    rng: np.random.Generator,
    tilt_deg: float = 5.0,
    elongation: float = 2.2,
) -> Partition:
    """Divide land into convex parcels by cutting it again and again.

    Args:
        land: (h, w) cells to divide.
        place: coordinates; cuts follow its two directions, slightly tilted.
        area_m2: a piece is left whole once it is smaller than a random size between these.
        rng: source of positions and tilts.
        tilt_deg: standard deviation of the tilt of a cut.
        elongation: pieces longer than this ratio are always cut across.
    """
    u, v = place.u_m.ravel(), place.v_m.ravel()
    parcel = np.zeros(land.size, dtype=np.int32)
    cuts: list[Cut] = []
    queue = [(0, np.flatnonzero(land))]
    count = 0
    while queue:
        depth, index = queue.pop(0)
        area = index.size * place.cell_m**2
        if area < rng.uniform(*area_m2):
            count += 1
            parcel[index] = count
            continue
        low_u, high_u = np.percentile(u[index], [1, 99])
        low_v, high_v = np.percentile(v[index], [1, 99])
        ratio = (high_u - low_u) / max(float(high_v - low_v), 1.0)
        if ratio > elongation:
            cut_u = True
        elif ratio < 1.0 / elongation:
            cut_u = False
        else:
            cut_u = bool(rng.random() < ratio / (1.0 + ratio))
        tilt = np.deg2rad(rng.normal(0.0, tilt_deg)) + (0.0 if cut_u else np.pi / 2)
        across = u[index] * np.cos(tilt) + v[index] * np.sin(tilt)
        low, high = np.percentile(across, [1, 99])
        signed = across - (low + (high - low) * rng.uniform(0.34, 0.66))
        cuts.append(Cut(depth, index, np.abs(signed).astype(np.float32)))
        queue.append((depth + 1, index[signed < 0]))
        queue.append((depth + 1, index[signed >= 0]))
    return Partition(parcel.reshape(land.shape), tuple(cuts))


def crops_of_parcels(
    land: Partition, shares: Mapping[str, float], rng: np.random.Generator
) -> list[str]:
    """Name of the crop of every parcel (index 0 unused).

    Largest parcels come first; each gets the crop that lacks most area.

    Args:
        land: the parcels.
        shares: relative area of each crop.
        rng: source of a little unevenness.
    """
    area = np.bincount(land.parcel.ravel(), minlength=1)
    crops = [""] * len(area)
    names = list(shares)
    filled = dict.fromkeys(names, 0.0)
    jitter = {name: rng.uniform(0.9, 1.1) for name in names}
    for parcel in np.argsort(-area[1:]) + 1:
        name = min(names, key=lambda n: (filled[n] + 0.35 * area[parcel]) / shares[n] * jitter[n])
        crops[parcel] = name
        filled[name] += float(area[parcel])
    return crops


def distance_to_line(place: Frame, points_m: Sequence[tuple[float, float]]) -> Field:
    """Distance of every cell to a smooth line through points, metres.

    Args:
        place: coordinates.
        points_m: at least four (u, v) points; a cubic spline runs through them.
    """
    knots = np.array(points_m, dtype=np.float64)
    t = np.linspace(0, len(knots) - 1, 1200)
    dense = CubicSpline(np.arange(len(knots)), knots)(t)
    cells = np.stack([place.u_m.ravel(), place.v_m.ravel()], axis=1)
    distance, _ = cKDTree(dense).query(cells)
    return np.asarray(distance, dtype=np.float32).reshape(place.shape)


def blob(
    place: Frame, centre_m: tuple[float, float], radius_m: float, rng: np.random.Generator
) -> Field:
    """Signed depth inside an irregular roundish patch: positive inside, in radii.

    Args:
        place: coordinates.
        centre_m: (u, v) of the centre.
        radius_m: mean radius.
        rng: source of the outline.
    """
    turn = rng.uniform(0.0, np.pi)
    du, dv = place.u_m - centre_m[0], place.v_m - centre_m[1]
    long = du * np.cos(turn) + dv * np.sin(turn)
    wide = dv * np.cos(turn) - du * np.sin(turn)
    distance = np.hypot(long / 1.15, wide * 1.15) / radius_m
    cells = radius_m / place.cell_m
    coarse = smooth_field(place.shape, max(cells / 5.0, 2.0), rng)
    ragged = smooth_field(place.shape, max(cells / 18.0, 1.0), rng)
    return np.asarray(1.0 - distance + 0.17 * coarse + 0.05 * ragged, dtype=np.float32)


@dataclass(frozen=True)
class Trees:
    """Tree crowns drawn on the fine grid.

    Attributes:
        height_m: (h, w) height of the crowns above ground, 0 outside.
        crown: (h, w) crown number from 1, 0 outside.
    """

    height_m: Field
    crown: NDArray[np.int32]


def plant_trees(
    shape: tuple[int, int],
    cell_m: float,
    centres: NDArray[np.floating],
    radius_m: NDArray[np.floating],
    height_m: NDArray[np.floating],
) -> Trees:
    """Draw crowns as flattened domes; where they touch, the taller one shows.

    Args:
        shape: (h, w).
        cell_m: size of a cell, metres.
        centres: (n, 2) row and column of each trunk.
        radius_m: (n,) crown radii.
        height_m: (n,) tree heights.
    """
    rows, cols = shape
    height = np.zeros(shape, dtype=np.float32)
    crown = np.zeros(shape, dtype=np.int32)
    for number, ((row, col), radius, tall) in enumerate(
        zip(centres, radius_m, height_m, strict=True), start=1
    ):
        r = radius / cell_m
        top, bottom = max(int(row - r), 0), min(int(row + r) + 2, rows)
        left, right = max(int(col - r), 0), min(int(col + r) + 2, cols)
        if top >= bottom or left >= right:
            continue
        y, x = np.mgrid[top:bottom, left:right]
        d2 = ((y - row) ** 2 + (x - col) ** 2) / r**2
        dome = np.where(d2 < 1.0, tall * (1.0 - 0.75 * d2), 0.0).astype(np.float32)
        window = (slice(top, bottom), slice(left, right))
        taller = dome > height[window]
        height[window][taller] = dome[taller]
        crown[window][taller] = number
    return Trees(height, crown)


def scatter(where: Mask, spacing_cells: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Scatter points over an area, none too close to another.

    Args:
        where: (h, w) cells in which points may lie.
        spacing_cells: mean distance of neighbours, cells.
        rng: source of the positions.

    Returns:
        (n, 2) row and column of the points: a triangular lattice, strongly jittered.
    """
    height, width = where.shape
    row = np.arange(0.0, height, spacing_cells * 0.866)
    col = np.arange(0.0, width, spacing_cells)
    grid_row, grid_col = np.meshgrid(row, col, indexing="ij")
    grid_col = grid_col + (np.arange(len(row)) % 2)[:, None] * spacing_cells / 2
    points = np.stack([grid_row.ravel(), grid_col.ravel()], axis=1)
    points += rng.uniform(-0.42, 0.42, points.shape) * spacing_cells
    inside = (points >= 0).all(axis=1) & (points < (height, width)).all(axis=1)
    points = points[inside]
    cell = points.astype(np.int64)
    return points[where[cell[:, 0], cell[:, 1]]]


def rectangle(
    place: Frame,
    centre_m: tuple[float, float],
    size_m: tuple[float, float],
    angle_deg: float = 0.0,
) -> tuple[Mask, Field, Field]:
    """A rectangle in the frame, such as a building.

    Args:
        place: coordinates.
        centre_m: (u, v) of the centre.
        size_m: (length, width).
        angle_deg: turn against the frame.

    Returns:
        The (h, w) mask, and the coordinates along and across it in half-lengths (-1 to 1 inside).
    """
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    du, dv = place.u_m - centre_m[0], place.v_m - centre_m[1]
    along = (du * cos + dv * sin) / (size_m[0] / 2)
    across = (dv * cos - du * sin) / (size_m[1] / 2)
    inside = (np.abs(along) <= 1.0) & (np.abs(across) <= 1.0)
    return np.asarray(inside), along.astype(np.float32), across.astype(np.float32)
