"""Listens to the probes of SpikeSR and keeps only what will be drawn.

One recorder serves a whole run: it is told which tile comes, counts spikes over the core of the
tile, writes maps into their place, and keeps the traces of one picked pixel. Sums are over tiles.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.spike_sr.attention import NOT_ITSELF, PATCH, PatchGrid, put_together
from models.spike_sr.deformable import SHIFTS, TAPS
from rsviz.core.tiling import Tile

Floats = NDArray[np.float32]

BINS = 12
"""Classes of texture strength, with equally many pixels in each."""


@dataclass
class Partner:
    """The patch that one patch resembles most, at a block and step; pixels of the scene."""

    block: int
    step: int
    row: int
    col: int
    partner_row: int
    partner_col: int
    similarity: float


@dataclass
class Recorder:
    """What a run of all tiles leaves behind.

    Attributes:
        neurons: names of the layers of neurons.
        blocks: names of the blocks.
        shape: rows and columns of the scene.
        steps: T.
        channels: C.
        watched: index of the layer of neurons that is shown in detail.
        pixel: row and column of the picked pixel.
        texture: (h, w) class of texture strength of every pixel.
    """

    neurons: tuple[str, ...]
    blocks: tuple[str, ...]
    shape: tuple[int, int]
    steps: int
    channels: int
    watched: int
    pixel: tuple[int, int]
    texture: NDArray[np.intp]
    pixels: int = 0
    partners: list[Partner] = field(default_factory=list)

    def __post_init__(self) -> None:
        layers, blocks, t, c = len(self.neurons), len(self.blocks), self.steps, self.channels
        self.fired = np.zeros((layers, t, c))
        self.silent, self.saturated = np.zeros((layers, c)), np.zeros((layers, c))
        self.swing, self.in_bin = np.zeros((layers, BINS)), np.zeros(BINS)
        self.rate_map, self.rate_all = np.zeros((2, *self.shape), np.float32)
        self.spike_steps, self.charge_steps = np.zeros((2, t, *self.shape), np.float32)
        self.raster, self.membrane = np.zeros((2, t, c), np.float32)
        self.attention = np.zeros((blocks, t, c))
        self.power = np.zeros((blocks, 2))
        self.similarity, self.shift = np.zeros((2, *self.shape), np.float32)
        self.taps = np.zeros((blocks, TAPS, 3), np.float32)

    def begin(self, piece: Tile) -> None:
        """A tile comes next."""
        self._piece = piece
        core, window = piece.core, piece.window
        top, left = core.row - window.row, core.col - window.col
        self._inner = slice(top, top + core.height), slice(left, left + core.width)
        self._outer = core.rows, core.cols
        size = core.height * core.width
        self.pixels += size
        self._share = size / (self.shape[0] * self.shape[1])
        self.in_bin += np.bincount(self.texture[self._outer].ravel(), minlength=BINS)
        row, col = self.pixel[0] - core.row, self.pixel[1] - core.col
        inside = 0 <= row < core.height and 0 <= col < core.width
        self._at = (self.pixel[0] - window.row, self.pixel[1] - window.col) if inside else None

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Take note of what passes a probe; nothing is kept of the tensor itself."""
        place, _, what = name.rpartition(".")
        getattr(self, f"_{what}")(place, value.detach())
        return value.new_empty(0)

    def _spikes(self, place: str, spikes: Tensor) -> None:
        layer = self.neurons.index(place)
        inner = spikes[:, 0][(..., *self._inner)]  # (T, C, rows, columns)
        count = inner.sum(0)
        self.fired[layer] += inner.sum((2, 3)).double().cpu().numpy()
        self.silent[layer] += (count == 0).sum((1, 2)).cpu().numpy()
        self.saturated[layer] += (count == self.steps).sum((1, 2)).cpu().numpy()
        share = inner.mean(1).cpu().numpy()  # (T, rows, columns)
        self.rate_all[self._outer] += share.mean(0) / len(self.neurons)
        if layer == self.watched:
            self.rate_map[self._outer] = share.mean(0)
            self.spike_steps[(slice(None), *self._outer)] = share
            if self._at is not None:
                self.raster[:] = spikes[:, 0, :, self._at[0], self._at[1]].cpu().numpy()

    def _charge(self, place: str, charge: Tensor) -> None:
        layer = self.neurons.index(place)
        inner = charge[:, 0][(..., *self._inner)]  # (T, C, rows, columns)
        swing = inner.std(0, correction=0).mean(0).double().cpu().numpy()  # (rows, columns)
        bins = self.texture[self._outer].ravel()
        self.swing[layer] += np.bincount(bins, weights=swing.ravel(), minlength=BINS)
        if layer == self.watched:
            self.charge_steps[(slice(None), *self._outer)] = inner.mean(1).cpu().numpy()
            if self._at is not None:
                self.membrane[:] = charge[:, 0, :, self._at[0], self._at[1]].cpu().numpy()

    def _attention(self, place: str, weights: Tensor) -> None:
        block = self.blocks.index(place)
        self.attention[block] += self._share * weights[:, 0].double().cpu().numpy()

    def _spiking_branch(self, place: str, value: Tensor) -> None:
        self._branch(place, 0, value)

    def _real_branch(self, place: str, value: Tensor) -> None:
        self._branch(place, 1, value)

    def _branch(self, place: str, which: int, value: Tensor) -> None:
        inner = value[(..., *self._inner)].float()
        self.power[self.blocks.index(place), which] += self._share * float((inner**2).mean())

    def _similarity(self, place: str, scores: Tensor) -> None:
        """Scores (T, n, candidates); those beyond n belong to the coarser image."""
        window, count = self._piece.window, scores.shape[1]
        grid = PatchGrid(window.height, window.width)
        own = torch.eye(*scores.shape[1:], device=scores.device) * NOT_ITSELF
        best = (scores + own).argmax(-1)  # (T, n)
        value = scores.gather(-1, best[..., None])[..., 0]
        painted = value[..., None, None].expand(-1, -1, PATCH * PATCH, 1).contiguous()
        whole = put_together(painted.float(), grid).mean(0)[..., 0].cpu().numpy()  # (h, w)
        self.similarity[self._outer] += whole[self._inner] / len(self.blocks)
        holder = self._holder(grid)
        if holder is None:
            return
        for step in range(self.steps):
            partner = int(best[step, holder])
            if partner < count:
                row, col = grid.corners[holder]
                other_row, other_col = grid.corners[partner]
                self.partners.append(
                    Partner(
                        self.blocks.index(place),
                        step,
                        window.row + row,
                        window.col + col,
                        window.row + other_row,
                        window.col + other_col,
                        float(value[step, holder]),
                    )
                )

    def _offsets(self, place: str, found: Tensor) -> None:
        """Shifts and weights (T*n, 16, 16, 27) of all patches of the tile."""
        window = self._piece.window
        grid = PatchGrid(window.height, window.width)
        count = len(grid.corners)
        patches = found.reshape(self.steps, count, PATCH * PATCH, -1)  # (T*n, 16, 16, 27)
        length = patches[..., :SHIFTS].unflatten(-1, (TAPS, 2)).norm(dim=-1).mean(-1, keepdim=True)
        whole = put_together(length, grid).mean(0)[..., 0].cpu().numpy()  # (h, w)
        self.shift[self._outer] += whole[self._inner] / len(self.blocks)
        holder = self._holder(grid)
        if holder is not None and self._at is not None:
            row, col = (a - b for a, b in zip(self._at, grid.corners[holder], strict=True))
            here = patches[:, holder, row * PATCH + col].mean(0).cpu().numpy()  # (27,)
            block = self.taps[self.blocks.index(place)]
            block[:, :2], block[:, 2] = here[:SHIFTS].reshape(TAPS, 2), here[SHIFTS:]

    def _holder(self, grid: PatchGrid) -> int | None:
        """The patch whose middle is nearest to the picked pixel."""
        if self._at is None:
            return None
        middle = np.array(grid.corners) + (PATCH - 1) / 2
        return int(np.abs(middle - self._at).max(axis=1).argmin())


def texture_classes(image: Floats) -> tuple[NDArray[np.intp], Floats]:
    """How much texture there is at each pixel, in classes of equal size.

    Args:
        image: (3, h, w).

    Returns:
        Class (h, w) and, for each class, the mean size of the gradient of brightness [1/px].
    """
    down, right = np.gradient(image.mean(axis=0))
    strength = np.hypot(down, right)
    edges = np.quantile(strength, np.arange(1, BINS) / BINS)
    classes = np.searchsorted(edges, strength, side="right")
    counts = np.bincount(classes.ravel(), minlength=BINS)
    sums = np.bincount(classes.ravel(), weights=strength.ravel(), minlength=BINS)
    middle = np.concatenate([[0.0], edges])
    means = np.where(counts > 0, sums / np.maximum(counts, 1), middle)
    return classes, means.astype(np.float32)
