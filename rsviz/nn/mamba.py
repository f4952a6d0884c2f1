"""The Mamba block: projections, a causal convolution, the selective scan, a gate.

(Gu and Dao, arXiv 2312.00752, figure 3 and section 3.4.) The parameters have the names and shapes
of mamba-ssm's ``Mamba``, so that its checkpoints load. Everything stays in the order (batch,
length, channels) in memory, which the projections produce and the scan reads without a copy.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsviz.nn.scan import ScanTrace, causal_conv1d, selective_scan, selective_scan_trace


class Mamba(nn.Module):
    """Mixes a sequence along its length in linear time, with a state for each channel.

    Args:
        d_model: width of the input and the output.
        d_state: states for each channel (N).
        d_conv: taps of the causal convolution.
        expand: inner width as a multiple of ``d_model``.
        dt_rank: rank of the step-size projection (R); a sixteenth of ``d_model`` if None.
        dt_min, dt_max: range of the initial step sizes.
        conv_bias, bias: whether the convolution and the outer projections have a bias.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 16,
        d_conv: int = 4,
        expand: int = 2,
        dt_rank: int | None = None,
        dt_min: float = 0.001,
        dt_max: float = 0.1,
        conv_bias: bool = True,
        bias: bool = False,
    ):
        super().__init__()
        inner = expand * d_model
        rank = dt_rank or math.ceil(d_model / 16)
        self.d_state, self.dt_rank = d_state, rank
        self.in_proj = nn.Linear(d_model, 2 * inner, bias=bias)
        self.conv1d = nn.Conv1d(inner, inner, d_conv, groups=inner, bias=conv_bias)
        self.x_proj = nn.Linear(inner, rank + 2 * d_state, bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        self.A_log = nn.Parameter(torch.arange(1.0, d_state + 1).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, d_model, bias=bias)
        init_step_size(self.dt_proj, dt_min, dt_max)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """(batch, length, d_model) to the same shape."""
        tensors = self._scan_inputs(hidden_states)
        y = selective_scan(*tensors, delta_softplus=True)
        return self.out_proj(y.transpose(1, 2))

    def traced(self, hidden_states: Tensor) -> tuple[Tensor, ScanTrace]:
        """The same result, and what happened inside the scan, position by position."""
        tensors = self._scan_inputs(hidden_states)
        y, trace = selective_scan_trace(*tensors, delta_softplus=True)
        return self.out_proj(y.transpose(1, 2)), trace

    def _scan_inputs(self, hidden_states: Tensor) -> tuple[Tensor, ...]:
        """u, delta, A, B, C, D, z and the bias of delta; sequences are (batch, inner, length)."""
        x, z = self.in_proj(hidden_states).transpose(1, 2).chunk(2, 1)
        x = causal_conv1d(x, self.conv1d.weight[:, 0], self.conv1d.bias, activation="silu")
        sizes = [self.dt_rank, self.d_state, self.d_state]
        steps, B, C = self.x_proj(x.transpose(1, 2)).split(sizes, -1)
        delta = F.linear(steps, self.dt_proj.weight).transpose(1, 2)
        precise = torch.promote_types(self.A_log.dtype, torch.float32)
        A = -torch.exp(self.A_log.to(precise))
        B, C = B.transpose(1, 2), C.transpose(1, 2)  # (batch, states, length)
        return x, delta, A, B, C, self.D, z, self.dt_proj.bias


def init_step_size(dt_proj: nn.Linear, dt_min: float = 0.001, dt_max: float = 0.1) -> None:
    """Initialises a step-size projection so that softplus(bias) is log-uniform in a range.

    Weights are uniform in +-R^-0.5 (section 3.6 of the paper and its appendix).
    """
    nn.init.uniform_(dt_proj.weight, -(dt_proj.in_features**-0.5), dt_proj.in_features**-0.5)
    low, high = math.log(dt_min), math.log(dt_max)
    step = torch.exp(torch.empty(dt_proj.out_features).uniform_(low, high)).clamp(min=1e-4)
    with torch.no_grad():
        dt_proj.bias.copy_(step + torch.log(-torch.expm1(-step)))  # inverse of softplus
