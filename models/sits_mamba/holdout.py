"""Training fields that are held out to choose by, apart from those that test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as connected

from rsviz.core.scene import Truth


def held_out(
    truth: Truth | None, labels: NDArray[np.int16], share: float, seed: int
) -> NDArray[np.bool_]:
    """Whole fields of the training labels, class by class, until a share is reached.

    Args:
        truth: tells which pixels belong together; its labels are not looked at.
        labels: (H, W) training labels, 0 for none.
        share: of each class that is held out, as far as whole fields allow.
        seed: of the choice.

    Returns:
        (H, W) bool. A class of a single field is not held out.
    """
    rng = np.random.default_rng(seed)
    out = np.zeros(labels.shape, np.bool_)
    for k in np.unique(labels[labels > 0]):
        mine = labels == k
        groups = truth.groups if truth is not None else None
        fields = connected(mine)[0] if groups is None else groups
        if min(labels.shape) == 1 and groups is None:
            fields = np.arange(labels.size).reshape(labels.shape)  # every sample for itself
        names = rng.permutation(np.unique(fields[mine]))
        wanted, taken = share * mine.sum(), 0
        for name in names[:-1]:
            if taken >= wanted:
                break
            field = mine & (fields == name)
            out |= field
            taken += int(field.sum())
    return out
