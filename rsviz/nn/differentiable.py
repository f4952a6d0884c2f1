"""The class scores of one pixel as a differentiable function of the pixels around it.

A model whose card names a function that gives this can be asked what in its input mattered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Differentiable:
    """What decides the class of one pixel, and how.

    Attributes:
        inputs: (1, C, h, w) pixels in the unit of the scene, on the model's device; of a series
            of images all dates, (1, T*C, h, w), the bands of one date side by side.
        rows, cols: (h,) and (w,) rows and columns of the scene that these are; one may occur twice
            where a patch is mirrored at the edge of the scene.
        scores: from inputs (N, C, h, w) to class scores (N, K) before the softmax, with gradients.
        batch: how many inputs at once suit the model.
        note: how this differs from a usual run, in a sentence; "" when it does not.
    """

    inputs: Tensor
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    scores: Callable[[Tensor], Tensor]
    batch: int = 1
    note: str = ""
