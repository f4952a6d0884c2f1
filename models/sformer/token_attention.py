"""Token-selective attention over 100 spatial-spectral tokens: any device, and fast on a CPU.

The reference is a few lines of torch; on a CPU the compiled kernel gives the same numbers (to
1e-5) about a hundred times faster, since it holds no array of all pairs of tokens.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rsviz.nn.probe import Probe
from rsviz.nn.scan_threads import share_out

SIDE, GROUPS, HEADS, DEPTH, DIM = 5, 4, 8, 32, 4
TOKENS = SIDE * SIDE * GROUPS
QUERIES = 112  # tokens, filled up to whole vectors of 16
PAIRS = HEADS * TOKENS * TOKENS


class TokenAttention(nn.Module):
    """Each token attends to the `keep` tokens that match it best.

    A token is one of 25 positions and one of 4 groups of 32 channels, n = 4 position + group. The
    32 channels are 8 heads of 4.

        A = tau_head q_hat^T k_hat,    y = softmax(top-k(A)) v

    q_hat and k_hat are q and k divided by their length **along the tokens**.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.empty(3 * GROUPS, GROUPS))
        self.taps = nn.Parameter(torch.empty(3 * GROUPS, 3, 3))
        self.tau = nn.Parameter(torch.ones(HEADS))
        for weight, inputs in ((self.mix, GROUPS), (self.taps, 9)):
            nn.init.uniform_(weight, -(inputs**-0.5), inputs**-0.5)
        self.scores = Probe(f"{name}.scores")
        self.kept = Probe(f"{name}.kept")
        self.attention = Probe(f"{name}.attention")

    def forward(self, x: Tensor, keep: int) -> Tensor:
        """(N, 25, 128) -> the same; each query keeps `keep` of the 100 keys."""
        x = x.float()
        watched = self.scores.listening or self.kept.listening or self.attention.listening
        if x.device.type == "cpu" and not watched:
            return _Compiled.apply(x.contiguous(), self.mix, self.taps, self.tau, keep)
        return self.reference(x, keep)

    def reference(self, x: Tensor, keep: int) -> Tensor:
        """The same, as written in the paper, with all 100 x 100 pairs of a head in memory."""
        n = x.shape[0]
        planes = x.reshape(n, SIDE, SIDE, GROUPS, DEPTH)  # (N, row, column, group, channel)
        planes = planes.permute(0, 4, 3, 1, 2).reshape(n * DEPTH, GROUPS, SIDE, SIDE)
        planes = F.conv2d(planes, self.mix[:, :, None, None])  # (N*32, 12, 5, 5)
        planes = F.conv2d(planes, self.taps[:, None], padding=1, groups=3 * GROUPS)
        qkv = planes.reshape(n, HEADS, DIM, 3, GROUPS, SIDE * SIDE).permute(3, 0, 1, 2, 5, 4)
        q, k, v = qkv.reshape(3, n, HEADS, DIM, TOKENS)
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        scores = q.transpose(-1, -2) @ k * self.tau[:, None, None]  # (N, 8, query, key)
        chosen = torch.zeros_like(scores, dtype=torch.bool)
        chosen = chosen.scatter(-1, scores.topk(keep, dim=-1).indices, True)
        shares = scores.masked_fill(~chosen, -torch.inf).softmax(dim=-1)
        self.scores(scores), self.kept(chosen), self.attention(shares)
        y = (v @ shares.transpose(-1, -2)).reshape(n, HEADS, DIM, SIDE * SIDE, GROUPS)
        return y.permute(0, 3, 4, 1, 2).reshape(n, SIDE * SIDE, GROUPS * DEPTH)


class _Compiled(torch.autograd.Function):
    """The kernel as a differentiable function of (N, 25, 128)."""

    @staticmethod
    def forward(ctx, x, mix, taps, tau, keep):  # type: ignore[no-untyped-def]
        from models.sformer.token_kernel import WORK, forward

        n, y = len(x), torch.empty_like(x)
        trains = any(ctx.needs_input_grad)
        thresholds = x.new_empty(n, HEADS, QUERIES) if trains else None
        pointers = [t.data_ptr() for t in (x, y, mix, taps, tau)]
        kept = thresholds.data_ptr() if thresholds is not None else 0

        def task(share: int, first: int, end: int) -> None:
            forward(*pointers, keep, kept, np.empty(WORK, np.float32), first, end)

        share_out(task, n, n * PAIRS)
        if trains:
            ctx.save_for_backward(x, y, mix, taps, tau, thresholds)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):  # type: ignore[no-untyped-def]
        from models.sformer.token_kernel_back import LANES, SUMS, WORK, backward

        x, y, mix, taps, tau, thresholds = ctx.saved_tensors
        dy, dx, n = dy.contiguous(), torch.empty_like(x), len(x)
        sums = x.new_zeros(torch.get_num_threads(), SUMS)
        pointers = [t.data_ptr() for t in (x, y, dy, dx, mix, taps, tau, thresholds)]

        def task(share: int, first: int, end: int) -> None:
            own = sums[share].data_ptr(), np.empty(WORK, np.float32)
            backward(*pointers, *own, first, end)

        share_out(task, n, n * PAIRS)
        totals = sums.sum(0).reshape(-1, LANES).sum(1)
        dtaps, dmix, dtau = totals.split([taps.numel(), mix.numel(), tau.numel()])
        return dx, dmix.reshape(mix.shape), dtaps.reshape(taps.shape), dtau, None
