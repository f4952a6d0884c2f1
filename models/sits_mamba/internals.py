"""What happened inside SITSMamba along the year: layers that are made only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.sits_mamba.network import Config, Reading, SITSMamba
from models.sits_mamba.season import elapsed_of, names_of
from models.sits_mamba.survey import Needs, Series, Survey, pieces_of, shares_of, survey
from rsviz.core.grid import Window
from rsviz.core.layers import Curve, Layer, ScalarMap, TimeSeries
from rsviz.core.model import RunContext
from rsviz.core.scene import UNITS, Scene

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

REACH = 2  # pixels to each side that the two convolutions after the scan see
LONGEST_BATCH = 1 << 18  # dates of pixels in one batch of occlusions
DROPPED, DRAWS, SIDE = (0.0, 0.2, 0.4, 0.6, 0.8), 2, 48
BOTH = ("this pixel", "whole scene")


@dataclass(frozen=True)
class Inside:
    """Everything a layer from inside is made of.

    Attributes:
        scene: what was read.
        series: the same as the network takes it.
        seen: (H, W) where any date is clear.
        network: ready to predict.
        found: what a pass over all pixels gave.
        labels: class names.
        pick: row and column of the pixel to look into.
        ctx: of the run.
    """

    scene: Scene
    series: Series
    seen: Mask
    network: SITSMamba
    found: Survey
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
        return self.series.known[:, self.pick[0], self.pick[1]]

    def here(self, values: Floats) -> Floats:
        """Series of the picked pixel (S, T), NaN where it is not clear."""
        return np.where(self.clear, values, np.nan).astype(np.float32)

    def around(self, reach: int) -> Around:
        """The picked pixel and those up to so many pixels away, each date encoded by itself."""
        window = self._window(reach)
        wide = self._window(reach + REACH)  # what the encoder sees around them
        x, valid = self.series.part(wide, self.network)
        sequences = self.network.sequences(x, valid).unflatten(0, (wide.height, wide.width))
        rows = slice(window.row - wide.row, window.row - wide.row + window.height)
        cols = slice(window.col - wide.col, window.col - wide.col + window.width)
        return Around(
            sequences[rows, cols].flatten(0, 1),
            valid[:, :, rows, cols],
            (window.height, window.width),
            (self.pick[0] - window.row, self.pick[1] - window.col),
        )

    def read_pixel(self) -> Reading:
        """The temporal encoder on the picked pixel alone, traced."""
        here = self.around(0)
        return self.network.read(here.sequences, here.valid, self.series.days, True)

    def elapsed(self, place: NDArray[np.integer]) -> tuple[Floats, str]:
        """A map of dates given by their number, as days since the first one, with its unit."""
        values = elapsed_of(self.scene.dates, self.scene.shape[0])[place]
        unit = "day" if self.scene.dates else "date"
        return np.where(self.seen, values, np.nan).astype(np.float32), unit

    def _window(self, reach: int) -> Window:
        return decisive(self.network.config, self.scene, self.pick, reach)


def decisive(config: Config, scene: Scene, pick: tuple[int, int], reach: int) -> Window:
    """The pixels up to so many pixels around one, as far as they decide its class."""
    t, _, height, width = scene.shape
    if not reach or config.kernel == 1:
        return Window(*pick, 1, 1)
    if config.patch:
        pieces = [piece.core for piece in pieces_of(config, t, height, width)]
        return next(piece for piece in pieces if _holds(piece, pick))
    (row, col), (top, left) = pick, (max(0, place - reach) for place in pick)
    bottom, right = min(height, row + reach + 1), min(width, col + reach + 1)
    return Window(top, left, bottom - top, right - left)


def _holds(window: Window, place: tuple[int, int]) -> bool:
    row, col = place[0] - window.row, place[1] - window.col
    return 0 <= row < window.height and 0 <= col < window.width


@dataclass(frozen=True)
class Around:
    """Pixels around the picked one.

    Attributes:
        sequences: (h*w, T, D) every date encoded by itself.
        valid: (1, T, h, w).
        size: (h, w).
        at: row and column of the picked pixel among them.
    """

    sequences: Tensor
    valid: Tensor
    size: tuple[int, int]
    at: tuple[int, int]


def needs_of(wants: frozenset[str]) -> Needs:
    """What a pass over the scene must keep for some layers."""
    return Needs(
        shares=bool(wants & {"deciding_dates", "deciding_day"}),
        scan=bool(wants & {"step_size", "state_norm"}),
        error="reconstruction_error" in wants,
        season="earliest_decision" in wants,
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


def _probabilities(inside: Inside, here: Around, sequences: Tensor, valid: Tensor) -> Tensor:
    """Class probabilities (B, K) of the picked pixel in each of B versions of its surroundings."""
    reading = inside.network.read(sequences, valid, inside.series.days)
    scores = inside.network.scores(reading, valid.shape[0], here.size)
    return scores[:, :, here.at[0], here.at[1]].softmax(1)


def _occlusion(inside: Inside) -> Layer:
    here = inside.around(REACH)
    whole = _probabilities(inside, here, here.sequences, here.valid)[0]
    best = int(whole.argmax())
    t = here.sequences.shape[1]
    drops = torch.zeros(t, device=whole.device)
    together = max(1, LONGEST_BATCH // here.sequences[..., 0].numel())
    for start in range(0, t, together):
        inside.ctx.step(start, t, "leaving out dates")
        out = torch.arange(start, min(t, start + together), device=whole.device)
        each = torch.arange(out.numel(), device=whole.device)
        masks = here.valid.repeat(out.numel(), 1, 1, 1)
        masks[each, out] = False
        copies = here.sequences.repeat(out.numel(), 1, 1, 1)  # (B, h*w, T, D)
        copies[each, :, out] = 0
        p = _probabilities(inside, here, copies.flatten(0, 1), masks)
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
    here = inside.around(REACH)
    reading = inside.network.read(here.sequences, here.valid, inside.series.days)
    hidden = ~reading.seen[..., None]
    running = reading.features.masked_fill(hidden, -torch.inf).cummax(1).values
    running = running.where(running.isfinite(), 0)
    images = running.reshape(*here.size, *running.shape[1:]).permute(2, 3, 0, 1)  # (T, D, h, w)
    p = inside.network.classify(images)[:, :, here.at[0], here.at[1]].softmax(1)
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
    return TimeSeries(
        "Deciding dates",
        "The class follows from the strongest response over time; this is the share of the "
        "channels whose strongest response lies at each date.",
        np.stack([inside.here(own.cpu().numpy()), inside.found.shares]),
        inside.dates,
        BOTH,
        "1",
    )


def _inside_scan(inside: Inside, title: str, about: str, own: Tensor, whole: Floats) -> Layer:
    values = np.stack([inside.here(own.cpu().numpy()), whole])
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
    error = np.sqrt(inside.found.error) * inside.network.deviation.cpu().numpy()
    about = "Root mean square error of the reconstruction over the scene, by band and date."
    return _bands(inside, "Reconstruction error", about, error.T)


def _deciding_day(inside: Inside) -> Layer:
    values, unit = inside.elapsed(inside.found.deciding)
    about = "The date at which most channels respond most strongly, counted from the first date."
    return ScalarMap("Deciding day", about, inside.scene.grid, values, "deciding day", unit)


def _earliest_decision(inside: Inside) -> Layer:
    values, unit = inside.elapsed(inside.found.earliest)
    about = (
        "The first date from which on the class stays the one that all dates together give, "
        "counted from the first date."
    )
    return ScalarMap(
        "Earliest decision", about, inside.scene.grid, values, "earliest decision", unit
    )


def _dropped_dates(inside: Inside) -> Layer:
    _, _, height, width = inside.scene.shape
    top, left = max(0, height - SIDE) // 2, max(0, width - SIDE) // 2
    rows, cols = slice(top, top + SIDE), slice(left, left + SIDE * max(1, SIDE // height))
    pixels, known = inside.series.pixels[:, :, rows, cols], inside.series.known[:, rows, cols]
    rng = np.random.default_rng(inside.ctx.seed)
    t = len(known)

    def classes(share: float) -> NDArray[np.intp]:
        kept = known & (rng.random(t) >= share)[:, None, None]
        part = Series(np.where(kept[:, None], pixels, 0), kept, inside.series.days)
        return survey(inside.network, part, Needs(), lambda *_: None).p.argmax(axis=0)

    whole, seen = classes(0.0), known.any(axis=0)
    same = []
    for place, share in enumerate(DROPPED):
        inside.ctx.step(place, len(DROPPED), "dropping dates")
        draws = [classes(share) == whole for _ in range(DRAWS)]
        same.append(np.mean([draw[seen].mean() if seen.any() else 1.0 for draw in draws]))
    return Curve(
        "When dates are dropped",
        f"Share of {int(seen.sum())} pixels that keep their class when dates are left out at "
        f"random; mean of {DRAWS} draws.",
        np.array(DROPPED),
        np.array([same]),
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
