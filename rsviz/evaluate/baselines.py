"""What simple methods reach on the same split: they see single spectra and no neighbourhood.

All of them fit within seconds, so they are fitted each time they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from rsviz.core.scene import Scene

if TYPE_CHECKING:
    from torch import nn

Classes = NDArray[np.int16]
Baseline = Callable[[Scene, NDArray[np.int16], int], Classes]

FOLDS = 3
COST = (1.0, 10.0, 100.0, 1000.0)
WIDTH = (1e-4, 1e-3, 1e-2, 1e-1)
KERNELS, POSITIONS, DROPOUT = 20, 40, 0.3
EPOCHS, BATCH, RATE = 150, 64, 2e-3


def svm(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """A support vector machine with a Gaussian kernel on standardised spectra.

    Cost and kernel width come from a grid search by cross-validation inside the training pixels.

    Args:
        scene: the pixels; the first date is used.
        labels: (H, W) training labels 1..K, 0 elsewhere.
        seed: of the folds.

    Returns:
        (H, W) int16: classes 0..K-1, -1 where there is no data.
    """
    spectra, known = _spectra(scene), labels[labels > 0]
    folds = max(2, min(FOLDS, int(np.bincount(known)[1:].min())))
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC(kernel="rbf")),
        {"svc__C": COST, "svc__gamma": WIDTH},
        cv=StratifiedKFold(folds, shuffle=True, random_state=seed),
    )
    search.fit(spectra[labels > 0], known)
    return _placed(scene, search.predict(spectra[scene.valid[0]]) - 1)


def cnn_1d(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """A small convolutional network along the spectrum, trained for a fixed number of epochs.

    Arguments and result as for `svm`; the seed is that of the weights and the batches.
    """
    import torch
    from torch import nn

    from rsviz.nn.fit import seeded

    spectra = _spectra(scene)
    scaler = StandardScaler().fit(spectra[labels > 0])
    inputs = torch.from_numpy(scaler.transform(spectra[labels > 0])).float()
    targets = torch.from_numpy(labels[labels > 0].astype(np.int64) - 1)
    with seeded(seed), _one_thread():
        network = _spectral_network(inputs.shape[1], int(labels.max()))
        optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
        steps = EPOCHS * -(-len(inputs) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(inputs)).split(BATCH):
                optimiser.zero_grad()
                nn.functional.cross_entropy(network(inputs[batch]), targets[batch]).backward()
                optimiser.step()
                schedule.step()
        network.eval()
        everywhere = torch.from_numpy(scaler.transform(spectra[scene.valid[0]])).float()
        with torch.inference_mode():
            answers = [network(part).argmax(dim=1) for part in everywhere.split(2048)]
    return _placed(scene, torch.cat(answers).numpy())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread: the steps are small, and threads would wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _spectral_network(bands: int, classes: int) -> nn.Sequential:
    """One convolution over a ninth of the bands, pooling to 40 positions, two dense layers.

    After Hu et al. (2015), doi:10.1155/2015/258619, with batch normalisation and dropout.
    """
    from torch import nn

    length = bands // 9 | 1
    return nn.Sequential(
        nn.Unflatten(1, (1, bands)),  # (N, C) -> (N, 1, C)
        nn.Conv1d(1, KERNELS, length, padding=length // 2),
        nn.BatchNorm1d(KERNELS),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(POSITIONS),
        nn.Flatten(),  # (N, KERNELS * POSITIONS)
        nn.Dropout(DROPOUT),
        nn.Linear(KERNELS * POSITIONS, 100),
        nn.ReLU(),
        nn.Linear(100, classes),
    )


def _spectra(scene: Scene) -> NDArray[np.float32]:
    """Pixels as (H, W, C), usable bands only."""
    good = [i for i, band in enumerate(scene.bands) if band.good]
    return np.moveaxis(scene.pixels[0, good], 0, -1)


def _placed(scene: Scene, classes: NDArray[np.integer]) -> Classes:
    """Answers of the valid pixels as a map, -1 elsewhere."""
    placed = np.full(scene.grid.shape, -1, np.int16)
    placed[scene.valid[0]] = classes
    return placed


BASELINES: dict[str, Baseline] = {"svm_rbf": svm, "cnn_1d": cnn_1d}
"""Baselines of a classification by name."""
