"""Making images finer and coarser: bicubic and Lanczos interpolation as MATLAB's `imresize`.

Pixel i of n covers [i, i + 1): coarse and fine grids share their outer edges, so that centres
differ by half a pixel. When an image becomes coarser the kernel is stretched (antialiasing).
Values beyond the edge are mirrored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
Matrix = Any  # a scipy.sparse array, which has no type of its own yet


def resize(image: NDArray[Any], height: int, width: int, kernel: str = "bicubic") -> Floats:
    """Resample images (..., H, W) to (..., height, width).

    Args:
        image: finite values.
        height, width: of the result.
        kernel: "bicubic" or "lanczos".
    """
    rows = weights(image.shape[-2], height, kernel)
    cols = weights(image.shape[-1], width, kernel)
    planes = image.reshape(-1, *image.shape[-2:])  # (..., H, W) -> (N, H, W)
    made = np.empty((len(planes), height, width), np.float32)
    for out, plane in zip(made, planes, strict=True):
        out[:] = (cols @ (rows @ plane.astype(np.float64)).T).T
    return made.reshape(*image.shape[:-2], height, width)  # (N, h, w) -> (..., h, w)


@lru_cache(maxsize=64)
def weights(size_in: int, size_out: int, kernel: str = "bicubic") -> Matrix:
    """The resampling along one axis as a sparse matrix (size_out, size_in); rows sum to 1."""
    shape, reach = KERNELS[kernel]
    scale = min(1.0, size_out / size_in)  # below 1 the kernel is stretched
    centre = (np.arange(size_out) + 0.5) * size_in / size_out - 0.5
    taps = int(np.ceil(2 * reach / scale)) + 2
    first = np.floor(centre - reach / scale).astype(np.intp)
    places = first[:, None] + np.arange(taps)  # (size_out, taps)
    values = shape(scale * (centre[:, None] - places))
    values /= values.sum(axis=1, keepdims=True)
    period = places % (2 * size_in)
    cols = np.where(period < size_in, period, 2 * size_in - 1 - period)
    rows = np.broadcast_to(np.arange(size_out)[:, None], cols.shape)
    at = rows.ravel(), cols.ravel()
    return sparse.coo_array((values.ravel(), at), (size_out, size_in)).tocsr()


def cubic(x: Numbers) -> Numbers:
    """Cubic convolution with a = -1/2 (Keys 1981, equation 15)."""
    size = np.abs(x)
    near = 1.5 * size**3 - 2.5 * size**2 + 1.0
    far = -0.5 * size**3 + 2.5 * size**2 - 4.0 * size + 2.0
    return np.where(size <= 1, near, np.where(size <= 2, far, 0.0))


def lanczos3(x: Numbers) -> Numbers:
    """Sinc in a sinc window of three lobes (Duchon 1979)."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


KERNELS: dict[str, tuple[Callable[[Numbers], Numbers], float]] = {
    "bicubic": (cubic, 2.0),
    "lanczos": (lanczos3, 3.0),
}
"""Interpolation kernels and how far they reach, in pixels."""
