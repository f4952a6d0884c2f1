"""How close an image is to the truth: the measures in which super-resolution is reported.

Images are (C, H, W) in the unit of the scene, with NaN where there is nothing; such pixels count
in no measure. `peak` is the greatest value that the unit allows (1 for reflectance, 255 for bytes).
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.metrics import structural_similarity

Floats = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]]

SIGMA = 1.5  # of the Gaussian window of SSIM, in pixels (Wang et al. 2004)
LUMA = np.array([65.481, 128.553, 24.966]) / 255.0  # ITU-R BT.601, studio swing
LUMA_OFFSET = 16.0 / 255.0
WINDOW_PX = 3.0  # of the Gaussian window of local PSNR
MOST_DB = 60.0  # local PSNR is not told beyond
GMSD_C = 170.0 / 255.0**2  # Xue et al. 2014, for values from 0 to 1


def luma(image: Numbers, peak: float) -> Floats:
    """Brightness (H, W) of an image (3, H, W) in red, green, blue, as MATLAB's `rgb2ycbcr`."""
    grey = np.tensordot(LUMA, image, axes=1) + LUMA_OFFSET * peak
    return grey.astype(np.float32)


def psnr_db(image: Numbers, truth: Numbers, peak: float) -> float:
    """Peak signal-to-noise ratio [dB] over all values; infinite when they are equal."""
    error = image.astype(np.float64) - truth
    squared = float(np.nanmean(error**2)) if np.isfinite(error).any() else np.nan
    return float(10 * np.log10(peak**2 / squared)) if squared else float("inf")


def psnr_map(plane: Numbers, truth: Numbers, peak: float) -> Floats:
    """Peak signal-to-noise ratio [dB] (H, W) of two planes in a Gaussian window, 60 at most."""
    error = windowed((plane.astype(np.float64) - truth) ** 2, WINDOW_PX)
    least = peak**2 * 10 ** (-MOST_DB / 10)
    return np.asarray(10 * np.log10(peak**2 / np.maximum(error, least)), np.float32)


def ssim_map(plane: Numbers, truth: Numbers, peak: float) -> Floats:
    """Structural similarity (H, W) of two planes in a Gaussian window; NaN where undefined.

    Source: Wang et al. 2004, "Image quality assessment", with their window and constants.
    """
    seen = np.isfinite(plane) & np.isfinite(truth)
    one, other = (np.where(seen, p, 0).astype(np.float64) for p in (plane, truth))
    _, similar = structural_similarity(  # type: ignore[no-untyped-call]
        one,
        other,
        data_range=peak,
        gaussian_weights=True,
        sigma=SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    return np.where(seen, similar, np.nan).astype(np.float32)


def ssim(image: Numbers, truth: Numbers, peak: float) -> float:
    """Mean structural similarity over pixels, and over bands where there are several."""
    planes, truths = (np.atleast_3d(a) if a.ndim == 3 else a[None] for a in (image, truth))
    means = [float(np.nanmean(ssim_map(*pair, peak))) for pair in zip(planes, truths, strict=True)]
    return float(np.mean(means))


def gmsd(plane: Numbers, truth: Numbers, peak: float) -> float:
    """Gradient magnitude similarity deviation of two planes; 0 when they are equal.

    Source: Xue et al. 2014, "Gradient magnitude similarity deviation".
    """
    seen = np.isfinite(plane) & np.isfinite(truth)
    one, other = (_slope(np.where(seen, values, 0) / peak) for values in (plane, truth))
    similar = (2 * one * other + GMSD_C) / (one**2 + other**2 + GMSD_C)
    return float(similar[seen[::2, ::2]].std())


def windowed(values: NDArray[Any], sigma: float) -> NDArray[Any]:
    """Mean of values (H, W) in a Gaussian window, of those that there are; NaN stays NaN."""
    seen = np.isfinite(values)
    mean, share = (
        ndimage.gaussian_filter(a, sigma) for a in (np.where(seen, values, 0), seen.astype(float))
    )
    return np.where(seen, mean / np.maximum(share, 1e-6), np.nan)


def _slope(plane: Numbers) -> NDArray[np.float64]:
    """Size of the gradient (Prewitt) of a plane of half the side."""
    means: NDArray[np.float64] = ndimage.uniform_filter(plane.astype(np.float64), 2, origin=-1)
    halved = means[::2, ::2]
    down, right = (ndimage.prewitt(halved, axis) / 3.0 for axis in (0, 1))
    return cast(NDArray[np.float64], np.hypot(down, right))


def sam_deg(image: Numbers, truth: Numbers) -> float:
    """Mean spectral angle [degree] between the spectra of two images (C, H, W)."""
    angles = spectral_angle_deg(image, truth)
    return float(np.nanmean(angles)) if np.isfinite(angles).any() else float("nan")


def spectral_angle_deg(image: Numbers, truth: Numbers) -> Floats:
    """Spectral angle [degree] of every pixel (H, W); NaN where a spectrum is missing or zero."""
    inner = np.einsum("chw,chw->hw", image, truth, dtype=np.float64)
    sizes = [np.sqrt(np.einsum("chw,chw->hw", a, a, dtype=np.float64)) for a in (image, truth)]
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = inner / (sizes[0] * sizes[1])
    return cast(Floats, np.degrees(np.arccos(np.clip(cosine, -1, 1))).astype(np.float32))


def ergas(image: Numbers, truth: Numbers, scale: int) -> float:
    """Relative global error of an image `scale` times finer; 0 when both are equal.

    Source: Wald 2000, "Quality of high resolution synthesised images": 100/scale times the root
    mean square, over bands, of RMSE / mean.
    """
    axes = (1, 2)
    squared = np.asarray(np.nanmean((image.astype(np.float64) - truth) ** 2, axis=axes))  # (C,)
    mean = np.asarray(np.nanmean(truth, axis=axes, dtype=np.float64))  # (C,)
    shares = squared[mean != 0] / mean[mean != 0] ** 2
    return float(100.0 / scale * np.sqrt(shares.mean())) if shares.size else float("nan")
