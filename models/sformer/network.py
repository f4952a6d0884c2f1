"""SFormer (published later as DSFormer): a transformer that selects kernels and tokens.

Xu, Wang, Zhang, Zhang, "Dual Selective Fusion Transformer Network for Hyperspectral Image
Classification", Neural Networks 187:107311 (2025), arXiv:2410.03171.

It labels the middle pixel of a patch of 10 x 10 pixels. Inside, a patch is 25 tokens (5 x 5) of
128 channels, channels last, so that every 1 x 1 convolution is one matrix product.
Departures from the paper: README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.sformer.token_attention import SIDE, TokenAttention
from rsviz.nn.probe import Probe

PATCH = 2 * SIDE
WIDTH, HIDDEN, HALF, SQUEEZED = 128, 180, 64, 32
PASSES, DEPTH = 2, 3
SMALL, LARGE = 3, 11
"""Receptive fields of the two kernels, in tokens."""


@dataclass(frozen=True)
class Config:
    """What shapes the network; stored beside its weights.

    Attributes:
        bands: bands of the scene.
        classes: number of classes.
        components: principal components that it reads.
        keep: tokens, of 100, that each query keeps.
        share_kernel_block: whether both passes use one kernel-selective block, as released.
        spatial_select: "v2" weighs each branch by a map of its own, "legacy" both by the mean of
            their channels.
        pass_statistics: whether the passes through a shared block have normalisation statistics
            of their own; the released code mixes them.
        whiten: power of the standard deviation by which components are divided; 0 as published.
    """

    bands: int
    classes: int
    components: int = 30
    keep: int = 80
    share_kernel_block: bool = True
    spatial_select: str = "v2"
    pass_statistics: bool = True
    whiten: float = 0.0

    @staticmethod
    def from_record(record: dict[str, Any]) -> Config:
        """The configuration as JSON gives it back."""
        return Config(**record)

    @property
    def passes_of_blocks(self) -> tuple[tuple[str, ...], ...]:
        """For each kernel-selective block the passes that go through it."""
        return (("pass1", "pass2"),) if self.share_kernel_block else (("pass1",), ("pass2",))


class Projection(nn.Module):
    """Global range to [0, 1], minus the mean spectrum, onto the first principal components."""

    offset: Tensor
    span: Tensor
    mean: Tensor
    components: Tensor
    variance: Tensor

    def __init__(self, bands: int, components: int) -> None:
        super().__init__()
        self.register_buffer("offset", torch.zeros(()))
        self.register_buffer("span", torch.ones(()))
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("components", torch.zeros(components, bands))
        self.register_buffer("variance", torch.zeros(components))

    def fit(self, pixels: Tensor, whiten: float = 0.0) -> None:
        """Fit to a whole scene (C, H, W), by one full decomposition; labels are not needed.

        What is kept is rounded to float16, as it will be stored, so that training already sees
        what inference will.
        """
        flat = pixels.flatten(1).double()  # (C, H*W)
        low, high = flat.min(), flat.max()
        flat = (flat - low) / (high - low).clamp(min=1e-12)
        centred = flat - flat.mean(dim=1, keepdim=True)
        values, vectors = torch.linalg.eigh(centred @ centred.T / (flat.shape[1] - 1))
        count = len(self.components)
        components = vectors.flip(1)[:, :count].T  # (k, C), greatest variance first
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        components = components * largest.sign()  # the sign of a component is arbitrary
        variance = values.flip(0).clamp(min=0)
        scale = variance[:count].clamp(min=1e-12) ** (-whiten / 2)
        self.offset.copy_(low.half())
        self.span.copy_((high - low).half())
        self.mean.copy_(flat.mean(dim=1).half())
        self.components.copy_((components * scale[:, None]).half())
        self.variance.copy_((variance[:count] / variance.sum().clamp(min=1e-12)).half())

    def forward(self, pixels: Tensor) -> Tensor:
        """(C, H, W) in the scene's unit -> (k, H, W)."""
        flat = (pixels.flatten(1) - self.offset) / self.span - self.mean[:, None]
        return (self.components @ flat).unflatten(1, pixels.shape[1:])


