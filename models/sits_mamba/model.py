"""Runs a trained SITSMamba on a series of images and turns its outputs into layers."""

from __future__ import annotations

import numpy as np
import torch

from models.sits_mamba.card import Options
from models.sits_mamba.internals import Inside, layer, needs_of
from models.sits_mamba.network import Config, SITSMamba
from models.sits_mamba.season import days_of
from models.sits_mamba.survey import Series, survey
from rsviz.core.card import Weights
from rsviz.core.errors import SceneMismatch
from rsviz.core.layers import Layer
from rsviz.core.model import RunContext
from rsviz.core.scene import Scene
from rsviz.nn.landcover import class_layers
from rsviz.nn.weights import read_state

STEPS = 100


class SITSMambaModel:
    """A model as the contract wants it: load, then predict."""

    def load(self, weights: Weights | None, device: str) -> None:
        """Rebuild the network from its record and put it on a device."""
        assert weights is not None  # the card says that it needs weights
        self.weights, self.device = weights, torch.device(device)
        self.network = SITSMamba(Config.from_record(weights.config))
        state = read_state(weights)
        self.network.load_state_dict({name: value.float() for name, value in state.items()})
        self.network.to(self.device).eval().requires_grad_(False)

    def predict(self, scene: Scene, options: Options, ctx: RunContext) -> dict[str, Layer]:
        """Label a series of images; what was asked for of the inside comes from the same pass.

        Raises:
            SceneMismatch: no pixel is clear on any date.
        """
        finite = np.isfinite(scene.pixels).all(axis=1)
        known = scene.valid & finite  # (T, H, W)
        seen = known.any(axis=0)
        if not seen.any():
            raise SceneMismatch(
                f"All {scene.shape[0]} dates are clouded or without data everywhere; at least one "
                "clear date is needed.",
                "Check the mask of the scene, or choose another part of it.",
            )
        with torch.inference_mode():
            days = torch.from_numpy(days_of(scene.dates, scene.shape[0])).to(self.device)
            pixels = np.where(known[:, None], scene.pixels, 0)
            series = Series(pixels, known, days)

            def step(done: int, total: int) -> None:
                ctx.step(STEPS * done // total, STEPS + 1, "reading the year")

            found = survey(self.network, series, needs_of(ctx.wants), step)
            inside = Inside(
                scene, series, seen, self.network, found, self.weights.classes,
                _picked(options, scene), ctx,
            )  # fmt: skip
            extra = {name: layer(name, inside) for name in sorted(ctx.wants)}
        ctx.step(STEPS + 1, STEPS + 1, "done")
        return class_layers(found.p, scene, seen, self.weights) | extra


def _picked(options: Options, scene: Scene) -> tuple[int, int]:
    """Row and column of the pixel that is looked into."""
    height, width = scene.grid.shape
    row = height // 2 if options.pick_row < 0 else min(options.pick_row, height - 1)
    col = width // 2 if options.pick_col < 0 else min(options.pick_col, width - 1)
    return row, col
