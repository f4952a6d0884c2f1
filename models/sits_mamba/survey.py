"""One pass over all pixels of a scene, a part at a time, keeping only what is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.sits_mamba.network import CHUNK, SITSMamba, strongest


@dataclass(frozen=True)
class Needs:
    """What to keep of a pass besides the strongest features.

    Attributes:
        shares: where the maxima lie in time.
        scan: step sizes and states of the scan.
        error: how well the dates are reconstructed.
        features: all features of all dates.
    """

    shares: bool = False
    scan: bool = False
    error: bool = False
    features: bool = False


@dataclass(frozen=True)
class Survey:
    """What a pass over N pixels found; what was not needed is empty.

    Attributes:
        strongest: (N, D) maximum over time.
        shares: (N, T) share of the channels whose maximum lies at each date.
        step: (T,) mean step size of the scan over the pixels that are known at each date.
        norm: (T,) mean size of its state.
        error: (T, C) mean squared error of the reconstruction, in scaled units.
        features: (N, T, D).
    """

    strongest: Tensor
    shares: Tensor
    step: Tensor
    norm: Tensor
    error: Tensor
    features: Tensor


def survey(
    network: SITSMamba,
    sequences: Tensor,
    x: Tensor,
    valid: Tensor,
    days: Tensor,
    needs: Needs,
    step: Callable[[int, int], None],
) -> Survey:
    """Read all pixels along time.

    Args:
        network: ready to predict.
        sequences: (N, T, D) of the pixels of one scene, row by row.
        x: its scaled pixels (1, T, C, H, W).
        valid: (1, T, H, W).
        days: (T,) day of the year.
        needs: what to keep.
        step: called with (pixels done, pixels).
    """
    n, t, _ = sequences.shape
    observed = x[0].flatten(2).permute(2, 0, 1)  # (1, T, C, H, W) -> (N, T, C)
    mask = valid.flatten(2)[..., None]  # (1, T, N, 1): every pixel a scene of its own
    kept: dict[str, list[Tensor]] = {"strongest": [], "shares": [], "features": []}
    zeros = sequences.new_zeros
    sums = {"step": zeros(t), "norm": zeros(t), "error": zeros(t, x.shape[2])}
    count = zeros(t)
    for start in range(0, n, max(1, CHUNK // t)):
        step(start, n)
        part = slice(start, start + max(1, CHUNK // t))
        reading = network.read(sequences[part], mask[:, :, part], days, needs.scan)
        kept["strongest"].append(strongest(reading))
        seen = reading.seen
        count += seen.sum(0)
        if needs.shares:
            kept["shares"].append(shares_of(reading.features, seen))
        if needs.features:
            kept["features"].append(reading.features)
        if reading.trace is not None:
            sums["step"] += reading.trace.step_mean[:, 0].where(seen, 0).sum(0)
            sums["norm"] += reading.trace.state_norm[:, 0].where(seen, 0).sum(0)
        if needs.error:
            error = (network.reconstruct(reading.features) - observed[part]).square()
            sums["error"] += error.where(seen[..., None], 0).sum(0)
    count = count.where(count > 0, torch.nan)
    joined = {name: torch.cat(parts) if parts else zeros(0) for name, parts in kept.items()}
    return Survey(
        joined["strongest"],
        joined["shares"],
        sums["step"] / count,
        sums["norm"] / count,
        sums["error"] / count[:, None],
        joined["features"],
    )


def shares_of(features: Tensor, seen: Tensor) -> Tensor:
    """Share of the channels whose maximum over time lies at each date: (N, T, D) to (N, T)."""
    at = features.masked_fill(~seen[..., None], -torch.inf).argmax(1)  # (N, D)
    ones = torch.ones_like(at, dtype=features.dtype)
    counts = features.new_zeros(features.shape[:2]).scatter_add(1, at, ones)
    return counts / at.shape[1]