class GridConv(nn.Conv2d):
    """A convolution of each channel over the 5 x 5 positions of (N, 25, C), zeros around."""

    def __init__(self, width: int, kernel: int, dilation: int = 1, bias: bool = True) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(width, width, kernel, 1, padding, dilation, width, bias)

    def forward(self, x: Tensor) -> Tensor:
        image = x.unflatten(1, (SIDE, SIDE)).permute(0, 3, 1, 2)  # (N, C, 5, 5), channels last
        return super().forward(image).permute(0, 2, 3, 1).flatten(1, 2)


class PassNorm(nn.ModuleList):
    """Batch normalisation of channels, the last axis, with statistics of its own for each pass.

    A shared block sees different numbers in its two passes; one running mean of both would fit
    neither. Scale and shift are shared.
    """

    def __init__(self, width: int, config: Config) -> None:
        count = PASSES if config.share_kernel_block and config.pass_statistics else 1
        super().__init__(nn.BatchNorm1d(width) for _ in range(count))
        for other in list(self)[1:]:
            other.weight, other.bias = self[0].weight, self[0].bias

    def forward(self, x: Tensor, turn: int) -> Tensor:
        """(.., C) in pass `turn` -> the same."""
        return self[min(turn, len(self) - 1)](x.flatten(0, -2)).view(x.shape)


class KernelSelection(nn.Module):
    """Chooses between a small and a large receptive field, by channel and by position."""

    def __init__(self, config: Config, names: tuple[str, ...]) -> None:
        super().__init__()
        self.small = GridConv(WIDTH, 3)
        self.large = GridConv(WIDTH, 5, dilation=2)
        self.narrow = nn.ModuleList(nn.Linear(WIDTH, HALF) for _ in range(2))
        self.places = nn.Linear(2, 2) if config.spatial_select == "v2" else None
        self.squeeze = nn.Linear(2 * HALF, SQUEEZED, bias=False)
        self.norm = PassNorm(SQUEEZED, config)
        self.excite = nn.Linear(SQUEEZED, 2 * HALF, bias=False)
        self.widen = nn.Linear(HALF, WIDTH)
        self.channels = nn.ModuleList(Probe(f"{name}.channels") for name in names)
        self.shares = nn.ModuleList(Probe(f"{name}.share") for name in names)

    def forward(self, x: Tensor, turn: int) -> Tensor:
        """(N, 25, 128) in pass `turn` through this block -> the same."""
        small = self.small(x)
        branches = [n(b) for n, b in zip(self.narrow, (small, self.large(small)), strict=True)]
        both = torch.cat(branches, dim=2)  # (N, 25, 2*64)
        mean = both.mean(dim=2)  # (N, 25)
        if self.places is None:
            place = torch.stack((mean, mean), dim=2)
        else:
            place = self.places(torch.stack((mean, both.amax(dim=2)), dim=2)).sigmoid()
        channel = self.excite(F.relu(self.norm(self.squeeze(both.mean(dim=1)), turn)))
        channel = channel.unflatten(1, (2, HALF)).softmax(dim=1)  # (N, 2, 64)
        weights = channel[:, None] * place[..., None]  # w_i = a_i S_i: (N, 25, 2, 64)
        self.channels[turn](channel)
        if self.shares[turn].listening:  # w_2 / (w_1 + w_2), without the sign of the places
            size = weights.abs()
            self.shares[turn](size[:, :, 1] / size.sum(dim=2).clamp(min=1e-20))  # (N, 25, 64)
        mixed = (both.unflatten(2, (2, HALF)) * weights).sum(dim=2)
        return x * self.widen(mixed).sigmoid()


