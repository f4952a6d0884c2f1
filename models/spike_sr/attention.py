"""The two attentions of SpikeSR: over time and channels, and between similar patches."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.spike_sr.deformable import DeformableConv
from rsviz.nn.probe import Probe

PATCH, STRIDE = 16, 14  # neighbours overlap by two pixels
TOKENS = PATCH * PATCH
QUERY, HIDDEN = 32, 100
NOT_ITSELF = -100.0  # added to the similarity of a patch with itself
TOGETHER = 32  # patches that pass the layers together, so that they stay in the cache
TEMPERATURE = 1.0  # of the choice of partners in training


class HybridAttention(nn.Module):
    """Attention over time and channels together (HDA, after TCJA-SNN).

        M = spatial mean of A,   W = sigmoid((M mixed over steps) * (M mixed over channels)),
        output = A * W

    The mix over steps is a T x T matrix; with S < T steps its leading block times T / S counts, so
    that the mix of equal steps stays what it is.
    """

    def __init__(self, name: str, channels: int, steps: int) -> None:
        super().__init__()
        self.over_time = nn.Parameter(torch.empty(steps, steps))
        self.over_channels = nn.Parameter(torch.empty(channels, channels))
        for weight in (self.over_time, self.over_channels):
            nn.init.uniform_(weight, -(len(weight) ** -0.5), len(weight) ** -0.5)
        self.weights = Probe(f"{name}.attention")

    def forward(self, a: Tensor, steps: int) -> Tensor:
        """(T*B, C, h, w) to the same shape."""
        mean = a.mean(dim=(2, 3), dtype=torch.float32).unflatten(0, (steps, -1))  # (T, B, C)
        block = self.over_time[:steps, :steps] * (len(self.over_time) / steps)
        mixed = torch.einsum("st,tbc->sbc", block, mean)
        joint = torch.sigmoid(mixed * (mean @ self.over_channels.T))
        weights: Tensor = self.weights(joint)
        return a * weights.flatten(0, 1)[:, :, None, None]

    @torch.no_grad()
    def grow(self, steps: int) -> None:
        """Let more steps begin as copies of the first `steps`, which were trained alone."""
        times = -(-len(self.over_time) // steps)
        block = self.over_time[:steps, :steps].repeat(times, times)
        self.over_time.copy_(block[: len(self.over_time), : len(self.over_time)])


class SimilarityAttention(nn.Module):
    """Every patch looks at the patch that resembles it most (DSA).

    Patches of 16 x 16, two pixels of which overlap, are compared by their means. Queries come from
    a patch through a deformable convolution, keys and values from its partner; two layers of
    attention within the patch follow, each with a feed-forward. Overlaps are averaged.
    """

    def __init__(self, name: str, channels: int, pyramid_scales: tuple[float, ...]) -> None:
        super().__init__()
        self.pyramid_scales = pyramid_scales
        self.match_norm = nn.LayerNorm(channels)
        self.layers = nn.ModuleList(_Layer(name, channels, cross=i == 0) for i in range(3))
        self.out = nn.Conv2d(channels, channels, 3, padding=1)
        self.scores = Probe(f"{name}.similarity")

    def forward(self, feature: Tensor) -> Tensor:
        """(N, C, h, w) with sides of at least 16 to the same shape; N counts every step."""
        grid = PatchGrid.of(feature.shape[-2], feature.shape[-1])
        image = feature.float().permute(0, 2, 3, 1)  # (N, h, w, C)
        patches = divide(image, grid)  # (N, n, 256, C)
        partner = self._partner(image, patches)
        tokens, partner = patches.flatten(0, 1), partner.flatten(0, 1)  # (N*n, 256, C)
        size = len(tokens) if self.training or self._watched() else TOGETHER
        parts = zip(tokens.split(size), partner.split(size), strict=True)
        tokens = torch.cat([self._through(*part) for part in parts])
        whole = put_together(tokens.unflatten(0, patches.shape[:2]), grid)  # (N, h, w, C)
        added: Tensor = self.out(whole.permute(0, 3, 1, 2))
        return feature + added

    def _through(self, tokens: Tensor, partner: Tensor) -> Tensor:
        """Some patches (M, 256, C) and their partners through all layers."""
        for layer in self.layers:
            tokens = layer(tokens, partner)
        return tokens

    def _watched(self) -> bool:
        """Whether somebody listens to the deformable convolution and wants all patches at once."""
        return any(probe.listening for probe in self.layers.modules() if isinstance(probe, Probe))

    def _partner(self, image: Tensor, patches: Tensor) -> Tensor:
        """For every patch the one that resembles it most, (N, n, 256, C)."""
        candidates = self._candidates(image, patches)
        count = patches.shape[1]
        if candidates.shape[1] == 1:
            return patches
        with torch.autocast(patches.device.type, enabled=False):
            query = self.match_norm(patches.mean(dim=2).float())
            key = self.match_norm(candidates.mean(dim=2).float())
            scores = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5  # (N, n, candidates)
        scores = self.scores(scores) + _diagonal(scores, NOT_ITSELF)
        if self.training:  # a hard choice whose gradient is that of a soft one
            choice = F.gumbel_softmax(scores, tau=TEMPERATURE, hard=True)
            return torch.einsum("bij,bjtc->bitc", choice, candidates)
        best = scores.argmax(dim=-1)  # (N, n)
        rows = torch.arange(len(best), device=best.device)[:, None].expand(-1, count)
        return candidates[rows, best]

    def _candidates(self, image: Tensor, patches: Tensor) -> Tensor:
        """The patches themselves, then those of the image made coarser."""
        found = [patches]
        for scale in self.pyramid_scales:
            sides = [int(side * scale) for side in image.shape[1:3]]
            if scale == 1.0 or min(sides) < PATCH:
                continue
            small = F.interpolate(image.permute(0, 3, 1, 2), size=sides, mode="bilinear")
            found.append(divide(small.permute(0, 2, 3, 1), PatchGrid.of(*sides)))
        return torch.cat(found, dim=1)


class _Layer(nn.Module):
    """Attention and feed-forward on patches (M, 256, C), each added to its input."""

    def __init__(self, name: str, channels: int, cross: bool) -> None:
        super().__init__()
        self.deformed = DeformableConv(name, channels) if cross else None
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, QUERY, bias=False)
        self.key = nn.Linear(channels, QUERY, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)
        self.forward_norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, HIDDEN)
        self.narrow = nn.Linear(HIDDEN, channels)

    def forward(self, x: Tensor, partner: Tensor) -> Tensor:
        normed = self.norm(x)
        deformed = normed if self.deformed is None else self.deformed(normed)
        source = normed if self.deformed is None else partner
        x = x + attend(self.query(deformed), self.key(source), self.value(source))
        inner = F.gelu(self.widen(self.forward_norm(x)))
        narrowed: Tensor = self.narrow(inner)
        return x + narrowed


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(32)) v for patches (M, 256, ...)."""
    shares = torch.softmax((query * QUERY**-0.5) @ key.transpose(1, 2), dim=-1)
    return shares @ value


