"""Committed weights under a protocol, beside baselines on the same pixels.

No model of a card is trained here. Weights with a file are run and scored again; of those
without one, the recorded metrics count.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis.paired import mcnemar
from rsviz.core import metrics, registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import BadOption, ModelFailed, WeightsMissing
from rsviz.core.model import OnStep, Result
from rsviz.core.run import Ask, run
from rsviz.core.scene import Scene
from rsviz.evaluate.baselines import SIDES
from rsviz.evaluate.certainty import curves
from rsviz.evaluate.overlap import overlap
from rsviz.evaluate.protocols import (
    PREPROCESSING,
    TEST,
    EvalProtocol,
    fingerprint,
    protocol,
    training_labels,
)
from rsviz.evaluate.records import weights_id
from rsviz.evaluate.remembered import answer_of
from rsviz.evaluate.scores import class_layer, score_result, split_scores, tested_probabilities
from rsviz.evaluate.training import read_scene

Scores = dict[str, Any]
Maps = dict[int, NDArray[np.int16]]
"""Class maps by seed."""


def evaluate(
    model_id: str,
    protocol_name: str,
    device: str,
    on_step: OnStep,
    *,
    seeds: int | None = None,
    variant: str = "",
    quick: bool = False,
    against: str = "",
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
        against: another model, to be compared on the same test pixels.

    Returns:
        `metrics` (means over seeds, as fractions) and `spread` (standard deviation), both also of
        each class; `n_train`, `n_test`; `seeds` with those `measured` now, the others being
        recorded figures; `runs` (one entry a seed); `baselines` (name: metrics with spread);
        `paired` (McNemar's test of each seed that was measured, by the name of the other);
        `calibration` (means over the measured seeds; curves of the first); `overlap` of training
        and test; `about`, `preprocessing`, `scores` in words; `seconds`, `device`.

    Raises:
        WeightsMissing: there are no such weights, or the labels or the protocol have changed.
        BadOption: there is no such model or protocol.
    """
    started = time.perf_counter()
    card, rule = registry.card(model_id), protocol(protocol_name)
    other = registry.card(against) if against else None
    chosen = _chosen(card, rule, variant, 1 if quick else seeds)
    scene = read_scene(rule)
    _check(chosen, rule, scene)
    steps = _Steps(on_step, len(chosen) * (1 + len(rule.baselines) + bool(against)))
    results = {w.seed: _measured(card, w, scene, device, steps) for w in chosen if w.file}
    runs = [_run(w, results[w.seed].metrics if w.file else w.metrics) for w in chosen]
    maps = {seed: _classes(result) for seed, result in results.items()}
    baselines, paired = {}, {}
    for name in rule.baselines:
        fitted = {w.seed: _fitted(name, scene, rule, w.seed, steps) for w in chosen}
        scores = [_tested(classes, scene, rule, seed) for seed, classes in fitted.items()]
        baselines[name] = mean_scores(scores) | {"spread": spread_of(scores)}
        paired[name] = _paired(maps, fitted, scene, rule)
    if other is not None:
        theirs = [w for w in _chosen(other, rule, "", None) if w.file and w.seed in maps]
        if not theirs:
            raise BadOption(f"{card.title} and {other.title} have no seed with files in common.")
        _check(tuple(theirs), rule, scene)
        rivals = {w.seed: _classes(_measured(other, w, scene, device, steps)) for w in theirs}
        paired[other.id] = _paired(maps, rivals, scene, rule)
    found_metrics = mean_scores(runs)
    return {
        "model": card.id,
        "protocol": rule.name,
        "protocol_version": rule.version,
        "variant": variant,
        "scene": rule.scene,
        "simulated": scene.simulated,
        "about": rule.about,
        "preprocessing": PREPROCESSING,
        "scores": {key: metric.name for key, metric in metrics.shown(found_metrics).items()},
        "metrics": found_metrics,
        "spread": spread_of(runs),
        "n_train": round(float(np.mean([r["n_train"] for r in runs]))),
        "n_test": round(float(np.mean([r["n_test"] for r in runs]))),
        "seeds": [w.seed for w in chosen],
        "measured": list(results),
        "runs": runs,
        "baselines": baselines,
        "paired": paired,
        "calibration": _calibration(results, scene, rule),
        "overlap": _overlaps(card, scene, rule, chosen[0]),
        "seconds": round(time.perf_counter() - started, 3),
        "device": next((r.record.device for r in results.values()), device),
    }