class KernelBlock(nn.Module):
    """KSFTB: x + ls1 ATT(BN(x)), then x + ls2 MLP(BN(x)); ATT has a residual of its own."""

    def __init__(self, config: Config, names: tuple[str, ...]) -> None:
        super().__init__()
        self.norm1, self.norm2 = PassNorm(WIDTH, config), PassNorm(WIDTH, config)
        self.scale1 = nn.Parameter(torch.full((WIDTH,), 0.01))
        self.scale2 = nn.Parameter(torch.full((WIDTH,), 0.01))
        self.enter, self.leave = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.select = KernelSelection(config, names)
        self.widen, self.merge = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.between = GridConv(WIDTH, 3)

    def forward(self, x: Tensor, turn: int) -> Tensor:
        """(N, 25, 128) in pass `turn` through this block -> the same."""
        y = self.norm1(x, turn)
        y = y + self.leave(self.select(F.gelu(self.enter(y)), turn))
        x = x + self.scale1 * y
        y = self.merge(F.gelu(self.between(self.widen(self.norm2(x, turn)))))
        return x + self.scale2 * y


class TokenBlock(nn.Module):
    """TSFTB: x + ATT_k(LN(x)), then x + FFN(LN(x))."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attend = TokenAttention(name)
        self.project = nn.Linear(WIDTH, WIDTH, bias=False)
        self.widen = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.between = GridConv(HIDDEN, 3, bias=False)
        self.narrow = nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(self, x: Tensor, keep: int) -> Tensor:
        """(N, 25, 128) -> the same; each query keeps `keep` tokens."""
        x = x + self.project(self.attend(self.norm1(x), keep))
        return x + self.narrow(F.relu(self.between(self.widen(self.norm2(x)))))


class SFormer(nn.Module):
    """The network: patches of principal components to class scores."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.projection = Projection(config.bands, config.components)
        self.stem = nn.Conv2d(config.components, WIDTH, 3, padding=1)
        self.embed = nn.Conv2d(WIDTH, WIDTH, 2, stride=2)
        self.norm = nn.LayerNorm(WIDTH)
        self.kernel_blocks = nn.ModuleList(
            KernelBlock(config, names) for names in config.passes_of_blocks
        )
        shared = config.share_kernel_block
        self._passes = ((0, 0), (0, 1)) if shared else ((0, 0), (1, 0))  # block, turn in it
        self.token_blocks = nn.ModuleList(TokenBlock(f"token{i}") for i in range(PASSES * DEPTH))
        self.last_norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, config.classes)

    def forward(self, patches: Tensor, keep: int | None = None) -> Tensor:
        """Patches (N, k, 10, 10) of principal components -> class scores (N, K)."""
        weight, bias = self.folded_stem()
        image = F.conv2d(patches, weight, bias, stride=2, padding=1)  # (N, 128, 5, 5)
        return self.classify(self.norm(image.flatten(2).transpose(1, 2)), keep)

    def folded_stem(self) -> tuple[Tensor, Tensor]:
        """Stem and patch embedding as one 4 x 4 convolution: nothing nonlinear lies between.

        Returns:
            Weight (128, k, 4, 4) and bias (128,), for patches with one zero all around.
        """
        stem = self.stem.weight.transpose(0, 1)  # (k, 128, 3, 3)
        weight = F.conv2d(stem, self.embed.weight.flip(2, 3), padding=1)  # (k, 128, 4, 4)
        assert self.stem.bias is not None and self.embed.bias is not None
        return weight.transpose(0, 1), self.embed.bias + self.embed.weight.sum(
            (2, 3)
        ) @ self.stem.bias

    def classify(self, x: Tensor, keep: int | None = None) -> Tensor:
        """Tokens (N, 25, 128) -> class scores (N, K); `keep` replaces the trained number."""
        keep = self.config.keep if keep is None else keep
        for i, block in enumerate(self.token_blocks):
            if i % DEPTH == 0:
                through, turn = self._passes[i // DEPTH]
                x = self.kernel_blocks[through](x, turn)
            x = block(x, keep)
        return self.head(self.last_norm(x.mean(dim=1)))