class PatchGrid:
    """Where the patches of an image of h x w pixels begin; the last are shifted to the edge."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.rows, self.cols = starts(height), starts(width)

    @classmethod
    def of(cls, height: int, width: int) -> PatchGrid:
        """The grid of an image of that size."""
        return cls(height, width)

    @property
    def corners(self) -> list[tuple[int, int]]:
        """First row and column of every patch, in order."""
        return [(row, col) for row in self.rows for col in self.cols]

    def share(self) -> Tensor:
        """(h, w, 1): one over the number of patches over every pixel."""
        counts = torch.zeros(self.height, self.width, 1)
        for row, col in self.corners:
            counts[row : row + PATCH, col : col + PATCH] += 1
        return 1.0 / counts


def starts(length: int) -> list[int]:
    """First pixels of the patches along one side of at least 16 pixels."""
    count = max(1, -(-(length - PATCH) // STRIDE) + 1)
    return [min(i * STRIDE, length - PATCH) for i in range(count)]


def divide(image: Tensor, grid: PatchGrid) -> Tensor:
    """Patches (N, n, 256, C) of an image (N, h, w, C)."""
    patches: Tensor = _Divide.apply(image, grid)
    return patches


def put_together(patches: Tensor, grid: PatchGrid) -> Tensor:
    """The image (N, h, w, C) of patches (N, n, 256, C); where they overlap, their mean."""
    whole: Tensor = _Sum.apply(patches, grid)
    return whole * grid.share().to(whole.device)


def _cut(image: Tensor, grid: PatchGrid) -> Tensor:
    pieces = [image[:, r : r + PATCH, c : c + PATCH] for r, c in grid.corners]
    return torch.stack(pieces, dim=1).flatten(2, 3)  # (N, n, 16, 16, C) -> (N, n, 256, C)


def _added(patches: Tensor, grid: PatchGrid) -> Tensor:
    n, _, _, channels = patches.shape
    whole = patches.new_zeros(n, grid.height, grid.width, channels)
    for i, (r, c) in enumerate(grid.corners):
        patch = patches[:, i].unflatten(1, (PATCH, PATCH))
        whole[:, r : r + PATCH, c : c + PATCH] += patch
    return whole


class _Divide(torch.autograd.Function):
    """Cutting into patches; its transpose adds them up."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, grid: PatchGrid) -> Tensor:
        ctx.grid = grid
        return _cut(image, grid)

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, None]:
        return _added(d, ctx.grid), None


class _Sum(torch.autograd.Function):
    """Adding patches up; its transpose cuts."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, grid: PatchGrid) -> Tensor:
        ctx.grid = grid
        return _added(patches, grid)

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, None]:
        return _cut(d, ctx.grid), None


def _diagonal(scores: Tensor, value: float) -> Tensor:
    """A matrix as large as the scores with a value where a patch meets itself."""
    blank = torch.zeros(scores.shape[1:], device=scores.device)
    blank.fill_diagonal_(value)
    return blank
