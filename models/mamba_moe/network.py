"""MambaMoE: a mixture of spectral and spatial state-space experts that labels a whole scene.

Xu, Wang, Jiao, Zhang, Zhang, "MambaMoE: Mixture-of-Spectral-Spatial-Experts State Space Model
for HSI Classification", Information Fusion 127:103811 (2026), arXiv:2504.20509.

Three levels of a pyramid, each with one MoMEB; their outputs are fused from coarse to fine and
each level has a head. Departures from the paper: README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.mamba_moe.experts import DIRECTIONS, SpatialExpert, SpectralExpert
from rsviz.nn.probe import Probe

EXPERTS = len(DIRECTIONS)
GROUPS, LEVELS = 4, 3


@dataclass(frozen=True)
class Config:
    """What shapes the network; stored beside its weights.

    Attributes:
        bands: bands of the scene.
        classes: number of classes.
        embed: channels; a multiple of 4.
        routing: "scene" for one decision a block (the paper), "pixel" for one a pixel.
        top_k: experts that work at once.
        pool_first: whether level 1 has half the scene's resolution (the paper) or the whole.
        scene_size: (height, width) for the paper's spectral expert, which only fits that size;
            None for the one that fits any.
        regions: soft regions of the spectral expert that fits any size.
    """

    bands: int
    classes: int
    embed: int = 64
    routing: str = "scene"
    top_k: int = 2
    pool_first: bool = True
    scene_size: tuple[int, int] | None = None
    regions: int = 16

    @staticmethod
    def from_record(record: dict[str, Any]) -> Config:
        """The configuration as JSON gives it back."""
        size = record.get("scene_size")
        return Config(**record | {"scene_size": tuple(size) if size else None})

    def level_size(self, level: int) -> tuple[int, int] | None:
        """Height and width of level 1, 2 or 3 when the scene's size is fixed."""
        if self.scene_size is None:
            return None
        halvings = level if self.pool_first else level - 1
        return self.scene_size[0] >> halvings, self.scene_size[1] >> halvings


