"""Modulated deformable convolution (Zhu et al. 2019, "DCN v2") inside patches of 16 x 16 pixels.

    y(p) = sum_k W_k m_k(p) x(p + p_k + shift_k(p)),   k = 1 ... 9

Shifts and the weights m = 2 sigmoid(...) come from 3 x 3 convolutions that start at zero, so that
it starts as an ordinary convolution.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rsviz.nn.probe import Probe
from rsviz.nn.scan_threads import share_out

SIDE, TAPS, LANES = 16, 9, 16
SHIFTS = 2 * TAPS
FARTHEST = SIDE + 1.0  # a sample beyond lies wholly beside the patch


class DeformableConv(nn.Module):
    """A 3 x 3 convolution of patches whose taps move; probes hear shifts and weights."""

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        self.place = nn.Conv2d(channels, SHIFTS + TAPS, 3, padding=1)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.place.weight)
        assert self.place.bias is not None
        nn.init.zeros_(self.place.bias)
        self.offsets = Probe(f"{name}.offsets")

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, 256, C) to the same shape."""
        n, places, channels = tokens.shape
        image = tokens.reshape(n, SIDE, SIDE, channels).permute(0, 3, 1, 2)  # (N, C, 16, 16)
        found = self.place(image).permute(0, 2, 3, 1).float()  # (N, 16, 16, 27)
        weights = 2.0 * torch.sigmoid(found[..., SHIFTS:])
        place = self.offsets(torch.cat([found[..., :SHIFTS], weights], dim=-1))
        columns = sampled(tokens.float(), place.reshape(n, places, -1))  # (N, 256, 9 * width)
        width = columns.shape[-1] // TAPS
        kernel = self.conv.weight.permute(0, 2, 3, 1).reshape(channels, TAPS, channels)
        kernel = F.pad(kernel, (0, width - channels)).flatten(1)  # (C, 9 * width)
        return F.linear(columns, kernel, self.conv.bias)


def sampled(tokens: Tensor, place: Tensor) -> Tensor:
    """Weighted bilinear samples around every pixel, zero beside the patch.

    Args:
        tokens: (N, 256, C) patches.
        place: (N, 256, 27): 9 shifts (row, column) [px], then 9 weights.

    Returns:
        (N, 256, 9 * width); each tap has C channels, filled up with zeros to a multiple of 16.
    """
    channels = tokens.shape[-1]
    filled = F.pad(tokens, (0, -channels % LANES))
    if tokens.device.type == "cpu":
        columns: Tensor = _Sampled.apply(filled.contiguous(), place.contiguous())
        return columns
    return reference_samples(filled, place)


def reference_samples(tokens: Tensor, place: Tensor) -> Tensor:
    """The same by torch's own interpolation, on any device and with any number of channels."""
    n, places, width = tokens.shape
    image = tokens.reshape(n, SIDE, SIDE, width).permute(0, 3, 1, 2)  # (N, width, 16, 16)
    shifts = place[..., :SHIFTS].reshape(n, places, TAPS, 2)
    steps = torch.arange(3, device=tokens.device) - 1
    taps = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1).reshape(TAPS, 2)
    side = torch.arange(SIDE, device=tokens.device)
    pixels = torch.stack(torch.meshgrid(side, side, indexing="ij"), -1).reshape(places, 1, 2)
    at = (pixels + taps + shifts).clamp(-2.0, FARTHEST)  # (N, 256, 9, 2)
    grid = at.flip(-1) * (2.0 / (SIDE - 1)) - 1.0
    found = F.grid_sample(image, grid, align_corners=True)  # (N, width, 256, 9)
    weighted = found.permute(0, 2, 3, 1) * place[..., SHIFTS:, None]
    return weighted.flatten(2)


class _Sampled(torch.autograd.Function):
    """The compiled loops as a differentiable function of patches and places."""

    @staticmethod
    def forward(ctx, patches, place):  # type: ignore[no-untyped-def]
        from models.spike_sr.deform_kernel import sample

        n, places, width = patches.shape
        columns = patches.new_empty(n, places, TAPS * width)
        pointers = [t.data_ptr() for t in (patches, place, columns)]
        share_out(lambda _, first, end: sample(*pointers, width, first, end), n, columns.numel())
        ctx.save_for_backward(patches, place)
        return columns

    @staticmethod
    @once_differentiable
    def backward(ctx, d_columns):  # type: ignore[no-untyped-def]
        from models.spike_sr.deform_kernel import sample_back

        patches, place = ctx.saved_tensors
        d_columns = d_columns.contiguous()
        d_patches, d_place = torch.zeros_like(patches), torch.empty_like(place)
        pointers = [t.data_ptr() for t in (patches, place, d_columns, d_patches, d_place)]
        width = patches.shape[-1]
        share_out(
            lambda _, first, end: sample_back(*pointers, width, first, end),
            len(patches),
            2 * d_columns.numel(),
        )
        return d_patches, d_place
