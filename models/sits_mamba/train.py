"""Trains SITSMamba on the labelled pixels of one series of images.

Series without neighbours are batches of single pixels; series of images are cut into patches
around training pixels. Only labelled training pixels are classified or reconstructed in the
loss. How the settings were chosen: README.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.sits_mamba.holdout import held_out
from models.sits_mamba.network import Config, Reading, SITSMamba, reconstruction_loss
from models.sits_mamba.season import days_of
from rsviz.core.model import OnStep
from rsviz.core.options import build, option
from rsviz.core.scene import Scene
from rsviz.nn.fit import Trained, parameter_count, read_checkpoint, save_checkpoint, seeded

CHECKPOINT_EPOCHS, GRADIENT_NORM, TINY = 10, 5.0, 1e-6
TURNS = ((), (3,), (4,), (3, 4))
FORM, YES_NO = "as the form", ("yes", "no")
PUBLISHED = {"norm": "frame", "mask": "frames", "days": False, "relu_scores": True}


@dataclass(frozen=True)
class Recipe:
    """Settings of a training."""

    form: str = option(
        "ours", "Form", "The network as it is here, or as published.", choices=("ours", "published")
    )
    mask: str = option(
        FORM, "Mask", "Leave out clouded dates, or empty images.", choices=(FORM, "dates", "frames")
    )
    days: str = option(FORM, "Days", "Whether days of the year are told.", choices=(FORM, *YES_NO))
    relu_scores: str = option(FORM, "Cut scores", "End in ReLU.", choices=(FORM, *YES_NO))
    norm: str = option(
        FORM, "Normalisation", "Over frames or each pixel.", choices=(FORM, "frame", "pixel")
    )
    epochs: int = option(60, "Epochs", "Passes over the training pixels.", 1, 10000)
    lr: float = option(5e-3, "Learning rate", "The highest; it decays to 0.", 0.0, 1.0)
    constant: bool = option(False, "Constant rate", "Keep the rate, with Adam, as published.")
    weight_decay: float = option(1e-2, "Weight decay", "Of AdamW.", 0.0, 1.0)
    width: int = option(64, "Channels", "Width of the network; a multiple of 4.", 4, 512)
    kernel: int = option(
        0, "Kernel", "Side of the convolutions, 1 or 3; 0: 3 where there are neighbours.", 0, 3
    )
    batch: int = option(32, "Batch", "Pixels in a step, where there are no neighbours.", 2, 4096)
    patch: int = option(16, "Patch", "Side of the patches where there are neighbours.", 8, 128)
    patches: int = option(4, "Patches", "Patches in a step.", 1, 64)
    reconstruct: bool = option(True, "Reconstruction", "Whether dates are given back as well.")
    positional: bool = option(True, "Positional weight", "Whether later dates weigh more.")
    balance: float = option(0.03, "Balance", "Weight of the reconstruction.", 0.0, 10.0)
    drop: float = option(0.1, "Dropped dates", "Largest share left out in a step.", 0.0, 0.9)
    fade: float = option(0.0, "Fading", "Bands are made weaker or stronger, deviation.", 0.0, 1.0)
    shift: float = option(0.0, "Shift", "Days by which the year is moved, deviation.", 0.0, 60.0)
    jitter: float = option(0.0, "Noise", "Added to scaled values, standard deviation.", 0.0, 1.0)
    smoothing: float = option(0.05, "Label smoothing", "Of the cross-entropy.", 0.0, 0.5)
    bf16: bool = option(True, "Half precision", "Multiply matrices in bfloat16.")
    validation: float = option(
        0.0, "Held out", "Share of training fields that choose the epoch; 0: the last.", 0.0, 0.5
    )


def train(
    scene: Scene,
    labels: NDArray[np.int16],
    seed: int,
    settings: dict[str, str],
    checkpoint: Path | None,
    device: str,
    on_step: OnStep,
) -> Trained:
    """Train on labelled pixels; the last epoch is the result, or the best on held-out fields.

    Args:
        scene: the series; its own truth is not looked at, but for which pixels belong together.
        labels: (H, W); 0 is not for training, 1..K are the classes.
        seed: of the weights' start and everything random.
        settings: values of `Recipe` by name, as text.
        checkpoint: file to go on from and to save to every 10 epochs; None for neither.
        device: torch device.
        on_step: called with (epochs done, epochs, loss as text).

    Returns:
        The trained state.

    Raises:
        BadOption: a setting is unknown or out of range.
    """
    recipe: Recipe = build(Recipe, dict(settings))
    classes = len(scene.truth.names) if scene.truth is not None else int(labels.max())
    kernel = recipe.kernel or (3 if min(scene.grid.shape) > 1 else 1)
    config = shaped(Config(scene.shape[1], classes, recipe.width, kernel=kernel), recipe)
    started = time.perf_counter()
    with seeded(seed):
        chosen = labels
        kept_back = np.zeros(labels.shape, np.bool_)
        if recipe.validation:
            kept_back = held_out(scene.truth, labels, recipe.validation, seed)
            chosen = np.where(kept_back, 0, labels).astype(np.int16)
        run = _Run(config, recipe, scene, chosen, device)
        run.resume(checkpoint)
        while run.epoch < recipe.epochs:
            loss = run.pass_over()
            if recipe.validation:
                run.judge(labels, kept_back)
            on_step(run.epoch, recipe.epochs, f"loss {loss:.3f}")
            if checkpoint is not None and run.epoch % CHECKPOINT_EPOCHS == 0:
                run.save(checkpoint, time.perf_counter() - started)
    state = run.best or run.network.state_dict()
    seconds = run.seconds_before + time.perf_counter() - started
    return Trained(
        {name: value.cpu() for name, value in state.items()},
        asdict(config),
        parameter_count(run.network),
        seconds,
        run.history,
    )


def shaped(config: Config, recipe: Recipe) -> Config:
    """The network that a recipe asks for: its form, and what is set beside it."""
    if recipe.form == "published":
        config = replace(config, **PUBLISHED)
    if recipe.mask != FORM:
        config = replace(config, mask=recipe.mask)
    if recipe.norm != FORM:
        config = replace(config, norm=recipe.norm)
    if recipe.days != FORM:
        config = replace(config, days=recipe.days == "yes")
    if recipe.relu_scores != FORM:
        config = replace(config, relu_scores=recipe.relu_scores == "yes")
    if config.kernel == 1:  # a frame is then one pixel
        return replace(config, norm="pixel")
    return replace(config, patch=recipe.patch) if config.norm == "frame" else config


class _Run:
    """A training under way: network, optimiser and what is kept of the epochs."""

    def __init__(
        self,
        config: Config,
        recipe: Recipe,
        scene: Scene,
        labels: NDArray[np.int16],
        device: str,
    ) -> None:
        self.recipe, self.device = recipe, torch.device(device)
        self.network = SITSMamba(config).to(self.device)
        known = scene.valid & np.isfinite(scene.pixels).all(axis=1)
        pixels = torch.from_numpy(np.where(known[:, None], scene.pixels, 0))[None]
        self.valid = torch.from_numpy(known)[None].to(self.device)  # (1, T, H, W)
        usable = torch.tensor([band.good for band in scene.bands])
        self.network.scale_bands(*band_scaling(pixels[0], self.valid[0].cpu(), usable))
        self.x = self.network.scaled(pixels.to(self.device), self.valid)  # (1, T, C, H, W)
        self.days = torch.from_numpy(days_of(scene.dates, scene.shape[0])).to(self.device)
        self.targets = torch.from_numpy(labels.astype(np.int64) - 1).to(self.device)  # (H, W)
        self.at = torch.nonzero(self.targets >= 0)  # (N, 2)
        self.single = config.kernel == 1
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.lr, weight_decay=recipe.weight_decay, fused=True
        )
        if recipe.constant:
            self.optimiser = torch.optim.Adam(self.network.parameters(), recipe.lr)
        self.history: dict[str, list[float]] = {"loss": [], "classes": [], "dates": []}
        self.best: dict[str, Tensor] | None = None
        self.seconds_before = 0.0

    @property
    def epoch(self) -> int:
        return len(self.history["loss"])

    def steps(self) -> int:
        """Steps of an epoch: about as many pixels as there are to train on."""
        covered = self.recipe.batch if self.single else self.recipe.patches * self.recipe.patch**2
        size = len(self.at) if self.single else self.targets.numel()
        return max(1, math.ceil(size / covered))

    def pass_over(self) -> float:
        """One epoch; returns the mean loss [nat]."""
        self.network.train()
        total, steps = self.recipe.epochs * self.steps(), self.steps()
        sums = np.zeros(3)
        for number, (x, valid, targets) in enumerate(self._batches()):
            if not self.recipe.constant:
                rate = self.recipe.lr * _one_cycle((self.epoch * steps + number) / total)
                for group in self.optimiser.param_groups:
                    group["lr"] = rate
            sums += self._step(x, valid, targets)
        for name, value in zip(("loss", "classes", "dates"), sums / steps, strict=True):
            self.history[name].append(float(value))
        return self.history["loss"][-1]

    def _batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Pixels (B, T, C, h, w), masks (B, T, h, w) and targets (B, h, w), -1 for none."""
        order = torch.randperm(len(self.at))
        if self.single:
            for part in order.split(self.recipe.batch):
                if len(part) < 2 < len(order):
                    continue  # a batch of one has no variance to normalise by
                row, col = self.at[part].T
                x = self.x[0][:, :, row, col].permute(2, 0, 1)[..., None, None]
                valid = self.valid[0][:, row, col].T[..., None, None]
                yield x, valid, self.targets[row, col][:, None, None]
            return
        side = min(self.recipe.patch, *self.targets.shape)
        for _ in range(self.steps()):
            around = self.at[torch.randint(len(self.at), (self.recipe.patches,))].cpu()
            corners = around - torch.randint(side, around.shape)
            limit = torch.tensor(self.targets.shape) - side
            corners = corners.clamp(min=torch.zeros(2, dtype=torch.long), max=limit)
            spans = [(slice(r, r + side), slice(c, c + side)) for r, c in corners.tolist()]
            yield (
                torch.stack([self.x[0][..., r, c] for r, c in spans]),
                torch.stack([self.valid[0][..., r, c] for r, c in spans]),
                torch.stack([self.targets[r, c] for r, c in spans]),
            )

    def _step(self, x: Tensor, valid: Tensor, targets: Tensor) -> NDArray[np.float64]:
        """One step; returns total loss, cross-entropy and reconstruction error."""
        recipe, network = self.recipe, self.network
        truth = x
        if recipe.form == "ours":
            x, valid, targets = self._varied(x, valid, targets)
            truth = x
            x = x + recipe.jitter * torch.randn_like(x) * valid[:, :, None]
            x = x * (1.0 + recipe.fade * torch.randn(len(x), 1, x.shape[2], 1, 1))
        days = self.days + recipe.shift * float(torch.randn(()))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=recipe.bf16):
            prediction = network(x, valid, days)
        known = targets >= 0
        ours = recipe.form == "ours"
        by_class = F.cross_entropy(
            prediction.scores.float(),
            targets,
            ignore_index=-1,
            label_smoothing=recipe.smoothing if ours else 0.0,
        )
        loss, by_date = by_class, by_class.new_zeros(())
        if recipe.reconstruct:
            part = known.flatten()
            reading = prediction.reading
            chosen = Reading(
                reading.features[part].float(), reading.seen[part], reading.place[part], None
            )
            series = truth.permute(0, 3, 4, 1, 2).flatten(0, 2)[part]  # (B*h*w, T, C) -> (n, T, C)
            restored = network.reconstruct(chosen.features)
            by_date = reconstruction_loss(restored, series, chosen, recipe.positional)
            ratio = (by_class / (by_date + TINY)).detach()  # both terms count the same
            loss = by_class + recipe.balance * ratio * by_date
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        self.optimiser.step()
        return np.array([float(value.detach()) for value in (loss, by_class, by_date)])

    def _varied(self, x: Tensor, valid: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same batch turned or mirrored, with some dates left out."""
        if not self.single:
            flips = TURNS[int(torch.randint(len(TURNS), ()))]
            x, valid = x.flip(flips), valid.flip([f - 1 for f in flips])
            targets = targets.flip([f - 2 for f in flips])
            if torch.rand(()) < 0.5 and x.shape[3] == x.shape[4]:
                x, valid, targets = (v.transpose(-1, -2) for v in (x, valid, targets))
        share = float(torch.rand(())) * self.recipe.drop
        out = torch.rand(x.shape[:2], device=x.device) < share  # (B, T)
        valid = valid & ~out[:, :, None, None]
        return x.where(valid[:, :, None], 0.0), valid, targets

    @torch.no_grad()
    def judge(self, labels: NDArray[np.int16], kept_back: NDArray[np.bool_]) -> None:
        """Score the held-out pixels; keep the network when they are the best so far."""
        self.network.eval()
        row, col = torch.from_numpy(np.argwhere(kept_back)).T
        if self.single:
            x = self.x[0][:, :, row, col].permute(2, 0, 1)[..., None, None]
            valid = self.valid[0][:, row, col].T[..., None, None]
            found = self.network(x, valid, self.days).scores.argmax(1).flatten()
        else:
            found = self.network(self.x, self.valid, self.days).scores[0].argmax(0)[row, col]
        truth = torch.from_numpy(labels[kept_back].astype(np.int64) - 1).to(found.device)
        right = float((found == truth).float().mean())
        scores = self.history.setdefault("held out", [])
        if right > max(scores, default=-1.0):
            self.best = {name: v.clone() for name, v in self.network.state_dict().items()}
        scores.append(right)

    def save(self, path: Path, seconds: float) -> None:
        """Write everything needed to go on."""
        content = {
            "recipe": asdict(self.recipe),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": self.history,
            "best": self.best,
            "seconds": self.seconds_before + seconds,
            "random": torch.get_rng_state(),
        }
        save_checkpoint(path, content)

    def resume(self, path: Path | None) -> None:
        """Go on from a checkpoint, if there is one of this very recipe."""
        content = read_checkpoint(path)
        if content is None or content["recipe"] != asdict(self.recipe):
            return
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        self.history, self.best = content["history"], content["best"]
        self.seconds_before = content["seconds"]
        torch.set_rng_state(content["random"])


def band_scaling(pixels: Tensor, valid: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each band over clear pixels of (T, C, H, W), without labels.

    Bands marked as bad get an infinite deviation: scaled, they are 0 everywhere.
    """
    values = pixels.permute(1, 0, 2, 3)[:, valid]  # (C, clear pixels)
    deviation, mean = torch.std_mean(values, dim=1)
    return mean, deviation.clamp(min=1e-6).where(usable, torch.inf)


def _one_cycle(done: float, warmup: float = 0.1, start: float = 0.1) -> float:
    """Factor on the learning rate: up from a tenth, then down to 0 along a cosine."""
    if done < warmup:
        return start + (1.0 - start) * done / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (done - warmup) / (1.0 - warmup)))
