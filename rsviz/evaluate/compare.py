"""Committed weights under a protocol, beside baselines on the same pixels.

No model of a card is trained here. Weights with a file are run and scored again; of those
without one, the recorded metrics count.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rsviz.core import registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import ModelFailed, WeightsMissing
from rsviz.core.model import OnStep
from rsviz.core.run import Ask, run
from rsviz.core.scene import Scene
from rsviz.evaluate.baselines import BASELINES
from rsviz.evaluate.protocols import EvalProtocol, fingerprint, protocol, training_labels
from rsviz.evaluate.records import weights_id
from rsviz.evaluate.scores import score_result, split_scores
from rsviz.evaluate.training import read_scene

Scores = dict[str, Any]

AVERAGED = ("overall_accuracy", "average_accuracy", "kappa")


def evaluate(
    model_id: str,
    protocol_name: str,
    device: str,
    on_step: OnStep,
    *,
    seeds: int | None = None,
    variant: str = "",
    quick: bool = False,
) -> dict[str, Any]:
    """Score the committed weights of a model under a protocol, beside the baselines.

    Args:
        model_id: which card.
        protocol_name: which split.
        device: torch device name, resolved.
        on_step: called with (done, total, what).
        seeds: use seeds 0..seeds-1; all that are recorded by default.
        variant: of the weights.
        quick: seed 0 alone.

    Returns:
        `metrics` (means over seeds, as fractions) and `spread` (standard deviation), both also of
        each class; `n_train`, `n_test`; `seeds` with those `measured` now, the others being
        recorded figures; `runs` (one entry a seed); `baselines` (name: metrics with spread);
        `seconds`, `device`.

    Raises:
        WeightsMissing: there are no such weights, or the labels or the protocol have changed.
    """
    started = time.perf_counter()
    card, rule = registry.card(model_id), protocol(protocol_name)
    chosen = _chosen(card, rule, variant, 1 if quick else seeds)
    scene = read_scene(rule)
    _check(chosen, rule, scene)
    total = len(chosen) * (1 + len(BASELINES))
    runs, devices = [], {device}
    for done, weights in enumerate(chosen):
        on_step(done, total, f"{card.title}, seed {weights.seed}")
        scores = weights.metrics
        if weights.file:
            result = score_result(run(scene, Ask(card.id, weights.id, device=device)), scene)
            if not result.metrics:
                raise ModelFailed(f"{card.title} gave no classification that could be scored.")
            scores, devices = result.metrics, {result.record.device}
        runs.append(_run(weights, scores))
    baselines = {}
    for index, name in enumerate(BASELINES, start=1):
        fitted = []
        for done, weights in enumerate(chosen):
            on_step(index * len(chosen) + done, total, f"{name}, seed {weights.seed}")
            fitted.append(_baseline(name, scene, rule, weights.seed))
        baselines[name] = mean_scores(fitted) | {"spread": spread_of(fitted)}
    return {
        "model": card.id,
        "protocol": rule.name,
        "protocol_version": rule.version,
        "variant": variant,
        "scene": rule.scene,
        "metrics": mean_scores(runs),
        "spread": spread_of(runs),
        "n_train": round(float(np.mean([r["n_train"] for r in runs]))),
        "n_test": round(float(np.mean([r["n_test"] for r in runs]))),
        "seeds": [w.seed for w in chosen],
        "measured": [w.seed for w in chosen if w.file],
        "runs": runs,
        "baselines": baselines,
        "seconds": round(time.perf_counter() - started, 3),
        "device": devices.pop(),
    }


def mean_scores(runs: list[Scores]) -> Scores:
    """The mean of each score over runs; of a class, over the runs in which it is tested."""
    return {name: float(np.mean([r[name] for r in runs])) for name in AVERAGED} | {
        "per_class": _over_classes(runs, np.mean)
    }


def spread_of(runs: list[Scores]) -> Scores:
    """The standard deviation (of the population) of each score over runs."""
    return {name: float(np.std([r[name] for r in runs])) for name in AVERAGED} | {
        "per_class": _over_classes(runs, np.std)
    }


def _over_classes(runs: list[Scores], reduce: Any) -> list[float | None]:
    columns = zip(*(r["per_class"] for r in runs), strict=True)
    tested = [[value for value in column if value is not None] for column in columns]
    return [float(reduce(values)) if values else None for values in tested]


def _chosen(
    card: ModelCard, rule: EvalProtocol, variant: str, seeds: int | None
) -> tuple[Weights, ...]:
    """The weights of a protocol by seed."""
    found = {w.seed: w for w in card.weights if w.id == weights_id(rule.name, w.seed, variant)}
    wanted = sorted(found) if seeds is None else range(seeds)
    missing = [seed for seed in wanted if seed not in found]
    if not found or missing:
        raise WeightsMissing(
            f"{card.title} has no weights for {rule.name}"
            + (f", variant {variant}" if variant else "")
            + (f", seed {missing[0]}." if missing else "."),
            f"Recorded seeds: {', '.join(map(str, sorted(found))) or 'none'}. Train with: "
            f"python -m rsviz train {card.id} --protocol {rule.name} --seed "
            f"{missing[0] if missing else 0}",
        )
    return tuple(found[seed] for seed in wanted)


def _check(chosen: tuple[Weights, ...], rule: EvalProtocol, scene: Scene) -> None:
    """Refuse weights that were trained on other pixels than the protocol draws today."""
    assert scene.truth is not None
    today = (rule.version, fingerprint(scene.truth))
    for weights in chosen:
        if (weights.metrics.get("protocol_version"), weights.metrics.get("truth")) != today:
            raise WeightsMissing(
                f"The weights '{weights.id}' were trained under other labels or another version "
                f"of the protocol {rule.name} than version {rule.version} of today.",
                f"Train them again with: {weights.recipe}",
            )


def _run(weights: Weights, scores: Scores) -> Scores:
    kept = {name: scores[name] for name in (*AVERAGED, "per_class", "n_train", "n_test")}
    return {
        "seed": weights.seed,
        "weights": weights.id,
        "sha256": weights.sha256,
        "measured": bool(weights.file),
    } | kept


def _baseline(name: str, scene: Scene, rule: EvalProtocol, seed: int) -> Scores:
    assert scene.truth is not None
    split = rule.split(scene.truth, seed)
    labels = training_labels(scene.truth, split)
    return split_scores(BASELINES[name](scene, labels, seed), scene.truth, split)
