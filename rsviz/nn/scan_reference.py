"""The selective scan as a plain loop over steps: slow, short, and right on every device.

The other backends are tested against it. Under autograd it keeps one state a CHUNK and recomputes
the rest, so that no array of batch x channels x length x states outlives a chunk.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

CHUNK = 64


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
    initial_state: Tensor | None,
    return_last_state: bool,
) -> tuple[Tensor, Tensor | None]:
    """Runs h_t = exp(delta_t A) h_(t-1) + delta_t u_t B_t and y_t = <h_t, C_t> + D u_t.

    Shapes as in ``selective_scan``, B and C with groups; returns y (batch, channels, length) and
    the last state (batch, channels, states).
    """
    step = delta + delta_bias[:, None]
    step = F.softplus(step) if delta_softplus else step
    state = initial_state
    if state is None:
        state = u.new_zeros(u.shape[0], *A.shape)
    pieces = []
    for start in range(0, u.shape[2], CHUNK):
        part = slice(start, start + CHUNK)
        inputs = (u[..., part], step[..., part], A, B[..., part], C[..., part], state)
        if torch.is_grad_enabled():
            piece, state = checkpoint(scan_chunk, *inputs, use_reentrant=False)
        else:
            piece, state = scan_chunk(*inputs)
        pieces.append(piece)
    y = torch.cat(pieces, 2) if pieces else torch.zeros_like(u)
    y = y + u * D[:, None]
    return (y if z is None else y * F.silu(z)), state if return_last_state else None


def scan_chunk(
    u: Tensor, step: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """The recurrence alone, one step after another, from a given state."""
    per_group = u.shape[1] // B.shape[1]
    # (batch, groups, states, length) -> length x (batch, channels, states)
    B, C = (m.repeat_interleave(per_group, 1).permute(3, 0, 1, 2).unbind(0) for m in (B, C))
    y = []
    for u_t, step_t, B_t, C_t in zip(u.unbind(2), step.unbind(2), B, C, strict=True):
        state = torch.exp(step_t[..., None] * A) * state + (step_t * u_t)[..., None] * B_t
        y.append((state * C_t).sum(-1))
    return torch.stack(y, 2), state
