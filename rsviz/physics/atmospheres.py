"""The table of simulated atmospheres, and measurements of the ground drawn through them.

The table was made once by `sample_data/atmospheres.py` with LOWTRAN 7 from 100 real profiles
(RFMIP-IRF, CMIP6) and variations of them; see there. Splits are by site, never by variation.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.physics.thermal import Air, Values, at_sensor
from rsviz.physics.thermal_bands import BANDS, ThermalBand

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TABLE = Path(__file__).parent / "atmospheres.npz"
GROUND_MINUS_AIR_K = (-8.0, 20.0)
GROUNDS = (0.90, 0.92, 0.94, 0.955, 0.965, 0.971, 0.975, 0.98, 0.985, 0.987, 0.99, 0.995)
"""Emissivities of band-10 grounds: bare rock and sand, soils, dry and green plants, water."""


@dataclass(frozen=True)
class Errors:
    """How wrong the inputs are, as standard deviations.

    Attributes:
        water_share: of water vapour, as a share of it; see `water_error`.
        air_k: of air temperature.
        emissivity: of emissivity.
        radiance: of the radiance at the sensor, W m-2 sr-1 um-1 (0.006 is 0.05 K at 300 K).
    """

    water_share: float = 0.12
    air_k: float = 1.5
    emissivity: float = 0.008
    radiance: float = 0.006


MOST_ERRORS = (0.24, 3.0)
"""Greatest errors of water vapour (share) and of air temperature (K) in training."""
LEAST_WATER_G_CM2 = 0.02
LEVELS: dict[str, Errors] = {
    "none": Errors(0.0, 0.0, 0.0, 0.0),
    "good": Errors(0.04, 1.0, 0.004, 0.006),
    "usual": Errors(),
    "poor": Errors(0.20, 3.0, 0.015, 0.006),
}
"""Levels of input error; "usual" is that of a reanalysis and an NDVI emissivity."""


DRY_G_CM2 = 0.25
"""Below this amount of water vapour its error shrinks no further."""


def water_error(share: Values, water_g_cm2: Values) -> Values:
    """Standard deviation of the error of water vapour, g/cm2: a share, and more in dry air."""
    return share * (water_g_cm2**2 + DRY_G_CM2**2) ** 0.5


@dataclass(frozen=True)
class Atmospheres:
    """The table: N columns of air from S sites, in some thermal bands and views.

    Attributes:
        view_angle_deg: (V,) zenith angles of the views.
        latitude, longitude, land: (S,).
        site: (N,) index of the site.
        water_vapour_g_cm2, air_temperature_k, ground_pressure_hpa: (N,), air at the ground.
        share_above: (N, 3) share of the water that lies above 90, 75 and 50 % of the ground's
            pressure.
        air_above_k: (N, 3) air temperature at these pressures.
        transmittance, path_radiance: (N, band, V), bands in the order of `BANDS`.
        sky_radiance: (N, band).
    """

    view_angle_deg: Floats
    latitude: Floats
    longitude: Floats
    land: NDArray[np.bool_]
    site: Ints
    water_vapour_g_cm2: Floats
    air_temperature_k: Floats
    ground_pressure_hpa: Floats
    share_above: Floats
    air_above_k: Floats
    transmittance: Floats
    path_radiance: Floats
    sky_radiance: Floats

    def of_sites(self, sites: NDArray[np.bool_]) -> Ints:
        """Rows of the columns whose site is chosen; sites (S,)."""
        return np.flatnonzero(sites[self.site])

    def air(self, rows: Ints, band: ThermalBand, view_angle_deg: Floats) -> Air:
        """What columns do to a band, each seen at an angle.

        Between the views optical depth and the path's emission per emissivity are linear in the
        secant of the angle.
        """
        b = list(BANDS).index(band.id)
        secant = 1 / np.cos(np.radians(self.view_angle_deg))
        wanted = 1 / np.cos(np.radians(view_angle_deg))
        left = np.clip(np.searchsorted(secant, wanted, "right") - 1, 0, len(secant) - 2)
        share = (wanted - secant[left]) / (secant[left + 1] - secant[left])
        depth = -np.log(self.transmittance[rows, b])
        source = self.path_radiance[rows, b] / -np.expm1(-depth)
        at = np.arange(len(rows))
        between = [
            (1 - share) * value[at, left] + share * value[at, left + 1] for value in (depth, source)
        ]
        tau = np.exp(-between[0])
        return Air(tau, (1 - tau) * between[1], self.sky_radiance[rows, b])


@dataclass(frozen=True)
class Measurements:
    """M looks at the ground through known air: what a user has, and the truth.

    Attributes:
        brightness_temperature_k, emissivity, water_vapour_g_cm2, air_temperature_k: as known, with
            their errors.
        view_angle_deg: exact.
        water_error_g_cm2, air_error_k: standard deviations of the errors, as a user would state
            them: from the water vapour that is known, never from the true one.
        surface_temperature_k, true_emissivity, air: the truth.
        true_water_g_cm2, true_air_k: the truth of the inputs.
        row: index of the column in the table; -1 when it is not from there.
        share_above, air_above_k: (M, 3) of the column, for models that ask for more.
    """

    brightness_temperature_k: Floats
    emissivity: Floats
    water_vapour_g_cm2: Floats
    air_temperature_k: Floats
    view_angle_deg: Floats
    water_error_g_cm2: Floats
    air_error_k: Floats
    surface_temperature_k: Floats
    true_emissivity: Floats
    air: Air
    true_water_g_cm2: Floats
    true_air_k: Floats
    row: Ints
    share_above: Floats
    air_above_k: Floats

    def __len__(self) -> int:
        return len(self.surface_temperature_k)

    def where(self, chosen: NDArray[np.bool_] | Ints) -> Measurements:
        """Some of the measurements."""
        parts = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "air"}
        air = Air(*(getattr(self.air, f.name)[chosen] for f in fields(self.air)))
        return replace(self, air=air, **parts)


@dataclass(frozen=True)
class Profile:
    """A column of air by level, from the ground up, and what it does to a thermal band at nadir.

    Attributes:
        name: for people.
        pressure_hpa, temperature_k, humidity_g_kg: (L,).
        water_vapour_g_cm2: of the column.
        air: its transmittance, path and sky radiance.
    """

    name: str
    pressure_hpa: Floats
    temperature_k: Floats
    humidity_g_kg: Floats
    water_vapour_g_cm2: float
    air: Air


def standard(band: ThermalBand) -> tuple[Profile, ...]:
    """The six standard atmospheres (AFGL-TR-86-0110), simulated like the table."""
    b = list(BANDS).index(band.id)
    with np.load(TABLE) as file:
        found = {
            name: file[f"standard_{name}"]
            for name in (
                "names",
                "pressure_hpa",
                "temperature_k",
                "humidity_g_kg",
                "water_vapour_g_cm2",
                "transmittance",
                "path_radiance",
                "sky_radiance",
            )
        }
    return tuple(
        Profile(
            str(name),
            _wide(found["pressure_hpa"][i]),
            _wide(found["temperature_k"][i]),
            _wide(found["humidity_g_kg"][i]),
            float(found["water_vapour_g_cm2"][i]),
            Air(
                found["transmittance"][i, b, 0],
                found["path_radiance"][i, b, 0],
                found["sky_radiance"][i, b],
            ),
        )
        for i, name in enumerate(found["names"])
    )


@lru_cache(maxsize=1)
def table() -> Atmospheres:
    """The table that ships with rsviz."""
    with np.load(TABLE) as file:
        return Atmospheres(*(_wide(file[f.name]) for f in fields(Atmospheres)))


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    wide = {"f": np.float64, "i": np.int64}.get(array.dtype.kind)
    return array if wide is None else array.astype(wide)


def measure(
    atmospheres: Atmospheres,
    rows: Ints,
    band: ThermalBand,
    errors: Errors | None,
    seed: int,
    each: int = 6,
) -> Measurements:
    """Look at grounds of random temperature and emissivity through columns of air.

    Args:
        atmospheres: the table.
        rows: the columns.
        band: the thermal band.
        errors: of the inputs; None draws the errors of water vapour and air temperature anew for
            every measurement, between none and poor, half of them being the usual.
        seed: of everything random.
        each: measurements through one column.
    """
    rng = np.random.default_rng(seed)
    row = np.repeat(rows, each)
    n = len(row)
    warm = atmospheres.air_temperature_k[row]
    ground = warm + rng.uniform(*GROUND_MINUS_AIR_K, n)
    emissivity = rng.choice(GROUNDS, n)
    angle = np.where(rng.random(n) < 0.6, rng.uniform(0, 10, n), rng.uniform(0, 60, n))
    air = atmospheres.air(row, band, angle)
    usual = errors or Errors()
    share, air_k = (np.full(n, value) for value in (usual.water_share, usual.air_k))
    if errors is None:
        odd = rng.random(n) < 0.5
        share[odd], air_k[odd] = (most * rng.random(odd.sum()) for most in MOST_ERRORS)
    water = atmospheres.water_vapour_g_cm2[row]
    found = water + rng.normal(0, 1, n) * water_error(share, water)
    found = np.maximum(found, LEAST_WATER_G_CM2)
    radiance = at_sensor(band.planck, ground, emissivity, air)
    radiance = radiance + rng.normal(0, 1, n) * usual.radiance
    known = emissivity + rng.normal(0, 1, n) * usual.emissivity
    return Measurements(
        band.planck.temperature_k(radiance),
        np.clip(known, 0.85, 0.999),
        found,
        warm + rng.normal(0, 1, n) * air_k,
        angle,
        water_error(share, found),
        air_k,
        ground,
        emissivity,
        air,
        water,
        warm,
        row,
        atmospheres.share_above[row],
        atmospheres.air_above_k[row],
    )
