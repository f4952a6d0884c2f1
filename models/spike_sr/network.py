"""The network of SpikeSR, top to bottom (Xiao et al. 2025).

Images are (B, 3, h, w) in [0, 1]. Inside, time is folded into the batch: a tensor (T*B, C, h, w)
holds all images of step 1, then all of step 2, and so on. Nothing is kept from one pass to the
next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.spike_sr.attention import HybridAttention, SimilarityAttention
from models.spike_sr.neurons import SECOND_SCALE, THRESHOLD, SpikingConv, threshold_norm
from rsviz.nn.probe import Probe
from rsviz.physics.enlarge import enlarged

BANDS = 3


@dataclass(frozen=True)
class Config:
    """What rebuilds a network.

    Attributes:
        channels: C.
        groups: number of spiking attention groups.
        blocks: blocks in each group.
        steps: time steps T, the size of the mix over time.
        scale: how many times finer the image becomes.
        attn_order: "parallel" as released, "serial" as in the paper's text.
        fusion: "mean" over time as released, "block" as in the paper's text.
        pyramid_scales: scales of the image in which partners are looked for.
        global_skip: whether the network adds to bicubic interpolation (ours) or makes all of it.
    """

    channels: int = 44
    groups: int = 3
    blocks: int = 2
    steps: int = 4
    scale: int = 4
    attn_order: str = "parallel"
    fusion: str = "mean"
    pyramid_scales: tuple[float, ...] = (1.0,)
    global_skip: bool = True

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Config:
        """From plain data, as in weights.json."""
        values = {f.name: record[f.name] for f in fields(cls)}
        return cls(**values | {"pyramid_scales": tuple(record["pyramid_scales"])})


SIZES = {"S": Config(), "full": Config(channels=64, groups=4)}


class SpikingBlock(nn.Module):
    """Spiking attention block (SAB): two spiking convolutions beside a real one, then attention.

    parallel:  X' = X + GELU(HDA(A) + DSA(A)),   serial:  X' = X + DSA(HDA(A))
    """

    def __init__(self, name: str, config: Config) -> None:
        super().__init__()
        c = config.channels
        self.serial = config.attn_order == "serial"
        self.first = SpikingConv(f"{name}.first", c, 3, THRESHOLD, bias=False)
        self.second = SpikingConv(f"{name}.second", c, 3, SECOND_SCALE * THRESHOLD, bias=False)
        self.side = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.side_norm = threshold_norm(c, THRESHOLD)
        self.hybrid = HybridAttention(name, c, config.steps)
        self.similarity = SimilarityAttention(name, c, config.pyramid_scales)
        self.spiking = Probe(f"{name}.spiking_branch")
        self.real = Probe(f"{name}.real_branch")

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """(T*B, C, h, w) to the same shape."""
        spiking = self.spiking(self.second(self.first(x, steps), steps))
        a = spiking + self.real(self.side_norm(self.side(x)))
        if self.serial:
            serial: Tensor = self.similarity(self.hybrid(a, steps))
            return x + serial
        return x + F.gelu(self.hybrid(a, steps) + self.similarity(a))


class Group(nn.Module):
    """Spiking attention group (SAG): blocks, then a 1 x 1 convolution of spikes, added to x."""

    def __init__(self, name: str, config: Config) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            SpikingBlock(f"{name}.block{i + 1}", config) for i in range(config.blocks)
        )
        self.tail = SpikingConv(f"{name}.tail", config.channels, 1, THRESHOLD, bias=True)

    def forward(self, x: Tensor, steps: int, tick: Callable[[], None]) -> Tensor:
        """(T*B, C, h, w) to the same shape; `tick` is called after each block."""
        y = x
        for block in self.blocks:
            y = block(y, steps)
            tick()
        tail: Tensor = self.tail(y, steps)
        return x + tail


class FusionBlock(nn.Module):
    """Fusion of the steps as the paper writes it, averaged over time at the end.

    Y1 = sigmoid(TA(Y)) Y,   Y2 = sigmoid(SA(Y)) (1 - Y1),   output = mean over t of Y1 + Y2
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.squeeze = nn.Parameter(torch.empty(1, steps))
        self.spread = nn.Parameter(torch.empty(steps, 1))
        self.place = nn.Conv2d(2, 1, 3, padding=1)
        nn.init.uniform_(self.squeeze, -(steps**-0.5), steps**-0.5)
        nn.init.uniform_(self.spread, -1.0, 1.0)

    def forward(self, y: Tensor) -> Tensor:
        """(T, B, C, h, w) to (B, C, h, w)."""
        steps = len(y)
        pooled = torch.stack([y.mean(dim=(2, 3, 4)), y.amax(dim=(2, 3, 4))])  # (2, T, B)
        hidden = F.relu(torch.einsum("ht,ptb->phb", self.squeeze[:, :steps], pooled))
        over_time = torch.einsum("th,phb->tb", self.spread[:steps], hidden)
        first = torch.sigmoid(over_time)[:, :, None, None, None] * y
        maps = torch.stack([y.mean(dim=2), y.amax(dim=2)], dim=2).flatten(0, 1)  # (T*B, 2, h, w)
        over_space = self.place(maps).unflatten(0, (steps, -1))  # (T, B, 1, h, w)
        fused: Tensor = (first + torch.sigmoid(over_space) * (1.0 - first)).mean(dim=0)
        return fused


