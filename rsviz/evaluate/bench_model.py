"""How fast a model that scans is: a whole scene and an epoch, beside the plain loop."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from rsviz.core import registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import WeightsMissing
from rsviz.core.run import Ask, run
from rsviz.core.scene import Scene
from rsviz.evaluate.bench_record import keep
from rsviz.evaluate.protocols import protocol, training_labels
from rsviz.evaluate.rows import Row, median_seconds, row
from rsviz.evaluate.training import read_scene, trainer_of

TARGET_SECONDS = 2.0
REPEATS, QUICK_REPEATS = 9, 3
EPOCHS, QUICK_EPOCHS = 8, 3


def model_bench(model_id: str, quick: bool, device: str) -> list[Row]:
    """Inference of a whole scene and one epoch of training, beside the plain loop as scan.

    The scene is that of the first weights of the card; times are those of `core.run`, with
    everything that makes layers of the network's output. A quick bench trains with ours alone;
    another one is also kept in the model's `benchmark.json`.

    Raises:
        WeightsMissing: the card has no weights.
    """
    card = registry.card(model_id)
    weights = first_weights(card)
    scene = read_scene(protocol(weights.protocol))
    repeats = QUICK_REPEATS if quick else REPEATS
    where = f"{weights.scene},{'x'.join(map(str, scene.grid.shape))}"
    plain = Ask(card.id, weights.id, device=device)
    full = Ask(card.id, weights.id, device=device, wants=tuple(card.on_request))
    every = median_seconds(lambda: run(scene, full), repeats)
    emitted = median_seconds(lambda: run(scene, plain), repeats)
    epoch = epoch_seconds(model_id, scene, device, QUICK_EPOCHS if quick else EPOCHS)
    rows = [row(f"inference/{where}/all layers", every, "s", "target", TARGET_SECONDS)]
    with _scan_backend("reference"):
        looped = median_seconds(lambda: run(scene, plain), 1, warm=False)
        looped_epoch = None if quick else epoch_seconds(model_id, scene, device, 2)
    rows.append(row(f"inference/{where}/emitted layers", emitted, "s", "loop_scan", looped))
    rows.append(row(f"training epoch/{where}", epoch, "s", "loop_scan", looped_epoch))
    if not quick:
        keep(registry.MODELS / card.id / "benchmark.json", card.id, rows)
    return rows


def first_weights(card: ModelCard) -> Weights:
    """The first weights of a card that have a file.

    Raises:
        WeightsMissing: there are none.
    """
    weights = next((w for w in card.weights if w.file), None)
    if weights is None:
        raise WeightsMissing(f"{card.title} has no weights that could be timed.")
    return weights


def epoch_seconds(model_id: str, scene: Scene, device: str, epochs: int) -> float:
    """Median time between two reports of the trainer, the first epoch not counted."""
    assert scene.truth is not None
    card = registry.card(model_id)
    rule = protocol(next(w.protocol for w in card.weights if w.file))
    labels = training_labels(scene.truth, rule.split(scene.truth, 0))
    reports: list[float] = []

    def on_step(done: int, total: int, what: str) -> None:
        reports.append(time.perf_counter())

    trainer_of(card)(scene, labels, 0, {"epochs": str(epochs + 1)}, None, device, on_step)
    return statistics.median(b - a for a, b in pairwise(reports))


@contextmanager
def _scan_backend(name: str) -> Iterator[None]:
    """Force the backend of the selective scan inside a block."""
    before = os.environ.get("RSVIZ_SCAN")
    os.environ["RSVIZ_SCAN"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["RSVIZ_SCAN"]
        else:
            os.environ["RSVIZ_SCAN"] = before
