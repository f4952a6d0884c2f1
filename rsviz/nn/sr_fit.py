"""Training a network that makes images finer: crops, turns, cosine schedule, averaged weights.

Everything random in a step follows from the seed and the number of the step, so that a training
that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rsviz.core.errors import SceneMismatch
from rsviz.core.model import OnStep
from rsviz.core.options import option
from rsviz.nn.fit import AveragedWeights, read_checkpoint, save_checkpoint

Floats = NDArray[np.float32]

REPORT_STEPS, CHECKPOINT_STEPS = 20, 200
LAST_RATE = 0.01  # share of the learning rate at the end of the cosine
LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)  # ITU-R BT.601


@dataclass(frozen=True)
class Pairs:
    """Images to learn from, and others to look at while learning; no test image.

    Attributes:
        fine: each (3, s*h, s*w) in [0, 1].
        coarse: the same made coarser, each (3, h, w).
        held_fine, held_coarse: the same of the validation images.
    """

    fine: tuple[Floats, ...]
    coarse: tuple[Floats, ...]
    held_fine: tuple[Floats, ...]
    held_coarse: tuple[Floats, ...]

    @property
    def scale(self) -> int:
        return self.fine[0].shape[-1] // self.coarse[0].shape[-1]


@dataclass(frozen=True)
class Schedule:
    """Settings that all these trainings share."""

    steps: int = option(8000, "Steps", "Batches seen.", 1, 10_000_000)
    batch: int = option(4, "Batch", "Crops a step.", 1, 1024)
    crop: int = option(30, "Crop [px]", "Side of a coarse crop; 30 is two patches.", 16, 1024)
    lr: float = option(1e-3, "Learning rate", "After the warm-up; decays by a cosine.", 0.0, 1.0)
    warmup: int = option(200, "Warm-up", "Steps in which the rate rises.", 0, 1_000_000)
    average: float = option(0.998, "Averaging", "Decay of averaged weights.", 0.0, 1.0)
    validate: int = option(500, "Validate", "Steps between looks at held images.", 1, 1_000_000)
    bf16: bool = option(True, "Half precision", "Multiply in bfloat16.")


@dataclass
class SRTraining:
    """A training under way.

    Attributes:
        network: with `forward(image (B, 3, h, w)) -> (B, 3, s*h, s*w)`.
        schedule: settings.
        pairs: images.
        seed: of everything random.
        device: torch device.
        before_step: called with the number of the step before it begins.
    """

    network: nn.Module
    schedule: Schedule
    pairs: Pairs
    seed: int
    device: str
    before_step: Callable[[int], None] = lambda step: None
    step: int = 0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(
        default_factory=lambda: {"loss": [], "held_psnr_db": []}
    )

    def __post_init__(self) -> None:
        least = min(min(image.shape[1:]) for image in self.pairs.coarse)
        if least < self.schedule.crop:
            raise SceneMismatch(
                f"A coarse image has a side of {least} pixels; crops are {self.schedule.crop}.",
                "Choose a smaller crop.",
            )
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedWeights(self.network, self.schedule.average)
        self.optimiser = torch.optim.Adam(self.network.parameters(), self.schedule.lr, fused=True)

    def run(self, checkpoint: Path | None, on_step: OnStep) -> None:
        """Train to the end, from where a checkpoint stopped if there is one."""
        self._resume(checkpoint)
        started, before, losses = time.perf_counter(), self.seconds, []
        while self.step < self.schedule.steps:
            self.before_step(self.step)
            losses.append(self._step())
            self.step += 1
            self.seconds = before + time.perf_counter() - started
            last = self.step == self.schedule.steps
            if self.step % self.schedule.validate == 0 or last:
                self.history["held_psnr_db"].append(self.held_psnr_db())
            if self.step % REPORT_STEPS == 0 or last:
                self.history["loss"].append(float(np.mean(losses)))
                losses.clear()
                on_step(self.step, self.schedule.steps, self._told())
            if checkpoint is not None and self.step % CHECKPOINT_STEPS == 0:
                self._save(checkpoint)

    def _step(self) -> float:
        """One batch; returns its mean absolute error."""
        torch.manual_seed(self.seed * 1_000_003 + self.step)
        coarse, fine = self._batch()
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.lr * _rate(self.step, self.schedule)
        self.network.train()
        kind = torch.device(self.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.schedule.bf16):
            made = self.network(coarse)
        loss = (made.float() - fine).abs().mean()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.average.update(self.network)
        return float(loss.detach())

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Crops (B, 3, c, c) and (B, 3, s*c, s*c), mirrored and turned at random."""
        random = np.random.default_rng([self.seed, self.step])
        side, scale = self.schedule.crop, self.pairs.scale
        coarse, fine = [], []
        for _ in range(self.schedule.batch):
            which = int(random.integers(len(self.pairs.fine)))
            small, large = self.pairs.coarse[which], self.pairs.fine[which]
            row, col = (int(random.integers(n - side + 1)) for n in small.shape[1:])
            turn, mirror = int(random.integers(4)), bool(random.integers(2))
            coarse.append(_turned(small[:, row : row + side, col : col + side], turn, mirror))
            rows = slice(scale * row, scale * (row + side))
            cols = slice(scale * col, scale * (col + side))
            fine.append(_turned(large[:, rows, cols], turn, mirror))
        stacked = [torch.from_numpy(np.stack(images)).to(self.device) for images in (coarse, fine)]
        return stacked[0], stacked[1]

    @torch.no_grad()
    def held_psnr_db(self) -> float:
        """Mean PSNR [dB] of brightness over the validation images, with averaged weights."""
        own = {name: t.clone() for name, t in self.network.state_dict().items()}
        self.network.load_state_dict(self.average.state)
        self.network.eval()
        luma = torch.tensor(LUMA, device=self.device)[:, None, None]
        found = []
        for coarse, fine in zip(self.pairs.held_coarse, self.pairs.held_fine, strict=True):
            made = self.network(torch.from_numpy(coarse)[None].to(self.device))[0].clamp(0, 1)
            error = ((made - torch.from_numpy(fine).to(self.device)) * luma).sum(0)
            found.append(-10 * math.log10(float((error**2).mean())))
        self.network.load_state_dict(own)
        return float(np.mean(found)) if found else math.nan

    def _told(self) -> str:
        held = self.history["held_psnr_db"]
        seen = f", held images {held[-1]:.3f} dB" if held else ""
        return f"error {self.history['loss'][-1]:.5f}{seen}"

    def _save(self, checkpoint: Path) -> None:
        content: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state,
            "updates": self.average.updates,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
        }
        save_checkpoint(checkpoint, content)

    def _resume(self, checkpoint: Path | None) -> None:
        content = read_checkpoint(checkpoint)
        if content is None:
            return
        self.network.load_state_dict(content["network"])
        self.average.state, self.average.updates = content["average"], content["updates"]
        self.optimiser.load_state_dict(content["optimiser"])
        self.step, self.seconds = content["step"], content["seconds"]
        self.history = content["history"]


def _rate(step: int, schedule: Schedule) -> float:
    """Factor on the learning rate: a linear rise, then half a cosine."""
    rise = min(1.0, (step + 1) / max(1, schedule.warmup))
    fall = 0.5 * (1.0 + math.cos(math.pi * step / schedule.steps))
    return rise * (LAST_RATE + (1.0 - LAST_RATE) * fall)


def _turned(image: Floats, turn: int, mirror: bool) -> Floats:
    """One of the eight symmetries of the square applied to an image (C, n, n)."""
    image = image[:, :, ::-1] if mirror else image
    return np.ascontiguousarray(np.rot90(image, turn, axes=(1, 2)))
