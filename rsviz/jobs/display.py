"""Small questions about a scene, answered block by block: images, statistics, angles.

Plain numpy over a `Source`; a reader runs them beside the file. None of them ever holds a
whole cube: blocks are kept near 8 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import ScalarMap
from rsviz.core.scene import Source, Truth
from rsviz.draw.colour import HIGH, LOW, Limits, blended
from rsviz.jobs.blocks import Floats, blocks, check_bands, pieces, thinned

BINS = 128


@dataclass(frozen=True)
class Composite:
    """One or three bands as an image.

    Attributes:
        image: (H, W, 4) uint8; alpha is 0 where there is no data.
        limits: (low, high) of each band, drawn as 0 and 255.
        grid: grid of the image; coarser than the scene's when the scene is large.
    """

    image: NDArray[np.uint8]
    limits: Limits
    grid: Grid


@dataclass(frozen=True)
class Histogram:
    """How often the values of one band occur, from at most a million pixels.

    Attributes:
        edges: (N + 1,) float64, limits of the bins in the unit of the scene.
        counts: (N,) int64.
        low2: value below which 2 % lie.
        high98: value below which 98 % lie.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    low2: float
    high98: float


@dataclass(frozen=True)
class RegionStats:
    """Mean and spread of the spectra in a rectangle.

    Attributes:
        mean: (C,) float32; NaN without any valid pixel.
        std: (C,) float32, standard deviation of the pixels.
        count: number of valid pixels.
    """

    mean: Floats
    std: Floats
    count: int


@dataclass(frozen=True)
class GroupStats:
    """Mean and spread of the spectra of several groups of pixels.

    Attributes:
        mean: (G, C) float32; NaN for a group without a valid pixel.
        std: (G, C) float32, standard deviation of the pixels.
        counts: (G,) valid pixels.
    """

    mean: Floats
    std: Floats
    counts: NDArray[np.int64]

    def of(self, group: int) -> RegionStats:
        """One group."""
        return RegionStats(self.mean[group], self.std[group], int(self.counts[group]))


def parts(answer: object) -> object:
    """An answer of this package as a tuple of its fields, to be sent; anything else as it is."""
    if is_dataclass(answer) and type(answer).__module__.startswith("rsviz.jobs."):
        return tuple(getattr(answer, f.name) for f in fields(answer))
    return answer


def composite(
    source: Source,
    bands: tuple[int, ...],
    limits: Limits | None = None,
    max_side: int = 2048,
) -> Composite:
    """One band as grey, or three as red, green and blue, at the first date.

    Args:
        source: the scene.
        bands: one or three band indices from 0.
        limits: (low, high) for each band; None stretches 2 to 98 % of the valid values.
        max_side: greatest height or width of the image; larger scenes are thinned.

    Raises:
        SceneMismatch: a band does not exist, or their number is neither 1 nor 3.
    """
    check_look(source, bands, limits)
    grid = thinned(source, max_side)
    planes = [np.empty(grid.shape, np.float32) for _ in bands]
    for place, block, valid in blocks(source, bands, grid):
        for plane, values in zip(planes, block, strict=True):
            plane[place] = np.where(valid, values, np.nan)
    return Composite(*blended(planes, limits), grid)


def histogram(source: Source, band: int) -> Histogram:
    """Distribution of one band at the first date, between its extremes.

    Raises:
        SceneMismatch: the band does not exist, or holds no valid value.
    """
    check_bands(source, (band,))
    seen = [
        block[0][valid & np.isfinite(block[0])]
        for _, block, valid in blocks(source, (band,), thinned(source, 1000))
    ]
    values = np.concatenate(seen)
    if not values.size:
        raise SceneMismatch(f"Band {band + 1} holds no valid pixel.", "Choose another band.")
    low, high = (float(v) for v in np.percentile(values, (LOW, HIGH)))
    counts, edges = np.histogram(values.astype(np.float64), BINS)
    return Histogram(edges, counts.astype(np.int64), low, high)


def rectangle(source: Source, window: Window) -> RegionStats:
    """Mean and standard deviation of every band over the valid pixels of a window.

    Raises:
        SceneMismatch: the window reaches beyond the scene.
    """
    source.describe().grid.crop(window)
    return _moments(source, window, None, 1).of(0)


