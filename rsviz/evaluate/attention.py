"""Temporal attention: the light form with one query, and the full form for comparison of cost."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WIDTH, HEADS, KEYS, PERIOD_DAYS = 128, 8, 8, 1000.0


def positions(days: Tensor, width: int) -> Tensor:
    """Days as sines and cosines of falling frequency, (T,) to (T, width)."""
    rate = PERIOD_DAYS ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = days.float()[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)  # (T, width/2, 2) -> (T, w)


class LightAttention(nn.Sequential):
    """LTAE (Garnot and Landrieu 2020): each head has one learnt query and its own channels.

    Takes (N, T, C + 1), the last channel telling which dates are clear; gives scores (N, K).
    """

    def __init__(self, bands: int, classes: int, days: Tensor) -> None:
        super().__init__(
            _Attend(bands, days),
            nn.Linear(WIDTH, WIDTH),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.LayerNorm(WIDTH),
            nn.Linear(WIDTH, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Linear(64, classes),
        )


class _Attend(nn.Module):
    """The attention itself: (N, T, C + 1) to (N, WIDTH)."""

    def __init__(self, bands: int, days: Tensor) -> None:
        super().__init__()
        self.embed = nn.Sequential(
            nn.Linear(bands, 32), nn.ReLU(), nn.Linear(32, WIDTH), nn.LayerNorm(WIDTH)
        )
        self.keys = nn.Linear(WIDTH, HEADS * KEYS)
        self.query = nn.Parameter(torch.randn(HEADS, KEYS) * math.sqrt(2.0 / KEYS))
        self.register_buffer("when", positions(days, WIDTH))

    def forward(self, series: Tensor) -> Tensor:
        clear = series[..., -1] > 0
        x = self.embed(series[..., :-1]) + self.when
        keys = self.keys(x).unflatten(-1, (HEADS, KEYS))  # (N, T, H, K)
        scores = (keys * self.query).sum(-1) / math.sqrt(KEYS)  # (N, T, H)
        hidden = ~clear[..., None] & clear.any(1)[:, None, None]
        weight = scores.masked_fill(hidden, -math.inf).softmax(1)
        values = x.unflatten(-1, (HEADS, WIDTH // HEADS))  # (N, T, H, D/H)
        return (weight[..., None] * values).sum(1).flatten(1)  # (N, H, D/H) -> (N, D)


class FullAttention(nn.Module):
    """Every date asks every other: one layer of self-attention, then a maximum over time.

    Takes and gives what the temporal encoder of SITSMamba does: (N, T, D) to (N, T, D). Its cost
    grows with the square of T.
    """

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(x, x, x, need_weights=False)[0]
