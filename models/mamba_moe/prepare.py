"""From a scene to what the network takes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from rsviz.core.scene import Scene


def defined(scene: Scene) -> NDArray[np.bool_]:
    """(H, W): where the first date has a finite number in every band."""
    valid: NDArray[np.bool_] = scene.valid[0] & np.isfinite(scene.pixels[0]).all(axis=0)
    return valid


def pixels_of(scene: Scene, valid: NDArray[np.bool_]) -> Tensor:
    """The scene as (1, C, H, W), each undefined pixel replaced by the nearest defined one.

    So a hole neither shifts the statistics of normalisation layers nor puts an edge into the
    picture.
    """
    pixels = scene.pixels[0]
    if not valid.all():
        rows, cols = distance_transform_edt(~valid, return_distances=False, return_indices=True)
        pixels = pixels[:, rows, cols]
    return torch.from_numpy(np.array(pixels, np.float32))[None]


def band_scaling(pixels: Tensor, good: tuple[bool, ...]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each band over a whole scene (1, C, H, W), without labels.

    Bands marked as bad get an infinite deviation: scaled, they are 0 everywhere.
    """
    deviation, mean = torch.std_mean(pixels[0].flatten(1), dim=1)
    usable = torch.tensor(good, device=pixels.device)
    return mean, deviation.clamp(min=1e-6).where(usable, torch.inf)
