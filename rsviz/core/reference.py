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

from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import WeightsMissing
from rsviz.core.grid import Grid
from rsviz.core.layers import arrays_of
from rsviz.core.model import Model, RunContext
from rsviz.core.options import build
from rsviz.core.scene import Band, Quantity, Scene

SEED = 20_260_101
LEAST_SIDE = 16
NUMBERS = 16
DIGITS = 6
THERMAL_NM = 5000.0
TOLERANCE = 0.02
"""Largest difference, as a share of the largest reference number: other processors round
differently, other weights differ by far more."""


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
    """Some numbers of what a loaded model gives on the fixed scene.

    Of each emitted layer in alphabetical order, the first array of fractional numbers is taken;
    the numbers are spread evenly over all of them.
    """
    ctx = RunContext(device=device, seed=0, wants=frozenset())
    layers = model.predict(fixed_scene(card, weights), _options(card), ctx)
    arrays = [
        array
        for name in sorted(layers)
        for _, array in sorted(arrays_of(layers[name]).items())
        if array.dtype.kind == "f" and array.size
    ]
    flat = np.concatenate([array.ravel() for array in arrays])
    chosen = flat[np.linspace(0, flat.size - 1, NUMBERS).round().astype(int)]
    return [round(float(v), DIGITS) for v in np.nan_to_num(chosen)]


def check(card: ModelCard, weights: Weights, model: Model, device: str) -> None:
    """Compare a loaded model with the reference in its record, when there is one.

    Raises:
        WeightsMissing: it computes something else.
    """
    if not weights.reference:
        return
    found = np.array(reference_output(card, weights, model, device))
    expected = np.array(weights.reference)
    scale = max(float(np.abs(expected).max()), 1e-6)
    worst = float(np.abs(found - expected).max()) if found.shape == expected.shape else math.inf
    if not worst <= TOLERANCE * scale:
        raise WeightsMissing(
            f"The weights '{weights.id}' of {card.title} compute other numbers than when they "
            f"were recorded: on a fixed scene the largest difference is {worst:.3g}, up to "
            f"{TOLERANCE * scale:.3g} is rounding.",
            "Restore file and record from the repository.",
        )


def _options(card: ModelCard) -> Any:
    return build(card.options, card.example)
