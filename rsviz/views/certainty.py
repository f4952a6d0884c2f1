"""What a class map is worth where the model is sure: share kept, accuracy of what is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis import calibration
from rsviz.analysis.calibration import RiskCoverage
from rsviz.core.layers import ClassMap, ProbabilityMap
from rsviz.core.scene import Truth

TEST = 2

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Kept:
    """What remains when pixels less certain than a threshold are hidden.

    Attributes:
        share: fraction of the classified pixels that stay.
        tested: number of test pixels that stay; 0 without a split.
        accuracy: overall accuracy on those; None when there are none.
    """

    share: float
    tested: int
    accuracy: float | None


def confidence(probabilities: ProbabilityMap) -> Floats:
    """Probability of each pixel's class: (H, W), NaN where there is none."""
    best: Floats = probabilities.data.max(axis=0)
    return best


def kept_mask(certain: Floats, least: float) -> Mask:
    """Pixels (H, W) at least that certain."""
    mask: Mask = certain >= least
    return mask


def right(classes: ClassMap, truth: Truth) -> Mask:
    """Where (H, W) the class is that of the reference labels."""
    mask: Mask = classes.data == truth.labels - 1
    return mask & (truth.labels > 0)


def kept(
    classes: ClassMap, certain: Floats, truth: Truth | None, split: ClassMap | None, least: float
) -> Kept:
    """What a threshold on confidence leaves.

    Args:
        classes: the predicted classes.
        certain: (H, W) confidence.
        truth: reference labels, if any.
        split: which of them test the model; None when that is not known.
        least: the threshold.
    """
    known = classes.data != classes.ignore
    stay = kept_mask(certain, least) & known
    share = float(stay.sum() / max(1, known.sum()))
    if truth is None or split is None:
        return Kept(share, 0, None)
    tested = stay & (split.data == TEST)
    count = int(tested.sum())
    return Kept(share, count, float(right(classes, truth)[tested].mean()) if count else None)


def risk_coverage(
    classes: ClassMap, certain: Floats, truth: Truth, split: ClassMap
) -> RiskCoverage | None:
    """Accuracy on the most certain test pixels, from few of them to all; None without any."""
    test = split.data == TEST
    if not test.any():
        return None
    return calibration.risk_coverage(certain[test], right(classes, truth)[test])