class Refinement(nn.Module):
    """Feature refinement after fusion: (1 - t) a + t x, with a one value a channel, t a gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        fewer, few = channels // 16, channels // 8
        self.level = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, fewer, 1),
            nn.ReLU(),
            nn.Conv2d(fewer, channels, 1),
            nn.Sigmoid(),
        )
        self.gate = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.Conv2d(channels, few, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(few, channels, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        gate = self.gate(x)
        mixed: Tensor = (1.0 - gate) * self.level(x) + gate * x
        return mixed


class SpikeSR(nn.Module):
    """Direct coding, groups of spiking attention, fusion over time, refinement, pixel shuffle."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.head = nn.Conv2d(BANDS, c, 3, padding=1, bias=False)
        self.groups = nn.ModuleList(Group(f"group{i + 1}", config) for i in range(config.groups))
        self.steps = Probe("steps")
        self.fusion = FusionBlock(config.steps) if config.fusion == "block" else None
        self.refinement = Refinement(c)
        self.tail = nn.Conv2d(c, BANDS * config.scale**2, 3, padding=1)

    def forward(self, image: Tensor, steps: int = 0) -> Tensor:
        """(B, 3, h, w) in [0, 1] with sides of at least 16 to (B, 3, s*h, s*w).

        `steps` may be fewer than those of training; 0 means all of them.
        """
        steps = steps or self.config.steps
        return self.finished(self.body(image, steps), image)

    def body(self, image: Tensor, steps: int, tick: Callable[[], None] = lambda: None) -> Tensor:
        """Features (T, B, C, h, w) of every step, before fusion; `tick` is called now and then."""
        # The same image at every step (direct coding) makes the same first features.
        first = self.head(image).float().contiguous(memory_format=torch.channels_last)
        x = first.repeat(steps, 1, 1, 1)  # (T*B, C, h, w)
        y = x
        for group in self.groups:
            y = group(y, steps, tick)
        features: Tensor = self.steps((y + x).unflatten(0, (steps, -1)))
        return features

    def finished(self, features: Tensor, image: Tensor) -> Tensor:
        """The fine image (B, 3, s*h, s*w) of features (T, B, C, h, w) of some steps."""
        fused = features.mean(dim=0) if self.fusion is None else self.fusion(features)
        fine = F.pixel_shuffle(self.tail(self.refinement(fused)).float(), self.config.scale)
        return fine + enlarged(image, self.config.scale) if self.config.global_skip else fine
