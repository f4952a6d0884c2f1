"""Several small networks side by side, trained together: an ensemble in one matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Loss = Callable[[Tensor], Tensor]
"""From rows (M, B) of the training set, other ones for each member, to a number."""


class Members(nn.Module):
    """M multilayer perceptrons with weights of their own: (M, B, inputs) -> (M, B, outputs)."""

    def __init__(self, members: int, inputs: int, hidden: int, depth: int, outputs: int) -> None:
        super().__init__()
        sizes = [inputs] + [hidden] * depth + [outputs]
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(members, a, b) * math.sqrt((2.0 if b == hidden else 0.1) / a))
            for a, b in pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(members, 1, b)) for b in sizes[1:])

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of all members; x (M, B, inputs), or (1, B, inputs) for the same to all."""
        last = len(self.weights) - 1
        x = x.expand(self.weights[0].shape[0], -1, -1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            x = x if i == last else F.silu(x)
        return x


def descend(
    module: nn.Module,
    loss: Loss,
    count: int,
    members: int,
    *,
    epochs: int,
    batch: int,
    rate: float,
    seed: int,
    decay: float = 1e-4,
    on_epoch: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Train with AdamW and a cosine schedule; each member sees the rows in an order of its own.

    Args:
        module: what is trained.
        loss: of some rows.
        count: number of rows.
        members: number of networks.
        epochs: passes over the rows.
        batch: rows a step, for each member.
        rate: greatest learning rate.
        seed: of the order.
        decay: of the weights.
        on_epoch: called with the number of the epoch from 1 and its mean loss.

    Returns:
        The mean loss of every epoch.
    """
    order = torch.Generator().manual_seed(seed)
    steps = count // batch
    optimiser = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=epochs * steps, pct_start=0.1
    )
    history = []
    for epoch in range(epochs):
        rows = torch.stack([torch.randperm(count, generator=order) for _ in range(members)])
        total = 0.0
        for step in range(steps):
            optimiser.zero_grad(set_to_none=True)
            value = loss(rows[:, step * batch : (step + 1) * batch])
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += float(value.detach())
        history.append(total / steps)
        if on_epoch is not None:
            on_epoch(epoch + 1, history[-1])
    return history
