"""Training a card's model on pixels that somebody chose, into a folder of their own.

The folder then holds `weights.json` with one record and the file that it names; its path is the
id of these weights for every run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core import registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import BadOption, Cancelled, ModelFailed
from rsviz.core.layers import Layer
from rsviz.core.model import OnStep, RunContext
from rsviz.core.options import build
from rsviz.core.reference import reference_output
from rsviz.core.scene import Scene, Truth
from rsviz.evaluate import records
from rsviz.evaluate.protocols import Labels, fingerprint
from rsviz.evaluate.training import trainer_of
from rsviz.nn.fit import OnEpoch, Trained, seeded

FILE, SKETCH = "weights.safetensors", "sketch"
Pixels = Sequence[tuple[int, int, int]]
"""Rows, columns and labels 1..K."""


def labels_of(pixels: Pixels, scene: Scene, names: Sequence[str]) -> Labels:
    """Chosen pixels as labels (H, W), 0 where none was chosen.

    Raises:
        BadOption: a pixel lies outside or has no data, or there are fewer than two classes with
            two pixels each.
    """
    labels = np.zeros(scene.grid.shape, np.int16)
    for row, col, label in pixels:
        inside = 0 <= row < scene.grid.height and 0 <= col < scene.grid.width
        if not inside or not scene.valid[0, row, col] or not 1 <= label <= len(names):
            raise BadOption(
                f"Row {row}, column {col} cannot teach class {label}: a pixel with data and one "
                f"of {len(names)} classes is expected."
            )
        labels[row, col] = label
    counts = np.bincount(labels.ravel(), minlength=len(names) + 1)[1:]
    if (counts >= 2).sum() < 2:
        told = ", ".join(f"{name}: {n}" for name, n in zip(names, counts, strict=True) if n)
        raise BadOption(
            f"At least two classes with two pixels each are needed; there are {told or 'none'}.",
            "Label more pixels.",
        )
    return labels


def teach(
    card: ModelCard,
    scene: Scene,
    pixels: Pixels,
    names: Sequence[str],
    settings: dict[str, str],
    seed: int,
    folder: Path,
    checkpoint: Path | None,
    device: str,
    on_step: OnStep,
    on_epoch: OnEpoch | None = None,
) -> Weights:
    """Train on chosen pixels and leave record and file in a folder.

    A training that was cancelled goes on from where it was, if the checkpoint is there.

    Args:
        card: whose model.
        scene: the scene; of its own labels nothing is seen.
        pixels: (row, column, label 1..K) each.
        names: of the K classes.
        settings: of the trainer, as text.
        seed: of everything random.
        folder: where to; made if need be.
        checkpoint: where to save and resume an unfinished training; removed at the end.
        device: torch device name, resolved.
        on_step: called with (done, total, what).
        on_epoch: called after each epoch with a function that gives the state so far.

    Raises:
        BadOption: too few pixels, or a setting is unknown.
        Cancelled: `on_step` or `on_epoch` raised it.
    """
    labels = labels_of(pixels, scene, names)
    truth = scene.truth if scene.truth and scene.truth.names == tuple(names) else None
    view = replace(scene, truth=Truth(labels, tuple(names), truth.colours if truth else ()))
    folder.mkdir(parents=True, exist_ok=True)
    watched = () if on_epoch is None else (on_epoch,)
    trained = trainer_of(card)(view, labels, seed, settings, checkpoint, device, on_step, *watched)
    record = record_of(card, view, trained, settings, seed)
    record["metrics"] |= {"pixels": [[int(n) for n in pixel] for pixel in pixels]}
    if truth is not None:
        record["metrics"] |= {"truth": fingerprint(truth)}
    weights = written(card, record, trained, folder)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return weights


def record_of(
    card: ModelCard, scene: Scene, trained: Trained, settings: dict[str, str], seed: int
) -> records.Record:
    """The record of weights that belong to no protocol."""
    assert scene.truth is not None
    return {
        "id": f"{card.id}/own",
        "file": FILE,
        "sha256": "",
        "scene": "",
        "protocol": "",
        "seed": seed,
        "bands": scene.shape[1],
        "wavelengths_nm": list(scene.wavelengths_nm or ()),
        "classes": list(scene.truth.names),
        "colours": list(scene.truth.colours),
        "config": trained.config,
        "parameters": trained.parameters,
        "recipe": "trained in the app with " + json.dumps(settings, sort_keys=True),
        "data": scene.name,
        "licence": "that of the scene",
        "measured_on": "",
        "metrics": {"training_seconds": round(trained.seconds, 1)},
    }


def written(card: ModelCard, record: records.Record, trained: Trained, folder: Path) -> Weights:
    """Write file and record, and give the weights as a run will find them."""
    record["sha256"] = records.save(trained, record, folder / FILE)
    index = folder / "weights.json"
    index.write_text(json.dumps([record], indent=1, ensure_ascii=False), encoding="utf8")
    found = card.named(str(folder))
    assert found is not None
    model = registry.build(card)
    model.load(found, "cpu")
    record["reference"] = reference_output(card, found, model, "cpu")
    index.write_text(json.dumps([record], indent=1, ensure_ascii=False), encoding="utf8")
    found = card.named(str(folder))
    assert found is not None
    return found


def remember(folder: Path, metrics: dict[str, Any]) -> None:
    """Add single numbers that were measured to the record in a folder."""
    index = folder / "weights.json"
    (record,) = json.loads(index.read_text(encoding="utf8"))
    numbers = {key: value for key, value in metrics.items() if isinstance(value, (int, float))}
    record["metrics"] |= records.rounded(numbers)
    index.write_text(json.dumps([record], indent=1, ensure_ascii=False), encoding="utf8")


def sketch(
    card: ModelCard,
    scene: Scene,
    trained: Trained,
    names: Sequence[str],
    folder: Path,
    device: str,
    cancelled: Callable[[], bool],
) -> dict[str, Layer]:
    """What a model says in the middle of its training; of a slow model, its first coarse map.

    Raises:
        Cancelled: the visitor asked to stop.
        ModelFailed: it said nothing.
    """
    colours = scene.truth.colours if scene.truth and scene.truth.names == tuple(names) else ()
    view = replace(scene, truth=Truth(np.zeros(scene.grid.shape, np.int16), tuple(names), colours))
    record = record_of(card, view, trained, {}, 0)
    place = folder / SKETCH
    record["sha256"] = records.save(trained, record, place / FILE)
    (place / "weights.json").write_text(json.dumps([record]), encoding="utf8")
    shown: dict[str, Layer] = {}

    def enough() -> bool:
        return bool(shown) or cancelled()

    ctx = RunContext(device, cancelled=enough, on_partial=shown.update)
    with seeded(0):  # a map on the way must not change how the training goes on
        model = registry.build(card)
        model.load(card.named(str(place)), device)
        try:
            shown = shown or model.predict(scene, build(card.options, {}), ctx)
        except Cancelled:
            if cancelled():
                raise
    if not shown:
        raise ModelFailed(f"{card.title} gave nothing in the middle of its training.")
    return shown


def agreement(classes: NDArray[np.int16], truth: Truth, labels: Labels) -> float | None:
    """Share of right pixels among the labelled ones that are not learned from; None without any."""
    test = (truth.labels > 0) & (labels == 0)
    return float((classes[test] == truth.labels[test] - 1).mean()) if test.any() else None
