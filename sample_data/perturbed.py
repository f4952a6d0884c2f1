"""Real atmospheric profiles, and plausible others made from them.

The profiles are those of RFMIP-IRF (CMIP6; Pincus et al. 2016, doi:10.5194/gmd-9-3447-2016): 100
columns of a reanalysis chosen to stand for the globe, in today's climate and in changed ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXPERIMENTS = (0, 13, 14, 15, 16)
"""Those that differ in temperature or humidity: present day, +4 K, +4 K at constant relative
humidity, pre-industrial, future."""
MOLAR_RATIO = 18.0153 / 28.9644
GRAVITY = 9.80665
R_DRY = 287.05
LEVELS = 33
WETTEST = 0.98
"""Highest relative humidity of a perturbed profile."""


@dataclass(frozen=True)
class Column:
    """One column of air, from the ground up.

    Attributes:
        pressure_hpa, temperature_k: (N,) at the levels, the first at the ground.
        humidity: (N,) mass mixing ratio of water vapour, kg/kg.
        height_km: (N,) above sea level.
    """

    pressure_hpa: Floats
    temperature_k: Floats
    humidity: Floats
    height_km: Floats

    @property
    def water_vapour_g_cm2(self) -> float:
        """Precipitable water of the whole column."""
        return float(self.water_above(self.pressure_hpa[0]))

    def water_above(self, pressure_hpa: float) -> float:
        """Precipitable water above a pressure, g/cm2."""
        edges = np.minimum(self.pressure_hpa, pressure_hpa)
        specific = self.humidity / (1 + self.humidity)
        mean = (specific[1:] + specific[:-1]) / 2
        return float((mean * (edges[:-1] - edges[1:])).sum() * 100 / GRAVITY / 10)

    def temperature_at(self, pressure_hpa: float) -> float:
        """Air temperature at a pressure, K; the lowest one below the ground."""
        return float(
            np.interp(-np.log(pressure_hpa), -np.log(self.pressure_hpa), self.temperature_k)
        )


@dataclass(frozen=True)
class Draw:
    """A column made from one of a site.

    Attributes:
        site: index of the site.
        experiment: index of the experiment in the file.
        column: the air.
        hazy: whether there is rural aerosol of 23 km visibility.
    """

    site: int
    experiment: int
    column: Column
    hazy: bool


@dataclass(frozen=True)
class Sites:
    """The columns as the file holds them, top down: (E, S, L) and (S, L), with latitude (S,)."""

    pressure_pa: Floats
    edge_pa: Floats
    temperature_k: Floats
    mole_fraction: Floats
    latitude: Floats
    longitude: Floats
    land: NDArray[np.bool_]


def read_sites(path: Path) -> Sites:
    """Read the file multiple_input4MIPs_radiation_RFMIP_UColorado-RFMIP-1-2_none.nc."""
    import h5py

    with h5py.File(path) as file:
        return Sites(
            *(
                np.asarray(file[name][:], np.float64)
                for name in (
                    "pres_layer",
                    "pres_level",
                    "temp_layer",
                    "water_vapor",
                    "lat",
                    "lon",
                )
            ),
            land=file["sst"][:] < 200,
        )


def draws(sites: Sites, count: int, seed: int) -> Iterator[Draw]:
    """`count` columns of every site, each with other humidity, temperature, haze and ground."""
    for site in range(len(sites.latitude)):
        rng = np.random.default_rng((seed, site))
        for _ in range(count):
            experiment = int(rng.choice(EXPERIMENTS))
            column = _perturbed(_plain(sites, site, experiment), rng)
            yield Draw(site, experiment, column, bool(rng.random() < 0.5))


def _plain(sites: Sites, site: int, experiment: int) -> Column:
    """The column of a site as it is, on levels that are dense near the ground."""
    ground = sites.edge_pa[site].max() / 100
    layers = sites.pressure_pa[site][::-1] / 100
    water = sites.mole_fraction[experiment, site][::-1] * MOLAR_RATIO
    air = sites.temperature_k[experiment, site][::-1]
    pressure = ground * (1 - np.linspace(0, 1, LEVELS) ** 1.25 * (1 - 0.5 / ground))
    humidity = np.interp(-np.log(pressure), -np.log(layers), water)
    temperature = np.interp(-np.log(pressure), -np.log(layers), air)
    return _column(pressure, temperature, humidity)


def _column(pressure: Floats, temperature: Floats, humidity: Floats) -> Column:
    """A column in hydrostatic balance; the ground lies where the standard atmosphere puts it."""
    virtual = temperature * (1 + 0.608 * humidity)
    mean = (virtual[1:] + virtual[:-1]) / 2
    thickness = R_DRY * mean / GRAVITY * np.log(pressure[:-1] / pressure[1:]) / 1000
    ground = max(0.0, 44.331 * (1 - (pressure[0] / 1013.25) ** 0.190263))
    return Column(pressure, temperature, humidity, ground + np.append(0.0, np.cumsum(thickness)))


def _perturbed(plain: Column, rng: np.random.Generator) -> Column:
    """Other humidity (amount and shape), temperature, inversion near the ground, elevation."""
    p, t, q = plain.pressure_hpa, plain.temperature_k, plain.humidity
    if rng.random() < 0.25:
        ground = p[0] * rng.uniform(0.75, 1.0)
        anew = ground * (1 - np.linspace(0, 1, LEVELS) ** 1.25 * (1 - 0.5 / ground))
        t, q = (np.interp(-np.log(anew), -np.log(p), v) for v in (t, q))
        p = anew
    t = t + rng.uniform(-6, 6) * np.clip((p - 200) / 100, 0, 1)
    if rng.random() < 0.4:
        t = t + rng.uniform(-8, 3) * np.exp(-(p[0] - p) / rng.uniform(20, 80))
    tilt = rng.uniform(-0.6, 0.6)
    q = q * rng.uniform(0.4, 1.35) * np.exp(tilt * (0.8 - p / p[0]))
    return _column(p, t, np.minimum(q, WETTEST * _saturation(p, t)))


def _saturation(pressure_hpa: Floats, temperature_k: Floats) -> Floats:
    """Mixing ratio at saturation over water, kg/kg; Bolton (1980), eq. 10."""
    celsius = temperature_k - 273.15
    vapour = 6.112 * np.exp(17.67 * celsius / (celsius + 243.5))
    vapour = np.minimum(vapour, 0.5 * pressure_hpa)
    return MOLAR_RATIO * vapour / (pressure_hpa - vapour)
