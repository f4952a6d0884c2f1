"""Whether a classifier's probabilities mean what they say, in numpy alone.

Probabilities are (N, K), one row a pixel; classes are (N,) integers 0..K-1. Pages, evaluation and
the command line share these functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Mask = NDArray[np.bool_]

BINS = 15
POINTS = 200
SMALLEST = 1e-12
TEMPERATURES = (0.05, 20.0)
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Reliability:
    """Confidence beside accuracy, in bins of equal width.

    Attributes:
        edges: (B + 1,) from 0 to 1.
        confidence: (B,) mean confidence in each bin, NaN in an empty one.
        accuracy: (B,) share of right pixels in each bin, NaN in an empty one.
        count: (B,) pixels in each bin.
        ece: expected calibration error: the mean distance of both, weighted by the counts.
    """

    edges: Floats
    confidence: Floats
    accuracy: Floats
    count: Ints
    ece: float


@dataclass(frozen=True)
class RiskCoverage:
    """How accuracy falls as less certain pixels are let in.

    Attributes:
        coverage: (N,) fraction of the pixels kept, rising.
        accuracy: (N,) overall accuracy on them.
        threshold: (N,) least confidence among them.
        area: mean error over all coverages (AURC; Geifman and El-Yaniv 2017), lower is better.
    """

    coverage: Floats
    accuracy: Floats
    threshold: Floats
    area: float


def reliability(confidence: Floats, right: Mask, bins: int = BINS) -> Reliability:
    """Compare confidence with accuracy (Naeini et al. 2015; Guo et al. 2017).

    Args:
        confidence: (N,) probability of the class that was named.
        right: (N,) whether it was right.
        bins: number of bins of equal width.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, confidence, bins) / count
        accuracy = np.bincount(place, right, bins) / count
    filled = count > 0
    gaps = np.abs(mean - accuracy)[filled] * count[filled]
    return Reliability(edges, mean, accuracy, count, float(gaps.sum() / max(1, count.sum())))


def brier(p: Floats, classes: Ints) -> float:
    """Brier score: mean squared distance of the probabilities from the truth, 0 (best) to 2."""
    right = p[np.arange(len(p)), classes]
    return float(np.mean((p**2).sum(axis=1) - 2.0 * right + 1.0))


def log_loss(p: Floats, classes: Ints) -> float:
    """Mean negative log-probability of the true class [nat]."""
    right = p[np.arange(len(p)), classes]
    return float(-np.log(np.maximum(right, SMALLEST)).mean())


def tempered(p: Floats, temperature: float, axis: int = -1) -> Floats:
    """Probabilities at another temperature; above 1 they are less sure, the order stays.

    The same as dividing the logits before the softmax, for logits and log-probabilities differ by
    a constant a pixel.
    """
    with np.errstate(divide="ignore"):
        scaled = np.log(np.maximum(p, SMALLEST)) / temperature
    odds: Floats = np.exp(scaled - scaled.max(axis=axis, keepdims=True))
    odds /= odds.sum(axis=axis, keepdims=True)
    return odds


def fitted_temperature(p: Floats, classes: Ints) -> float:
    """The temperature with the least log loss (Guo et al. 2017), by golden section.

    Args:
        p: (N, K) probabilities of pixels that the model was not trained on.
        classes: (N,) their true classes.

    Returns:
        A temperature from 0.05 to 20; the log loss has one minimum there, for it is convex in the
        inverse temperature.
    """
    low, high = (math.log(t) for t in TEMPERATURES)

    def loss(log_temperature: float) -> float:
        return log_loss(tempered(p, math.exp(log_temperature)), classes)

    inner, outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_inner, at_outer = loss(inner), loss(outer)
    while high - low > TOLERANCE:
        if at_inner < at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - GOLDEN * (high - low)
            at_inner = loss(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + GOLDEN * (high - low)
            at_outer = loss(outer)
    return math.exp((low + high) / 2)


def risk_coverage(confidence: Floats, right: Mask) -> RiskCoverage:
    """Accuracy on the most certain pixels, from few of them to all.

    Args:
        confidence: (N,), at least one pixel.
        right: (N,) whether each is right.
    """
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, order.size + 1)
    shown = np.unique(np.linspace(0, order.size - 1, POINTS).astype(np.int64))
    return RiskCoverage(
        ((shown + 1) / order.size).astype(np.float32),
        accuracy[shown].astype(np.float32),
        confidence[order][shown].astype(np.float32),
        float(1.0 - accuracy.mean()),
    )


def conformal_least(p_true: Floats, level: float) -> float:
    """The least probability that puts a class into a pixel's prediction set.

    Split conformal prediction with the score 1 - p of the true class (Vovk et al. 2005; Sadinle
    et al. 2019): on new pixels drawn like the validation pixels, the sets hold the true class
    with at least the stated probability.

    Args:
        p_true: (N,) probability of the true class of validation pixels.
        level: wanted coverage, e.g. 0.9.

    Returns:
        A probability; 0 (every class) when there are too few pixels for the level.
    """
    rank = math.ceil((p_true.size + 1) * level)
    if rank > p_true.size:
        return 0.0
    return float(-np.sort(-p_true)[rank - 1])


def set_sizes(p: Floats, least: float, axis: int = -1) -> Ints:
    """How many classes each pixel's prediction set holds; 0 where none is likely enough."""
    sizes: Ints = (p >= least).sum(axis=axis)
    return sizes
