"""The selective scan, the recurrence at the heart of every Mamba model, fast on CPU and GPU.

    h_t = exp(delta_t A) h_(t-1) + delta_t u_t B_t        y_t = <h_t, C_t> + D u_t

(Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752,
eq. 2 with the discretisation of section 3.) One function, several backends:

========= =========================================== ============
backend   what runs                                   badge
========= =========================================== ============
cuda      mamba-ssm's extension, where it is built    fused
cpu       kernels compiled by numba                   compiled
reference a loop over steps in torch, on any device   reference
========= =========================================== ============

The choice is automatic; the environment variable RSVIZ_SCAN=reference|cpu|cuda forces one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from rsviz.nn import scan_cpu, scan_reference


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
    dtype = torch.float64 if u.dtype == torch.float64 else torch.float32
    B, C = (m[:, None] if m.dim() == 3 else m for m in (B, C))
    D = A.new_zeros(A.shape[0]) if D is None else D
    delta_bias = A.new_zeros(A.shape[0]) if delta_bias is None else delta_bias
    floats = [t if t is None else t.to(dtype) for t in (u, delta, A, B, C, D, z, delta_bias)]
    start = None if initial_state is None else initial_state.to(dtype)
    scan = scan_cpu.scan if u.device.type == "cpu" and u.numel() else scan_reference.scan
    y, last = scan(*floats, delta_softplus, start, return_last_state)
    y = y.to(u.dtype)
    return (y, last) if return_last_state else y


def causal_conv1d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, activation: str | None = None
) -> Tensor:
    """Convolves each channel with its own taps, looking backward only.

    Args:
        x: (batch, channels, length).
        weight: (channels, taps); the last tap weighs the present step.
        bias: (channels,).
        activation: "silu" or None.

    Returns:
        (batch, channels, length).
    """
    taps = weight.shape[1]
    padded = F.pad(x, (taps - 1, 0))
    y = sum(weight[:, k, None] * padded[..., k : k + x.shape[2]] for k in range(taps))
    y = y if bias is None else y + bias[:, None]
    return F.silu(y) if activation == "silu" else y