def groups(source: Source, codes: NDArray[np.int16], count: int) -> GroupStats:
    """Mean and standard deviation of every band over groups of pixels, at the first date.

    Args:
        source: the scene.
        codes: (H, W) group of each pixel of the scene, -1 for none.
        count: number of groups.

    Raises:
        SceneMismatch: the codes do not cover the scene.
    """
    shape = source.describe().grid.shape
    if codes.shape != shape:
        raise SceneMismatch(f"Groups are given for {codes.shape} pixels; the scene has {shape}.")
    return _moments(source, source.describe().grid.window, codes, count)


def _moments(
    source: Source, window: Window, codes: NDArray[np.int16] | None, count: int
) -> GroupStats:
    """Mean and standard deviation of the groups of a window; without codes all is group 0."""
    description = source.describe()
    channels = description.shape[1]
    total, squares = np.zeros((count, channels)), np.zeros((count, channels))
    members = np.zeros(count, np.int64)
    origin: NDArray[np.float64] | None = None
    for part in pieces(window, channels, description):
        inside = np.zeros((part.height, part.width), np.int16)
        if codes is not None:
            inside = codes[part.rows, part.cols]
        if not (inside >= 0).any():
            continue
        scene = source.read(part)
        used = (inside >= 0) & scene.valid[0]
        pixels, group = scene.pixels[0][:, used].astype(np.float64), inside[used]  # (C, N), (N,)
        if not group.size:
            continue
        if origin is None:
            origin = pixels.mean(axis=1)
        pixels -= origin[:, None]
        for code in np.unique(group):
            own = pixels[:, group == code]
            total[code] += own.sum(axis=1)
            squares[code] += np.einsum("cn,cn->c", own, own)
            members[code] += own.shape[1]
    number = np.maximum(members, 1)[:, None]
    empty = members[:, None] == 0
    mean = total / number
    variance = np.maximum(squares / number - mean**2, 0.0)
    start = np.zeros(channels) if origin is None else origin
    return GroupStats(
        np.where(empty, np.nan, mean + start).astype(np.float32),
        np.where(empty, np.nan, np.sqrt(variance)).astype(np.float32),
        members,
    )


def angle(source: Source, row: int, col: int, max_side: int = 2048) -> ScalarMap:
    """Spectral angle of every pixel to one pixel, in radians; bad bands are left out.

    Source: Kruse et al. 1993, "The spectral image processing system (SIPS)".

    Raises:
        SceneMismatch: the pixel lies outside the scene or holds no data.
    """
    description = source.describe()
    bands = tuple(i for i, band in enumerate(description.bands) if band.good)
    wanted = source.spectrum(row, col).values[list(bands)]
    length = float(np.linalg.norm(wanted))
    if not np.isfinite(length) or length == 0.0:
        raise SceneMismatch(
            f"The pixel in row {row}, column {col} holds no data.", "Pick another pixel."
        )
    grid = thinned(source, max_side)
    angles = np.empty(grid.shape, np.float32)
    for place, block, valid in blocks(source, bands, grid):
        flat = block.reshape(len(bands), -1)  # (C, h, w) -> (C, h*w)
        norms = np.sqrt(np.einsum("cn,cn->n", flat, flat))
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = (wanted / length) @ flat / norms
        block_angles = np.arccos(np.clip(cosine, -1, 1)).reshape(valid.shape)  # (h, w)
        angles[place] = np.where(valid, block_angles, np.nan)
    return ScalarMap(
        "Spectral angle",
        f"Angle between each spectrum and that of row {row}, column {col}; 0 is the same shape.",
        grid,
        angles,
        "spectral angle",
        "rad",
    )


def truth(source: Source) -> Truth | None:
    """The reference labels that came with the scene, or None."""
    if not source.describe().truth_names:
        return None
    return source.read(bands=(0,)).truth


def check_look(source: Source, bands: tuple[int, ...], limits: Limits | None) -> None:
    """Make sure that bands can be shown as an image.

    Raises:
        SceneMismatch: a band does not exist, or their number is neither 1 nor 3.
    """
    check_bands(source, bands)
    if len(bands) not in (1, 3) or (limits is not None and len(limits) != len(bands)):
        raise SceneMismatch(
            f"An image needs one or three bands and as many limits; {len(bands)} bands are given."
        )
