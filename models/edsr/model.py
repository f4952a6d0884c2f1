"""Runs a trained EDSR on a scene."""

from __future__ import annotations

import torch

from models.edsr.card import Options
from models.edsr.network import EDSR, Config
from rsviz.core.card import Weights
from rsviz.core.layers import Layer, RasterLayer
from rsviz.core.model import RunContext
from rsviz.core.scene import Scene
from rsviz.nn.sr_scene import Mosaic, eight_views, half_precision, pieces, prepare
from rsviz.nn.weights import read_state

ABOUT = "Four times as many pixels along each side, made by plain convolutions."


class EDSRModel:
    """A model as the contract wants it: load, then predict."""

    def load(self, weights: Weights | None, device: str) -> None:
        """Rebuild the network from its record and put it on a device."""
        assert weights is not None  # the card says that it needs weights
        self.device = torch.device(device)
        self.network = EDSR(Config.from_record(weights.config))
        self.network.load_state_dict({n: t.float() for n, t in read_state(weights).items()})
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.eval().requires_grad_(False)

    def operations(self, height: int, width: int) -> int:
        """Multiply-accumulates for a coarse image of height x width pixels."""
        convolutions = [m for m in self.network.modules() if isinstance(m, torch.nn.Conv2d)]
        return sum(m.weight.numel() for m in convolutions) * height * width

    def predict(self, scene: Scene, options: Options, ctx: RunContext) -> dict[str, Layer]:
        """Make a scene finer.

        Raises:
            SceneMismatch: no pixel has data.
        """
        prepared, mosaic = prepare(scene), Mosaic(scene.grid)
        cut = pieces(*scene.grid.shape)
        spread = "ensemble_spread" in ctx.wants
        for done, piece in enumerate(cut):
            image = prepared.tensor(piece, self.device)
            with torch.inference_mode(), half_precision(self.device, options.bf16):
                views = []
                for made in eight_views(image, self.network, options.ensemble or spread):
                    ctx.step(done, len(cut), f"tile {done + 1} of {len(cut)}")
                    views.append(made)
            best = torch.stack(views).mean(0) if options.ensemble else views[0]
            layers: dict[str, RasterLayer] = {
                "image": prepared.layer(best, piece.window, "EDSR", ABOUT)
            }
            if spread:
                layers["ensemble_spread"] = prepared.spread_of_views(views, piece.window)
            mosaic.add(piece, layers)
        return dict(mosaic.layers())
