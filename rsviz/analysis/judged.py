"""A classification compared with its reference, test pixel by test pixel, in facets that filter.

The pixels that lie in all bins that a filter names are lit: on the map, and in every chart but
that of the facet itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis.facets import (
    CONFIDENT,
    RIGHT,
    SAYS_WHO_IS_RIGHT,
    WRONG,
    Facet,
    Filter,
    Ints,
)
from rsviz.core.grid import Window
from rsviz.core.layers import ClassMap
from rsviz.core.scene import Truth

TEST = 2
VERDICTS = ("right", "wrong", "wrong and confident")
AGREEMENTS = (
    "both right",
    "only A right",
    "only B right",
    "both wrong, same class",
    "both wrong, differently",
)
EDGE_LIMITS = (1, 2, 3, 4, 6)
EDGES = ("1 px", "2 px", "3 px", "4 px", "5 to 6 px", "7 px and more")
SIZE_LIMITS = (100, 300, 1000)
SIZES = ("up to 100 px", "101 to 300 px", "301 to 1000 px", "over 1000 px")
DECILES = (
    "surest tenth",
    "2nd tenth",
    "3rd tenth",
    *(f"{i}th tenth" for i in range(4, 10)),
    "least sure tenth",
)
DIFFERENCE_LIMITS = (-0.6, -0.3, -0.1, -0.02, 0.02, 0.1, 0.3, 0.6)
DIFFERENCES = (
    "B surer by over 0.6",
    "B by 0.3 to 0.6",
    "B by 0.1 to 0.3",
    "B by 0.02 to 0.1",
    "equally sure",
    "A by 0.02 to 0.1",
    "A by 0.1 to 0.3",
    "A by 0.3 to 0.6",
    "A surer by over 0.6",
)

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Judged:
    """The test pixels of a classification.

    Attributes:
        labels: K class names.
        shape: rows and columns of the scene.
        at: (N,) places of the test pixels, counted row by row.
        true: (N,) their classes 0..K-1.
        predicted: (N,) what the model says; -1 for nothing, which is wrong.
        certain: (N,) the probability that it gives to what it says.
        edge: (N,) distance to the nearest pixel with another label or none, in pixels: the
            greater one of rows and columns.
        sizes: (K,) labelled pixels of each class in the scene.
        confident_from: probability from which an answer counts as confident.
    """

    labels: tuple[str, ...]
    shape: tuple[int, int]
    at: Ints
    true: Ints
    predicted: Ints
    certain: Floats
    edge: Ints
    sizes: Ints
    confident_from: float

    @cached_property
    def right(self) -> Mask:
        """(N,) whether the model is right."""
        same: Mask = self.true == self.predicted
        return same

    @cached_property
    def facets(self) -> dict[str, Facet]:
        """The ways to sort the pixels that need one model only."""
        confident = self.certain >= self.confident_from
        verdict = np.where(self.right, RIGHT, np.where(confident, CONFIDENT, WRONG))
        size = np.searchsorted(SIZE_LIMITS, self.sizes)[self.true]
        rank = np.empty(self.at.size, np.int64)
        rank[np.argsort(-self.certain, kind="stable")] = np.arange(self.at.size)
        return {
            "verdict": Facet("Verdict", VERDICTS, verdict),
            "true": Facet("True class", self.labels, self.true),
            "predicted": Facet("Predicted class", self.labels, self.predicted),
            "edge": Facet("Distance to the edge", EDGES, np.searchsorted(EDGE_LIMITS, self.edge)),
            "size": Facet("Size of the class", SIZES, size),
            "decile": Facet("Sureness", DECILES, rank * len(DECILES) // max(1, self.at.size)),
        }

    def among(self, places: Ints) -> Judged:
        """These pixels alone.

        Args:
            places: (M,) places in the scene; those that are no test pixels here are left out.
        """
        stay = np.isin(self.at, places)
        parts = ("at", "true", "predicted", "certain", "edge")
        return replace(self, **{name: getattr(self, name)[stay] for name in parts})

    def on_map(self, values: NDArray[np.generic], elsewhere: float) -> NDArray[np.generic]:
        """Values (N,) of the test pixels as (H, W), with one value everywhere else."""
        plane = np.full(self.shape, elsewhere, values.dtype)
        plane.flat[self.at] = values
        return plane


def judge(
    classes: ClassMap, certain: Floats, truth: Truth, split: ClassMap, confident_from: float
) -> Judged:
    """Compare a class map with its reference on the test pixels.

    Args:
        classes: the class map.
        certain: (H, W) probability of each pixel's class.
        truth: reference labels with the same classes.
        split: which labelled pixels count: 2 is test.
        confident_from: probability from which an answer counts as confident.
    """
    at = np.flatnonzero((split.data == TEST) & (truth.labels > 0))
    predicted = classes.data.ravel()[at].astype(np.int64)
    return Judged(
        labels=truth.names,
        shape=split.grid.shape,
        at=at,
        true=truth.labels.ravel()[at].astype(np.int64) - 1,
        predicted=np.where(predicted == classes.ignore, -1, predicted),
        certain=np.nan_to_num(certain.ravel()[at]).astype(np.float32),
        edge=edge_distance(truth.labels).ravel()[at],
        sizes=np.bincount(truth.labels.ravel(), minlength=len(truth.names) + 1)[1:],
        confident_from=confident_from,
    )


def compared(a: Judged, b: Judged) -> dict[str, Facet]:
    """The ways to sort pixels that need two models: who is right, who is surer.

    Args:
        a, b: two classifications on the same test pixels.
    """
    wrong = np.where(a.predicted == b.predicted, 3, 4)
    agreement = np.where(a.right, np.where(b.right, 0, 1), np.where(b.right, 2, wrong))
    difference = np.searchsorted(DIFFERENCE_LIMITS, a.certain - b.certain)
    return {
        "agreement": Facet("Who is right", AGREEMENTS, agreement),
        "difference": Facet("Who is surer", DIFFERENCES, difference),
    }


def lit(
    judged: Judged,
    facets: Mapping[str, Facet],
    chosen: Filter,
    area: Window | None = None,
    without: Iterable[str] = (),
) -> Mask:
    """Which test pixels (N,) a filter lights.

    Args:
        judged: the test pixels.
        facets: how they are sorted; a chosen facet that is not there lights none.
        chosen: the filter.
        area: a part of the scene; None for all of it.
        without: facets that do not filter here, for the chart of the facet itself.
    """
    mask: Mask = np.ones(judged.at.size, np.bool_)
    for name, place in chosen.without(without).chosen.items():
        if name not in facets:
            return np.zeros_like(mask)
        codes = facets[name].codes
        mask &= codes >= WRONG if name == "verdict" and place == WRONG else codes == place
    if area is not None:
        rows, cols = np.divmod(judged.at, judged.shape[1])
        mask &= (rows >= area.row) & (rows < area.row + area.height)
        mask &= (cols >= area.col) & (cols < area.col + area.width)
    return mask


@dataclass(frozen=True, eq=False)
class Tally:
    """How many pixels each bin of a facet holds, and how many of them count.

    Attributes:
        totals: (B,) pixels.
        hits: (B,) those that are right; or those that are lit when the filter itself says
            who is right.
        of_lit: which of the two.
    """

    totals: Ints
    hits: Ints
    of_lit: bool

    @property
    def shares(self) -> NDArray[np.float64]:
        """(B,) hits by totals; NaN for empty bins."""
        nothing = np.full(self.totals.shape, np.nan)
        np.divide(self.hits, self.totals, out=nothing, where=self.totals > 0)
        return nothing


def tally(
    judged: Judged,
    facets: Mapping[str, Facet],
    name: str,
    chosen: Filter,
    area: Window | None = None,
) -> Tally:
    """Count the pixels of each bin of a facet under everything else that is chosen."""
    own = ("true", "predicted") if name in ("true", "predicted") else (name,)
    facet = facets[name]
    passing = lit(judged, facets, chosen, area, own)
    of_lit = any(part in SAYS_WHO_IS_RIGHT for part in chosen.without(own).chosen)
    if of_lit:
        base = lit(judged, facets, chosen, area, (*own, *SAYS_WHO_IS_RIGHT))
        return Tally(_counted(facet, base), _counted(facet, passing), of_lit)
    return Tally(_counted(facet, passing), _counted(facet, passing & judged.right), of_lit)


def confusion(judged: Judged, mask: Mask) -> Ints:
    """Counts (K, K) of pixels in a mask: rows are the true classes, columns the predicted."""
    count = len(judged.labels)
    mask = mask & (judged.predicted >= 0)
    pairs = judged.true[mask] * count + judged.predicted[mask]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)  # (K*K,) -> (K, K)


def edge_distance(labels: NDArray[np.integer]) -> Ints:
    """Distance (H, W) to the nearest pixel with another label: 1 at an edge, up to 7.

    Counted as a king moves; what lies outside the scene is no other label. Unlabelled pixels
    count as another label, for nobody knows what is there.
    """
    distance = np.ones(labels.shape, np.int64)
    inside = np.ones(labels.shape, np.bool_)
    padded = np.pad(labels, 1, mode="edge")
    for down, right in _NEIGHBOURS:
        inside &= _moved(padded, down, right, labels.shape) == labels
    for _ in range(EDGE_LIMITS[-1]):
        distance += inside
        ring = np.pad(inside, 1, mode="edge")
        inside = np.logical_and.reduce([_moved(ring, *n, labels.shape) for n in _NEIGHBOURS])
    return distance


_NEIGHBOURS = tuple((i, j) for i in range(3) for j in range(3))


def _moved(
    padded: NDArray[np.generic], down: int, right: int, shape: tuple[int, ...]
) -> NDArray[np.generic]:
    return padded[down : down + shape[0], right : right + shape[1]]


def _counted(facet: Facet, mask: Mask) -> Ints:
    codes = facet.codes[mask]
    return np.bincount(codes[codes >= 0], minlength=len(facet.bins))
