"""Calibration of weights by a second training that leaves out a fifth of the training pixels.

Probabilities of pixels that were trained on are too sure to calibrate with, and test pixels may
not be used. So the recipe is trained once more on four fifths of the training pixels; temperature
and prediction sets are fitted on the fifth left out, and apply to the weights trained on all.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from rsviz.core import registry
from rsviz.core.errors import ModelFailed, WeightsMissing
from rsviz.core.layers import ProbabilityMap
from rsviz.core.model import OnStep
from rsviz.core.run import Ask, run
from rsviz.evaluate import lessons, records
from rsviz.evaluate.certainty import fitted
from rsviz.evaluate.protocols import Labels, protocol, training_labels
from rsviz.evaluate.records import Record, weights_id
from rsviz.evaluate.training import read_scene

LEFT_OUT = 0.2


def calibrate(
    model_id: str,
    protocol_name: str,
    seed: int,
    device: str,
    on_step: OnStep,
    *,
    variant: str = "",
    checkpoint: Path | None = None,
) -> Record:
    """Fit temperature and prediction sets of committed weights, and add them to their record.

    Args:
        model_id: which card.
        protocol_name: which protocol drew the training pixels.
        seed: of the weights.
        device: torch device name, resolved.
        on_step: called with (done, total, what).
        variant: of the weights.
        checkpoint: where to save and resume the unfinished training; removed at the end.

    Returns:
        temperature, least probabilities of the prediction sets by level, n_validation, and how
        it came about.

    Raises:
        WeightsMissing: there are no such weights.
    """
    card, rule = registry.card(model_id), protocol(protocol_name)
    weights = card.named(weights_id(rule.name, seed, variant))
    if weights is None:
        raise WeightsMissing(f"{card.title} has no weights for {rule.name}, seed {seed}.")
    scene = read_scene(rule)
    assert scene.truth is not None
    labels = training_labels(scene.truth, rule.split(scene.truth, seed))
    kept, left = parted(labels, seed)
    pixels = [(int(r), int(c), int(kept[r, c])) for r, c in np.argwhere(kept)]
    with tempfile.TemporaryDirectory() as folder:
        found = lessons.teach(
            card,
            scene,
            pixels,
            scene.truth.names,
            settings_of(weights.recipe),
            seed,
            Path(folder),
            checkpoint,
            device,
            on_step,
        )
        layers = run(scene, Ask(card.id, found.id, device=device)).layers
    layer = next((each for each in layers.values() if isinstance(each, ProbabilityMap)), None)
    if layer is None:
        raise ModelFailed(f"{card.title} gave no probabilities that could be calibrated.")
    p = layer.data[:, left > 0].T.astype(np.float64)  # (K, N) -> (N, K)
    classes = left[left > 0].astype(np.int64) - 1
    calibration = records.rounded(fitted(p, classes)) | {
        "how": f"a second training of the recipe without {classes.size} of its training pixels, "
        "which these numbers were fitted on"
    }
    records.amend(registry.MODELS / card.id / "weights", weights.id, {"calibration": calibration})
    registry.reread()
    return calibration


def parted(labels: Labels, seed: int) -> tuple[Labels, Labels]:
    """Training labels without a fifth of each class, and that fifth; at least two stay."""
    rng = np.random.default_rng([seed, 5])
    left = np.zeros_like(labels)
    for label in range(1, int(labels.max()) + 1):
        places = rng.permutation(np.flatnonzero(labels == label))
        out = min(round(LEFT_OUT * places.size), max(0, places.size - 2))
        left.flat[places[:out]] = label
    return np.where(left > 0, 0, labels).astype(np.int16), left


def settings_of(recipe: str) -> dict[str, str]:
    """The settings in the command that trained weights."""
    words = recipe.split()
    pairs = (words[i + 1].partition("=") for i, word in enumerate(words[:-1]) if word == "--set")
    return {name: value for name, _, value in pairs}
