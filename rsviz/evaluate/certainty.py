"""Scores of a classifier's probabilities on test pixels, as they are and after calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis.calibration import (
    brier,
    conformal_least,
    fitted_temperature,
    reliability,
    risk_coverage,
    set_sizes,
    tempered,
)

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

LEVELS = (0.8, 0.9, 0.95, 0.99)
"""Wanted coverages of prediction sets."""


def fitted(p: Floats, classes: Ints) -> dict[str, Any]:
    """Temperature and prediction sets from pixels that were held out of a training.

    Args:
        p: (N, K) probabilities of validation pixels.
        classes: (N,) their true classes.

    Returns:
        temperature; least: {level: least probability of a class in a prediction set, after the
        temperature}; n_validation.
    """
    temperature = fitted_temperature(p, classes)
    p_true = tempered(p, temperature)[np.arange(len(p)), classes]
    return {
        "temperature": temperature,
        "least": {f"{level:g}": conformal_least(p_true, level) for level in LEVELS},
        "n_validation": len(p),
    }


def certainty_scores(
    p: Floats, classes: Ints, calibration: dict[str, Any] | None
) -> dict[str, Any]:
    """How well probabilities tell what is right.

    Args:
        p: (N, K) probabilities of test pixels.
        classes: (N,) their true classes.
        calibration: what `fitted` gave, if anything.

    Returns:
        ece, brier, aurc; with a calibration also `calibrated`: temperature, ece, brier, and for
        each level of the prediction sets least, coverage, mean_size and empty (share of sets
        without any class).
    """
    plain = _measures(p, classes)
    if calibration is None:
        return plain
    mended = tempered(p, calibration["temperature"])
    p_true = mended[np.arange(len(p)), classes]
    sets = {}
    for level, least in calibration["least"].items():
        sizes = set_sizes(mended, least)
        sets[level] = {
            "least": least,
            "coverage": float((p_true >= least).mean()),
            "mean_size": float(sizes.mean()),
            "empty": float((sizes == 0).mean()),
        }
    told = {name: calibration[name] for name in ("temperature", "n_validation")}
    return plain | {"calibrated": told | _measures(mended, classes) | {"sets": sets}}


def curves(p: Floats, classes: Ints) -> dict[str, Any]:
    """Reliability diagram and risk-coverage curve as plain lists."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == classes
    bins, kept = reliability(confidence, right), risk_coverage(confidence, right)
    return {
        "reliability": {
            "edges": bins.edges.tolist(),
            "confidence": bins.confidence.tolist(),
            "accuracy": bins.accuracy.tolist(),
            "count": bins.count.tolist(),
        },
        "risk_coverage": {
            "coverage": kept.coverage.tolist(),
            "accuracy": kept.accuracy.tolist(),
            "threshold": kept.threshold.tolist(),
        },
    }


def _measures(p: Floats, classes: Ints) -> dict[str, float]:
    confidence, right = p.max(axis=1), p.argmax(axis=1) == classes
    return {
        "ece": reliability(confidence, right).ece,
        "brier": brier(p, classes),
        "aurc": risk_coverage(confidence, right).area,
    }
