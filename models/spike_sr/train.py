"""Trains SpikeSR on pairs of coarse and fine images.

The first part of the training runs with one time step, the next with two, the last with all four:
a step costs as much as it has time steps. When more time steps come, the mix over time begins as
copies of what was learnt. At the end the statistics of all norms are measured anew for the averaged
weights and all time steps.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.spike_sr.attention import HybridAttention
from models.spike_sr.network import SIZES, SpikeSR
from rsviz.core.model import OnStep
from rsviz.core.options import build, option
from rsviz.nn.fit import Trained, parameter_count, seeded
from rsviz.nn.sr_fit import Pairs, Schedule, SRTraining

STATISTICS_BATCHES = 40


@dataclass(frozen=True)
class Recipe(Schedule):
    """Settings of a training."""

    size: str = option("S", "Size", "S or full.", choices=tuple(SIZES))
    one_step: float = option(0.72, "One step", "Share of the training with T = 1.", 0.0, 1.0)
    two_steps: float = option(0.9, "Two steps", "Until which share T = 2.", 0.0, 1.0)
    attn_order: str = option(
        "parallel", "Order", "As released, or as in the paper.", choices=("parallel", "serial")
    )
    fusion: str = option(
        "mean", "Fusion", "As released, or as in the paper.", choices=("mean", "block")
    )
    pyramid: bool = option(False, "Pyramid", "Look for partners at half the resolution too.")
    global_skip: bool = option(True, "Bicubic skip", "Add to bicubic interpolation.")


def train(
    pairs: Pairs,
    seed: int,
    settings: dict[str, str],
    checkpoint: Path | None,
    device: str,
    on_step: OnStep,
) -> Trained:
    """Train; the averaged weights at the end are the result.

    Args:
        pairs: images to learn from and to watch.
        seed: of the weights' start and everything random.
        settings: values of `Recipe` by name, as text.
        checkpoint: file to go on from and to save to; None for neither.
        device: torch device.
        on_step: called with (steps done, steps, error as text).

    Raises:
        BadOption: a setting is unknown or outside its range.
        SceneMismatch: an image is smaller than a crop.
    """
    recipe: Recipe = build(Recipe, settings)
    config = replace(
        SIZES[recipe.size],
        scale=pairs.scale,
        attn_order=recipe.attn_order,
        fusion=recipe.fusion,
        pyramid_scales=(1.0, 0.5) if recipe.pyramid else (1.0,),
        global_skip=recipe.global_skip,
    )
    started = time.perf_counter()
    with seeded(seed):
        network = _Stepped(SpikeSR(config))
        training = SRTraining(network, recipe, pairs, seed, device)

        def before_step(step: int) -> None:
            network.use(steps_at(step, recipe, config.steps))

        training.before_step = before_step
        training.run(checkpoint, on_step)
        network.load_state_dict(training.average.state)
        network.steps = config.steps
        _measure_statistics(network, pairs, recipe)
    state = {name.removeprefix("network."): t.cpu() for name, t in network.state_dict().items()}
    seconds = training.seconds or time.perf_counter() - started
    return Trained(state, asdict(config), parameter_count(network), seconds, training.history)


def steps_at(step: int, recipe: Recipe, most: int) -> int:
    """Time steps in use at a step of the training."""
    done = step / recipe.steps
    return 1 if done < recipe.one_step else min(2, most) if done < recipe.two_steps else most


class _Stepped(nn.Module):
    """A network with the number of time steps that is in use now."""

    def __init__(self, network: SpikeSR) -> None:
        super().__init__()
        self.network, self.steps = network, 0

    def use(self, steps: int) -> None:
        """Change the number of time steps; more begin as copies of the former ones."""
        if self.steps and steps > self.steps:
            for module in self.network.modules():
                if isinstance(module, HybridAttention):
                    module.grow(self.steps)
        self.steps = steps

    def forward(self, image: Tensor) -> Tensor:
        made: Tensor = self.network(image, self.steps)
        return made


@torch.no_grad()
def _measure_statistics(network: nn.Module, pairs: Pairs, recipe: Recipe) -> None:
    """Set the mean and variance of every norm to those of crops of the training images."""
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    random, device = np.random.default_rng(0), next(network.parameters()).device
    for _ in range(STATISTICS_BATCHES):
        images = [
            pairs.coarse[int(i)] for i in random.integers(len(pairs.coarse), size=recipe.batch)
        ]
        crops = [_crop(image, recipe.crop, random) for image in images]
        network(torch.from_numpy(np.stack(crops)).to(device))
    network.eval()


def _crop(image: np.ndarray, side: int, random: np.random.Generator) -> np.ndarray:
    side = min(side, *image.shape[1:])
    row, col = (int(random.integers(n - side + 1)) for n in image.shape[1:])
    return image[:, row : row + side, col : col + side]
