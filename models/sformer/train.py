"""Trains SFormer on patches around the labelled pixels of one scene.

The recipe is chosen on held-out training pixels of seeds that are not reported; see README.md.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.sformer.network import PATCH, Config, SFormer
from models.sformer.patches import augmented, padded, patches_at
from rsviz.core.errors import SceneMismatch
from rsviz.core.model import OnStep
from rsviz.core.options import build, option
from rsviz.core.scene import Scene
from rsviz.nn.fit import (
    AveragedWeights,
    OnEpoch,
    Trained,
    kept_at_an_interruption,
    parameter_count,
    read_checkpoint,
    save_checkpoint,
    seeded,
)
from rsviz.nn.landcover import defined, filled_pixels

CHECKPOINT_EPOCHS = 10


@dataclass(frozen=True)
class Recipe:
    """Settings of a training."""

    epochs: int = option(120, "Epochs", "Passes over the training pixels.", 1, 10000)
    lr: float = option(2e-3, "Learning rate", "After the warm-up; decays to 0.", 0.0, 1.0)
    warmup: int = option(5, "Warm-up", "Epochs in which the learning rate rises.", 0, 1000)
    weight_decay: float = option(1e-2, "Weight decay", "Of AdamW.", 0.0, 1.0)
    batch: int = option(64, "Batch", "Patches a step, at most.", 2, 4096)
    turns: float = option(0.85, "Turns", "Chance that a patch is mirrored or turned.", 0.0, 1.0)
    shift: int = option(2, "Shift", "Pixels by which a patch is moved, at most.", 0, 4)
    smoothing: float = option(0.1, "Label smoothing", "Share of other classes.", 0.0, 0.9)
    noise: float = option(0.1, "Noise", "Of each component, in its own spread.", 0.0, 1.0)
    keep: int = option(80, "Tokens kept", "Of 100, by each query.", 1, 100)
    components: int = option(30, "Components", "Principal components that are read.", 1, 256)
    share_kernel_block: bool = option(True, "Share kernel block", "One for both passes.")
    spatial_select: str = option(
        "v2", "Selection by place", "As released last, or before.", choices=("v2", "legacy")
    )
    pass_statistics: bool = option(True, "Pass statistics", "Normalise each pass by its own.")
    whiten: float = option(0.5, "Whitening", "0 as published, 1 for equal spread.", 0.0, 1.0)
    average: float = option(0.0, "Averaging", "Decay of averaged weights; 0 for none.", 0.0, 1.0)
    bf16: bool = option(True, "Half precision", "Multiply matrices in bfloat16.")


def train(
    scene: Scene,
    labels: NDArray[np.int16],
    seed: int,
    settings: dict[str, str],
    checkpoint: Path | None,
    device: str,
    on_step: OnStep,
    on_epoch: OnEpoch | None = None,
) -> Trained:
    """Train on labelled pixels; the last epoch is the result.

    What interrupts it inside `on_step` or `on_epoch` leaves a checkpoint, if there is to be one.

    Args:
        scene: the scene; its own truth is not looked at.
        labels: (H, W); 0 is not for training, 1..K are the classes.
        seed: of the weights' start and everything random.
        settings: values of `Recipe` by name, as text.
        checkpoint: file to go on from and to save to every 10 epochs; None for neither.
        device: torch device.
        on_step: called with (epochs done, epochs, loss as text).
        on_epoch: called after each epoch with a function that gives the state so far.

    Raises:
        BadOption: a setting is unknown or outside its range.
        SceneMismatch: fewer than two pixels are labelled.
    """
    recipe: Recipe = build(Recipe, settings)
    started = time.perf_counter()
    valid = defined(scene)
    rows, cols = np.nonzero((labels > 0) & valid)
    if len(rows) < 2:
        raise SceneMismatch(f"{len(rows)} pixels are labelled; at least 2 are needed to train.")
    config = Config(
        bands=scene.shape[1],
        classes=len(scene.truth.names) if scene.truth else int(labels.max()),
        components=min(recipe.components, scene.shape[1]),
        keep=recipe.keep,
        share_kernel_block=recipe.share_kernel_block,
        spatial_select=recipe.spatial_select,
        pass_statistics=recipe.pass_statistics,
        whiten=recipe.whiten,
    )
    with seeded(seed):
        network = SFormer(config)
        pixels = torch.from_numpy(filled_pixels(scene, valid))
        network.projection.fit(pixels, recipe.whiten)
        image = padded(network.projection(pixels))
        places = torch.from_numpy(np.stack((rows, cols)))
        targets = torch.from_numpy(labels[rows, cols].astype(np.int64) - 1)
        run = _Run(network.to(device), recipe, image.to(device), places, targets.to(device))
        run.resume(checkpoint)

        def trained() -> Trained:
            state = {name: tensor.cpu() for name, tensor in run.state().items()}
            seconds = run.seconds_before + time.perf_counter() - started
            return Trained(state, asdict(config), parameter_count(network), seconds, run.history)

        with kept_at_an_interruption(checkpoint, run.save, started):
            while run.epoch < recipe.epochs:
                loss = run.epoch_step()
                on_step(run.epoch, recipe.epochs, f"loss {loss:.4f}")
                if on_epoch is not None:
                    on_epoch(trained)
                if checkpoint is not None and run.epoch % CHECKPOINT_EPOCHS == 0:
                    run.save(checkpoint, time.perf_counter() - started)
        return trained()


class _Run:
    """A training under way: network, optimiser, averages and the losses so far."""

    def __init__(
        self, network: SFormer, recipe: Recipe, image: Tensor, places: Tensor, targets: Tensor
    ) -> None:
        self.network, self.recipe, self.image = network, recipe, image
        self.places, self.targets = places, targets  # (2, N) rows and columns, (N,)
        self.spread = patches_at(image, *places.to(image.device)).std((0, 2, 3), keepdim=True)
        self.optimiser = torch.optim.AdamW(_groups(network, recipe), recipe.lr, fused=True)
        self.average = AveragedWeights(network, recipe.average) if recipe.average else None
        self.history: dict[str, list[float]] = {"loss": []}
        self.seconds_before = 0.0

    @property
    def epoch(self) -> int:
        return len(self.history["loss"])

    def epoch_step(self) -> float:
        """One pass over the patches in batches of nearly equal size; returns the loss [nat]."""
        self.network.train()
        count = len(self.targets)
        batches = torch.randperm(count).tensor_split(-(-count // self.recipe.batch))
        losses = [
            self._step(batch, (self.epoch + i / len(batches)) / self.recipe.epochs)
            for i, batch in enumerate(batches)
        ]
        self.history["loss"].append(sum(losses) / count)
        return self.history["loss"][-1]

    def _step(self, batch: Tensor, progress: float) -> float:
        """One step; returns the sum of losses over the batch [nat]."""
        recipe = self.recipe
        rate = recipe.lr * _schedule(progress, recipe.warmup / recipe.epochs)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        places = moved_places(self.places[:, batch], recipe.shift, self.image)
        patches = augmented(patches_at(self.image, *places.to(self.image.device)), recipe.turns)
        if recipe.noise:
            patches = patches + recipe.noise * self.spread * torch.randn_like(patches)
        with torch.autocast(patches.device.type, torch.bfloat16, enabled=recipe.bf16):
            scores = self.network(patches)
        loss = F.cross_entropy(
            scores.float(),
            self.targets[batch.to(self.targets.device)],
            label_smoothing=recipe.smoothing,
        )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.network)
        return float(loss.detach()) * len(batch)

    def state(self) -> dict[str, Tensor]:
        """The tensors to keep: the averaged ones where there are some."""
        return self.average.state if self.average else self.network.state_dict()

    def save(self, path: Path, seconds: float) -> None:
        """Write everything needed to go on."""
        content = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": (self.average.state, self.average.updates) if self.average else None,
            "history": self.history,
            "seconds": self.seconds_before + seconds,
            "random": torch.get_rng_state(),
        }
        save_checkpoint(path, content)

    def resume(self, path: Path | None) -> None:
        """Go on from a checkpoint, if there is one."""
        content = read_checkpoint(path)
        if content is None:
            return
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        if self.average is not None:
            self.average.state, self.average.updates = content["average"]
        self.history = content["history"]
        self.seconds_before = content["seconds"]
        torch.set_rng_state(content["random"])


def moved_places(places: Tensor, most: int, image: Tensor) -> Tensor:
    """Rows and columns (2, N), each moved by up to `most` pixels inside a padded image's scene."""
    if not most:
        return places
    last = torch.tensor(image.shape[1:])[:, None] - PATCH
    moved = places + torch.randint(-most, most + 1, places.shape)
    return torch.minimum(moved.clamp(min=0), last)


def _schedule(progress: float, warmup: float) -> float:
    """Factor on the learning rate: a linear rise, then half a cosine down to 0."""
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1.0 + math.cos(math.pi * (progress - warmup) / (1.0 - warmup)))


def _groups(network: SFormer, recipe: Recipe) -> list[dict[str, object]]:
    """Parameters with weight decay (matrices and kernels) and without (all others)."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
