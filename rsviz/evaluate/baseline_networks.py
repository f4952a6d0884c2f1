"""Small networks that fit within seconds: along the spectrum, and over spectrum and neighbourhood.

Both are trained for a fixed number of epochs; nothing is chosen on any pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rsviz.core.scene import Scene
from rsviz.evaluate.spectra import Classes, components, known, placed, standardised

if TYPE_CHECKING:
    from torch import Tensor, nn

KERNELS, POSITIONS, DROPOUT = 20, 40, 0.3
EPOCHS_1D, EPOCHS_3D, BATCH, RATE = 150, 60, 64, 2e-3
PATCH, COMPONENTS = 5, 30
DEPTHS, WIDTHS = (7, 5), (8, 16)
ROWS = 32


def cnn_1d(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """A small convolutional network along the spectrum of single pixels.

    Args:
        scene: the pixels; of a series, all dates are read as one spectrum.
        labels: (H, W) training labels 1..K, 0 elsewhere.
        seed: of the weights and the batches.

    Returns:
        (H, W) int16: classes 0..K-1, -1 where there is no data.
    """
    import torch

    spectra = torch.from_numpy(standardised(scene, labels))  # (H, W, C)
    inputs, targets = spectra[torch.from_numpy(labels > 0)], _targets(labels)
    bands, classes = inputs.shape[1], int(labels.max())
    with _one_thread():
        network = _trained(
            lambda: _spectral_network(bands, classes), inputs, targets, seed, EPOCHS_1D
        )
        everywhere = spectra[torch.from_numpy(known(scene))]
        with torch.inference_mode():
            answers = [network(part).argmax(dim=1) for part in everywhere.split(2048)]
    return placed(scene, torch.cat(answers).numpy())


def cnn_3d(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """A small convolutional network over 30 principal components and 5 x 5 pixels.

    Two convolutions in three dimensions and one dense layer, after Li, Zhang and Shen (2017),
    doi:10.3390/rs9010067, on components instead of bands (better on held-out training pixels of
    Indian Pines), with batch normalisation and dropout. The scene is read as a whole: patches
    that overlap share their convolutions. Arguments and result as for `cnn_1d`.
    """
    import torch
    from torch.nn import functional

    half = PATCH // 2
    image = torch.from_numpy(components(scene, COMPONENTS)).movedim(-1, 0)[None, None]
    edged = functional.pad(image, (half, half, half, half, 0, 0), mode="replicate")
    windows = edged[0, 0].unfold(1, PATCH, 1).unfold(2, PATCH, 1)  # (D, H, W, 5, 5)
    inputs = windows[:, torch.from_numpy(labels > 0)].movedim(1, 0)[:, None]  # (N, 1, D, 5, 5)
    depth, classes = inputs.shape[2], int(labels.max())
    targets = _targets(labels)
    with _one_thread():
        network = _trained(
            lambda: _volume_network(depth, classes), inputs, targets, seed, EPOCHS_3D
        )
        answers = []
        with torch.inference_mode():
            for row in range(0, scene.grid.height, ROWS):
                part = edged[:, :, :, row : row + ROWS + 2 * half]
                answers.append(network(part)[0].argmax(dim=0))  # (rows, W)
    classes_map = torch.cat(answers).numpy()
    return placed(scene, classes_map[known(scene)])


def _targets(labels: NDArray[np.int16]) -> Tensor:
    """Classes 0..K-1 of the labelled pixels, in the order of the raster."""
    import torch

    return torch.from_numpy(labels[labels > 0].astype(np.int64) - 1)


def _trained(
    make: Callable[[], nn.Sequential], inputs: Tensor, targets: Tensor, seed: int, epochs: int
) -> nn.Sequential:
    """The network after a fixed number of epochs, ready to answer."""
    import torch
    from torch.nn import functional

    from rsviz.nn.fit import seeded

    with seeded(seed):
        network = make()
        optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
        # a last batch of one pixel has no variance to normalise by
        cuts = [i for i in range(0, len(inputs), BATCH) if i == 0 or len(inputs) - i > 1]
        spans = list(pairwise([*cuts, len(inputs)]))
        total = epochs * len(spans)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=total)
        for _ in range(epochs):
            order = torch.randperm(len(inputs))
            for start, end in spans:
                batch = order[start:end]
                optimiser.zero_grad()
                scores = network(inputs[batch]).flatten(1)
                functional.cross_entropy(scores, targets[batch]).backward()
                optimiser.step()
                schedule.step()
    return network.eval()


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


def _volume_network(components: int, classes: int) -> nn.Sequential:
    """Volumes (N, 1, D, h, w) to class scores (N, K, h - 4, w - 4)."""
    from torch import nn

    layers: list[nn.Module] = []
    before = 1
    for depth, width in zip(DEPTHS, WIDTHS, strict=True):
        kernel, padding = (depth, 3, 3), (depth // 2, 0, 0)
        layers += [nn.Conv3d(before, width, kernel, padding=padding), nn.BatchNorm3d(width)]
        layers += [nn.ReLU()]
        before = width
    return nn.Sequential(
        *layers,
        nn.Flatten(1, 2),  # (N, channels * D, h - 4, w - 4)
        nn.Dropout(DROPOUT),
        nn.Conv2d(before * components, classes, 1),
    )
