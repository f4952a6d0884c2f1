"""Keeping what `eval` found beside the models, for the catalogue and the README."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from rsviz.analysis.scoreboard import FILE, name_of
from rsviz.core import metrics, registry
from rsviz.core.card import ModelCard
from rsviz.evaluate import families
from rsviz.evaluate.records import measured_on, rounded, write

LEFT_OUT = ("runs", "about", "preprocessing", "scores")
CURVES = ("reliability", "risk_coverage")
BENCHMARK = "benchmark.json"


def keep(found: dict[str, Any]) -> Path:
    """Record an evaluation in the folder of its model, in the place of an earlier one.

    What all of them say in short goes beside the measured speed, under `protocols`.

    Args:
        found: what a family's `evaluate` gave.

    Returns:
        The file that holds it.
    """
    slim = {name: value for name, value in found.items() if name not in LEFT_OUT}
    if "calibration" in slim:
        slim["calibration"] = {k: v for k, v in slim["calibration"].items() if k not in CURVES}
    slim["measured_on"] = measured_on(str(found["device"]))
    path = registry.MODELS / found["model"] / FILE
    kept = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}
    kept[name_of(found)] = rounded(slim)
    order = list(families.protocols())
    ordered = dict(sorted(kept.items(), key=lambda item: order.index(item[1]["protocol"])))
    _write(path, ordered)
    speed = path.with_name(BENCHMARK)
    bench = json.loads(speed.read_text(encoding="utf8")) if speed.is_file() else {}
    bench["protocols"] = rounded(in_short(registry.card(found["model"]), ordered.values()))
    _write(speed, bench)
    return path


def in_short(card: ModelCard, evaluations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Scores by protocol, without those of classes and pairs.

    Args:
        card: knows the weights of other settings, which are told of beside those evaluated.
        evaluations: as recorded; those of other settings are left out.

    Returns:
        By protocol: `metrics`, `spread`, `seeds`, `baselines` (name: metrics with `spread`) and
        `variants` (name: recorded `metrics`, `spread` and `seeds`).
    """
    return {
        one["protocol"]: {
            "metrics": _plain(one["metrics"]),
            "spread": _plain(one["spread"]),
            "seeds": one["seeds"],
            "baselines": {
                name: _plain(scores) | {"spread": _plain(scores.get("spread", {}))}
                for name, scores in one["baselines"].items()
            },
            "variants": _variants(card, one["protocol"]),
        }
        for one in evaluations
        if not one.get("variant")
    }


def _variants(card: ModelCard, protocol: str) -> dict[str, Any]:
    """Recorded scores of weights that were trained with other settings."""
    runs: dict[str, list[tuple[int, dict[str, float]]]] = {}
    for weights in card.weights:
        name = weights.id.partition("/")[0].removeprefix(protocol).removeprefix("-")
        if weights.protocol == protocol and name and weights.measured_on:
            runs.setdefault(name, []).append((weights.seed, _plain(weights.metrics)))
    found: dict[str, Any] = {}
    for name, seeded in sorted(runs.items()):
        columns = {key: [scores[key] for _, scores in seeded] for key in seeded[0][1]}
        found[name] = {
            "metrics": {key: fmean(values) for key, values in columns.items()},
            "spread": {key: pstdev(values) for key, values in columns.items()},
            "seeds": [seed for seed, _ in seeded],
        }
    return found


def _plain(scores: Mapping[str, Any]) -> dict[str, float]:
    """The scores that are one number."""
    return {key: scores[key] for key in metrics.shown(scores)}


def _write(path: Path, content: dict[str, Any]) -> None:
    write(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
