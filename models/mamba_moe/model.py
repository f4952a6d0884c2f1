"""Runs a trained MambaMoE on a scene and turns its outputs into layers."""

from __future__ import annotations

import torch
from torch import Tensor

from models.mamba_moe.card import Options
from models.mamba_moe.internals import STOPS, Inside, Replay, layer, probes_for, reduced
from models.mamba_moe.network import Config, MambaMoE, Prediction
from models.mamba_moe.storage import restored
from models.mamba_moe.symmetry import turned, turned_back
from rsviz.core.card import Weights
from rsviz.core.layers import Layer
from rsviz.core.model import RunContext
from rsviz.core.scene import Scene
from rsviz.nn.landcover import class_layers, defined, filled_pixels
from rsviz.nn.probe import tracing
from rsviz.nn.weights import read_state

Pass = tuple[Prediction, dict[str, Tensor]]


VIEWS = (0, 2, 4, 6, 1, 3, 5, 7)
"""Orientations in the order in which they join the average: those without a transpose first."""


class MambaMoEModel:
    """A model as the contract wants it: load, then predict."""

    def load(self, weights: Weights | None, device: str) -> None:
        """Rebuild the network from its record and put it on a device."""
        assert weights is not None  # the card says that it needs weights
        self.weights, self.device = weights, torch.device(device)
        state = read_state(weights)
        self.replay = Replay.taken_from(state)
        self.network = MambaMoE(Config.from_record(weights.config))
        self.network.load_state_dict(restored(state))
        self.network.to(self.device, memory_format=torch.channels_last)
        self.network.eval().requires_grad_(False)

    def predict(self, scene: Scene, options: Options, ctx: RunContext) -> dict[str, Layer]:
        """Label a scene; the plain view gives what happens inside."""
        views, top_k = options.views, options.top_k or None
        valid = defined(scene)
        pixelwise = self.network.config.routing == "pixel"

        def read(pixels: Tensor, done: int, probes: frozenset[str]) -> Pass:
            def reduce(name: str, value: Tensor) -> Tensor:
                ctx.step(done, views, "reading the scene")
                return reduced(name, value)

            with tracing(self.network, STOPS | probes, reduce) as trace:
                return self.network(pixels, top_k), trace

        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=options.bf16)
        with torch.inference_mode(), autocast:
            pixels = torch.from_numpy(filled_pixels(scene, valid))[None].to(self.device)
            pixels = self.network.normalised(pixels)
            plain, trace = read(pixels, 0, probes_for(ctx.wants, pixelwise))
            total = plain.logits[0].float().softmax(dim=1)
            for done, way in enumerate(VIEWS[1:views], start=1):
                other, _ = read(turned(pixels, way), done, frozenset())
                total = total + turned_back(other.logits[0].float().softmax(dim=1), way)
            on_cpu = tuple(logits.float().cpu() for logits in plain.logits)
            inside = Inside(
                scene,
                valid,
                on_cpu,
                trace,
                pixelwise,
                self.weights.classes,
                self.weights.colours,
                self.replay,
            )
            extra = {name: layer(name, inside) for name in sorted(ctx.wants)}
        ctx.step(views, views, "done")
        p = (total[0] / views).cpu().numpy()
        return class_layers(p, scene, valid, self.weights) | extra
