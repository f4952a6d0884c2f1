"""Trains MambaMoE on the labelled pixels of one scene: the whole scene is one step.

The recipe is chosen on held-out training pixels of seeds that are not reported; see README.md.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.mamba_moe.internals import Replay
from models.mamba_moe.network import Config, MambaMoE
from models.mamba_moe.storage import compact
from models.mamba_moe.symmetry import ORIENTATIONS, turned, turned_back
from models.mamba_moe.ugcl import ugcl_loss
from rsviz.core.model import OnStep
from rsviz.core.options import build, option
from rsviz.core.scene import Scene
from rsviz.nn.fit import (
    OnEpoch,
    Trained,
    kept_at_an_interruption,
    parameter_count,
    polynomial_decay,
    read_checkpoint,
    save_checkpoint,
    seeded,
)
from rsviz.nn.landcover import defined, filled_pixels

CHECKPOINT_EPOCHS, GRADIENT_NORM = 20, 10.0


@dataclass(frozen=True)
class Recipe:
    """Settings of a training."""

    epochs: int = option(400, "Epochs", "Passes over the scene; each is one step.", 1, 10000)
    lr: float = option(1e-3, "Learning rate", "At the start; it decays to 0.", 0.0, 1.0)
    weight_decay: float = option(0.0, "Weight decay", "Of Adam.", 0.0, 1.0)
    embed: int = option(64, "Channels", "Width of the network; a multiple of 4.", 4, 256)
    routing: str = option(
        "scene", "Routing", "One decision a block, or one a pixel.", choices=("scene", "pixel")
    )
    top_k: int = option(2, "Experts at once", "Spatial experts that work at once.", 1, 4)
    pool_first: bool = option(True, "Pool first", "Level 1 at half the scene's resolution.")
    balance: float = option(0.0, "Load balance", "Weight of the router's imbalance.", 0.0, 10.0)
    turns: bool = option(True, "Turns", "Turn or mirror the scene at random at each step.")
    bf16: bool = option(True, "Half precision", "Multiply matrices in bfloat16.")
    replay: int = option(0, "Replay", "Epochs of which the sampling mask is kept.", 0, 256)


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
        checkpoint: file to go on from and to save to every 20 epochs; None for neither.
        device: torch device.
        on_step: called with (epochs done, epochs, loss as text).
        on_epoch: called after each epoch with a function that gives the state so far.

    Raises:
        BadOption: a setting is unknown or outside its range.
    """
    recipe: Recipe = build(Recipe, settings)
    started = time.perf_counter()
    classes = len(scene.truth.names) if scene.truth else int(labels.max())
    config = Config(
        bands=scene.shape[1],
        classes=classes,
        embed=recipe.embed,
        routing=recipe.routing,
        top_k=recipe.top_k,
        pool_first=recipe.pool_first,
    )
    valid = defined(scene)
    targets = torch.from_numpy(np.where(valid, labels, 0).astype(np.int64) - 1)[None].to(device)
    pixels = torch.from_numpy(filled_pixels(scene, valid))[None].to(device)
    scaling = band_scaling(pixels, tuple(band.good for band in scene.bands))
    with seeded(seed):
        run = _Run(config, recipe, pixels, scaling, targets)
        run.resume(checkpoint)

        def trained() -> Trained:
            state = {name: tensor.cpu() for name, tensor in run.network.state_dict().items()}
            state = compact(state)
            if run.masks:
                state |= Replay.packed(run.masks, range(0, run.epoch, run.replay_every))
            seconds = run.seconds_before + time.perf_counter() - started
            count = parameter_count(run.network)
            return Trained(state, asdict(config), count, seconds, run.history)

        with kept_at_an_interruption(checkpoint, run.save, started):
            while run.epoch < recipe.epochs:
                loss = run.step()
                on_step(run.epoch, recipe.epochs, f"loss {loss:.4f}")
                if on_epoch is not None:
                    on_epoch(trained)
                if checkpoint is not None and run.epoch % CHECKPOINT_EPOCHS == 0:
                    run.save(checkpoint, time.perf_counter() - started)
        return trained()


class _Run:
    """A training under way: network, optimiser and what is kept of the epochs."""

    def __init__(
        self,
        config: Config,
        recipe: Recipe,
        pixels: Tensor,
        scaling: tuple[Tensor, Tensor],
        targets: Tensor,
    ) -> None:
        self.recipe, self.targets = recipe, targets
        self.network = MambaMoE(config).to(pixels.device, memory_format=torch.channels_last)
        self.network.scale_bands(*scaling)
        self.scene = self.network.normalised(pixels)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.lr, weight_decay=recipe.weight_decay, fused=True
        )
        self.history: dict[str, list[float]] = {"loss": [], "sampled": []}
        self.masks: list[Tensor] = []
        self.replay_every = -(-recipe.epochs // max(1, recipe.replay))
        self.seconds_before = 0.0

    @property
    def epoch(self) -> int:
        return len(self.history["loss"])

    def step(self) -> float:
        """One pass over the scene; returns the loss [nat]."""
        recipe = self.recipe
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.lr * polynomial_decay(self.epoch, recipe.epochs)
        self.network.train()
        way = int(torch.randint(ORIENTATIONS, ())) if recipe.turns else 0
        scene, targets = turned(self.scene, way), turned(self.targets, way)
        with torch.autocast(scene.device.type, torch.bfloat16, enabled=recipe.bf16):
            prediction = self.network(scene)
        losses = ugcl_loss(prediction, targets)
        total = losses.total + recipe.balance * prediction.imbalance
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM)
        self.optimiser.step()
        mask = turned_back(losses.mask, way)
        if recipe.replay and self.epoch % self.replay_every == 0:
            self.masks.append(mask[0].cpu())
        self.history["loss"].append(float(losses.total.detach()))
        self.history["sampled"].append(float((mask & (self.targets >= 0)).sum()))
        return self.history["loss"][-1]

    def save(self, path: Path, seconds: float) -> None:
        """Write everything needed to go on."""
        content = {
            "recipe": asdict(self.recipe),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": self.history,
            "masks": self.masks,
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
        self.history, self.masks = content["history"], content["masks"]
        self.seconds_before = content["seconds"]
        torch.set_rng_state(content["random"])


def band_scaling(pixels: Tensor, good: tuple[bool, ...]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each band over a whole scene (1, C, H, W), without labels.

    Bands marked as bad get an infinite deviation: scaled, they are 0 everywhere.
    """
    deviation, mean = torch.std_mean(pixels[0].flatten(1), dim=1)
    usable = torch.tensor(good, device=pixels.device)
    return mean, deviation.clamp(min=1e-6).where(usable, torch.inf)
