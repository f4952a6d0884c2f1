"""Random fields for natural variation: smooth, streaky or grainy.

All fields are float32 with mean 0 and standard deviation 1 unless said otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Field = NDArray[np.float32]


def smooth_field(
    shape: tuple[int, int],
    length_px: float,
    rng: np.random.Generator,
    stretch: float = 1.0,
    angle_deg: float = 0.0,
    roughness: float = 2.5,
) -> Field:
    """A random field with a given size of its patches.

    Filtered white noise with the spectrum (1 + (k * length)^2)^-roughness (Matern type).

    Args:
        shape: (h, w).
        length_px: size of the patches, pixels.
        stretch: elongation of the patches along `angle_deg`; 1 is round.
        angle_deg: direction of elongation, degrees anticlockwise from the row direction.
        roughness: larger is smoother, 1.2 to 4.
    """
    height, width = shape
    pad = int(
        min(max(height, width), 4 * length_px * stretch)
    )  # no wrap-around of the Fourier grid
    rows, cols = fft.next_fast_len(height + pad), fft.next_fast_len(width + pad)
    ky = fft.fftfreq(rows)[:, None] * 2.0 * np.pi
    kx = fft.rfftfreq(cols)[None, :] * 2.0 * np.pi
    angle = np.deg2rad(angle_deg)
    along = kx * np.cos(angle) - ky * np.sin(angle)
    across = kx * np.sin(angle) + ky * np.cos(angle)
    k2 = (along * length_px * stretch) ** 2 + (across * length_px) ** 2
    noise = fft.rfft2(rng.standard_normal((rows, cols)))
    field = fft.irfft2(noise * (1.0 + k2) ** (-roughness), s=(rows, cols))[:height, :width]
    field -= field.mean()
    return np.asarray(field / field.std(), dtype=np.float32)


def grain(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """White noise: every pixel for itself."""
    return rng.standard_normal(shape).astype(np.float32)


def rows_of(
    u_m: NDArray[np.floating], period_m: float, width_m: float, phase_m: float = 0.0
) -> NDArray[np.bool_]:
    """Parallel strips, such as tree rows or tractor tracks.

    Args:
        u_m: (h, w) coordinate across the strips, metres.
        period_m: distance from strip to strip, metres.
        width_m: width of a strip, metres.
        phase_m: shift of the first strip, metres.

    Returns:
        (h, w) True inside a strip.
    """
    return np.asarray(np.mod(u_m - phase_m, period_m) < width_m)
