"""Keeps weights in a quarter of their size: 8-bit integers with one scale an output channel."""

from __future__ import annotations

from torch import Tensor

SMALLEST = 1024
STEPS = 127
SCALE = ".scale"


def compact(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Round every matrix and kernel of at least 1024 numbers to 255 levels a row.

    A row is what one output channel is computed with; its largest number keeps its value.
    """
    out = {}
    for name, tensor in state.items():
        if tensor.ndim < 2 or tensor.numel() < SMALLEST:
            out[name] = tensor
            continue
        largest = tensor.flatten(1).abs().amax(1).clamp(min=1e-12)
        scale = largest.reshape(-1, *[1] * (tensor.ndim - 1)) / STEPS
        out[name] = (tensor / scale).round().char()
        out[name + SCALE] = scale
    return out


def restored(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The float32 tensors of what `compact` made."""
    scales = {name: tensor for name, tensor in state.items() if name.endswith(SCALE)}
    return {
        name: tensor.float() * scales[name + SCALE] if name + SCALE in scales else tensor.float()
        for name, tensor in state.items()
        if name not in scales
    }
