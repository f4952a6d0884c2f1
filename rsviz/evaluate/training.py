"""Training a card's model under a protocol, and the record that makes its weights usable.

The trainer sees the scene with its training labels only. The test score in the record is
measured through `core.run` with the file that was saved, never with the network in memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.errors import BadOption, RsvizError
from rsviz.core.model import OnStep
from rsviz.core.run import Ask, run
from rsviz.core.scene import Scene
from rsviz.evaluate import records
from rsviz.evaluate.protocols import (
    EvalProtocol,
    Labels,
    fingerprint,
    protocol,
    training_labels,
)
from rsviz.evaluate.records import Record, weights_id
from rsviz.evaluate.scores import score_result
from rsviz.io import catalog

if TYPE_CHECKING:
    from rsviz.nn.fit import Trained

Trainer = Callable[..., "Trained"]


def train_and_record(
    model_id: str,
    protocol_name: str,
    seed: int,
    device: str,
    settings: dict[str, str],
    on_step: OnStep,
    *,
    variant: str = "",
    keep_file: bool = True,
    checkpoint: Path | None = None,
) -> Record:
    """Train a model on the training pixels of a protocol and record weights and test scores.

    Args:
        model_id: which card.
        protocol_name: which protocol draws the pixels.
        seed: seed of the split and of the training.
        device: torch device name, resolved.
        settings: settings of the trainer, as text.
        on_step: called with (done, total, what).
        variant: names another set of settings than the default; part of the id.
        keep_file: whether the weights stay; otherwise only hash and metrics are recorded.
        checkpoint: where to save and resume an unfinished training; removed at the end.

    Returns:
        The record as written to weights.json.

    Raises:
        BadOption: there is no such model, protocol or setting, or the model has no trainer.
    """
    card, rule = registry.card(model_id), protocol(protocol_name)
    scene = read_scene(rule)
    trained = trainer_of(card)(
        *_training_view(scene, rule, seed), seed, settings, checkpoint, device, on_step
    )
    folder = registry.MODELS / card.id / "weights"
    record = _record(card, rule, seed, variant, settings, trained, scene)
    record["file"] = f"{record['id'].replace('/', '-')}.safetensors"
    record["sha256"] = records.save(trained, record, folder / record["file"])
    records.put(folder, record)
    record |= _measured(card.id, record["id"], scene, device)
    if not keep_file:
        (folder / record["file"]).unlink()
        record["file"] = ""
        record["recipe"] += " --no-file"
    records.put(folder, record)
    registry.reread()
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return record


def read_scene(rule: EvalProtocol) -> Scene:
    """The scene of a protocol, whole, with its reference labels.

    Raises:
        RsvizError: it brings no reference labels.
    """
    source = catalog.open_scene(rule.scene)
    try:
        scene = source.read()
    finally:
        source.close()
    if scene.truth is None:
        raise RsvizError(f"The scene '{rule.scene}' brings no reference labels.")
    return scene


def trainer_of(card: ModelCard) -> Trainer:
    """The function that trains a card's model.

    Raises:
        BadOption: the card names none.
    """
    if not card.trainer:
        raise BadOption(f"{card.title} cannot be trained: its card names no trainer.")
    module, _, name = card.trainer.partition(":")
    found: Trainer = getattr(importlib.import_module(module), name)
    return found


def _training_view(scene: Scene, rule: EvalProtocol, seed: int) -> tuple[Scene, Labels]:
    """The scene with no other labels than those of training, and these labels (H, W) int16."""
    assert scene.truth is not None
    labels = training_labels(scene.truth, rule.split(scene.truth, seed))
    truth = replace(scene.truth, labels=labels)
    return replace(scene, truth=truth), labels


def _record(
    card: ModelCard,
    rule: EvalProtocol,
    seed: int,
    variant: str,
    settings: dict[str, str],
    trained: Trained,
    scene: Scene,
) -> Record:
    """What is known before the test score."""
    assert scene.truth is not None
    entry = next(e for e in catalog.scenes() if e.id == rule.scene)
    words = ["python -m rsviz train", card.id, f"--protocol {rule.name} --seed {seed}"]
    words += [f"--set {name}={value}" for name, value in sorted(settings.items())]
    words += [f"--variant {variant}"] if variant else []
    return {
        "id": weights_id(rule.name, seed, variant),
        "file": "",
        "sha256": "",
        "scene": rule.scene,
        "protocol": rule.name,
        "seed": seed,
        "bands": scene.shape[1],
        "wavelengths_nm": list(scene.wavelengths_nm or ()),
        "classes": list(scene.truth.names),
        "colours": list(scene.truth.colours),
        "config": trained.config,
        "parameters": trained.parameters,
        "recipe": " ".join(words),
        "data": entry.title,
        "licence": f"data: {entry.licence}; weights: Apache-2.0",
        "measured_on": "",
        "metrics": {
            "protocol_version": rule.version,
            "truth": fingerprint(scene.truth),
            "training_seconds": round(trained.seconds, 1),
        },
    }


def _measured(model_id: str, weights: str, scene: Scene, device: str) -> Record:
    """Metrics on the test pixels with the saved file, and what they were measured on."""
    registry.reread()
    result = score_result(run(scene, Ask(model_id, weights=weights, device=device)), scene)
    if not result.metrics:
        raise RsvizError(f"{model_id} gave no classification that could be scored.")
    stored = next(w for w in registry.card(model_id).weights if w.id == weights)
    return {
        "metrics": stored.metrics | records.rounded(result.metrics),
        "measured_on": records.measured_on(result.record.device),
    }
