"""The experts of MambaMoE: four spatial ones that are routed to, and a shared spectral one.

Layout inside the network: images are (B, C, H, W) stored channels last, so that
`permute(0, 2, 3, 1)` is a free view; scans take (B, D, L) with G groups of channels.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsviz.nn.probe import Probe
from rsviz.nn.scan import selective_scan

STATES, RANK = 16, 4
DIRECTIONS = ("rows", "columns", "rows reversed", "columns reversed")


def to_sequence(image: Tensor, direction: int) -> Tensor:
    """Read an image (B, D, H, W) in one of four orders; gives (B, D, H*W)."""
    turned = image.transpose(2, 3) if direction % 2 else image
    sequence = turned.flatten(2)  # (B, D, H, W) or (B, D, W, H) -> (B, D, L)
    return sequence.flip(2) if direction >= 2 else sequence.contiguous()


def to_image(sequence: Tensor, direction: int, size: tuple[int, int]) -> Tensor:
    """Put a sequence (B, D, H*W) back where `to_sequence` took it from; gives (B, D, H, W)."""
    height, width = size
    forward = sequence.flip(2) if direction >= 2 else sequence
    if direction % 2:
        return forward.unflatten(2, (width, height)).transpose(2, 3)
    return forward.unflatten(2, (height, width))


def step_bias(shape: tuple[int, ...]) -> Tensor:
    """Bias for which softplus(bias) is log-uniform in 1e-3..1e-1, the usual start of a scan."""
    step = torch.exp(torch.empty(shape).uniform_(math.log(1e-3), math.log(1e-1))).clamp(min=1e-4)
    return step + torch.log(-torch.expm1(-step))


class SpatialExpert(nn.Module):
    """SRE: a narrow Mamba that reads the image in one direction.

    Departs from the official code: the depthwise convolution sees the image as it lies, and the
    output is put back where it came from.

    Args:
        width: channels of the image.
        inner: channels of the scan.
        direction: index into DIRECTIONS.
        name: prefix of its probes.
    """

    def __init__(self, width: int, inner: int, direction: int, name: str) -> None:
        super().__init__()
        self.direction = direction
        self.in_proj = nn.Conv2d(width, 2 * inner, 1, bias=False)
        self.conv = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.x_proj = nn.Conv1d(inner, RANK + 2 * STATES, 1, bias=False)
        self.dt_proj = nn.Conv1d(RANK, inner, 1)
        nn.init.uniform_(self.dt_proj.weight, -(RANK**-0.5), RANK**-0.5)
        self.dt_proj.bias.data = step_bias((inner,))
        self.A_log = nn.Parameter(torch.arange(1.0, STATES + 1).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.norm = nn.LayerNorm(inner)
        self.out_proj = nn.Conv2d(inner, width, 1, bias=False)
        self.step = Probe(f"{name}.step")

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x, z = self.in_proj(image).chunk(2, dim=1)
        u = to_sequence(F.silu(self.conv(x)), self.direction)  # (B, D, L)
        rank, b, c = self.x_proj(u).split((RANK, STATES, STATES), dim=1)
        delta = F.conv1d(rank, self.dt_proj.weight)
        if self.step.listening:
            steps = F.softplus(delta + self.dt_proj.bias[:, None])
            self.step(to_image(steps, self.direction, image.shape[2:]))
        y = selective_scan(
            u,
            delta,
            -self.A_log.exp(),
            b,
            c,
            self.D,
            delta_bias=self.dt_proj.bias,
            delta_softplus=True,
        )
        y = to_image(y, self.direction, image.shape[2:]).permute(0, 2, 3, 1)
        y = self.norm(y).permute(0, 3, 1, 2)  # (B, H, W, D) -> (B, D, H, W)
        return self.out_proj(y * F.silu(z))


class SpectralExpert(nn.Module):
    """SSE: scans each pixel's latent channels in both orders; shared by all pixels and scenes.

    Args:
        width: channels of the image.
        size: (H, W) at this level for the paper's form, whose parameters belong to one scene
            size; None for the form that fits any size.
        regions: soft regions of the size-independent form.
        name: prefix of its probes.
    """

    def __init__(self, width: int, size: tuple[int, int] | None, regions: int, name: str) -> None:
        super().__init__()
        inner = 2 * width
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv = nn.Conv2d(inner, inner, (1, 3), padding=(0, 1))
        self.scan: nn.Module = (
            SharedScan(inner, regions) if size is None else SceneScan(size[0] * size[1])
        )
        self.out_proj = nn.Linear(inner, width, bias=False)
        self.response = Probe(f"{name}.response")

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        x, z = self.in_proj(image.permute(0, 2, 3, 1)).chunk(2, dim=3)  # (B, H, W, L)
        x = F.silu(self.conv(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
        y = self.scan(x.flatten(1, 2)).unflatten(1, image.shape[2:])  # (B, P, L) -> (B, H, W, L)
        return self.out_proj(self.response(y * F.gelu(z))).permute(0, 3, 1, 2)


def scan_both_ways(x: Tensor, delta: Tensor, A: Tensor, bc: Tensor, D: Tensor) -> Tensor:
    """Scan the channels of every pixel forwards and backwards and add the two results.

    The channels are the sequence, the pixels the features.

    Args:
        x: (B, P, L) for P pixels and L channels.
        delta: (B, 2P, L) step sizes before softplus; the second half in reversed order.
        A: (2P, N).
        bc: (B, 2, 2N, L) input and output vectors, shared by all pixels.
        D: (2P,).

    Returns:
        (B, P, L).
    """
    u = torch.cat((x, x.flip(2)), dim=1)  # (B, 2P, L)
    b, c = bc.chunk(2, dim=2)
    y = selective_scan(u, delta, A, b, c, D, delta_softplus=True)
    forward, backward = y.chunk(2, dim=1)
    return forward + backward.flip(2)


class SceneScan(nn.Module):
    """The paper's bidirectional scan: every pixel position owns parameters, 118 a pixel."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.x_proj = nn.Parameter(torch.empty(2, RANK + 2 * STATES, pixels))
        nn.init.uniform_(self.x_proj, -(pixels**-0.5), pixels**-0.5)
        self.dt_weight = nn.Parameter(torch.empty(2, pixels, RANK))
        nn.init.uniform_(self.dt_weight, -(RANK**-0.5), RANK**-0.5)
        self.dt_bias = nn.Parameter(step_bias((2, pixels, 1)))
        self.A_log = nn.Parameter(torch.arange(1.0, STATES + 1).log().repeat(2 * pixels, 1))
        self.D = nn.Parameter(torch.ones(2 * pixels))
        self.norm = nn.LayerNorm(pixels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, L) -> (B, P, L)."""
        both = torch.stack((x, x.flip(2)), dim=1)  # (B, 2, P, L)
        rank, bc = (self.x_proj @ both).split((RANK, 2 * STATES), dim=2)  # (B, 2, R | 2N, L)
        delta = (self.dt_weight @ rank + self.dt_bias).flatten(1, 2)  # (B, 2, P, L) -> (B, 2P, L)
        y = scan_both_ways(x, delta, -self.A_log.exp(), bc, self.D)
        return self.norm(y.transpose(1, 2)).transpose(1, 2)


class SharedScan(nn.Module):
    """The bidirectional scan for scenes of any size.

    What the paper's form stores for a pixel position is computed from what the pixel holds: its
    column of x_proj through soft regions of alike pixels, its row of dt_proj (weight and bias) by
    a linear map. A and D are one for all pixels.
    """

    def __init__(self, channels: int, regions: int) -> None:
        super().__init__()
        self.regions = nn.Linear(channels, regions)
        self.x_proj = nn.Parameter(torch.empty(2, RANK + 2 * STATES, regions))
        nn.init.uniform_(self.x_proj, -(regions**-0.5), regions**-0.5)
        self.dt_proj = nn.Linear(channels, 2 * (RANK + 1))
        with torch.no_grad():
            self.dt_proj.weight.mul_(0.1)
            rows = torch.empty(2, RANK + 1).uniform_(-(RANK**-0.5), RANK**-0.5)
            rows[:, RANK] = step_bias((2,))
            self.dt_proj.bias.copy_(rows.flatten())
        self.A_log = nn.Parameter(torch.arange(1.0, STATES + 1).log().repeat(2, 1))
        self.D = nn.Parameter(torch.ones(2))
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, L) -> (B, P, L)."""
        pixels = x.shape[1]
        share = self.regions(x).softmax(dim=1)  # (B, P, M), sums to 1 over the pixels
        regions = share.transpose(1, 2) @ x  # (B, M, L): the mean of each region
        both = torch.stack((regions, regions.flip(2)), dim=1)  # (B, 2, M, L)
        rank, bc = (self.x_proj @ both).split((RANK, 2 * STATES), dim=2)
        ones = torch.ones_like(rank[:, :, :1])
        rows = self.dt_proj(x).unflatten(2, (2, RANK + 1)).transpose(1, 2)  # (B, 2, P, R + 1)
        delta = (rows @ torch.cat((rank, ones), dim=2)).flatten(1, 2)  # (B, 2P, L)
        A = -self.A_log.exp().repeat_interleave(pixels, 0)  # (2P, N)
        y = scan_both_ways(x, delta, A, bc, self.D.repeat_interleave(pixels))
        return self.norm(y)
