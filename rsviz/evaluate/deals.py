"""Dealing places to training and to test, so that neighbours are never on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as connected
from scipy.ndimage import maximum_filter

from rsviz.core.scene import Truth

Mask = NDArray[np.bool_]

DEALS, FIELD_DEALS = 200, 2000
ENOUGH = 10


def deal_blocks(
    labels: NDArray[np.int16], n_classes: int, block: int, guard: int, rng: np.random.Generator
) -> tuple[Mask, Mask]:
    """Deal squares to train and test so that as many classes as can be are on both sides.

    Of many random deals on randomly shifted lattices, the one kept has most classes with
    enough pixels for training, then for testing, then most test pixels: a choice by the place of
    the labels alone.

    Returns:
        Labelled pixels inside training squares, and labelled test pixels farther than `guard`
        rows or columns from every training square; both (H, W).
    """
    best: tuple[tuple[int, int, int], Mask, Mask] | None = None
    for _ in range(DEALS):
        training = _squares(labels.shape, block, rng)
        near: Mask = maximum_filter(training, size=2 * guard + 1)
        allowed, test = training & (labels > 0), ~near & (labels > 0)
        to_train, to_test = (
            int((np.bincount(labels[side], minlength=n_classes + 1)[1:] >= ENOUGH).sum())
            for side in (allowed, test)
        )
        rank = (to_train, to_test, int(test.sum()))
        if best is None or rank > best[0]:
            best = rank, allowed, test
    assert best is not None
    return best[1], best[2]


def _squares(shape: tuple[int, ...], block: int, rng: np.random.Generator) -> Mask:
    """Half of the squares of a randomly shifted lattice, as (H, W) bool."""
    shift = rng.integers(0, block, size=2)
    rows = (np.arange(shape[0]) + shift[0]) // block
    cols = (np.arange(shape[1]) + shift[1]) // block
    count = (rows[-1] + 1) * (cols[-1] + 1)
    chosen: Mask = rng.permutation(count) < count // 2
    return chosen.reshape(rows[-1] + 1, cols[-1] + 1)[np.ix_(rows, cols)]


def deal_fields(
    truth: Truth, share: float, guard: int, rng: np.random.Generator
) -> tuple[Mask, Mask]:
    """Deal whole fields to train and test, so that every class that can be is on both sides.

    Of many random deals the one kept has most classes with enough pixels for training and for
    testing, then shares of all classes nearest to what is wanted.

    Returns:
        Labelled pixels of training fields, and labelled test pixels farther than `guard` rows or
        columns from every one of them; both (H, W).
    """
    labels, fields = truth.labels, fields_of(truth)
    known = labels > 0
    number, place = np.unique(fields[known], return_inverse=True)
    counts = np.zeros((number.size, len(truth.names) + 1))
    np.add.at(counts, (place, labels[known]), 1)
    counts = counts[:, 1:]
    total = counts.sum(0)
    enough = np.minimum(ENOUGH, np.maximum(1, total // 3))
    best: tuple[tuple[int, float], Mask] | None = None
    for _ in range(FIELD_DEALS):
        dealt: Mask = rng.random(number.size) < share
        train = counts[dealt].sum(0)
        both = int(((train >= enough) & (total - train >= enough) & (total > 0)).sum())
        rank = both, -float(np.abs(train / np.maximum(total, 1) - share).sum())
        if best is None or rank > best[0]:
            best = rank, dealt
    assert best is not None
    training = np.zeros(labels.shape, np.bool_)
    training[known] = best[1][place]
    near: Mask = maximum_filter(training, size=2 * guard + 1)
    return training, known & ~near


def fields_of(truth: Truth) -> NDArray[np.int32]:
    """The field of each labelled pixel (H, W): as the scene says, else connected equal labels."""
    if truth.groups is not None:
        return truth.groups
    fields = np.zeros(truth.labels.shape, np.int32)
    for k in range(1, len(truth.names) + 1):
        found, _ = connected(truth.labels == k, structure=np.ones((3, 3)))
        fields = np.where(found > 0, found + fields.max(), fields)
    return fields.astype(np.int32)
