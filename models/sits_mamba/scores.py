"""SITSMamba's scores of one pixel as a function of all its dates and what lies around it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.sits_mamba.card import Options
from models.sits_mamba.internals import decisive
from models.sits_mamba.model import SITSMambaModel
from models.sits_mamba.season import days_of
from models.sits_mamba.survey import HALO
from rsviz.core.scene import Scene
from rsviz.nn.differentiable import Differentiable

BATCH = 32


def scores_at(
    model: SITSMambaModel, scene: Scene, row: int, col: int, options: Options
) -> Differentiable:
    """Scores of the series of a pixel and its neighbours; dates that are clouded stay left out."""
    network, (t, c, _, _) = model.network, scene.shape
    window = decisive(network.config, scene, (row, col), HALO)
    known = scene.valid & np.isfinite(scene.pixels).all(axis=1)
    pixels = np.where(known[:, None], scene.pixels, 0)[:, :, window.rows, window.cols]
    valid = torch.from_numpy(known[:, window.rows, window.cols].copy()).to(model.device)
    days = torch.from_numpy(days_of(scene.dates, t)).to(model.device)

    def scores(series: Tensor) -> Tensor:
        x = series.unflatten(1, (t, c))  # (N, T*C, h, w) -> (N, T, C, h, w)
        seen = valid.expand(len(x), -1, -1, -1)
        found = network(network.scaled(x, seen), seen, days).scores
        return found[:, :, row - window.row, col - window.col]

    inputs = torch.from_numpy(pixels).flatten(0, 1)[None].to(model.device)
    rows = np.arange(window.row, window.row + window.height)
    cols = np.arange(window.col, window.col + window.width)
    return Differentiable(inputs, rows, cols, scores, BATCH)
