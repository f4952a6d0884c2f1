"""Methods to compare with, fitted to the same measurements: classical ones and plain learners."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from rsviz.nn.fit import seeded
from rsviz.nn.members import Members, descend
from rsviz.physics.atmospheres import Errors, Measurements
from rsviz.physics.single_band import (
    clear_transmittance,
    fitted_psi,
    mean_air_k,
    mono_window_k,
    psi_of_water,
    psi_of_water_and_air,
    single_channel_k,
)
from rsviz.physics.thermal import surface_temperature_k
from rsviz.physics.thermal_bands import BANDS

Floats = NDArray[np.float64]
Method = Callable[[Measurements, Errors], Floats]
BAND = BANDS["landsat-8-b10"]
MEMBERS, HIDDEN, DEPTH, EPOCHS, BATCH, RATE = 4, 32, 2, 20, 256, 4e-3
"""Of the plain network: the same size and recipe as the coupled one has."""
LEAST_SPREAD = 1e-3


def single_channel(known: Measurements, seed: int) -> Method:
    """The single-channel method with its published coefficients; nothing is fitted."""
    return lambda m, _: _single(m, psi_of_water(BAND.psi, _path(m)))


def single_channel_refit(known: Measurements, seed: int) -> Method:
    """The single-channel method with coefficients fitted to training measurements."""
    rows, _ = fitted_psi(known.air, _path(known), known.air_temperature_k)
    return lambda m, _: _single(m, psi_of_water(rows, _path(m)))


def water_vapour_air_temperature(known: Measurements, seed: int) -> Method:
    """The single-channel method in water vapour and air temperature, fitted."""
    _, rows = fitted_psi(known.air, _path(known), known.air_temperature_k)
    return lambda m, _: _single(m, psi_of_water_and_air(rows, _path(m), m.air_temperature_k))


def mono_window(known: Measurements, seed: int) -> Method:
    """The mono-window algorithm with its published lines; nothing is fitted."""
    return lambda m, _: _mono_window(m)


def rte_true_atmosphere(known: Measurements, seed: int) -> Method:
    """Radiative transfer inverted with the true air: what no method can beat by much."""
    return lambda m, _: surface_temperature_k(
        BAND.planck, BAND.planck.radiance(m.brightness_temperature_k), m.emissivity, m.air
    )


def _mono_window(known: Measurements) -> Floats:
    tau = clear_transmittance(BAND, _path(known), known.air_temperature_k)
    found: Floats = mono_window_k(
        BAND,
        known.brightness_temperature_k,
        known.emissivity,
        tau,
        mean_air_k(known.air_temperature_k),
    )
    return found


def features(known: Measurements) -> Floats:
    """What the plain learners see, (M, 8): every input of the coupled model, and no physics."""
    return np.stack(
        [
            known.brightness_temperature_k,
            known.air_temperature_k,
            known.brightness_temperature_k - known.air_temperature_k,
            known.emissivity,
            known.water_vapour_g_cm2,
            1 / np.cos(np.radians(known.view_angle_deg)),
            known.water_error_g_cm2,
            known.air_error_k,
        ],
        axis=1,
    )


def mlp(known: Measurements, seed: int) -> Method:
    """An ensemble of multilayer perceptrons that learn the ground's warmth above the air."""
    x = torch.as_tensor(features(known), dtype=torch.float32)
    wanted = known.surface_temperature_k - known.air_temperature_k
    y = torch.as_tensor(wanted, dtype=torch.float32)
    mean, spread = x.mean(0), x.std(0).clamp(min=LEAST_SPREAD)
    x = (x - mean) / spread
    with seeded(seed):
        network = Members(MEMBERS, x.shape[1], HIDDEN, DEPTH, 1)
        descend(
            network,
            lambda rows: ((10 * network(x[rows])[..., 0] - y[rows]) ** 2).mean(),
            len(y),
            MEMBERS,
            epochs=EPOCHS,
            batch=min(BATCH, len(y)),
            rate=RATE,
            seed=seed,
        )

    def answer(asked: Measurements, errors: Errors) -> Floats:
        with torch.inference_mode():
            seen = torch.as_tensor(features(asked), dtype=torch.float32)
            above = 10 * network(((seen - mean) / spread)[None])[..., 0].mean(0)
        return asked.air_temperature_k + above.double().numpy()

    return answer


def gradient_boosting(known: Measurements, seed: int) -> Method:
    """Histogram gradient boosting of the ground's warmth above the air."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    trees = HistGradientBoostingRegressor(max_iter=300, random_state=seed)
    trees.fit(features(known), known.surface_temperature_k - known.air_temperature_k)
    return partial(_by_trees, trees.predict)


def _by_trees(predict: Callable[[Floats], Floats], asked: Measurements, errors: Errors) -> Floats:
    return asked.air_temperature_k + predict(features(asked))


def _path(known: Measurements) -> Floats:
    """Water vapour along the view."""
    return known.water_vapour_g_cm2 / np.cos(np.radians(known.view_angle_deg))


def _single(known: Measurements, psi: object) -> Floats:
    found: Floats = single_channel_k(
        BAND.planck,
        known.brightness_temperature_k,
        known.emissivity,
        psi,  # type: ignore[arg-type]
    )
    return found


Fit = Callable[[Measurements, int], Method]
CLASSICAL: dict[str, Fit] = {
    "single_channel": single_channel,
    "single_channel_refit": single_channel_refit,
    "mono_window": mono_window,
    "water_vapour_air_temperature": water_vapour_air_temperature,
    "rte_true_atmosphere": rte_true_atmosphere,
}
BASELINES: dict[str, Fit] = CLASSICAL | {"gradient_boosting": gradient_boosting, "mlp": mlp}
"""All methods by name: from training measurements and a seed to what answers."""
