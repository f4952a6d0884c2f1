"""Facets sort test pixels into named bins; a filter names at most one bin of each facet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

RIGHT, WRONG, CONFIDENT = 0, 1, 2

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Filter:
    """Which test pixels are lit: for each facet the index of a bin, -1 for all of them.

    Attributes:
        verdict: RIGHT, WRONG (confident or not) or CONFIDENT.
        true, predicted: classes.
        edge: distance to the edge of the field.
        size: labelled pixels of the true class.
        decile: tenth of the pixels by how unsure the model is.
        agreement: who of two models is right.
        difference: how much surer one of two models is.
    """

    verdict: int = -1
    true: int = -1
    predicted: int = -1
    edge: int = -1
    size: int = -1
    decile: int = -1
    agreement: int = -1
    difference: int = -1

    @property
    def chosen(self) -> dict[str, int]:
        """The facets that choose, with their bins."""
        return {name: place for name, place in asdict(self).items() if place >= 0}

    def toggled(self, wanted: Mapping[str, int]) -> Filter:
        """These bins chosen, or let go when they were chosen already."""
        same = all(getattr(self, name) == place for name, place in wanted.items())
        return self.without(wanted) if same else replace(self, **wanted)

    def without(self, names: Iterable[str]) -> Filter:
        """All bins of these facets."""
        return replace(self, **dict.fromkeys(names, -1))

    def as_text(self) -> list[str]:
        """The filter as `facet=bin`, for an address."""
        return [f"{name}={place}" for name, place in self.chosen.items()]

    @classmethod
    def from_text(cls, parts: Iterable[str]) -> Filter:
        """The filter that an address asks for; parts that cannot be read are left out."""
        pairs = [part.partition("=") for part in parts]
        known = {field.name for field in fields(cls)}
        return cls(**{n: int(v) for n, _, v in pairs if n in known and v.isdecimal()})


SAYS_WHO_IS_RIGHT = ("verdict", "predicted", "agreement")
"""Facets whose choice fixes whether a pixel is right."""


@dataclass(frozen=True, eq=False)
class Facet:
    """The test pixels sorted into bins.

    Attributes:
        title: for people.
        bins: names of the bins.
        codes: (N,) the bin of each pixel, -1 for none.
    """

    title: str
    bins: tuple[str, ...]
    codes: Ints


def in_words(chosen: Filter, facets: Mapping[str, Facet]) -> dict[str, tuple[str, ...]]:
    """The chosen bins in words, with the facets that each stands for."""
    found: dict[str, tuple[str, ...]] = {}
    if chosen.true >= 0 and chosen.predicted >= 0:
        names = facets["true"].bins
        text = f"{names[chosen.true]} taken for {names[chosen.predicted]}"
        if chosen.true == chosen.predicted:
            text = f"{names[chosen.true]}, right"
        found[text] = ("true", "predicted")
    for name, place in chosen.chosen.items():
        if not any(name in names for names in found.values()):
            found[f"{_PREFIXES.get(name, '')} {facets[name].bins[place]}".strip()] = (name,)
    return found


_PREFIXES = {
    "verdict": "Verdict",
    "true": "True",
    "predicted": "Predicted",
    "edge": "Edge at",
    "size": "Class of",
}
