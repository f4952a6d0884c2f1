"""Whether loaded weights compute what they computed when they were recorded.

A hash says that a file is the recorded one; the reference output says that the record itself,
the network and the numbers belong together. It is the answer to a fixed small scene, which is
made of the card's and the record's own words.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import WeightsMissing
from rsviz.core.grid import Grid
from rsviz.core.layers import arrays_of
from rsviz.core.model import Model, RunContext
from rsviz.core.options import build
from rsviz.core.scene import Band, Quantity, Scene

SEED = 20_260_101
LEAST_SIDE = 16
NUMBERS = 6
DIGITS = 6
THERMAL_NM = 5000.0
SHARE, ROUNDING = 0.02, 1e-3
"""Differences that are none: of the spread in a layer, and of its largest number. Processors round
differently; other weights differ by far more."""


def fixed_scene(card: ModelCard, weights: Weights) -> Scene:
    """A small scene of smooth random spectra that a card and its weights take."""
    side = max(LEAST_SIDE, card.accepts.min_pixels)
    dates = card.accepts.dates[0]
    rng = np.random.default_rng(SEED)
    needed = [need.typical_nm for need in card.accepts.needs]
    count = weights.bands or len(needed)
    steps = rng.normal(size=(dates, count, side, side)) / math.sqrt(count)
    pixels = 0.3 + 0.1 * np.cumsum(steps, axis=1)
    waves = weights.wavelengths_nm or needed or tuple(np.linspace(450, 2400, count).tolist())
    warm = np.array(waves) > THERMAL_NM
    pixels[:, warm] = 280 + 30 * pixels[:, warm]
    first = date(2020, 1, 1)
    return Scene(
        pixels=np.clip(pixels, 0.01, np.where(warm, 330.0, 1.0)[:, None, None]).astype(np.float32),
        valid=np.ones((dates, side, side), bool),
        bands=tuple(Band(f"b{i + 1}", nm) for i, nm in enumerate(waves)),
        grid=Grid(side, side),
        quantity=cast(Quantity, (card.accepts.quantities or ("reflectance",))[0]),
        dates=tuple((first + timedelta(16 * i)).isoformat() for i in range(dates)) * (dates > 1),
        name="reference",
        simulated=True,
    )


def reference_output(card: ModelCard, weights: Weights, model: Model, device: str) -> list[float]:
    """Some numbers of every emitted layer of a loaded model on the fixed scene.

    Layers and their arrays come in alphabetical order; of each array of fractional numbers, a few
    that are spread evenly over it.
    """
    chosen = [value for array in _arrays(card, weights, model, device) for value in _few(array)]
    return [round(value, DIGITS) for value in chosen]


def check(card: ModelCard, weights: Weights, model: Model, device: str) -> None:
    """Compare a loaded model with the reference in its record, when there is one.

    A number may differ by a share of the spread in its layer, or by rounding.

    Raises:
        WeightsMissing: it computes something else.
    """
    if not weights.reference:
        return
    arrays = _arrays(card, weights, model, device)
    found = np.array([value for array in arrays for value in _few(array)])
    allowed = np.repeat([_allowed(array) for array in arrays], NUMBERS)
    expected = np.array(weights.reference)
    if found.shape != expected.shape:  # recorded by an older version of this file
        return
    worst = float((np.abs(found - expected) / allowed).max())
    if not worst <= 1.0:
        raise WeightsMissing(
            f"The weights '{weights.id}' of {card.title} compute other numbers than when they "
            f"were recorded: on a fixed scene they differ by {worst:.3g} times what rounding "
            "explains.",
            "Restore file and record from the repository.",
        )


def _arrays(
    card: ModelCard, weights: Weights, model: Model, device: str
) -> list[NDArray[np.floating[Any]]]:
    """All arrays of fractional numbers that a model gives on the fixed scene."""
    ctx = RunContext(device=device, seed=0, wants=frozenset())
    layers = model.predict(fixed_scene(card, weights), _options(card), ctx)
    return [
        np.nan_to_num(array)
        for name in sorted(layers)
        for _, array in sorted(arrays_of(layers[name]).items())
        if array.dtype.kind == "f" and array.size
    ]


def _few(array: NDArray[np.floating[Any]]) -> list[float]:
    places = np.linspace(0, array.size - 1, NUMBERS).round().astype(int)
    return [float(v) for v in array.ravel()[places]]


def _allowed(array: NDArray[np.floating[Any]]) -> float:
    """How far a number of an array may be from its reference."""
    largest = float(np.abs(array).max())
    return max(SHARE * float(array.std()), ROUNDING * largest, 10.0**-DIGITS)


def _options(card: ModelCard) -> Any:
    return build(card.options, card.example)
