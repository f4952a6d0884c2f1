"""What simple methods reach on the same pixels: three see single spectra, one a neighbourhood.

All of them fit within seconds, and what they answer is remembered by content.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from rsviz.core.scene import Scene
from rsviz.evaluate.baseline_networks import PATCH, cnn_1d, cnn_3d
from rsviz.evaluate.spectra import Classes, known, placed, spectra

Baseline = Callable[[Scene, NDArray[np.int16], int], Classes]

FOLDS = 3
COST = (1.0, 10.0, 100.0, 1000.0)
WIDTH = (1e-4, 1e-3, 1e-2, 1e-1)
TREES = 500


def svm(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """A support vector machine with a Gaussian kernel on standardised spectra.

    Cost and kernel width come from a grid search by cross-validation inside the training pixels.

    Args:
        scene: the pixels; of a series, all dates are read as one spectrum.
        labels: (H, W) training labels 1..K, 0 elsewhere.
        seed: of the folds.

    Returns:
        (H, W) int16: classes 0..K-1, -1 where there is no data.
    """
    pixels, classes = spectra(scene), labels[labels > 0]
    counts = np.bincount(classes)
    folds = max(2, min(FOLDS, int(counts[counts > 0].min())))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC(kernel="rbf")),
        {"svc__C": COST, "svc__gamma": WIDTH},
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
    )
    search.fit(pixels[labels > 0], classes)
    return placed(scene, search.predict(pixels[known(scene)]) - 1)


def random_forest(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """500 decision trees on single spectra, each grown on its own draw of the training pixels.

    Arguments and result as for `svm`; the seed is that of the trees.
    """
    pixels = spectra(scene)
    forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=1)
    forest.fit(pixels[labels > 0], labels[labels > 0])
    return placed(scene, forest.predict(pixels[known(scene)]) - 1)


BASELINES: dict[str, Baseline] = {
    "svm_rbf": svm,
    "random_forest": random_forest,
    "cnn_1d": cnn_1d,
    "cnn_3d": cnn_3d,
}
"""Baselines of a classification by name."""

SIDES = {"svm_rbf": 1, "random_forest": 1, "cnn_1d": 1, "cnn_3d": PATCH}
"""Side of the square of pixels that each baseline looks at."""
