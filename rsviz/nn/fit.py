"""What trainings have in common: seeds, learning-rate decay, averaged weights, checkpoints."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rsviz.core.errors import Cancelled


@dataclass(frozen=True)
class Trained:
    """What a trainer hands back, ready to become a weights record.

    Attributes:
        state: tensors of the network (and what it needs to predict), by name, on the CPU.
        config: arguments that rebuild the network; JSON-able.
        parameters: number of trainable parameters.
        seconds: wall time of the training, summed over interruptions.
        history: one value an epoch by quantity, e.g. "loss" [nat].
    """

    state: dict[str, Tensor]
    config: dict[str, Any]
    parameters: int
    seconds: float
    history: dict[str, list[float]] = field(default_factory=dict)


OnEpoch = Callable[[Callable[[], Trained]], None]
"""Called after an epoch with a function that gives what has been trained so far."""


@contextmanager
def kept_at_an_interruption(
    path: Path | None, save: Callable[[Path, float], None], started: float
) -> Iterator[None]:
    """Save a training that is cancelled inside a block, so that it can go on later.

    Args:
        path: where to; None does not save.
        save: writes to a path, with the seconds since `started`.
        started: `time.perf_counter()` at the start.
    """
    try:
        yield
    except Cancelled:
        if path is not None:
            save(path, time.perf_counter() - started)
        raise


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed python, numpy and torch inside a block, and put their states back afterwards."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


def parameter_count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def polynomial_decay(step: int, total: int, power: float = 0.9, warmup: int = 0) -> float:
    """Factor on the learning rate: a linear rise over `warmup`, times (1 - step/total)^power."""
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return float(rise * (1.0 - step / total) ** power)


class AveragedWeights:
    """Exponential moving average of a network's parameters and buffers.

    The decay grows with the number of updates, min(decay, (1 + n) / (10 + n)), so that the
    random start is forgotten quickly.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.state = {name: t.detach().clone() for name, t in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                self.state[name].lerp_(tensor, 1.0 - decay)
            else:
                self.state[name].copy_(tensor)


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain data so that an interruption never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    torch.save(content, temporary)
    os.replace(temporary, path)


def read_checkpoint(path: Path | None) -> dict[str, Any] | None:
    """What `save_checkpoint` wrote, or None when there is nothing yet; runs no stored code."""
    if path is None or not path.is_file():
        return None
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content
