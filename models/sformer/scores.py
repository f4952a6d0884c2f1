"""SFormer's scores of one pixel as a function of its patch, with gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from models.sformer.card import Options
from models.sformer.model import SFormerModel
from models.sformer.network import PATCH
from models.sformer.patches import padded
from rsviz.core.scene import Scene
from rsviz.nn.differentiable import Differentiable
from rsviz.nn.landcover import defined, filled_pixels

BATCH = 32


def scores_at(
    model: SFormerModel, scene: Scene, row: int, col: int, options: Options
) -> Differentiable:
    """Scores of the patch around a pixel; each of its pixels is projected by itself."""
    network, keep = model.network, options.top_k or model.network.config.keep
    height, width = scene.grid.shape
    places = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"))
    patch = padded(places)[:, row : row + PATCH, col : col + PATCH]  # (2, 10, 10), mirrored
    rows, cols = patch[0, :, 0].numpy(), patch[1, 0].numpy()
    pixels = filled_pixels(scene, defined(scene))[:, rows[:, None], cols]  # (C, 10, 10)

    def scores(patches: Tensor) -> Tensor:
        flat = patches.transpose(0, 1).flatten(2)  # (C, N, 100)
        components = network.projection(flat).unflatten(2, (PATCH, PATCH))  # (k, N, 10, 10)
        found: Tensor = network(components.transpose(0, 1), keep)
        return found

    inputs = torch.from_numpy(pixels)[None].to(model.device)
    note = "Explained is the plain view; a run averages several." if options.views > 1 else ""
    return Differentiable(inputs, rows, cols, scores, BATCH, note)
