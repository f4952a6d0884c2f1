"""Runs a trained SFormer on every pixel of a scene and turns its outputs into layers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.sformer.card import DETAIL, Options
from models.sformer.internals import Inside, layer, map_probes, mapped
from models.sformer.mapping import STEPS, Planes, Reading, read_scene
from models.sformer.network import Config, SFormer
from models.sformer.patches import padded, patches_at
from models.sformer.plain import seconds_a_pixel
from rsviz.core.card import Weights
from rsviz.core.errors import SceneMismatch
from rsviz.core.layers import Layer
from rsviz.core.model import RunContext
from rsviz.core.scene import Scene
from rsviz.nn.landcover import class_layers, defined, filled_pixels
from rsviz.nn.weights import read_state


class SFormerModel:
    """A model as the contract wants it: load, then predict."""

    def load(self, weights: Weights | None, device: str) -> None:
        """Rebuild the network from its record and put it on a device."""
        assert weights is not None  # the card says that it needs weights
        self.weights, self.device = weights, torch.device(device)
        state = read_state(weights)
        self.network = SFormer(Config.from_record(weights.config))
        self.network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        self.network.to(self.device).eval().requires_grad_(False)

    def predict(self, scene: Scene, options: Options, ctx: RunContext) -> dict[str, Layer]:
        """Label a scene, every 4th pixel first; what is asked for shows the inside.

        Raises:
            SceneMismatch: no pixel of the scene is defined, or the pixel to look into lies
                outside.
        """
        valid = defined(scene)
        if not valid.any():
            raise SceneMismatch("The scene holds no pixel with a number in every band.")
        looking, pixel = options.pick_row >= 0, _pixel(options, scene.grid.shape)
        keep = options.top_k or self.network.config.keep
        finest, views = (max(STEPS), 1) if looking else (DETAIL[options.detail], options.views)
        reading = Reading(finest, keep, views, map_probes(ctx.wants), mapped)

        def show(planes: Planes) -> None:
            probabilities = planes["probabilities"].astype(np.float32, copy=False)
            ctx.on_partial(class_layers(probabilities, scene, valid, self.weights))

        with torch.inference_mode():
            pixels = torch.from_numpy(filled_pixels(scene, valid)).to(self.device)
            image = padded(self.network.projection(pixels))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=options.bf16):
                planes = read_scene(self.network, image, valid, reading, ctx, show)
            if looking:
                row, col = pixel
                planes["probabilities"][:, row, col] = self._at(image, pixel, keep)
            inside = Inside(self.network, image, scene, valid, keep, pixel, planes)
            extra = {name: layer(name, inside) for name in sorted(ctx.wants)}
        probabilities = planes["probabilities"].astype(np.float32, copy=False)
        return class_layers(probabilities, scene, valid, self.weights) | extra

    def _at(self, image: Tensor, pixel: tuple[int, int], keep: int) -> NDArray[np.float32]:
        """Probabilities (K,) of one pixel of a padded image (k, H+9, W+9), in one view."""
        rows, cols = torch.tensor([pixel], device=image.device).unbind(1)
        scores = self.network(patches_at(image, rows, cols), keep).float()
        found: NDArray[np.float32] = scores.softmax(dim=1)[0].cpu().numpy()
        return found

    def published_seconds(self, scene: Scene, count: int) -> float:
        """Time of a pixel in the form of the paper, measured on `count` pixels of a scene."""
        pixels = torch.from_numpy(filled_pixels(scene, defined(scene))).to(self.device)
        return seconds_a_pixel(self.network, self.network.projection(pixels), count)


def _pixel(options: Options, shape: tuple[int, int]) -> tuple[int, int]:
    """The pixel to look into: that of the options, or the middle."""
    asked = options.pick_row, options.pick_col
    row, col = (size // 2 if at < 0 else at for at, size in zip(asked, shape, strict=True))
    if row >= shape[0] or col >= shape[1]:
        raise SceneMismatch(
            f"The pixel looked into is row {row}, column {col}; the scene has {shape[0]} rows and "
            f"{shape[1]} columns, counted from 0.",
            "Pick a pixel inside the scene.",
        )
    return row, col
