"""The selective scan by mamba-ssm's CUDA extension, where it is built (``requirements-gpu.txt``).

Only ``selective_scan_cuda`` is imported, never the package ``mamba_ssm``: importing that fails or
drags in compilers on machines without a GPU. This path is tested on a GPU only (marker ``gpu``).
"""

from functools import cache
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

MOST_STATES = 256  # the extension's limit


@cache
def _import() -> tuple[ModuleType | None, str]:
    try:
        return import_module("selective_scan_cuda"), ""
    except (ImportError, OSError) as error:  # absent, or built for another torch
        return None, f"the extension selective_scan_cuda cannot be imported ({error})"


def extension() -> ModuleType | None:
    """The extension, or None where it is not built."""
    return _import()[0]


def why_not() -> str:
    """Why there is no extension, as a clause; empty if there is one."""
    return _import()[1]


def suits(A: Tensor, initial_state: Tensor | None, trace: Tensor | None) -> bool:
    """Whether the extension can run a scan: float32, from zero, telling nothing of its inside."""
    fits = A.dtype == torch.float32 and A.shape[1] <= MOST_STATES
    return fits and initial_state is None and trace is None


def scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor | None,
    delta_bias: Tensor,
    delta_softplus: bool,
    return_last_state: bool,
) -> tuple[Tensor, Tensor | None]:
    """The fused scan; arguments and results of ``scan_reference.scan``.

    As in mamba-ssm, no gradient flows through the last state.
    """
    y, last = _Scan.apply(u, delta, A, B, C, D, z, delta_bias, delta_softplus)
    return y, last if return_last_state else None


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, delta, A, B, C, D, z, bias, softplus):
        u, delta, B, C, z = (t if t is None else _steps_together(t) for t in (u, delta, B, C, z))
        A, D, bias = A.contiguous(), D.contiguous(), bias.contiguous()
        out, states, *gated = extension().fwd(u, delta, A, B, C, D, z, bias, softplus)
        ctx.save_for_backward(u, delta, A, B, C, D, z, bias, states, out)
        ctx.softplus = softplus
        last = states[:, :, -1, 1::2]  # (batch, channels, chunks, 2 x states): odd ones are h
        ctx.mark_non_differentiable(last)
        return (out if z is None else gated[0]), last

    @staticmethod
    @once_differentiable
    def backward(ctx, dy, _):
        u, delta, A, B, C, D, z, bias, states, out = ctx.saved_tensors
        du, ddelta, dA, dB, dC, dD, dbias, *dz = extension().bwd(
            u, delta, A, B, C, D, z, bias, _steps_together(dy), states,
            None if z is None else out, None, ctx.softplus, False,
        )  # fmt: skip
        return du, ddelta, dA, dB, dC, dD, (None if z is None else dz[0]), dbias, None


def _steps_together(t: Tensor) -> Tensor:
    return t if t.stride(-1) == 1 else t.contiguous()
