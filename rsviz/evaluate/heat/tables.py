"""Measured temperatures from elsewhere, as a file of arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import BadOption
from rsviz.physics.atmospheres import Errors, Measurements, measure, table, water_error
from rsviz.physics.thermal_bands import BANDS

Floats = NDArray[np.float64]
BAND = BANDS["landsat-8-b10"]
TABLE_ARRAYS = (
    "brightness_temperature_k",
    "emissivity",
    "water_vapour_g_cm2",
    "air_temperature_k",
    "view_angle_deg",
    "surface_temperature_k",
)


def read_table(path: Path) -> Measurements:
    """Measurements of band 10 from elsewhere, an .npz file of equally long arrays.

    Raises:
        BadOption: an array is missing, not of numbers, or of another length.
    """
    arrays = _arrays(path)
    lengths = {a.shape for a in arrays.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1 or next(iter(lengths)) == (0,):
        raise BadOption(
            f"The arrays of '{path.name}' have the shapes {sorted(lengths)}; one length is "
            "expected."
        )
    bad = [name for name, a in arrays.items() if not np.isfinite(a).all()]
    if bad:
        raise BadOption(f"In '{path.name}', {', '.join(bad)} hold what is not a number.")
    example = measure(table(), np.zeros(len(arrays["emissivity"]), np.int64), BAND, Errors(), 0, 1)
    usual = Errors()
    water = arrays["water_vapour_g_cm2"]
    return replace(
        example,
        **arrays,
        water_error_g_cm2=water_error(usual.water_share, water),
        air_error_k=np.full(len(water), usual.air_k),
        true_emissivity=arrays["emissivity"],
        true_water_g_cm2=water,
        true_air_k=arrays["air_temperature_k"],
        row=np.full(len(water), -1),
    )


def _arrays(path: Path) -> dict[str, Floats]:
    """The arrays of a table by name, as they are stored."""
    hint = f"An .npz file of NumPy with the arrays {', '.join(TABLE_ARRAYS)} is expected."
    if not path.is_file():
        raise BadOption(f"There is no file '{path}'.", hint)
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in TABLE_ARRAYS if name not in getattr(file, "files", ())]
            if missing:
                raise BadOption(f"'{path.name}' has no array {' and no '.join(missing)}.", hint)
            return {name: np.asarray(file[name], np.float64) for name in TABLE_ARRAYS}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise BadOption(f"'{path.name}' holds no arrays of numbers.", hint) from error
