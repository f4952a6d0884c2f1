"""Training: measurements through simulated air in, an ensemble for each thermal band out.

What is learned is measured by `rsviz.evaluate.temperature`, which also draws the measurements.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.lst_coupled.network import CoupledNetwork, Inputs, objective
from rsviz.core.errors import Cancelled
from rsviz.core.model import OnStep
from rsviz.core.options import build, option
from rsviz.nn.fit import Trained, parameter_count, seeded
from rsviz.nn.members import descend
from rsviz.physics.atmospheres import Measurements
from rsviz.physics.parametric import Law, fitted
from rsviz.physics.single_band import fitted_psi
from rsviz.physics.thermal import Air
from rsviz.physics.thermal_bands import BANDS, ThermalBand

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """Settings of a training."""

    members: int = option(4, "Members", "Networks of the ensemble.", low=1, high=16)
    hidden: int = option(32, "Width", "Of each hidden layer.", low=4, high=256)
    depth: int = option(2, "Depth", "Hidden layers.", low=1, high=6)
    epochs: int = option(20, "Epochs", "Passes over the measurements.", low=1, high=1000)
    batch: int = option(256, "Batch", "Measurements a step.", low=16, high=8192)
    rate: float = option(4e-3, "Learning rate", "Greatest.", low=1e-5, high=1.0)


def train(
    measurements: Mapping[str, Measurements],
    seed: int,
    settings: dict[str, str],
    checkpoint: Path | None,
    device: str,
    on_step: OnStep,
) -> Trained:
    """Train an ensemble for each thermal band.

    Args:
        measurements: by id of the band.
        seed: of everything random.
        settings: fields of `Recipe`, as text.
        checkpoint: not used; a band takes less than a minute.
        device: torch device name.
        on_step: called with (done, total, what).
    """
    recipe = build(Recipe, settings)
    started = time.perf_counter()
    state: dict[str, Tensor] = {}
    history: dict[str, list[float]] = {}
    laws: dict[str, dict[str, Any]] = {}
    count = 0
    with seeded(seed):
        for done, (name, known) in enumerate(measurements.items()):
            network, losses = _train_band(
                name, known, recipe, seed, device, done, len(measurements), on_step
            )
            state |= {f"{name}.{k}": v.detach().cpu() for k, v in network.state_dict().items()}
            state |= {f"{name}.{k}": torch.from_numpy(v) for k, v in refitted(known).items()}
            history[f"loss {name}"] = losses
            laws[name] = asdict(network.law)
            count += parameter_count(network)
    config: dict[str, Any] = {
        "members": recipe.members,
        "hidden": recipe.hidden,
        "depth": recipe.depth,
    }
    config |= {"bands": list(measurements), "laws": laws}
    return Trained(state, config, count, time.perf_counter() - started, history)


def _train_band(
    name: str,
    known: Measurements,
    recipe: Recipe,
    seed: int,
    device: str,
    done: int,
    bands: int,
    on_step: OnStep,
) -> tuple[CoupledNetwork, list[float]]:
    """The network of one band, and its loss after every epoch."""
    band = BANDS[name]
    size = recipe.members, recipe.hidden, recipe.depth
    network = CoupledNetwork(band, law_of(known, band), *size).to(device)
    x = _to(inputs_of(known), device)
    air = Air(*(_tensor(getattr(known.air, f.name), device) for f in fields(Air)))
    truth = _tensor(known.surface_temperature_k, device)
    network.adopt(x)

    def loss(rows: Tensor) -> Tensor:
        part = Inputs(*(getattr(x, f.name)[rows] for f in fields(Inputs)))
        there = Air(*(getattr(air, f.name)[rows] for f in fields(Air)))
        return objective(network(part), part, truth[rows], there, band)

    def tell(epoch: int, value: float) -> None:
        if not np.isfinite(value):
            raise Cancelled(f"The training of {band.title} diverged in epoch {epoch}.")
        what = f"{band.title}, epoch {epoch}, loss {value:.3f}"
        on_step(done * recipe.epochs + epoch, bands * recipe.epochs, what)

    return network, descend(
        network,
        loss,
        len(known),
        recipe.members,
        epochs=recipe.epochs,
        batch=min(recipe.batch, len(known)),
        rate=recipe.rate,
        seed=seed,
        on_epoch=tell,
    )


def law_of(known: Measurements, band: ThermalBand) -> Law:
    """The parametric atmosphere, fitted to inputs without error.

    So it is the law of the air and not that of the errors, which are the networks' part.
    """
    secant = 1 / np.cos(np.radians(known.view_angle_deg))
    return fitted(band.planck, known.air, known.true_water_g_cm2, known.true_air_k, secant)


def inputs_of(known: Measurements) -> Inputs:
    """What a user would have, as tensors on the CPU."""
    secant = 1 / np.cos(np.radians(known.view_angle_deg))
    return Inputs(
        *(
            _tensor(values, "cpu")
            for values in (
                known.brightness_temperature_k,
                known.emissivity,
                known.water_vapour_g_cm2,
                known.air_temperature_k,
                secant,
                known.water_error_g_cm2,
                known.air_error_k,
            )
        )
    )


def refitted(known: Measurements) -> dict[str, Floats]:
    """Coefficients of the two classical forms, fitted to the same measurements.

    "psi_water" (3, 3) is in water vapour along the path, "psi_air" (3, 9) also in air temperature.
    """
    path = known.water_vapour_g_cm2 / np.cos(np.radians(known.view_angle_deg))
    water, air = fitted_psi(known.air, path, known.air_temperature_k)
    return {"psi_water": water, "psi_air": air}


def _tensor(values: Floats, device: str) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32, device=device)


def _to(x: Inputs, device: str) -> Inputs:
    return Inputs(*(getattr(x, f.name).to(device) for f in fields(Inputs)))
