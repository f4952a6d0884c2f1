"""A tiny year of stripes whose values rise early, late or never."""

import numpy as np

from rsviz.core.grid import Grid
from rsviz.core.scene import Band, Scene, Truth

T, C, H, W, K = 7, 3, 6, 5, 3
DATES = tuple(f"2023-0{m}-10" for m in range(1, T + 1))


def a_year(height=H, width=W, clouds=0.3) -> Scene:
    """Stripes whose value rises early, rises late, or stays."""
    rng = np.random.default_rng(0)
    labels = 1 + np.arange(height * width).reshape(height, width) % K
    t = np.arange(T)
    curves = np.stack([t > 1, t > 4, t < 0]).astype(np.float32)  # (K, T)
    pixels = curves[labels - 1].transpose(2, 0, 1)[:, None] + rng.normal(
        0, 0.1, (T, C, height, width)
    )
    valid = rng.random((T, height, width)) >= clouds
    valid[0] = True
    return Scene(
        np.where(valid[:, None], pixels, 0),
        valid,
        tuple(Band(f"b{i}") for i in range(C)),
        Grid(height, width),
        "reflectance",
        DATES,
        Truth(labels.astype(np.int16), ("early", "late", "bare")),
    )
