"""How a fine image becomes a coarse one, and which part of a fine image that determines.

The operator is D x = R_h B_h x (R_w B_w)^T: a Gaussian blur B, then antialiased bicubic resampling
R, along rows and columns. It is linear, has an adjoint, and splits any fine image into what its
coarse copy determines (the row space of D) and what it does not (the null space).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from rsviz.physics.resample import weights

Floats = NDArray[np.float32]
Matrix = Any  # a scipy.sparse array, which has no type of its own yet

REACH = 4.0  # radius of the blur in standard deviations
LEAST_GAIN = 1e-6  # power below which a detail of the coarse image counts as lost, beside 1


@dataclass(frozen=True, eq=False)
class Degradation:
    """Blur and coarser sampling of images (..., H, W) to (..., H/scale, W/scale).

    Attributes:
        rows: (H/scale, H) weights along a column of the image.
        cols: (W/scale, W) weights along a row.
    """

    rows: Matrix
    cols: Matrix

    @classmethod
    def of(cls, shape: tuple[int, int], scale: int, blur: float = 0.0) -> Degradation:
        """The operator for fine images of a shape that is a multiple of the scale.

        Args:
            shape: rows and columns of the fine image.
            scale: how many times coarser.
            blur: standard deviation of the blur in fine pixels.
        """
        rows, cols = (weights(side, side // scale) @ _blur(side, blur) for side in shape)
        return cls(rows, cols)

    def forward(self, image: Floats) -> Floats:
        """The coarse image (..., h, w) of a fine one (..., H, W)."""
        return _both(self.rows, self.cols, image).astype(np.float32)

    def adjoint(self, image: Floats) -> Floats:
        """The transpose: a fine image (..., H, W) of a coarse one (..., h, w)."""
        return _both(self.rows.T, self.cols.T, image).astype(np.float32)

    def determined(self, image: Floats) -> Floats:
        """The part of a fine image (..., H, W) that its coarse copy determines.

        It is the smallest image with the same coarse copy, D^T (D D^T)^-1 D x.
        """
        coarse = _both(self.rows, self.cols, image)
        solved = _both(_Inverse(self.rows), _Inverse(self.cols), coarse)
        return _both(self.rows.T, self.cols.T, solved).astype(np.float32)


class _Inverse:
    """(R R^T)^-1 of a matrix R, to be multiplied with."""

    def __init__(self, matrix: Matrix) -> None:
        gram = sparse.csc_array(matrix @ matrix.T)
        self._solver = splu(gram + LEAST_GAIN * sparse.eye_array(gram.shape[0], format="csc"))

    def __matmul__(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._solver.solve(np.ascontiguousarray(columns)))


def _both(rows: Matrix, cols: Matrix, image: NDArray[Any]) -> NDArray[np.float64]:
    """Apply one matrix along the rows and one along the columns of images (..., H, W)."""
    planes = image.reshape(-1, *image.shape[-2:]).astype(np.float64)  # (..., H, W) -> (N, H, W)
    made = np.stack([(cols @ (rows @ plane).T).T for plane in planes])
    return made.reshape(*image.shape[:-2], *made.shape[1:])  # (N, h, w) -> (..., h, w)


def _blur(side: int, sigma: float) -> Matrix:
    """Gaussian blur along one axis as a matrix (side, side); edges are mirrored."""
    if sigma == 0.0:
        return sparse.eye_array(side, format="csr")
    reach = int(np.ceil(REACH * sigma))
    offsets = np.arange(-reach, reach + 1)
    share = np.exp(-0.5 * (offsets / sigma) ** 2)
    place = np.arange(side)[:, None] + offsets  # (side, taps)
    place = np.abs((place + side) % (2 * side) - side + 0.5) - 0.5  # mirrored at the outer edges
    cols = place.astype(np.intp)
    rows = np.broadcast_to(np.arange(side)[:, None], cols.shape)
    values = np.broadcast_to(share / share.sum(), cols.shape)
    shape = (side, side)
    return sparse.coo_array((values.ravel(), (rows.ravel(), cols.ravel())), shape).tocsr()
