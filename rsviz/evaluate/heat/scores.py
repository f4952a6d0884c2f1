"""How far temperatures are off, over all, by site and by water vapour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import ModelFailed
from rsviz.physics.atmospheres import Measurements

Floats = NDArray[np.float64]
WATER_EDGES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.0)
HUMID = 5.0
FEWEST = 12
KEYS = ("rmse_k", "mae_k", "bias_k", "humid_rmse_k", "humid_mae_k")


def scores(answer: Floats, known: Measurements, parts: bool = True) -> dict[str, Any]:
    """Root mean square, mean absolute and mean error in K.

    Args:
        answer: temperatures (M,).
        known: with the truth.
        parts: whether to tell sites (when they are known) and classes of water vapour apart.

    Raises:
        ModelFailed: an answer is no number.
    """
    wrong = answer - known.surface_temperature_k
    if not np.isfinite(wrong).all():
        raise ModelFailed(f"{int((~np.isfinite(wrong)).sum())} of {len(wrong)} have no answer.")
    found: dict[str, Any] = _errors(wrong)
    water = known.true_water_g_cm2
    humid = water > HUMID
    if humid.sum() >= FEWEST:
        found |= {f"humid_{key}": value for key, value in _errors(wrong[humid]).items()}
    found["n_test"] = len(wrong)
    if not parts:
        return found
    found["by_water"] = [
        [low, high, *_errors(wrong[inside]).values(), int(inside.sum())]
        for low, high in pairwise(WATER_EDGES)
        if (inside := (water >= low) & (water < high)).sum() >= FEWEST
    ]
    return found | {"by_site": _by_site(wrong, known)}


def _by_site(wrong: Floats, known: Measurements) -> list[list[float]]:
    """[site, rmse, bias, count] of every site; empty for measurements from elsewhere."""
    from rsviz.physics.atmospheres import table

    if (known.row < 0).any():
        return []
    site = table().site[known.row]
    return [
        [
            int(s),
            *(_errors(wrong[site == s])[k] for k in ("rmse_k", "bias_k")),
            int((site == s).sum()),
        ]
        for s in np.unique(site)
    ]


def _errors(wrong: Floats) -> dict[str, float]:
    return {
        "rmse_k": float(np.sqrt(np.mean(wrong**2))),
        "mae_k": float(np.mean(np.abs(wrong))),
        "bias_k": float(np.mean(wrong)),
    }


def mean_scores(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over seeds; classes of water vapour and levels of error as well, sites together."""
    found: dict[str, Any] = {key: _mean(runs, key) for key in KEYS if _mean(runs, key) is not None}
    found["by_water"] = _by_water(runs)
    found["by_site"] = [site for run in runs for site in run.get("by_site", [])]
    levels = {name for run in runs for name in run.get("levels", {})}
    if levels:
        found["levels"] = {
            name: {
                key: _mean([run["levels"][name] for run in runs], key)
                for key in KEYS
                if _mean([run["levels"][name] for run in runs], key) is not None
            }
            for name in runs[0]["levels"]
        }
    return found


def spread_of(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Standard deviations over seeds."""
    return {
        key: float(np.std([run[key] for run in runs if key in run]))
        for key in KEYS
        if any(key in run for run in runs)
    }


def _mean(runs: Sequence[Mapping[str, Any]], key: str) -> float | None:
    there = [run[key] for run in runs if key in run]
    return float(np.mean(there)) if there else None


def _by_water(runs: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """[from, to, rmse, mean absolute error, bias, count]; errors weighted by their counts."""
    rows: dict[tuple[float, float], list[list[float]]] = {}
    for run in runs:
        for low, high, *rest in run.get("by_water", []):
            rows.setdefault((low, high), []).append(rest)
    found = []
    for (low, high), parts in sorted(rows.items()):
        array = np.array(parts)
        count = array[:, 3].sum()
        share = array[:, 3] / count
        rmse = float(np.sqrt((array[:, 0] ** 2 * share).sum()))
        found.append(
            [low, high, rmse, *(float((array[:, k] * share).sum()) for k in (1, 2)), int(count)]
        )
    return found