class _Steps:
    """Counts what is done, and reports it."""

    def __init__(self, on_step: OnStep, total: int) -> None:
        self._on_step, self._total, self._done = on_step, total, 0

    def __call__(self, what: str) -> None:
        self._on_step(self._done, self._total, what)
        self._done += 1


def _measured(
    card: ModelCard, weights: Weights, scene: Scene, device: str, steps: _Steps
) -> Result:
    """A scored run of weights that have a file."""
    steps(f"{card.title}, seed {weights.seed}")
    result = score_result(run(scene, Ask(card.id, weights.id, device=device)), scene)
    if not result.metrics:
        raise ModelFailed(f"{card.title} gave no classification that could be scored.")
    return result


def _classes(result: Result) -> NDArray[np.int16]:
    layer = class_layer(result)
    assert layer is not None  # it was scored
    return layer.data


def _fitted(
    name: str, scene: Scene, rule: EvalProtocol, seed: int, steps: _Steps
) -> NDArray[np.int16]:
    """The class map of a baseline on the training pixels of a seed."""
    assert scene.truth is not None
    steps(f"{name}, seed {seed}")
    return answer_of(name, scene, training_labels(scene.truth, rule.split(scene.truth, seed)), seed)


def _tested(classes: NDArray[np.int16], scene: Scene, rule: EvalProtocol, seed: int) -> Scores:
    assert scene.truth is not None
    return split_scores(classes, scene.truth, rule.split(scene.truth, seed))


def _paired(ours: Maps, theirs: Maps, scene: Scene, rule: EvalProtocol) -> list[dict[str, Any]]:
    """McNemar's test on the test pixels of each seed for which there are both maps."""
    assert scene.truth is not None
    found = []
    for seed in sorted(set(ours) & set(theirs)):
        test = rule.split(scene.truth, seed) == TEST
        truth = scene.truth.labels[test] - 1
        outcome = mcnemar(ours[seed][test] == truth, theirs[seed][test] == truth)
        found.append({"seed": seed} | asdict(outcome))
    return found


def _calibration(results: dict[int, Result], scene: Scene, rule: EvalProtocol) -> dict[str, Any]:
    """What the probabilities of the measured seeds are worth; empty where there are none."""
    assert scene.truth is not None
    keys = ("ece", "brier", "aurc")
    with_some = {seed: r for seed, r in results.items() if "ece" in r.metrics}
    if not with_some:
        return {}
    told: dict[str, Any] = {"seeds": list(with_some)}
    for key in keys:
        told[key] = float(np.mean([r.metrics[key] for r in with_some.values()]))
    mended = {s: r.metrics["calibrated"] for s, r in with_some.items() if "calibrated" in r.metrics}
    if mended:
        told["calibrated"] = {str(seed): scores for seed, scores in mended.items()}
    seed, first = next(iter(with_some.items()))
    tested = tested_probabilities(first, scene.truth, rule.split(scene.truth, seed))
    return told | (curves(*tested) if tested is not None else {})


def _overlaps(
    card: ModelCard, scene: Scene, rule: EvalProtocol, weights: Weights
) -> dict[str, Any]:
    """How far training and test overlap, for the model and for each baseline."""
    assert scene.truth is not None
    split = rule.split(scene.truth, weights.seed)
    sides = {name: SIDES[name] for name in rule.baselines if name in SIDES}
    return {card.id: overlap(split, card.looks_at(weights), card.title)} | {
        name: overlap(split, side, name) for name, side in sides.items()
    }


def mean_scores(runs: list[Scores]) -> Scores:
    """The mean of each score that all runs have; of a class, over the runs that test it."""
    return {name: float(np.mean([r[name] for r in runs])) for name in _common(runs)} | {
        "per_class": _over_classes(runs, np.mean)
    }


def spread_of(runs: list[Scores]) -> Scores:
    """The standard deviation (of the population) of each score that all runs have."""
    return {name: float(np.std([r[name] for r in runs])) for name in _common(runs)} | {
        "per_class": _over_classes(runs, np.std)
    }


def _common(runs: list[Scores]) -> list[str]:
    return [key for key in metrics.shown(runs[0]) if all(key in r for r in runs)]


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
    kept = {name: scores[name] for name in (*metrics.shown(scores), "per_class")}
    counts = {name: scores[name] for name in ("n_train", "n_test")}
    return (
        {
            "seed": weights.seed,
            "weights": weights.id,
            "sha256": weights.sha256,
            "measured": bool(weights.file),
        }
        | kept
        | counts
    )
