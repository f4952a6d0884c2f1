"""SITSMamba: labels a series of images; a Mamba block reads every pixel along the year.

Qin, Su, Zhang, "SITSMamba for Crop Classification based on Satellite Image Time Series",
arXiv:2409.09673 (2024).

    images (B, T, C, H, W) -> spatial encoder, shared by all dates -> a sequence for every pixel
    -> one Mamba block -> CBranch: maximum over time, two convolutions, scores of the classes
                       -> RBranch: the same dates again, as a second task in training

Departures from the paper: README.md. `Config.published` gives the form of the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rsviz.nn.mamba import Mamba
from rsviz.nn.scan import ScanTrace

GROUPS = 4
YEAR_DAYS, HARMONICS = 365.25, 4
CHUNK = 1 << 19  # dates of pixels that are read at once


@dataclass(frozen=True)
class Config:
    """What shapes the network; stored beside its weights.

    Attributes:
        bands: bands of the series.
        classes: number of classes.
        width: channels of a date; 128 in the paper.
        head: channels between the two convolutions of the classifying branch.
        states: states of each channel of the scan.
        kernel: side of all convolutions: 3, or 1 for series without neighbours.
        norm: group normalisation over a "frame" (the paper) or over each "pixel" alone.
        mask: "dates" leaves out what is clouded or missing, date by date and pixel by pixel;
            "frames" only skips images in which nothing is known (the paper).
        days: whether the encoder is told the day of the year; never in the paper.
        relu_scores: whether scores are normalised and cut at 0 (the paper).
        patch: side of the patches into which scenes are cut, as in training, because normalisation
            over a frame depends on its size; 0 where it does not.
    """

    bands: int
    classes: int
    width: int = 64
    head: int = 32
    states: int = 16
    kernel: int = 3
    norm: str = "pixel"
    mask: str = "dates"
    days: bool = True
    relu_scores: bool = False
    patch: int = 0

    @staticmethod
    def from_record(record: dict[str, Any]) -> Config:
        """The configuration as JSON gives it back."""
        return Config(**record)


class Reading(NamedTuple):
    """What the temporal encoder says of N pixels.

    Attributes:
        features: (N, T, D) at every date; 0 where a date is left out.
        seen: (N, T) dates that count.
        place: (N, T) how many dates that count lie up to and with each date, from 1.
        trace: what happened inside the scan, (N, 1, T) each, or None.
    """

    features: Tensor
    seen: Tensor
    place: Tensor
    trace: ScanTrace | None


class Prediction(NamedTuple):
    """What a pass gives.

    Attributes:
        scores: (B, K, H, W) before the softmax.
        reading: of the B*H*W pixels, row by row.
    """

    scores: Tensor
    reading: Reading


class GroupNorm(nn.GroupNorm):
    """Group normalisation of (N, D, H, W) over the frame, or over every pixel alone."""

    def __init__(self, channels: int, over: str) -> None:
        super().__init__(GROUPS, channels)
        self.over = over

    def forward(self, x: Tensor) -> Tensor:
        if self.over == "frame":
            return super().forward(x)
        n, d, h, w = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(-1, d)  # (N, D, H, W) -> (N*H*W, D)
        pixels = super().forward(pixels)
        return pixels.reshape(n, h, w, d).permute(0, 3, 1, 2)


def convolution(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """A convolution that keeps the size; the border is mirrored."""
    mode = "reflect" if kernel > 1 else "zeros"
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode=mode)


class SITSMamba(nn.Module):
    """The network. Pixels come scaled (`scaled`), with what is known of each date."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        d, k = config.width, config.kernel
        self.register_buffer("mean", torch.zeros(config.bands))
        self.register_buffer("deviation", torch.ones(config.bands))
        self.spatial = nn.Sequential(
            convolution(config.bands, d, k), GroupNorm(d, config.norm), nn.ReLU(),
            convolution(d, d, k), GroupNorm(d, config.norm), nn.ReLU(),
        )  # fmt: skip
        self.season = nn.Linear(2 * HARMONICS, d) if config.days else None
        self.temporal = Mamba(d, config.states)
        cut = [nn.BatchNorm2d(config.classes), nn.ReLU()] if config.relu_scores else []
        self.classify = nn.Sequential(
            convolution(d, config.head, k), nn.BatchNorm2d(config.head), nn.ReLU(),
            convolution(config.head, config.classes, k), *cut,
        )  # fmt: skip
        self.reconstruct = nn.Linear(d, config.bands)

    def scale_bands(self, mean: Tensor, deviation: Tensor) -> None:
        """Set what every band is shifted and divided by, (C,) each."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def scaled(self, pixels: Tensor, valid: Tensor) -> Tensor:
        """Standardise (B, T, C, H, W); what is not valid (B, T, H, W) becomes 0."""
        shift, spread = (v[:, None, None] for v in (self.mean, self.deviation))
        return ((pixels - shift) / spread).where(valid[:, :, None], 0.0)

    def forward(self, x: Tensor, valid: Tensor, days: Tensor) -> Prediction:
        """Label a batch of series.

        Args:
            x: scaled pixels (B, T, C, H, W).
            valid: (B, T, H, W) bool, where they are known.
            days: (T,) day of the year of each date.
        """
        reading = self.read(self.sequences(x, valid), valid, days)
        return Prediction(self.scores(reading, x.shape[0], x.shape[-2:]), reading)

    def sequences(self, x: Tensor, valid: Tensor) -> Tensor:
        """Encode every date by itself: (B, T, C, H, W) to a sequence a pixel, (B*H*W, T, D)."""
        b, t, _, h, w = x.shape
        known = valid.flatten(2).any(2).flatten()  # (B, T, H, W) -> (B*T,)
        frames = x.flatten(0, 1)
        if bool(known.all()):
            encoded = self.spatial(frames)
        else:  # images in which nothing is known are skipped and count as 0
            encoded = frames.new_zeros(b * t, self.config.width, h, w)
            encoded[known] = self.spatial(frames[known]).to(encoded.dtype)
        encoded = encoded.unflatten(0, (b, t)).permute(0, 3, 4, 1, 2)  # -> (B, H, W, T, D)
        return encoded.reshape(b * h * w, t, -1)

    def read(self, sequences: Tensor, valid: Tensor, days: Tensor, traced: bool = False) -> Reading:
        """Read every pixel along time.

        Dates that are left out are moved behind those that count: the scan only looks backward,
        so it never learns of them.

        Args:
            sequences: (N, T, D) as from `sequences`.
            valid: (B, T, H, W) with B*H*W = N.
            days: (T,).
            traced: whether to tell what happened inside the scan.
        """
        if self.season is not None:
            sequences = sequences + self.season(harmonics(days))
        if self.config.mask == "frames":
            seen = torch.ones(sequences.shape[:2], dtype=torch.bool, device=sequences.device)
            features, trace = self._scan(sequences, traced)
            return Reading(features, seen, seen.cumsum(1), trace)
        seen = valid.permute(0, 2, 3, 1).flatten(0, 2)  # (B, T, H, W) -> (B*H*W, T)
        if bool(seen.all()):
            features, trace = self._scan(sequences, traced)
            return Reading(features, seen, seen.cumsum(1), trace)
        order = (~seen).to(torch.uint8).argsort(dim=1, stable=True)  # (N, T), known dates first
        back = order.argsort(dim=1)
        longest = max(1, int(seen.sum(1).max()))
        packed = sequences.gather(1, order[:, :longest, None].expand(-1, -1, sequences.shape[2]))
        features, trace = self._scan(packed, traced)
        if trace is not None:
            trace = ScanTrace(
                **{
                    field.name: _unpacked(value.transpose(1, 2), back, seen).transpose(1, 2)
                    for field in fields(trace)
                    for value in (getattr(trace, field.name),)
                }
            )
        return Reading(_unpacked(features, back, seen), seen, seen.cumsum(1), trace)

    def _scan(self, sequences: Tensor, traced: bool) -> tuple[Tensor, ScanTrace | None]:
        return self.temporal.traced(sequences) if traced else (self.temporal(sequences), None)

    def scores(self, reading: Reading, batch: int, size: tuple[int, int]) -> Tensor:
        """CBranch: the maximum over time of every channel, then scores (B, K, H, W)."""
        return self.classify(on_grid(strongest(reading), batch, size))


def strongest(reading: Reading) -> Tensor:
    """The maximum over the dates that count (N, D); 0 for pixels that were never seen."""
    features = reading.features.masked_fill(~reading.seen[..., None], -math.inf)
    most = features.amax(1)
    return most.where(reading.seen.any(1, keepdim=True), 0.0)


def on_grid(features: Tensor, batch: int, size: tuple[int, int]) -> Tensor:
    """Features of all pixels (B*H*W, D) as an image (B, D, H, W)."""
    return features.reshape(batch, *size, -1).permute(0, 3, 1, 2).contiguous()


def harmonics(days: Tensor) -> Tensor:
    """Day of the year as sines and cosines of 1 to 4 turns a year: (T,) to (T, 8)."""
    turns = torch.arange(1, HARMONICS + 1, device=days.device, dtype=torch.float32)
    phase = 2.0 * math.pi / YEAR_DAYS * days.float()[:, None] * turns
    return torch.cat([phase.sin(), phase.cos()], dim=1)


def reconstruction_loss(
    restored: Tensor, truth: Tensor, reading: Reading, positional: bool
) -> Tensor:
    """Mean squared error of the dates that count, later ones with more weight.

    L_rec = mean w_t (x' - x)^2 with w_t = t/T (Positional Weight): the later a date, the more
    the causal scan has seen, so the more is asked of it.

    Args:
        restored: (N, T, C).
        truth: (N, T, C).
        reading: of these N pixels.
        positional: whether w_t is t/T; 1 otherwise.
    """
    error = (restored - truth).square().mean(2)
    if positional:
        last = reading.place[:, -1:].clamp(min=1)
        error = error * reading.place / last
    return error.where(reading.seen, 0.0).sum() / reading.seen.sum().clamp(min=1)


def _unpacked(values: Tensor, back: Tensor, seen: Tensor) -> Tensor:
    """Put (N, L, D) back to the dates they came from: (N, T, D), 0 where left out."""
    place = back.clamp(max=values.shape[1] - 1)[..., None].expand(-1, -1, values.shape[2])
    return values.gather(1, place).where(seen[..., None], 0.0)