class Prediction(NamedTuple):
    """What a pass gives.

    Attributes:
        logits: of heads 1 (fine), 2 and 3 (coarse): (B, K, H, W), (B, K, h2, w2), (B, K, h3, w3).
        imbalance: mean over blocks of E * sum_e f_e p_e, 1 when all experts share evenly, with
            f_e the share of decisions for expert e and p_e its mean probability.
    """

    logits: tuple[Tensor, Tensor, Tensor]
    imbalance: Tensor


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class SpatialMixture(nn.Module):
    """Four spatial experts of growing width; a router lets the best `top_k` work.

    The router's scene logits are the mean of its pixel logits, since it is linear.
    """

    def __init__(self, config: Config, name: str) -> None:
        super().__init__()
        self.pixelwise = config.routing == "pixel"
        self.top_k = config.top_k
        self.router = nn.Conv2d(config.embed, EXPERTS, 1, bias=False)
        self.experts = nn.ModuleList(
            SpatialExpert(config.embed, 2 ** (i + 1), i, f"{name}.expert{i}")
            for i in range(EXPERTS)
        )
        self.affinity = Probe(f"{name}.affinity")
        self.gates = Probe(f"{name}.gates")
        self.outputs = nn.ModuleList(Probe(f"{name}.expert{i}.output") for i in range(EXPERTS))

    def forward(self, x: Tensor, top_k: int | None = None) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) -> the same, and the imbalance of the router."""
        pixel_logits = self.router(x)  # (B, E, H, W)
        logits = pixel_logits if self.pixelwise else pixel_logits.mean((2, 3), keepdim=True)
        g = logits.softmax(dim=1)
        if self.affinity.listening:
            self.affinity(pixel_logits.softmax(dim=1))
        chosen = torch.zeros_like(g).scatter(1, g.topk(top_k or self.top_k, dim=1).indices, 1.0)
        gates = self.gates(g * chosen)
        out = x
        for i, (expert, output) in enumerate(zip(self.experts, self.outputs, strict=True)):
            if bool(chosen[:, i].any()):
                out = out + output(gates[:, i : i + 1] * expert(x))
        share = chosen.mean((0, 2, 3)) / chosen.sum(1).mean()
        return out, EXPERTS * (share * g.mean((0, 2, 3))).sum()


class DSSEM(nn.Module):
    """Dynamic Spectral-Spatial Expert Mamba: half the features to each kind of expert."""

    def __init__(self, config: Config, level: int) -> None:
        super().__init__()
        width, name = config.embed, f"level{level}"
        self.split = nn.Conv2d(width, 2 * width, 1)
        self.spectral = SpectralExpert(width, config.level_size(level), config.regions, name)
        self.spatial = SpatialMixture(config, name)
        self.merge = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor, top_k: int | None = None) -> tuple[Tensor, Tensor]:
        spectral, spatial = self.split(x).chunk(2, dim=1)
        spatial, imbalance = self.spatial(spatial, top_k)
        return self.merge(torch.cat((self.spectral(spectral), spatial), dim=1)), imbalance


class MoMEB(nn.Module):
    """Mixture-of-Mamba-experts block: DSSEM and a two-layer perceptron with scaled residuals."""

    def __init__(self, config: Config, level: int) -> None:
        super().__init__()
        width = config.embed
        self.norm_in = ChannelNorm(width)
        self.norm_experts = ChannelNorm(width, eps=1e-6)
        self.experts = DSSEM(config, level)
        self.mixed = Probe(f"level{level}.mixed")
        self.norm_out = ChannelNorm(width, eps=1e-6)
        self.scale_in = nn.Parameter(torch.ones(width, 1, 1))
        self.scale_out = nn.Parameter(torch.ones(width, 1, 1))
        self.mlp = nn.Sequential(
            nn.Conv2d(width, 4 * width, 1), nn.GELU(), nn.Conv2d(4 * width, width, 1)
        )

    def forward(self, features: Tensor, top_k: int | None = None) -> tuple[Tensor, Tensor]:
        u = self.norm_in(features)
        y, imbalance = self.experts(self.norm_experts(u), top_k)
        z = self.norm_out(self.scale_in * features + self.mixed(y) + u)
        return self.scale_out * z + self.mlp(z), imbalance


class ResidualUnit(nn.Module):
    """x + Conv3x3(ReLU(Conv3x3(ReLU(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Fusion(nn.Module):
    """FFB: adds the coarser level, enlarged, to a refined level and refines the sum."""

    def __init__(self, width: int, level: int) -> None:
        super().__init__()
        self.skip = ResidualUnit(width) if level < LEVELS else None
        self.refine = ResidualUnit(width)
        self.sum = Probe(f"level{level}.sum")

    def forward(self, level: Tensor, coarser: Tensor | None = None) -> Tensor:
        if coarser is None or self.skip is None:
            return self.refine(level)
        return self.refine(self.sum(enlarge(coarser, level.shape[2:]) + self.skip(level)))


def enlarge(x: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Bilinear enlargement with aligned corners; the same tensor when it already fits."""
    if x.shape[2:] == torch.Size(size):
        return x
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=True)


def stem(inputs: int, width: int, pool: bool) -> nn.Sequential:
    """Conv1x1, GroupNorm, ReLU and, but for an unpooled first level, 2x2 mean pooling."""
    layers = [nn.Conv2d(inputs, width, 1), nn.GroupNorm(GROUPS, width), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.AvgPool2d(2)] if pool else []))


def head(width: int, classes: int) -> nn.Sequential:
    """Features to class logits."""
    return nn.Sequential(
        nn.Conv2d(width, 2 * width, 1),
        nn.GroupNorm(GROUPS, 2 * width),
        nn.SiLU(),
        nn.Conv2d(2 * width, classes, 1),
    )


class MambaMoE(nn.Module):
    """The whole network."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        width = config.embed
        self.register_buffer("offset", torch.zeros(config.bands))
        self.register_buffer("span", torch.ones(config.bands))
        self.stems = nn.ModuleList(
            (
                stem(config.bands, width, config.pool_first),
                stem(width, width, True),
                stem(width, width, True),
            )
        )
        self.blocks = nn.ModuleList(MoMEB(config, level) for level in (1, 2, 3))
        self.fusions = nn.ModuleList(Fusion(width, level) for level in (1, 2, 3))
        self.heads = nn.ModuleList(head(width, config.classes) for _ in range(3))

    def scale_bands(self, offset: Tensor, span: Tensor) -> None:
        """Set how bands are scaled: (bands,) each, in the unit of the scene."""
        self.offset.copy_(offset)
        self.span.copy_(span)

    def normalised(self, pixels: Tensor) -> Tensor:
        """Scale the bands of (B, bands, H, W) as those of the training scene were scaled."""
        return (pixels - self.offset[:, None, None]) / self.span[:, None, None]

    def pyramid(self, scene: Tensor) -> list[Tensor]:
        """The three levels before their blocks: level 2 comes from level 1, not from its block."""
        levels = []
        for level in self.stems:
            scene = level(scene)
            levels.append(scene)
        return levels

    def forward(self, scene: Tensor, top_k: int | None = None) -> Prediction:
        """Label a scene.

        Args:
            scene: (B, bands, H, W), normalised.
            top_k: experts that work at once, instead of the number trained with.
        """
        size = scene.shape[2:]
        features = self.pyramid(scene.contiguous(memory_format=torch.channels_last))
        passed = [block(f, top_k) for block, f in zip(self.blocks, features, strict=True)]
        fused: Tensor | None = None
        logits: list[Tensor] = []
        for level in (2, 1, 0):  # coarse to fine
            fused = self.fusions[level](passed[level][0], fused)
            logits.insert(0, self.heads[level](fused if level else enlarge(fused, size)))
        imbalance = torch.stack([term for _, term in passed]).mean()
        return Prediction((logits[0], logits[1], logits[2]), imbalance)
