"""From stored numbers to values: scale, offset, and what stands for "no data"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stored = NDArray[Any]
"""Numbers of any type, as a file holds them."""


@dataclass(frozen=True)
class Calibration:
    """What stored numbers mean: value = stored * scale + offset, unless it stands for "no data".

    Attributes:
        scales: one a band, or a single one for all.
        offsets: one a band, or a single one for all.
        nodata: stored values that mean "no data"; NaN and infinity always do.
        valid_range: stored values outside mean "no data"; None without limits.
    """

    scales: tuple[float, ...] = (1.0,)
    offsets: tuple[float, ...] = (0.0,)
    nodata: tuple[float, ...] = ()
    valid_range: tuple[float, float] | None = None

    @property
    def scaled(self) -> bool:
        return any(s != 1.0 for s in self.scales) or any(o != 0.0 for o in self.offsets)

    @property
    def stated_nodata(self) -> float | None:
        """The first number that means "no data"; None when only NaN does."""
        return next((v for v in self.nodata if not math.isnan(v)), None)

    def told(self) -> list[str]:
        """The sentence for the user when stored numbers are not the values."""
        if not self.scaled:
            return []
        if len(set(self.scales)) > 1 or len(set(self.offsets)) > 1:
            return ["Each band has its own scale and offset, as the file says."]
        added = f" and {self.offsets[0]:g} is added" if self.offsets[0] else ""
        return [f"Stored numbers are multiplied by {self.scales[0]:g}{added}, as the file says."]

    def values(
        self, stored: Stored, bands: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Stored (T, C, h, w) numbers -> values and where they hold, 0 elsewhere.

        Complex numbers become their magnitude.
        """
        raw = np.abs(stored) if stored.dtype.kind == "c" else stored
        ok: NDArray[np.bool_] = np.ones(raw.shape, dtype=np.bool_)
        for value in self.nodata:
            typed = _as_stored(value, raw.dtype)
            if typed is not None:
                ok &= raw != typed
        if self.valid_range is not None:
            ok &= (raw >= self.valid_range[0]) & (raw <= self.valid_range[1])
        with np.errstate(over="ignore", invalid="ignore"):
            if self.scaled:
                wide = np.dtype(np.float32 if raw.dtype.itemsize <= 2 else np.float64)
                scale, offset = (
                    np.array([v[b % len(v)] for b in bands], dtype=wide)[:, None, None]
                    for v in (self.scales, self.offsets)
                )
                exact: NDArray[Any] = raw.astype(wide)
                values = (exact * scale + offset).astype(np.float32)
            else:
                values = raw.astype(np.float32)
        if raw.dtype.kind in "fc" or self.scaled:
            ok &= np.isfinite(values)
        values[~ok] = 0.0
        return values, ok


def _as_stored(value: float, dtype: np.dtype[Any]) -> Any:
    """A "no data" value in the stored type; None when that type cannot hold it (or is NaN)."""
    if not math.isfinite(value):
        return None
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if value != int(value) or not info.min <= value <= info.max:
            return None
    elif dtype.kind == "b":
        return None
    with np.errstate(over="ignore"):
        return np.array([value]).astype(dtype)[0]
