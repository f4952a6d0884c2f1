"""Trains the plain network with the recipe of SpikeSR, on the same number of crops."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from models.edsr.network import EDSR, Config
from rsviz.core.model import OnStep
from rsviz.core.options import build, option
from rsviz.nn.fit import Trained, parameter_count, seeded
from rsviz.nn.sr_fit import Pairs, Schedule, SRTraining


@dataclass(frozen=True)
class Recipe(Schedule):
    """Settings of a training."""

    channels: int = option(64, "Channels", "Of every convolution.", 4, 1024)
    blocks: int = option(11, "Blocks", "Residual blocks.", 1, 256)
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
    config = Config(
        channels=recipe.channels,
        blocks=recipe.blocks,
        scale=pairs.scale,
        global_skip=recipe.global_skip,
    )
    with seeded(seed):
        training = SRTraining(EDSR(config), recipe, pairs, seed, device)
        training.run(checkpoint, on_step)
    state = {name: tensor.cpu() for name, tensor in training.average.state.items()}
    count = parameter_count(training.network)
    return Trained(state, asdict(config), count, training.seconds, training.history)
