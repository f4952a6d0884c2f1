"""Classical retrieval of surface temperature from one thermal band, and emissivity from NDVI.

Everything works on numpy arrays and torch tensors; see `thermal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.physics.thermal import Air, Planck, Values, at_least, module_of
from rsviz.physics.thermal_bands import Line, Soil, ThermalBand

Rows = NDArray[np.float64] | Sequence[Sequence[float]]

BARE, COVERED = 0.2, 0.5
"""NDVI of bare and of fully covered ground (Sobrino et al. 2008)."""
WATER_EMISSIVITY = 0.991
CAVITY = 0.55
"""Shape factor of rough ground (Sobrino et al. 1990)."""
WARM_AIR_K = 295.0
TYPICAL_AIR_K = 290.0


@dataclass(frozen=True)
class Psi:
    """The three functions of the atmosphere in the generalised single-channel method."""

    one: Values
    two: Values
    three: Values


def psi_of_air(air: Air) -> Psi:
    """Their definition: psi1 = 1/tau, psi2 = -Ld - Lu/tau, psi3 = Ld."""
    tau = air.transmittance
    return Psi(1 / tau, -air.sky_radiance - air.path_radiance / tau, air.sky_radiance)


def psi_of_water(rows: Rows, water_vapour_g_cm2: Values) -> Psi:
    """Second-order polynomials in column water vapour; rows (3, 3) of w^2, w, 1."""
    w = water_vapour_g_cm2
    return Psi(*((float(a) * w + float(b)) * w + float(c) for a, b, c in rows))


def psi_terms(water_vapour_g_cm2: Values, air_temperature_k: Values) -> tuple[Values, ...]:
    """The nine terms in water vapour and air temperature of Cristobal et al. (2018), scaled.

    Temperature enters as (T - 290 K) / 10 K, which spans the same functions.
    """
    w, t = water_vapour_g_cm2, (air_temperature_k - TYPICAL_AIR_K) / 10
    return (t * t * w * w, t * w * w, t * w, t * t * w, t, w, t * t, w * w, w * 0 + 1)


def psi_of_water_and_air(rows: Rows, water_vapour_g_cm2: Values, air_temperature_k: Values) -> Psi:
    """Linear combinations of the nine terms; rows (3, 9)."""
    terms = psi_terms(water_vapour_g_cm2, air_temperature_k)
    return Psi(*(sum(float(c) * term for c, term in zip(row, terms, strict=True)) for row in rows))


def fitted_psi(
    air: Air, path_g_cm2: NDArray[np.float64], air_temperature_k: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least squares for psi of known air; numpy arrays (N,).

    Args:
        air: the air.
        path_g_cm2: water vapour along the view.
        air_temperature_k: near the ground.

    Returns:
        Rows (3, 3) for `psi_of_water`, and (3, 9) for `psi_of_water_and_air`.
    """
    psi = psi_of_air(air)
    wanted = np.stack([psi.one, psi.two, psi.three], axis=1)
    few = np.stack([path_g_cm2**2, path_g_cm2, np.ones_like(path_g_cm2)], axis=1)
    many = np.stack(psi_terms(path_g_cm2, air_temperature_k), axis=1)
    return (
        np.linalg.lstsq(few, wanted, rcond=None)[0].T.copy(),
        np.linalg.lstsq(many, wanted, rcond=None)[0].T.copy(),
    )


def single_channel_k(planck: Planck, brightness_k: Values, emissivity: Values, psi: Psi) -> Values:
    """Generalised single-channel method: T = gamma [(psi1 L + psi2) / eps + psi3] + delta.

    gamma = Tb^2 / (K2 L), delta = Tb - Tb^2 / K2 (Jimenez-Munoz et al. 2009, eqs. 3 to 5).
    """
    radiance = planck.radiance(brightness_k)
    gamma = brightness_k**2 / (planck.k2 * radiance)
    delta = brightness_k - brightness_k**2 / planck.k2
    return gamma * ((psi.one * radiance + psi.two) / emissivity + psi.three) + delta


def mono_window_k(
    band: ThermalBand,
    brightness_k: Values,
    emissivity: Values,
    transmittance: Values,
    mean_air_k: Values,
) -> Values:
    """Mono-window algorithm of Qin et al. (2001), eq. 28.

    T = {a (1 - C - D) + [b (1 - C - D) + C + D] Tb - D Ta} / C with C = eps tau and
    D = (1 - tau) [1 + (1 - eps) tau].
    """
    a, b = band.window
    c = emissivity * transmittance
    d = (1 - transmittance) * (1 + (1 - emissivity) * transmittance)
    rest = 1 - c - d
    return (a * rest + (b * rest + c + d) * brightness_k - d * mean_air_k) / c


def clear_transmittance(
    band: ThermalBand, water_vapour_g_cm2: Values, air_temperature_k: Values
) -> Values:
    """Transmittance from water vapour, by lines fitted to standard atmospheres; 0.05 to 0.99."""
    warm = air_temperature_k >= WARM_AIR_K
    xp = module_of(water_vapour_g_cm2)
    tau = xp.where(
        warm,
        _on_lines(band.clear_warm, water_vapour_g_cm2),
        _on_lines(band.clear, water_vapour_g_cm2),
    )
    return xp.clip(tau, 0.05, 0.99)


def mean_air_k(air_temperature_k: Values) -> Values:
    """Effective mean temperature of the air from that near the ground (Qin et al. 2001).

    Mid-latitude summer where it is above 10 C, mid-latitude winter below.
    """
    return module_of(air_temperature_k).where(
        air_temperature_k >= 283.15,
        16.0110 + 0.92621 * air_temperature_k,
        19.2704 + 0.91118 * air_temperature_k,
    )


def _on_lines(lines: tuple[Line, ...], w: Values) -> Values:
    xp = module_of(w)
    _, offset, slope = lines[0]
    found = offset + slope * w
    for start, offset, slope in lines[1:]:
        found = xp.where(w >= start, offset + slope * w, found)
    return found


def ndvi(red: Values, near_infrared: Values) -> Values:
    """Normalised difference of near infrared and red reflectance; 0 where both are 0."""
    total = at_least(red + near_infrared, 1e-6)
    return module_of(red).clip((near_infrared - red) / total, -1.0, 1.0)


def ndvi_emissivity(soil: Soil, index: Values, red: Values) -> Values:
    """Emissivity by thresholds of NDVI (Sobrino et al. 2008; band 10: Skokovic et al. 2014).

    Water (NDVI below 0) is 0.991; bare ground follows red reflectance; mixed ground the share of
    plants Pv = ((NDVI - 0.2) / 0.3)^2 with the cavity effect; the rest is plants.
    """
    xp = module_of(index)
    cover = xp.clip((index - BARE) / (COVERED - BARE), 0.0, 1.0) ** 2
    rough = (1 - soil.soil) * (1 - cover) * CAVITY * soil.plants
    mixed = soil.plants * cover + soil.soil * (1 - cover) + rough
    a, b = soil.bare
    dry = xp.where(index < BARE, a - b * red, mixed)
    covered = xp.where(index > COVERED, dry * 0 + soil.full, dry)
    return xp.where(index < 0, covered * 0 + WATER_EMISSIVITY, covered)
