"""Runs the ensemble and the classical methods on a scene, in pieces that fit the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.lst_coupled import scene as scenes
from models.lst_coupled.card import CARD, Options
from models.lst_coupled.maps import layer
from models.lst_coupled.network import Answer, CoupledNetwork, Inputs, radiance_closure
from rsviz.core.card import Weights
from rsviz.core.layers import Layer
from rsviz.core.model import RunContext
from rsviz.core.scene import Scene
from rsviz.nn.weights import read_state
from rsviz.physics.atmospheres import water_error
from rsviz.physics.parametric import Law
from rsviz.physics.single_band import (
    clear_transmittance,
    mean_air_k,
    mono_window_k,
    psi_of_water,
    psi_of_water_and_air,
    single_channel_k,
)
from rsviz.physics.thermal_bands import BANDS

PIECE = 1 << 13
"""Pixels worked out at once."""


@dataclass(frozen=True)
class Band:
    """What was learned for one thermal band: the ensemble, its first member, coefficients."""

    whole: CoupledNetwork
    single: CoupledNetwork
    psi_water: NDArray[np.float64]
    psi_air: NDArray[np.float64]


class CoupledModel:
    """A model as the contract wants it: load, then predict."""

    def load(self, weights: Weights | None, device: str) -> None:
        """Rebuild the networks of all bands from their record and put them on a device."""
        assert weights is not None  # the card says that it needs weights
        self.device = torch.device(device)
        state = read_state(weights)
        self.bands = {name: self._band(weights, state, name) for name in weights.config["bands"]}

    def predict(self, scene: Scene, options: Options, ctx: RunContext) -> dict[str, Layer]:
        """Temperature by every method, and what the coupled one is made of.

        Raises:
            SceneMismatch: an input is missing or cannot be.
        """
        known = scenes.read(scene, options)
        names = [*CARD.emits, *sorted(ctx.wants)]
        rows, cols = np.nonzero(known.valid)
        out = {name: np.full(scene.grid.shape, np.nan, np.float32) for name in names}
        total = max(1, len(rows))
        with torch.inference_mode():
            for start in range(0, len(rows), PIECE):
                ctx.step(start, total, "working out temperatures")
                part = rows[start : start + PIECE], cols[start : start + PIECE]
                found = self._piece(known, part, options, names)
                for name, values in found.items():
                    out[name][part] = values.cpu().numpy()
        ctx.step(total, total, "done")
        return {name: layer(name, values, scene.grid) for name, values in out.items()}

    def _band(self, weights: Weights, state: dict[str, Tensor], name: str) -> Band:
        own = {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")}
        rows = [own.pop(key).double().numpy() for key in ("psi_water", "psi_air")]
        size = weights.config["hidden"], weights.config["depth"]
        one = {k: v[:1] if k.startswith("members.") else v for k, v in own.items()}
        told = weights.config["laws"][name]
        law = Law(tuple(told["depth"]), told["up_k"], told["down_k"])
        built = []
        for members, part in ((weights.config["members"], own), (1, one)):
            network = CoupledNetwork(BANDS[name], law, members, *size)
            network.load_state_dict({k: v.float() for k, v in part.items()})
            built.append(network.to(self.device).eval().requires_grad_(False))
        return Band(built[0], built[1], *rows)

    def _piece(
        self,
        known: scenes.Known,
        part: tuple[NDArray[np.intp], NDArray[np.intp]],
        options: Options,
        names: list[str],
    ) -> dict[str, Tensor]:
        """All maps that are asked for, of some pixels (B,)."""
        learned = self.bands[known.band.id]
        band = known.band

        def at(values: NDArray[np.float32]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values[part])).to(self.device)

        brightness, emissivity = at(known.brightness_k), at(known.emissivity)
        water, air = at(known.water), at(known.air_k)
        secant = 1 / torch.cos(torch.deg2rad(at(known.view_deg)))
        wrong = water_error(options.water_error_percent / 100, water)
        x = Inputs(
            brightness,
            emissivity,
            water,
            air,
            secant,
            wrong,
            torch.full_like(air, options.air_error_k),
        )
        network = learned.whole if options.ensemble else learned.single
        answer = network(x)
        path = water * secant
        result = answer.temperature_k.mean(0)
        inverted = answer.inverted_k.mean(0)

        def single(psi: Any) -> Tensor:
            found: Tensor = single_channel_k(band.planck, brightness, emissivity, psi)
            return found

        ways = {
            "temperature": lambda: result,
            "validity": lambda: _within(result, options.coldest_k, options.hottest_k),
            "uncertainty": lambda: _spread(answer),
            "disagreement": lambda: answer.temperature_k.std(0, correction=0),
            "single_channel": lambda: single(psi_of_water(band.psi, path)),
            "single_channel_refit": lambda: single(psi_of_water(learned.psi_water, path)),
            "water_vapour_air_temperature": lambda: single(
                psi_of_water_and_air(learned.psi_air, path, air)
            ),
            "mono_window": lambda: mono_window_k(
                band, brightness, emissivity, clear_transmittance(band, path, air), mean_air_k(air)
            ),
            "brightness_temperature": lambda: brightness,
            "emissivity": lambda: emissivity,
            "vegetation_index": lambda: at(known.index),
            "transmittance": lambda: answer.air.transmittance.mean(0),
            "path_radiance": lambda: answer.air.path_radiance.mean(0),
            "sky_radiance": lambda: answer.air.sky_radiance.mean(0),
            "inverted": lambda: inverted,
            "direct": lambda: answer.direct_k.mean(0),
            "trust": lambda: answer.trust.mean(0),
            "residual": lambda: result - inverted,
            "closure": lambda: radiance_closure(band, x, answer.temperature_k, answer.air).mean(0),
            "water_vapour": lambda: water,
            "air_temperature": lambda: air,
        }
        return {name: ways[name]() for name in names}


def _within(values: Tensor, low: float, high: float) -> Tensor:
    """1 where values lie in a range, 0 elsewhere."""
    return ((values >= low) & (values <= high)).float()


def _spread(answer: Answer) -> Tensor:
    """Standard deviation: what the members state, and how far they differ."""
    stated = (answer.error_k**2).mean(0)
    return torch.sqrt(stated + answer.temperature_k.var(0, correction=0))
