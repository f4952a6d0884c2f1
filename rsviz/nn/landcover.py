"""What classifiers of land cover share: pixels on the way in, class layers on the way out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from rsviz.core.card import Weights
from rsviz.core.layers import ClassMap, Layer, ProbabilityMap, ScalarMap, UncertaintyMap
from rsviz.core.scene import Scene

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def defined(scene: Scene) -> Mask:
    """(H, W): where the first date has a finite number in every band."""
    valid: Mask = scene.valid[0] & np.isfinite(scene.pixels[0]).all(axis=0)
    return valid


def filled_pixels(scene: Scene, valid: Mask) -> Floats:
    """The first date (C, H, W), each undefined pixel replaced by the nearest defined one.

    So a hole neither shifts statistics of the scene nor puts an edge into the picture.
    """
    pixels = scene.pixels[0]
    if not valid.all() and valid.any():
        rows, cols = distance_transform_edt(~valid, return_distances=False, return_indices=True)
        pixels = pixels[:, rows, cols]
    return np.array(pixels, np.float32)


def class_layers(p: Floats, scene: Scene, valid: Mask, weights: Weights) -> dict[str, Layer]:
    """The layers that every classifier gives.

    Args:
        p: probabilities (K, H, W).
        scene: what was read.
        valid: (H, W); elsewhere nothing is said.
        weights: whose classes they are.

    Returns:
        classes, probabilities, confidence, entropy and margin.
    """
    labels, colours, grid = weights.classes, weights.colours, scene.grid
    classes = np.where(valid, p.argmax(0), -1).astype(np.int16)
    p = np.where(valid, p, np.nan).astype(np.float32)
    best = np.partition(p, -2, axis=0)[-2:]  # (2, H, W): second, first
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(p > 0, p * np.log(p), 0.0).sum(0)
    entropy = np.where(valid, entropy.clip(min=0), np.nan).astype(np.float32)
    return {
        "classes": ClassMap("Classes", "The most probable class.", grid, classes, labels, colours),
        "probabilities": ProbabilityMap(
            "Probabilities", "Probability of every class.", grid, p, labels, colours
        ),
        "confidence": ScalarMap(
            "Confidence",
            "Probability of the most probable class.",
            grid,
            best[1],
            "probability",
            "1",
            limits=(0.0, 1.0),
        ),
        "entropy": UncertaintyMap(
            "Entropy",
            "0 when one class is certain, ln K when all K are equally likely.",
            grid,
            entropy,
            "entropy",
            "nat",
            (0.0, math.log(len(labels))),
        ),
        "margin": UncertaintyMap(
            "Small margin",
            "1 minus the lead of the first class over the second.",
            grid,
            (1.0 - (best[1] - best[0])).clip(0.0, 1.0),
            "1 - (p1 - p2)",
            "1",
            (0.0, 1.0),
        ),
    }
