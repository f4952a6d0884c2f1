"""What a classification says, picked out of a result by what the card of its model declares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsviz.core import registry
from rsviz.core.layers import ClassMap, ProbabilityMap
from rsviz.core.model import Result


def class_map_of(result: Result) -> ClassMap | None:
    """The class map that a model always gives; None when it gives none."""
    emits = registry.card(result.record.model).emits
    for name, kind in emits.items():
        layer = result.layers.get(name)
        if kind == ClassMap.kind and isinstance(layer, ClassMap):
            return layer
    return None


def certainty_of(result: Result, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Probability (H, W) of each pixel's class; 1 when the model tells no probabilities."""
    for layer in result.layers.values():
        if isinstance(layer, ProbabilityMap):
            best: NDArray[np.float32] = layer.data.max(axis=0)
            return best
    return np.ones(shape, np.float32)
