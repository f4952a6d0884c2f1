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
    trace: Tensor | None,
) -> tuple[Tensor, Tensor | None]:
    """Runs h_t = exp(delta_t A) h_(t-1) + delta_t u_t B_t and y_t = <h_t, C_t> + D u_t.

    Shapes as in ``selective_scan``, B and C with groups. ``trace`` (batch, groups, length, 4), if
    given, is filled with sums over a group's channels: of the step size and of its square, and
    over the states, too, of the squared state and of the memory length.

    Returns:
        y (batch, channels, length), and the last state (batch, channels, states) if asked for.
    """
    step = delta + delta_bias[:, None]
    step = F.softplus(step) if delta_softplus else step
    state = u.new_zeros(u.shape[0], *A.shape) if initial_state is None else initial_state
    pieces = []
    for start in range(0, u.shape[2], CHUNK):
        part = slice(start, start + CHUNK)
        inputs = (u[..., part], step[..., part], A, B[..., part], C[..., part], state)
        if torch.is_grad_enabled():
            piece, state = checkpoint(run_steps, *inputs, use_reentrant=False)
        else:
            piece, state = run_steps(*inputs)
        pieces.append(piece)
    y = torch.cat(pieces, 2) if pieces else torch.zeros_like(u)
    y = y + u * D[:, None]
    if trace is not None:
        _observe(u, step.detach(), A, B, initial_state, trace)
    return (y if z is None else y * F.silu(z)), state if return_last_state else None


def run_steps(
    u: Tensor, step: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """The recurrence alone, one step after another, from a given state."""
    y = []
    for u_t, step_t, B_t, C_t in _steps(u, step, B, C):
        state = torch.exp(step_t[..., None] * A) * state + (step_t * u_t)[..., None] * B_t
        y.append((state * C_t).sum(-1))
    return torch.stack(y, 2), state


@torch.no_grad()
def _observe(
    u: Tensor, step: Tensor, A: Tensor, B: Tensor, state: Tensor | None, trace: Tensor
) -> None:
    state = u.new_zeros(u.shape[0], *A.shape) if state is None else state
    memory = torch.zeros_like(state)
    for t, (u_t, step_t, B_t, _) in enumerate(_steps(u, step, B, B)):
        decay = torch.exp(step_t[..., None] * A)
        state = decay * state + (step_t * u_t)[..., None] * B_t
        memory = decay * memory + 1
        seen = (step_t, step_t**2, (state**2).sum(-1), memory.sum(-1))
        # 4 x (batch, channels) to (batch, groups, 4)
        trace[:, :, t] = torch.stack(seen, -1).unflatten(1, (B.shape[1], -1)).sum(2)


def _steps(u: Tensor, step: Tensor, B: Tensor, C: Tensor):
    """The slices of each step; (batch, groups, states, length) become (batch, channels, states)."""
    per_group = u.shape[1] // B.shape[1]
    B, C = (m.repeat_interleave(per_group, 1).permute(3, 0, 1, 2).unbind(0) for m in (B, C))
    return zip(u.unbind(2), step.unbind(2), B, C, strict=True)
