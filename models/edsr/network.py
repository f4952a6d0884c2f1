"""EDSR (Lim et al. 2017) with as many parameters as SpikeSR of size S: plain convolutions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from rsviz.physics.enlarge import enlarged

BANDS = 3


@dataclass(frozen=True)
class Config:
    """What rebuilds a network.

    Attributes:
        channels: of every convolution.
        blocks: residual blocks of two convolutions.
        residual_scale: factor on what a block adds.
        scale: how many times finer the image becomes.
        global_skip: whether the network adds to bicubic interpolation.
    """

    channels: int = 64
    blocks: int = 11
    residual_scale: float = 0.1
    scale: int = 4
    global_skip: bool = True

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Config:
        """From plain data, as in weights.json."""
        return cls(**{f.name: record[f.name] for f in fields(cls)})


class _Block(nn.Module):
    """x + factor * conv(relu(conv(x)))."""

    def __init__(self, channels: int, factor: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.second(F.relu(self.first(x)))
        return x + self.factor * added


class EDSR(nn.Module):
    """Convolution, residual blocks, convolution with a skip around them, pixel shuffle."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.head = nn.Conv2d(BANDS, c, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(c, config.residual_scale) for _ in range(config.blocks))
        self.after = nn.Conv2d(c, c, 3, padding=1)
        self.tail = nn.Conv2d(c, BANDS * config.scale**2, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, h, w) in [0, 1] to (B, 3, s*h, s*w)."""
        first = self.head(image)
        y = first
        for block in self.blocks:
            y = block(y)
        fine = F.pixel_shuffle(self.tail(self.after(y) + first).float(), self.config.scale)
        return fine + enlarged(image, self.config.scale) if self.config.global_skip else fine
