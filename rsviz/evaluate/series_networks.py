"""Small networks along time that look at single pixels: convolutions, and attention.

Both are trained for a fixed number of steps; nothing is chosen on any pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rsviz.core.scene import Scene
from rsviz.evaluate.baseline_networks import BATCH, _one_thread, _targets, _trained
from rsviz.evaluate.series import days_since_first, gap_filled
from rsviz.evaluate.spectra import Classes, known, placed

if TYPE_CHECKING:
    from torch import Tensor, nn

LEAST_STEPS, LEAST_EPOCHS = 900, 20
FILTERS, TAPS, DENSE, DROPOUT = 64, 5, 256, 0.5


def tempcnn(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """Three convolutions along time on series with bridged gaps.

    After Pelletier, Webb and Petitjean (2019), doi:10.3390/rs11050523: 64 filters of 5 dates, a
    dense layer of 256, batch normalisation and dropout of one half.

    Args:
        scene: the series.
        labels: (H, W) training labels 1..K, 0 elsewhere.
        seed: of the weights and the batches.

    Returns:
        (H, W) int16: classes 0..K-1, -1 where there is no data.
    """
    import torch

    series = _standardised(gap_filled(scene), labels)  # (H, W, T, C)
    dates, bands, classes = *series.shape[2:], int(labels.max())
    inputs = torch.from_numpy(series).movedim(-1, -2)  # (H, W, C, T)
    return _answers(scene, labels, inputs, lambda: _tempcnn(bands, dates, classes), seed)


def ltae(scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """Temporal attention with one learnt query a head; clouded dates are left out.

    After Garnot and Landrieu (2020), arXiv:2007.00586: 8 heads share the channels, days enter as
    sines and cosines. Arguments and result as for `tempcnn`.
    """
    import torch

    from rsviz.evaluate.attention import LightAttention

    series = _standardised(scene, labels)
    clear = np.moveaxis(scene.valid, 0, -1)[..., None].astype(np.float32)  # (H, W, T, 1)
    inputs = torch.from_numpy(np.concatenate([series * clear, clear], axis=-1))
    days = torch.from_numpy(days_since_first(scene))
    bands, classes = series.shape[3], int(labels.max())
    return _answers(scene, labels, inputs, lambda: LightAttention(bands, classes, days), seed)


def _standardised(scene: Scene, labels: NDArray[np.int16]) -> NDArray[np.float32]:
    """Series (H, W, T, C), each band less its mean and over its deviation on labelled pixels."""
    good = [i for i, band in enumerate(scene.bands) if band.good]
    series = np.ascontiguousarray(scene.pixels[:, good].transpose(2, 3, 0, 1))  # -> (H, W, T, C)
    clear = np.moveaxis(scene.valid, 0, -1) & (labels > 0)[..., None]
    mean, deviation = series[clear].mean(axis=0), series[clear].std(axis=0)
    return (series - mean) / np.where(deviation > 0, deviation, 1)


def _answers(
    scene: Scene,
    labels: NDArray[np.int16],
    inputs: Tensor,
    make: Callable[[], nn.Sequential],
    seed: int,
) -> Classes:
    """Train on the labelled pixels and answer for all that were ever seen."""
    import torch

    chosen = inputs[torch.from_numpy(labels > 0)]
    steps = math.ceil(len(chosen) / BATCH)
    epochs = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / steps))
    with _one_thread():
        network = _trained(make, chosen, _targets(labels), seed, epochs)
        everywhere = inputs[torch.from_numpy(known(scene))]
        with torch.inference_mode():
            answers = [network(part).argmax(dim=1) for part in everywhere.split(2048)]
    return placed(scene, torch.cat(answers).numpy())


def _tempcnn(bands: int, dates: int, classes: int) -> nn.Sequential:
    """Series (N, C, T) to class scores (N, K)."""
    from torch import nn

    layers: list[nn.Module] = []
    for before in (bands, FILTERS, FILTERS):
        layers += [nn.Conv1d(before, FILTERS, TAPS, padding=TAPS // 2), nn.BatchNorm1d(FILTERS)]
        layers += [nn.ReLU(), nn.Dropout(DROPOUT)]
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(FILTERS * dates, DENSE),
        nn.BatchNorm1d(DENSE),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(DENSE, classes),
    )


SERIES: dict[str, Callable[[Scene, NDArray[np.int16], int], Classes]] = {
    "tempcnn": tempcnn,
    "ltae": ltae,
}
"""Baselines that know of time, by name."""
