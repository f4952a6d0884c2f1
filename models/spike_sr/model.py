"""Runs a trained SpikeSR on a scene and turns what it gives into layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.spike_sr.card import Options, block_names, neuron_names, spoken
from models.spike_sr.internals import MAKERS, heard
from models.spike_sr.network import Config, SpikeSR
from models.spike_sr.neurons import integrate, reference_lif
from models.spike_sr.recorder import Recorder, texture_classes
from models.spike_sr.seen import Seen
from rsviz.core.card import Weights
from rsviz.core.errors import SceneMismatch
from rsviz.core.layers import Layer, RasterLayer, ScalarMap
from rsviz.core.model import RunContext
from rsviz.core.scene import Scene
from rsviz.core.tiling import Tile
from rsviz.nn.fit import parameter_count
from rsviz.nn.probe import probe_names, tracing
from rsviz.nn.sr_scene import Mosaic, Prepared, eight_views, half_precision, pieces, prepare
from rsviz.nn.weights import read_state

Floats = NDArray[np.float32]

STEP_IMAGE = "step_image_"
ABOUT = "Four times as many pixels along each side, made by the network from the input alone."


class SpikeSRModel:
    """A model as the contract wants it: load, then predict."""

    def load(self, weights: Weights | None, device: str) -> None:
        """Rebuild the network from its record and put it on a device."""
        assert weights is not None  # the card says that it needs weights
        self.device = torch.device(device)
        self.config = Config.from_record(weights.config)
        self.network = SpikeSR(self.config)
        self.network.load_state_dict({n: t.float() for n, t in read_state(weights).items()})
        self.parameters = parameter_count(self.network)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.eval().requires_grad_(False)

    def predict(self, scene: Scene, options: Options, ctx: RunContext) -> dict[str, Layer]:
        """Make a scene finer; what is asked for shows the inside.

        Raises:
            SceneMismatch: no pixel has data, or the picked pixel lies outside.
        """
        prepared, steps = prepare(scene), min(options.steps, self.config.steps)
        texture, strength = texture_classes(prepared.image)
        recorder = self._recorder(prepared, options, steps, texture)
        names = frozenset(
            n for n in probe_names(self.network) if n.split(".")[-1] in heard(ctx.wants)
        )
        cut, mosaic, errors = pieces(*scene.grid.shape), Mosaic(scene.grid), np.zeros(steps)
        for done, piece in enumerate(cut):
            tick = _ticker(ctx, done, len(cut))
            recorder.begin(piece)
            with torch.inference_mode(), half_precision(self.device, options.bf16):
                image = prepared.tensor(piece, self.device)
                with tracing(self.network, names, recorder):
                    features = self.network.body(image, steps, tick)
                views = [self.network.finished(features, image)]
                if options.ensemble or "ensemble_spread" in ctx.wants:
                    views = list(eight_views(image, partial(self._made, steps, tick), True))
                finished = _Finished(self.network, prepared, piece, image, features, views)
                mosaic.add(piece, finished.layers(options.ensemble, ctx.wants))
                if "convergence" in ctx.wants:
                    errors += finished.squared() * piece.core.height * piece.core.width
        errors /= scene.grid.height * scene.grid.width
        seen = Seen(
            recorder, self.config, self.parameters, scene.grid, strength, tuple(cut),
            (-10.0 * np.log10(np.maximum(errors, 1e-10))).astype(np.float32),
        )  # fmt: skip
        extra = {name: make(seen) for name, make in MAKERS.items() if name in ctx.wants}
        return dict(mosaic.layers()) | {n: _masked(layer, prepared) for n, layer in extra.items()}

    def neurons(self) -> Callable[[Tensor], Tensor]:
        """Our neurons: currents (T, ...) to spikes, for timing."""
        return lambda current: integrate(current)[0]

    def reference_neurons(self) -> Callable[[Tensor], Tensor]:
        """spikingjelly's neurons, at rest before every call."""
        neurons = reference_lif()

        def spikes(current: Tensor) -> Tensor:
            neurons.reset()
            found: Tensor = neurons(current)
            return found

        return spikes

    def _recorder(
        self, prepared: Prepared, options: Options, steps: int, texture: NDArray[np.intp]
    ) -> Recorder:
        """A recorder for this scene and these options."""
        config, shape = self.config, prepared.scene.grid.shape
        neurons = neuron_names(config.groups, config.blocks)
        spoken_names = [spoken(name) for name in neurons]
        return Recorder(
            neurons,
            block_names(config.groups, config.blocks),
            shape,
            steps,
            config.channels,
            spoken_names.index(options.watch),
            _pixel(options, shape),
            texture,
        )

    def _made(self, steps: int, tick: Callable[[], None], image: Tensor) -> Tensor:
        """The fine image of a coarse one."""
        return self.network.finished(self.network.body(image, steps, tick), image)


class _Finished:
    """What one tile gives: the fine image, those of single steps and of the eight views."""

    def __init__(
        self,
        network: SpikeSR,
        prepared: Prepared,
        piece: Tile,
        image: Tensor,
        features: Tensor,
        views: list[Tensor],
    ) -> None:
        self.network, self.prepared, self.piece = network, prepared, piece
        self.image, self.features, self.views = image, features, views

    def layers(self, ensemble: bool, wants: frozenset[str]) -> dict[str, RasterLayer]:
        """Its raster layers at the fine resolution."""
        best = torch.stack(self.views).mean(0) if ensemble else self.views[0]
        found: dict[str, RasterLayer] = {"image": self._image(best, "SpikeSR", ABOUT)}
        for name in sorted(n for n in wants if n.startswith(STEP_IMAGE)):
            asked = int(name.removeprefix(STEP_IMAGE))
            used = min(asked, len(self.features))
            found[name] = self._image(
                self._first(used),
                f"Image of {asked} time step{'s' if asked > 1 else ''}",
                f"Made of the mean of the first {used} time steps of this run.",
            )
        if "ensemble_spread" in wants:
            window = self.piece.window
            found["ensemble_spread"] = self.prepared.spread_of_views(self.views, window)
        if "step_spread" in wants:
            single = [self._of(self.features[t : t + 1]) for t in range(len(self.features))]
            found["step_spread"] = self.prepared.spread(
                single,
                self.piece.window,
                "Spread of time steps",
                "Standard deviation between the images made of single time steps, mean over bands.",
            )
        return found

    def squared(self) -> NDArray[np.float64]:
        """Mean squared difference of the image of the first k steps to that of all."""
        last = self.views[0]
        steps = range(1, len(self.features) + 1)
        return np.array([float(((self._first(k) - last) ** 2).mean()) for k in steps])

    def _first(self, count: int) -> Tensor:
        return self._of(self.features[:count])

    def _of(self, features: Tensor) -> Tensor:
        return self.network.finished(features, self.image)

    def _image(self, fine: Tensor, title: str, about: str) -> RasterLayer:
        return self.prepared.layer(fine, self.piece.window, title, about)


def _ticker(ctx: RunContext, done: int, total: int) -> Callable[[], None]:
    """Reports that a tile is under way, and stops when the run was cancelled."""
    what = "making the image finer" if total == 1 else f"tile {done + 1} of {total}"
    return lambda: ctx.step(done, total, what)


def _masked(layer: Layer, prepared: Prepared) -> Layer:
    """A map with gaps where the scene has none of its own."""
    if not isinstance(layer, ScalarMap):
        return layer
    return replace(layer, data=np.where(prepared.valid, layer.data, np.nan))


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
