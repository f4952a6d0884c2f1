"""Leaky integrate-and-fire neurons, and the convolutions that they feed with spikes.

    H[t] = (1 - 1/tau) V[t-1] + I[t]        charge
    S[t] = 1 if H[t] >= threshold else 0    fire
    V[t] = H[t] (1 - S[t])                  hard reset to 0,  V[0] = 0

In training the derivative of the firing is that of a sigmoid of slope 4. Every pass starts at
V = 0: no state outlives a sample. `reference_lif` is spikingjelly's neuron of the same settings,
with which tests and the bench compare ours.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rsviz.nn.probe import Probe
from rsviz.nn.scan_threads import share_out

TAU = 2.0
THRESHOLD = 0.15
SLOPE = 4.0
SECOND_SCALE = 0.2
NORM_ALPHA = 2**-0.5
LEAST_NEURONS = 16  # fewer fill no vector of the compiled loop
KEEP = 1.0 - 1.0 / TAU


def integrate(current: Tensor, threshold: float = THRESHOLD) -> tuple[Tensor, Tensor]:
    """Spikes and charge of neurons at rest before the first step.

    Args:
        current: (T, ...) input current.
        threshold: at which a neuron fires.

    Returns:
        Spikes (T, ...) of 0 and 1, differentiable by the surrogate, and the membrane just before
        reset (T, ...), not differentiable.
    """
    spikes, charge = _Integrate.apply(current.float(), threshold)
    return spikes, charge


class _Integrate(torch.autograd.Function):
    """The neuron over all steps at once; compiled on a CPU."""

    @staticmethod
    def forward(ctx, current, threshold):  # type: ignore[no-untyped-def]
        current = current if _step_after_step(current) else current.contiguous()
        size = current[0].numel()
        spikes, charge = torch.empty_like(current), torch.empty_like(current)
        if _compiled(current, size):
            from models.spike_sr.neuron_kernel import forward

            pointers = [t.data_ptr() for t in (current, spikes, charge)]

            def task(share: int, first: int, end: int) -> None:
                first, end = _wide(first, end, size)
                forward(*pointers, len(current), size, KEEP, threshold, first, end)

            share_out(task, size, current.numel() // 4)
        else:
            membrane = torch.zeros_like(current[0])
            for t, drive in enumerate(current):
                charge[t] = KEEP * membrane + drive
                spikes[t] = charge[t] >= threshold
                membrane = charge[t] * (1.0 - spikes[t])
        ctx.mark_non_differentiable(charge)
        ctx.save_for_backward(charge)
        ctx.threshold = threshold
        return spikes, charge

    @staticmethod
    @once_differentiable
    def backward(ctx, d_spikes, _):  # type: ignore[no-untyped-def]
        (charge,) = ctx.saved_tensors
        if d_spikes.stride() != charge.stride():
            d_spikes = torch.empty_like(charge).copy_(d_spikes)
        size, steps = charge[0].numel(), len(charge)
        d_current = torch.empty_like(charge)
        if _compiled(charge, size):
            from models.spike_sr.neuron_kernel import backward

            pointers = [t.data_ptr() for t in (charge, d_spikes, d_current)]

            def task(share: int, first: int, end: int) -> None:
                first, end = _wide(first, end, size)
                backward(*pointers, steps, size, KEEP, ctx.threshold, SLOPE, first, end)

            share_out(task, size, charge.numel())
            return d_current, None
        firing = torch.sigmoid(SLOPE * (charge - ctx.threshold))
        surrogate = SLOPE * firing * (1.0 - firing)
        silent = (charge < ctx.threshold).to(charge.dtype)
        d_membrane = torch.zeros_like(charge[0])
        for t in reversed(range(steps)):
            d_charge = d_spikes[t] * surrogate[t]
            d_charge = d_charge + d_membrane * (silent[t] - charge[t] * surrogate[t])
            d_current[t] = d_charge
            d_membrane = KEEP * d_charge
        return d_current, None


def _compiled(tensor: Tensor, size: int) -> bool:
    return tensor.device.type == "cpu" and size >= LEAST_NEURONS


def _step_after_step(tensor: Tensor) -> bool:
    """Whether all numbers of a step lie together in memory, step after step, without gaps."""
    if tensor.is_contiguous():
        return True
    last = torch.channels_last
    return tensor.dim() == 5 and tensor.flatten(0, 1).is_contiguous(memory_format=last)


def _wide(first: int, end: int, size: int) -> tuple[int, int]:
    """A share that fills at least one vector."""
    end = min(size, max(end, first + LEAST_NEURONS))
    return min(first, end - LEAST_NEURONS), end


class LIF(nn.Module):
    """A layer of neurons; probes listen to its spikes and to its charge before reset."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.spikes = Probe(f"{name}.spikes")
        self.charge = Probe(f"{name}.charge")

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """Currents (T*B, C, h, w), step by step, to spikes of the same shape."""
        spikes, charge = integrate(x.unflatten(0, (steps, -1)))  # (T, B, C, h, w)
        self.charge(charge)
        return self.spikes(spikes).flatten(0, 1)


class SpikingConv(nn.Module):
    """Neurons, then a convolution of their spikes, then batch normalisation over all steps.

    The norm starts at a scale of alpha times a threshold ("tdBN", Zheng et al. 2021).
    """

    def __init__(self, name: str, channels: int, kernel: int, scale: float, bias: bool) -> None:
        super().__init__()
        self.neurons = LIF(name)
        self.conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=bias)
        self.norm = threshold_norm(channels, scale)

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """(T*B, C, h, w) to the same shape."""
        normed: Tensor = self.norm(self.conv(self.neurons(x, steps)))
        return normed


def threshold_norm(channels: int, threshold: float) -> nn.BatchNorm2d:
    """Batch normalisation that starts at alpha times a threshold."""
    norm = nn.BatchNorm2d(channels)
    nn.init.constant_(norm.weight, NORM_ALPHA * threshold)
    return norm


def reference_lif() -> Any:
    """spikingjelly's neuron with the same settings, multi-step; reset it between samples."""
    from spikingjelly.activation_based import neuron, surrogate

    return neuron.LIFNode(
        tau=TAU,
        decay_input=False,
        v_threshold=THRESHOLD,
        v_reset=0.0,
        surrogate_function=surrogate.Sigmoid(alpha=SLOPE),
        detach_reset=False,
        step_mode="m",
    )
