"""One pass over all pixels of a scene, part by part, keeping only what is needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.sits_mamba.network import CHUNK, Config, Reading, SITSMamba, on_grid, strongest
from rsviz.core.grid import Window
from rsviz.core.tiling import Tile, tiles

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

HALO = 4  # two convolutions before the scan and two after it
NUMBERS = 1 << 26  # of encoded dates that are held at once


@dataclass(frozen=True)
class Needs:
    """What to find besides the classes.

    Attributes:
        shares: where the maxima lie in time.
        scan: step sizes and states of the scan.
        error: how well the dates are reconstructed.
        season: since when the class stays the same.
    """

    shares: bool = False
    scan: bool = False
    error: bool = False
    season: bool = False


@dataclass(frozen=True)
class Series:
    """A scene as the network takes it.

    Attributes:
        pixels: (T, C, H, W), 0 where not known.
        known: (T, H, W).
        days: (T,) day of the year.
    """

    pixels: Floats
    known: Mask
    days: Tensor

    def part(self, window: Window, network: SITSMamba) -> tuple[Tensor, Tensor]:
        """Scaled pixels (1, T, C, h, w) and mask (1, T, h, w) of a window, on the device."""
        device = self.days.device
        valid = torch.from_numpy(self.known[:, window.rows, window.cols].copy())[None].to(device)
        pixels = torch.from_numpy(self.pixels[:, :, window.rows, window.cols].copy())[None]
        return network.scaled(pixels.to(device), valid), valid


@dataclass
class Survey:
    """What a pass found; what was not needed stays 0.

    Attributes:
        p: (K, H, W) class probabilities.
        deciding: (H, W) the date that holds the largest share of the maxima.
        earliest: (H, W) the date from which on the class stays the same.
        shares: (T,) mean share of the channels whose maximum lies at each date.
        step, norm: (T,) mean step size and size of the state over the pixels clear at each date.
        error: (T, C) mean squared error of the reconstruction, in scaled units.
        count: (T,) pixels that count at each date.
    """

    p: Floats
    deciding: NDArray[np.int64]
    earliest: NDArray[np.int64]
    shares: Floats
    step: Floats
    norm: Floats
    error: Floats
    count: Floats

    @staticmethod
    def empty(series: Series, classes: int) -> Survey:
        """Nothing found yet."""
        t, c, h, w = series.pixels.shape
        lines = (np.zeros(t, np.float32) for _ in range(4))
        shares, step, norm, count = lines
        maps = (np.zeros((h, w), np.int64) for _ in range(2))
        p, error = np.zeros((classes, h, w), np.float32), np.zeros((t, c), np.float32)
        return Survey(p, *maps, shares, step, norm, error, count)


def survey(
    network: SITSMamba,
    series: Series,
    needs: Needs,
    step: Callable[[int, int], None],
) -> Survey:
    """Read all pixels along time.

    Args:
        network: ready to predict.
        series: the scene.
        needs: what to find.
        step: called with (parts done, parts).
    """
    t, _, height, width = series.pixels.shape
    pieces = pieces_of(network.config, t, height, width)
    found = Survey.empty(series, network.config.classes)
    for done, piece in enumerate(pieces):
        _read(
            network,
            series,
            piece,
            needs,
            found,
            lambda a, b, d=done: step(d * b + a, len(pieces) * b),
        )
    seen = np.maximum(found.count, 1)
    hidden = np.where(found.count > 0, 1.0, np.nan)
    found.step, found.norm = found.step / seen * hidden, found.norm / seen * hidden
    found.error = found.error / seen[:, None] * hidden[:, None]
    found.shares /= max(1, int(series.known.any(axis=0).sum()))
    return found


def pieces_of(config: Config, dates: int, height: int, width: int) -> list[Tile]:
    """The parts in which a scene is read: as memory allows, or the patches of the training."""
    if config.patch:
        return list(tiles(height, width, config.patch, 0))
    most = NUMBERS // (dates * config.width)
    side = most if min(height, width) == 1 else max(4 * HALO, math.isqrt(most))
    return list(tiles(height, width, side, HALO))


def _read(
    network: SITSMamba,
    series: Series,
    piece: Tile,
    needs: Needs,
    found: Survey,
    step: Callable[[int, int], None],
) -> None:
    """Read one part of the scene and add what is found in its core."""
    window, core = piece.window, piece.core
    size = (window.height, window.width)
    inner = Window(core.row - window.row, core.col - window.col, core.height, core.width)
    counts = torch.zeros(size, dtype=torch.bool)
    counts[inner.rows, inner.cols] = True
    x, valid = series.part(window, network)
    sequences = network.sequences(x, valid)
    observed = x[0].flatten(2).permute(2, 0, 1)  # (1, T, C, h, w) -> (N, T, C)
    mask = valid.flatten(2)[..., None]  # (1, T, N, 1): every pixel a scene of its own
    n, t, _ = sequences.shape
    inside = counts.flatten().to(x.device)
    top, deciding, features = [], [], []
    for start in range(0, n, max(1, CHUNK // t)):
        step(start, n)
        part = slice(start, start + max(1, CHUNK // t))
        reading = network.read(sequences[part], mask[:, :, part], series.days, needs.scan)
        top.append(strongest(reading))
        if needs.season:
            features.append(reading.features)
        if needs.shares:
            shares = shares_of(reading.features, reading.seen)
            deciding.append(shares.argmax(1))
            there = inside[part] & reading.seen.any(1)
            found.shares += shares[there].sum(0).cpu().numpy()
        _add_sums(network, reading, observed[part], inside[part], needs, found)
    images = on_grid(torch.cat(top), 1, size)
    scores = network.classify(images)[0].float()
    rows, cols = core.rows, core.cols
    found.p[:, rows, cols] = scores.softmax(0)[:, inner.rows, inner.cols].cpu().numpy()
    if needs.shares:
        place = torch.cat(deciding).reshape(size)[inner.rows, inner.cols]
        found.deciding[rows, cols] = place.cpu().numpy()
    if needs.season:
        place = settled(network, torch.cat(features), valid, scores.argmax(0))
        found.earliest[rows, cols] = place[inner.rows, inner.cols].cpu().numpy()


def _add_sums(
    network: SITSMamba,
    reading: Reading,
    observed: Tensor,
    inside: Tensor,
    needs: Needs,
    found: Survey,
) -> None:
    """Add what is averaged over the pixels that are clear at each date."""
    seen = reading.seen & inside[:, None]
    found.count += seen.sum(0).cpu().numpy()
    if reading.trace is not None:
        found.step += reading.trace.step_mean[:, 0].where(seen, 0).sum(0).cpu().numpy()
        found.norm += reading.trace.state_norm[:, 0].where(seen, 0).sum(0).cpu().numpy()
    if needs.error:
        error = (network.reconstruct(reading.features) - observed).square()
        found.error += error.where(seen[..., None], 0).sum(0).cpu().numpy()


def settled(network: SITSMamba, features: Tensor, valid: Tensor, final: Tensor) -> Tensor:
    """The date (h, w) from which on the dates up to each one give the final class.

    Args:
        network: ready to predict.
        features: (h*w, T, D).
        valid: (1, T, h, w).
        final: (h, w) class from all dates.
    """
    _, t, height, width = valid.shape
    everything = network.config.mask == "frames"
    running = torch.full_like(features[:, 0], -math.inf)
    place = torch.zeros(height, width, dtype=torch.long, device=features.device)
    for date in range(t):
        clear = valid[0, date].reshape(-1, 1)  # (h, w) -> (N, 1)
        seen = torch.ones_like(clear) if everything else clear
        running = torch.maximum(running, features[:, date].masked_fill(~seen, -math.inf))
        images = on_grid(running.where(running.isfinite(), 0), 1, (height, width))
        now = network.classify(images)[0].argmax(0)
        begun = valid[0, : date + 1].any(0)
        place = place.where((now == final) & begun, date + 1)
    return place.clamp(max=t - 1)


def shares_of(features: Tensor, seen: Tensor) -> Tensor:
    """Share of the channels whose maximum over time lies at each date: (N, T, D) to (N, T)."""
    at = features.masked_fill(~seen[..., None], -math.inf).argmax(1)  # (N, D)
    ones = torch.ones_like(at, dtype=features.dtype)
    counts = features.new_zeros(features.shape[:2]).scatter_add(1, at, ones)
    return counts / at.shape[1]
