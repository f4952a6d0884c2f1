"""What happened inside SITSMamba along the year: layers that are made only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.sits_mamba.network import Reading, SITSMamba, on_grid
from models.sits_mamba.season import elapsed_of, names_of
from models.sits_mamba.survey import Needs, Survey, shares_of, survey
from rsviz.core.layers import Curve, Layer, ScalarMap, TimeSeries
from rsviz.core.model import RunContext
from rsviz.core.scene import Scene

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

REACH = 2  # pixels to each side that the two convolutions after the scan see
LONGEST_BATCH = 1 << 18  # dates of pixels in one batch of occlusions
DROPPED, DRAWS, SIDE = (0.0, 0.2, 0.4, 0.6, 0.8), 2, 48
UNITS = {"reflectance": "1", "radiance": "W m-2 sr-1 um-1", "brightness_temperature": "K", "dn": ""}
BOTH = ("this pixel", "whole scene")


@dataclass(frozen=True)
class Inside:
    """Everything a layer from inside is made of.

    Attributes:
        scene: what was read.
        known: (T, H, W) where it is clear.
        seen: (H, W) where any date is.
        network: ready to predict.
        sequences: (H*W, T, D) every date encoded by itself.
        x: scaled pixels (1, T, C, H, W).
        valid: `known` as (1, T, H, W).
        days: (T,) day of the year.
        found: what a pass over all pixels gave.
        final: (H, W) class from all dates.
        labels: class names.
        pick: row and column of the pixel to look into.
        ctx: of the run.
    """

    scene: Scene
    known: Mask
    seen: Mask
    network: SITSMamba
    sequences: Tensor
    x: Tensor
    valid: Tensor
    days: Tensor
    found: Survey
    final: NDArray[np.intp]
    labels: tuple[str, ...]
    pick: tuple[int, int]
    ctx: RunContext

    @property
    def dates(self) -> tuple[str, ...]:
        """What the dates are called."""
        return names_of(self.scene.dates, self.scene.shape[0])

    @property
    def clear(self) -> Mask:
        """(T,) where the picked pixel is clear."""
        return self.known[:, self.pick[0], self.pick[1]]

    def here(self, values: Floats) -> Floats:
        """Series of the picked pixel (S, T), NaN where it is not clear."""
        return np.where(self.clear, values, np.nan).astype(np.float32)

    def read_pixel(self) -> Reading:
        """The temporal encoder on the picked pixel alone, traced."""
        row, col = self.pick
        place = row * self.scene.shape[3] + col
        mask = self.valid[:, :, row : row + 1, col : col + 1]
        return self.network.read(self.sequences[place : place + 1], mask, self.days, True)

    def elapsed(self, place: NDArray[np.integer]) -> tuple[Floats, str]:
        """A map of dates given by their number, as days since the first one, with its unit."""
        values = elapsed_of(self.scene.dates, self.scene.shape[0])[place]
        unit = "day" if self.scene.dates else "date"
        return np.where(self.seen, values, np.nan).astype(np.float32), unit


def needs_of(wants: frozenset[str]) -> Needs:
    """What a pass over the scene must keep for some layers."""
    return Needs(
        shares=bool(wants & {"deciding_dates", "deciding_day"}),
        scan=bool(wants & {"step_size", "state_norm"}),
        error="reconstruction_error" in wants,
        features="earliest_decision" in wants,
    )


def layer(name: str, inside: Inside) -> Layer:
    """The layer of that name, as the card declares it."""
    return BUILDERS[name](inside)


def _observed(inside: Inside) -> Floats:
    row, col = inside.pick
    return inside.here(inside.scene.pixels[:, :, row, col].T)


def _restored(inside: Inside) -> Floats:
    network = inside.network
    scaled = network.reconstruct(inside.read_pixel().features)[0]  # (T, C)
    values = scaled * network.deviation + network.mean
    return inside.here(values.T.cpu().numpy())


def _bands(inside: Inside, title: str, about: str, values: Floats) -> TimeSeries:
    names = tuple(band.name for band in inside.scene.bands)
    unit = UNITS[inside.scene.quantity]
    return TimeSeries(title, about, values, inside.dates, names, unit)


def _pixel_series(inside: Inside) -> Layer:
    about = "The values at the picked pixel; nothing where it is clouded or without data."
    return _bands(inside, "Observed series", about, _observed(inside))


def _pixel_reconstruction(inside: Inside) -> Layer:
    about = (
        "What the second branch gives back of each date, from a state that has seen this date and "
        "all before."
    )
    return _bands(inside, "Reconstructed series", about, _restored(inside))


def _pixel_residual(inside: Inside) -> Layer:
    about = "Observed less reconstructed: where the state does not hold what was seen."
    return _bands(
        inside, "Residual of the reconstruction", about, _observed(inside) - _restored(inside)
    )


def _around(inside: Inside) -> tuple[Tensor, Tensor, tuple[int, int], tuple[int, int]]:
    """Sequences and mask of the pixels on which the picked one depends, size, place in them."""
    _, _, height, width = inside.scene.shape
    reach = REACH if inside.network.config.kernel > 1 else 0
    (row, col), (top, left) = inside.pick, (max(0, p - reach) for p in inside.pick)
    rows, cols = slice(top, min(height, row + reach + 1)), slice(left, min(width, col + reach + 1))
    grid = inside.sequences.reshape(height, width, *inside.sequences.shape[1:])
    part = grid[rows, cols].flatten(0, 1)  # (h, w, T, D) -> (h*w, T, D)
    size = (rows.stop - top, cols.stop - left)
    return part, inside.valid[:, :, rows, cols], size, (row - top, col - left)


def _scores_at(
    inside: Inside, sequences: Tensor, valid: Tensor, size: tuple[int, int], at: tuple[int, int]
) -> Tensor:
    """Class probabilities (B, K) of one pixel in each of B windows."""
    reading = inside.network.read(sequences, valid, inside.days)
    scores = inside.network.scores(reading, valid.shape[0], size)
    return scores[:, :, at[0], at[1]].softmax(1)


def _occlusion(inside: Inside) -> Layer:
    sequences, valid, size, at = _around(inside)
    whole = _scores_at(inside, sequences, valid, size, at)[0]
    best = int(whole.argmax())
    t = sequences.shape[1]
    drops = torch.zeros(t, device=sequences.device)
    together = max(1, LONGEST_BATCH // sequences[..., 0].numel())
    for start in range(0, t, together):
        inside.ctx.step(start, t, "leaving out dates")
        out = torch.arange(start, min(t, start + together), device=sequences.device)
        masks = valid.repeat(out.numel(), 1, 1, 1)
        masks[torch.arange(out.numel()), out] = False
        copies = sequences.repeat(out.numel(), 1, 1, 1)  # (B, h*w, T, D)
        copies[torch.arange(out.numel()), :, out] = 0
        p = _scores_at(inside, copies.flatten(0, 1), masks, size, at)
        drops[out] = whole[best] - p[:, best]
    return TimeSeries(
        "Occlusion",
        f"By how much the probability of {inside.labels[best]} falls at the picked pixel when one "
        "date is left out; below 0 the date spoke against it.",
        inside.here(drops.cpu().numpy()[None]),
        inside.dates,
        ("loss of probability",),
        "probability",
    )


def _season_probability(inside: Inside) -> Layer:
    sequences, valid, size, at = _around(inside)
    reading = inside.network.read(sequences, valid, inside.days)
    hidden = ~reading.seen[..., None]
    running = reading.features.masked_fill(hidden, -torch.inf).cummax(1).values
    running = running.where(running.isfinite(), 0)
    images = running.reshape(*size, *running.shape[1:]).permute(2, 3, 0, 1)  # (T, D, h, w)
    p = inside.network.classify(images)[:, :, at[0], at[1]].softmax(1)
    begun = np.maximum.accumulate(inside.clear)
    return TimeSeries(
        "Probability as the season unfolds",
        "Class probabilities at the picked pixel from the dates up to each one alone.",
        np.where(begun, p.T.cpu().numpy(), np.nan),
        inside.dates,
        inside.labels,
        "probability",
    )


def _deciding_dates(inside: Inside) -> Layer:
    reading = inside.read_pixel()
    own = shares_of(reading.features, reading.seen)[0]
    seen = torch.from_numpy(inside.seen.ravel())
    whole = inside.found.shares.cpu()[seen].mean(0)
    return TimeSeries(
        "Deciding dates",
        "The class follows from the strongest response over time; this is the share of the "
        "channels whose strongest response lies at each date.",
        np.stack([inside.here(own.cpu().numpy()), whole.numpy()]),
        inside.dates,
        BOTH,
        "1",
    )


def _inside_scan(inside: Inside, title: str, about: str, own: Tensor, whole: Tensor) -> Layer:
    values = np.stack([inside.here(own.cpu().numpy()), whole.cpu().numpy()])
    return TimeSeries(title, about, values, inside.dates, BOTH, "1")


def _step_size(inside: Inside) -> Layer:
    trace = inside.read_pixel().trace
    assert trace is not None
    about = "Mean step size of the scan: how much of each date is written into the state."
    return _inside_scan(inside, "Step size", about, trace.step_mean[0, 0], inside.found.step)


def _state_norm(inside: Inside) -> Layer:
    trace = inside.read_pixel().trace
    assert trace is not None
    about = "Euclidean norm of the state after each date: how much is being remembered."
    return _inside_scan(
        inside, "Size of the state", about, trace.state_norm[0, 0], inside.found.norm
    )


def _reconstruction_error(inside: Inside) -> Layer:
    error = inside.found.error.sqrt() * inside.network.deviation
    about = "Root mean square error of the reconstruction over the scene, by band and date."
    return _bands(inside, "Reconstruction error", about, error.T.cpu().numpy())


def _deciding_day(inside: Inside) -> Layer:
    place = inside.found.shares.argmax(1).reshape(inside.seen.shape).cpu().numpy()
    values, unit = inside.elapsed(place)
    about = "The date at which most channels respond most strongly, counted from the first date."
    return ScalarMap("Deciding day", about, inside.scene.grid, values, "deciding day", unit)


def _earliest_decision(inside: Inside) -> Layer:
    height, width = inside.seen.shape
    features = inside.found.features  # (N, T, D)
    t = features.shape[1]
    everything = inside.network.config.mask == "frames"
    final = torch.from_numpy(inside.final).to(features.device)
    running = torch.full_like(features[:, 0], -torch.inf)
    earliest = torch.zeros(height, width, dtype=torch.long, device=features.device)
    for date in range(t):
        inside.ctx.step(date, t, "following the season")
        clear = inside.valid[0, date].reshape(-1, 1)  # (H, W) -> (N, 1)
        seen = torch.ones_like(clear) if everything else clear
        running = torch.maximum(running, features[:, date].masked_fill(~seen, -torch.inf))
        images = on_grid(running.where(running.isfinite(), 0), 1, (height, width))
        now = inside.network.classify(images)[0].argmax(0)
        unknown = ~inside.valid[0, : date + 1].any(0)
        earliest = earliest.where((now == final) & ~unknown, date + 1)
    values, unit = inside.elapsed(earliest.clamp(max=t - 1).cpu().numpy())
    about = (
        "The first date from which on the class stays the one that all dates together give, "
        "counted from the first date."
    )
    return ScalarMap(
        "Earliest decision", about, inside.scene.grid, values, "earliest decision", unit
    )


def _dropped_dates(inside: Inside) -> Layer:
    _, t, height, width = inside.valid.shape
    top, left = max(0, height - SIDE) // 2, max(0, width - SIDE) // 2
    rows, cols = slice(top, top + SIDE), slice(left, left + SIDE * max(1, SIDE // height))
    grid = inside.sequences.reshape(height, width, t, -1)[rows, cols]
    size = (grid.shape[0], grid.shape[1])
    sequences, valid = grid.flatten(0, 1), inside.valid[:, :, rows, cols]
    x = inside.x[..., rows, cols]
    rng = np.random.default_rng(inside.ctx.seed)

    def classes(share: float) -> Tensor:
        out = torch.from_numpy(rng.random(t) < share)
        kept = valid & ~out[:, None, None].to(valid.device)
        left_in = sequences.masked_fill(out[:, None].to(valid.device), 0)
        found = survey(inside.network, left_in, x, kept, inside.days, Needs(), lambda *_: None)
        return inside.network.classify(on_grid(found.strongest, 1, size))[0].argmax(0)

    whole, seen = classes(0.0), valid[0].any(0)
    same = []
    for place, share in enumerate(DROPPED):
        inside.ctx.step(place, len(DROPPED), "dropping dates")
        draws = [(classes(share) == whole)[seen].float().mean() for _ in range(DRAWS)]
        same.append(float(torch.stack(draws).nanmean()))
    return Curve(
        "When dates are dropped",
        f"Share of {int(seen.sum())} pixels that keep their class when dates are left out at "
        f"random; mean of {DRAWS} draws.",
        np.array(DROPPED),
        np.nan_to_num(np.array([same])),
        ("same class",),
        "share of dates dropped",
        "share of pixels",
    )


BUILDERS: dict[str, Callable[[Inside], Layer]] = {
    "pixel_series": _pixel_series,
    "pixel_reconstruction": _pixel_reconstruction,
    "pixel_residual": _pixel_residual,
    "occlusion": _occlusion,
    "season_probability": _season_probability,
    "deciding_dates": _deciding_dates,
    "step_size": _step_size,
    "state_norm": _state_norm,
    "earliest_decision": _earliest_decision,
    "deciding_day": _deciding_day,
    "reconstruction_error": _reconstruction_error,
    "dropped_dates": _dropped_dates,
}
"""What makes each layer that the card offers on request."""
