"""MambaMoE's scores of one pixel as a function of the whole scene, with gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from models.mamba_moe.card import Options
from models.mamba_moe.model import MambaMoEModel
from rsviz.core.scene import Scene
from rsviz.nn.differentiable import Differentiable
from rsviz.nn.landcover import defined, filled_pixels


def scores_at(
    model: MambaMoEModel, scene: Scene, row: int, col: int, options: Options
) -> Differentiable:
    """Scores of the fine head at a pixel; the scene is read once, as it lies."""
    network, top_k = model.network, options.top_k or None

    def scores(pixels: Tensor) -> Tensor:
        logits: Tensor = network(network.normalised(pixels), top_k).logits[0]
        return logits[:, :, row, col]

    height, width = scene.grid.shape
    inputs = torch.from_numpy(filled_pixels(scene, defined(scene)))[None].to(model.device)
    note = "Explained is the plain view; a run averages several." if options.views > 1 else ""
    return Differentiable(inputs, np.arange(height), np.arange(width), scores, 1, note)
