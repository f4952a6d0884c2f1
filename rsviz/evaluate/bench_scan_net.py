"""A small network in the manner of MambaHSI, to time a whole step of training around the scan.

(Li et al., "MambaHSI: Spatial-Spectral Mamba for Hyperspectral Image Classification", 2024: a
spatial Mamba over all pixels and a spectral one over groups of channels, fused by learned weights.)
Random data: this measures time, not accuracy.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsviz.nn.mamba import Mamba

SIDE, BANDS, CLASSES, LABELLED = 145, 200, 16, 480
GROUPS = 4  # tokens a pixel


class SpatialSpectralBlock(nn.Module):
    """Two Mambas side by side, one over the pixels and one over each pixel's groups of channels."""

    def __init__(self, width: int):
        super().__init__()
        self.spatial, self.spectral = Mamba(width), Mamba(width // GROUPS)
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2))
        self.weights = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.flatten(2).transpose(1, 2)  # (1, width, H, W) to (1, H W, width)
        tokens = pixels.reshape(-1, GROUPS, x.shape[1] // GROUPS)
        sequences = self.spatial(pixels), self.spectral(tokens).reshape_as(pixels)
        images = (s.transpose(1, 2).reshape_as(x) for s in sequences)
        shares = self.weights.softmax(0)
        for image, norm, share in zip(images, self.norms, shares, strict=True):
            x = x + share * F.silu(norm(image))
        return x


class SmallMambaHSI(nn.Module):
    """An embedding, three blocks with pooling between them, and a head."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.embed = nn.Sequential(nn.Conv2d(BANDS, width, 1), nn.GroupNorm(4, width), nn.SiLU())
        self.blocks = nn.ModuleList(SpatialSpectralBlock(width) for _ in range(3))
        self.head = nn.Conv2d(width, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for number, block in enumerate(self.blocks):
            x = block(F.avg_pool2d(x, 2) if number else x)
        return F.interpolate(self.head(x), (SIDE, SIDE))


def training_step() -> Callable[[], float]:
    """One epoch on a scene of 145x145 pixels and 200 bands, as a function that gives the loss."""
    torch.manual_seed(0)
    network = SmallMambaHSI()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    scene = torch.randn(1, BANDS, SIDE, SIDE)
    chosen = torch.randperm(SIDE * SIDE)[:LABELLED]
    labels = torch.randint(CLASSES, (LABELLED,))

    def step() -> float:
        optimiser.zero_grad()
        scores = network(scene).flatten(2)[0, :, chosen].T  # (labelled, classes)
        loss = F.cross_entropy(scores, labels)
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    return step
