"""How good a classification is: overall and average accuracy, kappa, accuracy of each class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, recall_score

from rsviz.core import palettes, registry
from rsviz.core.card import Weights
from rsviz.core.layers import ClassMap, ProbabilityMap
from rsviz.core.model import Result
from rsviz.core.scene import Scene, Truth
from rsviz.evaluate.certainty import certainty_scores
from rsviz.evaluate.overlap import overlap
from rsviz.evaluate.protocols import (
    IGNORED,
    SPLIT_LABELS,
    TEST,
    TRAIN,
    Split,
    fingerprint,
    protocol,
)


def classification_scores(
    predicted: NDArray[np.integer[Any]], truth: NDArray[np.integer[Any]], n_classes: int
) -> dict[str, Any]:
    """The usual scores of a classification.

    Args:
        predicted: (N,) classes 0..K-1; -1 where there is no answer, which counts as wrong.
        truth: (N,) classes 0..K-1.
        n_classes: K.

    Returns:
        Fractions: overall_accuracy; average_accuracy (mean recall of the classes that occur);
        kappa (Cohen); macro_f1 (mean F1 score of the classes that occur); per_class (recall of
        each class, None where it does not occur).
    """
    recall = recall_score(
        truth, predicted, labels=range(n_classes), average=None, zero_division=np.nan
    )
    occurs = np.bincount(truth, minlength=n_classes) > 0
    kappa = cohen_kappa_score(
        truth, predicted, labels=range(-1, n_classes), replace_undefined_by=1.0
    )  # undefined only where both sides are the same single class
    return {
        "overall_accuracy": float(accuracy_score(truth, predicted)),
        "average_accuracy": float(recall[occurs].mean()),
        "kappa": float(kappa),
        "macro_f1": float(
            f1_score(
                truth, predicted, labels=np.flatnonzero(occurs), average="macro", zero_division=0
            )
        ),
        "per_class": [
            float(value) if there else None for value, there in zip(recall, occurs, strict=True)
        ],
    }


def split_scores(classes: NDArray[np.integer[Any]], truth: Truth, split: Split) -> dict[str, Any]:
    """Scores on the test pixels of a split, with the pixel counts.

    Args:
        classes: (H, W) predicted classes 0..K-1, -1 for none.
        truth: reference labels.
        split: (H, W) of 0 ignored, 1 train, 2 test.
    """
    test = split == TEST
    scores = classification_scores(
        classes[test].astype(np.int64), truth.labels[test].astype(np.int64) - 1, len(truth.names)
    )
    counts = {"n_train": int((split == TRAIN).sum()), "n_test": int(test.sum())}
    return scores | counts


def score_result(result: Result, scene: Scene) -> Result:
    """Fill in metrics and split of a classification where the scene has reference labels.

    The pixels on which the weights were trained are drawn again from their protocol and seed,
    or read from their record, and never counted. A scene with other labels than those of the
    training (also a window of it) stays unscored, for its training pixels are not known.

    Args:
        result: a run on this scene.
        scene: the scene with its truth.

    Returns:
        The result with `metrics` and `split`, or unchanged.
    """
    found, layer = _trained_on(result, scene), class_layer(result)
    if found is None or layer is None or scene.truth is None or layer.grid != scene.grid:
        return result
    split = split_of(found, scene.truth)
    if not (split == TEST).any():
        return result
    card = registry.card(result.record.model)
    scores = split_scores(layer.data, scene.truth, split)
    scores |= {"overlap": overlap(split, card.looks_at(found), card.title)}
    tested = tested_probabilities(result, scene.truth, split)
    if tested is not None:
        scores |= certainty_scores(*tested, found.metrics.get("calibration"))
    return replace(result, metrics=scores, split=split_layer(split, scene))


def split_of(weights: Weights, truth: Truth) -> Split:
    """Which labelled pixels (H, W) weights were trained on, and which test them."""
    if weights.protocol:
        return protocol(weights.protocol).split(truth, weights.seed)
    split = np.where(truth.labels > 0, TEST, IGNORED).astype(np.uint8)
    rows, cols, _ = np.array(weights.metrics["pixels"], np.int64).reshape(-1, 3).T
    split[rows, cols] = TRAIN
    return split


def tested_probabilities(
    result: Result, truth: Truth, split: Split
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Probabilities (N, K) of the test pixels that have some, and their true classes (N,)."""
    emits = registry.card(result.record.model).emits
    name = next((name for name, kind in emits.items() if kind == ProbabilityMap.kind), "")
    layer = result.layers.get(name)
    if not isinstance(layer, ProbabilityMap) or layer.labels != truth.names:
        return None
    p = layer.data[:, split == TEST].T.astype(np.float64)  # (K, N) -> (N, K)
    classes = truth.labels[split == TEST].astype(np.int64) - 1
    there = np.isfinite(p).all(axis=1)
    return (p[there], classes[there]) if there.any() else None


def class_layer(result: Result) -> ClassMap | None:
    """The class map that a model always gives, by the order of its card; None without one."""
    emits = registry.card(result.record.model).emits
    name = next((name for name, kind in emits.items() if kind == ClassMap.kind), None)
    layer = result.layers.get(name or "")
    return layer if isinstance(layer, ClassMap) else None


def split_layer(split: Split, scene: Scene) -> ClassMap:
    """A split as a layer of the map."""
    return ClassMap(
        title="Split",
        about="Which labelled pixels the weights were trained on, and which test them.",
        grid=scene.grid,
        data=split.astype(np.int16),
        labels=SPLIT_LABELS,
        colours=palettes.SPLIT,
    )


def _trained_on(result: Result, scene: Scene) -> Weights | None:
    """The weights of a run if they were trained on the labels of this scene."""
    weights = registry.card(result.record.model).named(result.record.weights)
    if weights is None or scene.truth is None:
        return None
    return weights if weights.metrics.get("truth") == fingerprint(scene.truth) else None
