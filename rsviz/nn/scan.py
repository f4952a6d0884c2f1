"""The selective scan, the recurrence at the heart of every Mamba model, fast on CPU and GPU.

    h_t = exp(delta_t A) h_(t-1) + delta_t u_t B_t        y_t = <h_t, C_t> + D u_t

(Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752,
eq. 2 with the discretisation of section 3.) One function, several backends:

=========  ==================================================  =========
RSVIZ_SCAN what runs                                           badge
=========  ==================================================  =========
cuda       mamba-ssm's extension, for tensors on a GPU         fused
cpu        kernels compiled by numba; a GPU's tensors make a   compiled
           round trip, which is faster than a loop on the GPU
reference  a loop over steps in torch, on any device           reference
=========  ==================================================  =========

The best one available is taken; the environment variable RSVIZ_SCAN forces another.
"""

import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from rsviz.core.errors import BadOption
from rsviz.nn import scan_cuda, scan_reference

BADGES = {"cuda": "fused", "cpu": "compiled", "reference": "reference"}


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    initial_state: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Runs the selective scan over sequences, differentiable in every tensor.

    Shapes and meaning are those of mamba-ssm's ``selective_scan_fn``. Inputs may be views: as long
    as the channels or the steps lie side by side in memory nothing is copied.

    Args:
        u: input (batch, channels, length).
        delta: step sizes (batch, channels, length), before bias and softplus.
        A: (channels, states), real, usually negative.
        B: (batch, states, length), or (batch, groups, states, length) where each group of
            consecutive channels has its own.
        C: like B.
        D: weight of the direct path (channels,), or None for none.
        z: gate (batch, channels, length): the result is multiplied by silu(z).
        delta_bias: (channels,), added to delta.
        delta_softplus: whether the step size is log(1 + exp(delta + bias)).
        return_last_state: whether to return the state after the last step, too.
        initial_state: state before the first step (batch, channels, states); zeros if None. The
            last state of one piece of a long sequence is the initial state of the next.

    Returns:
        y (batch, channels, length) in u's dtype; with ``return_last_state`` also the last state
        (batch, channels, states), in float32 (float64 for float64 inputs).

    Raises:
        ValueError: if shapes do not fit together, or A is complex.
    """
    tensors = _checked(u, delta, A, B, C, D, z, delta_bias, initial_state)
    y, last = _scan(*tensors, delta_softplus, return_last_state, None)
    return (y.to(u.dtype), last) if return_last_state else y.to(u.dtype)


@dataclass(frozen=True)
class ScanTrace:
    """What happened inside a scan, at each position, reduced over a group's channels.

    All are (batch, groups, length), float32 or float64 as computed:

    Attributes:
        step_mean: mean step size delta, after bias and softplus.
        step_std: its standard deviation over the channels.
        state_norm: Euclidean norm of the state.
        memory_length: how many positions back still matter: the mean over channels and states of
            l_t = 1 + exp(delta_t A) l_(t-1), the sum of the weights with which this and all
            earlier inputs are present in the state. Counted from the start of the sequence.
    """

    step_mean: Tensor
    step_std: Tensor
    state_norm: Tensor
    memory_length: Tensor


def selective_scan_trace(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    initial_state: Tensor | None = None,
) -> tuple[Tensor, ScanTrace]:
    """Runs ``selective_scan`` and tells what happened inside, from the same pass.

    Returns:
        y as from ``selective_scan``, and the trace (which is not differentiable).
    """
    tensors = _checked(u, delta, A, B, C, D, z, delta_bias, initial_state)
    floats, B = tensors[0], tensors[3]
    sums = floats.new_zeros(u.shape[0], B.shape[1], u.shape[2], 4)
    y, _ = _scan(*tensors, delta_softplus, False, sums)
    channels = max(1, u.shape[1] // B.shape[1])
    mean, square = sums[..., 0] / channels, sums[..., 1] / channels
    trace = ScanTrace(
        step_mean=mean,
        step_std=(square - mean**2).clamp(min=0).sqrt(),
        state_norm=sums[..., 2].sqrt(),
        memory_length=sums[..., 3] / (channels * A.shape[1]),
    )
    return y.to(u.dtype), trace


def causal_conv1d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None
) -> Tensor:
    """Convolves each channel with its own taps, looking backward only; differentiable.

    Args:
        x: (batch, channels, length).
        weight: (channels, taps); the last tap weighs the present step.
        bias: (channels,).
        activation: "silu" or None.

    Returns:
        (batch, channels, length), in x's dtype.

    Raises:
        ValueError: for another activation.
    """
    if activation not in (None, "silu"):
        raise ValueError(f"activation {activation!r} is unknown; it may be 'silu' or None")
    taps = weight.shape[1]
    if x.numel() and taps <= 32 and x.device.type == "cpu" and _backend("cpu") == "cpu":
        from rsviz.nn.scan_conv import convolve

        dtype = _computing_dtype(x)
        floats = [t if t is None else t.to(dtype) for t in (x, weight, bias)]
        return convolve(*floats, activation == "silu").to(x.dtype)
    y = F.conv1d(F.pad(x, (taps - 1, 0)), weight[:, None], bias, groups=weight.shape[0])
    return F.silu(y) if activation == "silu" else y


def active_backend(device: torch.device | str = "cpu") -> str:
    """What computes a scan on a device: "fused", "compiled" or "reference"."""
    return BADGES[_backend(torch.device(device).type)]


def warm_up() -> None:
    """Compiles the kernels, or loads them from the cache: seconds once, then a moment."""
    if _backend("cpu") != "cpu":
        return
    x = torch.zeros(1, 1, 1, requires_grad=True)
    y = causal_conv1d(x, x[0], x[0, 0], "silu")
    selective_scan(y, x, x[0], x, x, x[0, 0], x, x[0, 0], delta_softplus=True).sum().backward()


def _backend(device: str) -> str:
    """The backend for tensors on a kind of device."""
    forced = os.environ.get("RSVIZ_SCAN") or None
    if forced not in (None, *BADGES):
        raise BadOption(
            f"RSVIZ_SCAN is {forced!r}; it may be one of {', '.join(BADGES)}.",
            "Unset it to let the program choose.",
        )
    if forced == "cuda" and (device == "cpu" or scan_cuda.extension() is None):
        reason = "the tensors are on the CPU" if device == "cpu" else scan_cuda.why_not()
        raise BadOption(f"RSVIZ_SCAN=cuda cannot be followed: {reason}.", "Unset RSVIZ_SCAN.")
    if forced == "cpu" and not _has_numba():
        raise BadOption("RSVIZ_SCAN=cpu needs numba, which is not installed.", "Unset RSVIZ_SCAN.")
    if forced:
        return forced
    if device == "cuda" and scan_cuda.extension() is not None:
        return "cuda"
    return "cpu" if _has_numba() else "reference"


@cache
def _has_numba() -> bool:
    return find_spec("numba") is not None


def _scan(u, delta, A, B, C, D, z, bias, start, softplus, return_last, trace):
    """Runs a checked scan on the backend for its device."""
    backend = _backend(u.device.type) if u.numel() and A.numel() else "reference"
    if backend == "cuda" and scan_cuda.suits(A, start, trace):
        return scan_cuda.scan(u, delta, A, B, C, D, z, bias, softplus, return_last)
    tensors = (u, delta, A, B, C, D, z, bias)
    if backend == "reference":
        return scan_reference.scan(*tensors, softplus, start, return_last, trace)
    from rsviz.nn import scan_cpu

    if u.device.type == "cpu":
        return scan_cpu.scan(*tensors, softplus, start, return_last, trace)
    *tensors, start = (t if t is None else t.cpu() for t in (*tensors, start))
    sums = None if trace is None else trace.cpu()
    y, last = scan_cpu.scan(*tensors, softplus, start, return_last, sums)
    if trace is not None:
        trace.copy_(sums)
    return y.to(u.device), None if last is None else last.to(u.device)


def _computing_dtype(t: Tensor) -> torch.dtype:
    """Half precisions are computed in float32: the recurrence would lose its memory otherwise."""
    return torch.float64 if t.dtype == torch.float64 else torch.float32


def _checked(u, delta, A, B, C, D, z, delta_bias, initial_state) -> list[Tensor | None]:
    """The tensors in one dtype, B and C with groups, defaults filled in.

    Raises:
        ValueError: if shapes do not fit together, or A is complex.
    """
    if u.dim() != 3 or A.dim() != 2:
        raise ValueError(
            f"u has shape {tuple(u.shape)} and A {tuple(A.shape)}; expected u (batch, channels, "
            "length) and A (channels, states)"
        )
    if any(t.is_complex() for t in (u, A, B, C)):
        raise ValueError("the scan is for real numbers; A, B, C or u is complex")
    batch, channels, length = u.shape
    states = A.shape[1]
    B, C = (m[:, None] if m.dim() == 3 else m for m in (B, C))
    groups = max(B.shape[1], C.shape[1]) if B.dim() == C.dim() == 4 else 0
    if groups and B.shape[1] != C.shape[1]:
        B, C = (m.repeat_interleave(groups // m.shape[1], 1) for m in (B, C))
    expected = {
        "delta": (delta, u.shape), "A": (A, (channels, states)),
        "B": (B, (batch, groups, states, length)), "C": (C, (batch, groups, states, length)),
        "D": (D, (channels,)), "z": (z, u.shape), "delta_bias": (delta_bias, (channels,)),
        "initial_state": (initial_state, (batch, channels, states)),
    }  # fmt: skip
    for name, (t, shape) in expected.items():
        if t is not None and t.shape != torch.Size(shape):
            raise ValueError(
                f"{name} has shape {tuple(t.shape)}; with u {tuple(u.shape)} and {states} states "
                f"it must be {tuple(shape)}"
            )
    if not groups or channels % groups:
        raise ValueError(f"{channels} channels cannot be shared out to {groups} groups of B and C")
    D, delta_bias = (A.new_zeros(channels) if t is None else t for t in (D, delta_bias))
    dtype = _computing_dtype(u)
    tensors = (u, delta, A, B, C, D, z, delta_bias, initial_state)
    return [t if t is None else t.to(dtype) for t in tensors]
