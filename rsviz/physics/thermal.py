"""Radiative transfer in one thermal band, forward and inverse, with derivatives.

All functions take numpy arrays or torch tensors of any common shape and give the same kind, so
that they run in a page, on a scene, and inside a network. Radiances are in W m-2 sr-1 um-1,
temperatures in K, transmittance and emissivity without unit. One convention holds everywhere:
B(T) = K1 / (exp(K2 / T) - 1) with the two constants of a band (Landsat 8 Data Users Handbook,
section 5.3), which is Planck's law at the wavelength c2 / K2.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

Values = Any
"""A numpy array, a torch tensor, or a number."""

LEAST_RADIANCE = 1e-3
"""Radiance below which no brightness temperature is worked out; 128 K in band 10."""


def module_of(values: Values) -> Any:
    """The module whose functions fit some values: torch for tensors, numpy otherwise."""
    return sys.modules["torch"] if type(values).__module__.startswith("torch") else np


def at_least(values: Values, low: float) -> Values:
    """The values, with those below `low` raised to it."""
    return values.clamp(min=low) if hasattr(values, "clamp") else np.maximum(values, low)


@dataclass(frozen=True)
class Air:
    """What the atmosphere does to one thermal band.

    Attributes:
        transmittance: from the ground to the sensor, along its view.
        path_radiance: emitted by the air towards the sensor.
        sky_radiance: that falls on the ground, averaged over the hemisphere (irradiance / pi).
    """

    transmittance: Values
    path_radiance: Values
    sky_radiance: Values


@dataclass(frozen=True)
class Planck:
    """The radiance of a black body in one band, and its inverse.

    Attributes:
        k1: in W m-2 sr-1 um-1.
        k2: in K.
    """

    k1: float
    k2: float

    def radiance(self, temperature_k: Values) -> Values:
        """B(T) of a temperature above 0 K."""
        return self.k1 / module_of(temperature_k).expm1(self.k2 / temperature_k)

    def temperature_k(self, radiance: Values) -> Values:
        """The temperature of a black body; radiances below `LEAST_RADIANCE` count as that."""
        return self.k2 / module_of(radiance).log1p(self.k1 / at_least(radiance, LEAST_RADIANCE))

    def slope(self, temperature_k: Values) -> Values:
        """dB/dT in W m-2 sr-1 um-1 K-1."""
        b = self.radiance(temperature_k)
        return b * (1 + b / self.k1) * self.k2 / temperature_k**2


@dataclass(frozen=True)
class Shares:
    """Where the radiance at the sensor comes from; the three parts sum to it."""

    surface: Values
    reflected_sky: Values
    path: Values


def shares(planck: Planck, temperature_k: Values, emissivity: Values, air: Air) -> Shares:
    """The parts of the radiance at the sensor: emitted by the ground, reflected, by the path."""
    tau = air.transmittance
    return Shares(
        tau * emissivity * planck.radiance(temperature_k),
        tau * (1 - emissivity) * air.sky_radiance,
        air.path_radiance,
    )


def at_sensor(planck: Planck, temperature_k: Values, emissivity: Values, air: Air) -> Values:
    """Radiance at the sensor: L = tau [eps B(T) + (1 - eps) Ld] + Lu."""
    found = shares(planck, temperature_k, emissivity, air)
    return found.surface + found.reflected_sky + found.path


def surface_temperature_k(planck: Planck, radiance: Values, emissivity: Values, air: Air) -> Values:
    """Temperature of the ground from the radiance at the sensor: `at_sensor` inverted."""
    left = (radiance - air.path_radiance) / air.transmittance
    return planck.temperature_k((left - (1 - emissivity) * air.sky_radiance) / emissivity)


@dataclass(frozen=True)
class Sensitivity:
    """How the temperature found changes with each input, in K per unit of the input."""

    radiance: Values
    emissivity: Values
    transmittance: Values
    path_radiance: Values
    sky_radiance: Values


def sensitivity(planck: Planck, radiance: Values, emissivity: Values, air: Air) -> Sensitivity:
    """Derivatives of `surface_temperature_k`, written out."""
    tau, eps = air.transmittance, emissivity
    ground = surface_temperature_k(planck, radiance, emissivity, air)
    slope = planck.slope(ground)
    b = planck.radiance(ground)
    return Sensitivity(
        radiance=1 / (tau * eps * slope),
        emissivity=-(b - air.sky_radiance) / (eps * slope),
        transmittance=-(radiance - air.path_radiance) / (tau**2 * eps * slope),
        path_radiance=-1 / (tau * eps * slope),
        sky_radiance=-(1 - eps) / (eps * slope),
    )
