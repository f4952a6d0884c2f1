"""A patch of Slovenia seen by Sentinel-2: NDVI on 68 dates with cloud masks and land cover.

The test patch of eo-learn, July 2015 to December 2017, 101 x 100 pixels of 10 m.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import UnreadableScene
from rsviz.core.scene import Band, Truth
from rsviz.io.budget import Budget
from rsviz.io.georef import grid_of, parsed_crs
from rsviz.io.loaded import Series
from rsviz.io.source import SceneSource

CLASSES = {2: "forest", 3: "grassland", 4: "shrubland", 8: "artificial surface"}
COLOURS = ("#117733", "#ddcc77", "#cc79a7", "#8a8f98")
FEWEST = 190


def open_patch(timestamps: Path, variable: str, budget: Budget) -> SceneSource:
    """The patch with its masks and the classes of at least 190 pixels.

    Raises:
        UnreadableScene: a file is damaged, or the sizes do not fit.
    """
    folder = timestamps.parent
    try:
        days = tuple(str(text)[:10] for text in json.loads(timestamps.read_text("utf8")))
        ndvi = _array(folder / "data" / "NDVI.npy")
        valid = _array(folder / "mask" / "IS_VALID.npy") != 0
        cover = _array(folder / "mask_timeless" / "LULC.npy")[..., 0]
        corners = np.array(
            json.loads((folder / "bbox.geojson").read_text("utf8"))["coordinates"][0]
        )
        crs_name = json.loads((folder / "bbox.geojson").read_text("utf8"))["crs"]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise UnreadableScene(f"The patch is incomplete or damaged: {error}") from error
    if ndvi.ndim != 4 or ndvi.shape != valid.shape or len(days) != len(ndvi):
        raise UnreadableScene(
            f"The sizes do not fit: NDVI {ndvi.shape}, mask {valid.shape}, {len(days)} dates."
        )
    _, height, width, _ = ndvi.shape
    (left, bottom), (right, top) = corners.min(0), corners.max(0)
    affine = ((right - left) / width, 0.0, left, 0.0, (bottom - top) / height, top)
    code = re.search(r"EPSG:*(\d+)", json.dumps(crs_name))
    grid, where = grid_of(height, width, affine, parsed_crs(f"EPSG:{code[1]}") if code else None)
    labels = np.zeros((height, width), np.int16)
    for k, number in enumerate(CLASSES, start=1):
        labels[cover == number] = k
    left_out = int(((cover > 0) & (labels == 0)).sum())
    return Series(
        "Slovenia, Sentinel-2 NDVI",
        "npy",
        np.ascontiguousarray(np.moveaxis(ndvi, 3, 1), np.float32),  # (T, H, W, 1) -> (T, 1, H, W)
        (Band("NDVI"),),
        "dn",
        days,
        valid[..., 0],
        grid,
        Truth(labels, tuple(CLASSES.values()), COLOURS),
        (
            f"{left_out} pixels of classes with fewer than {FEWEST} pixels count as unlabelled.",
            "Clouds are masked as the patch says. Two images were taken on 8 December 2015.",
            *where,
        ),
    ).source(budget)


def _array(path: Path) -> NDArray[Any]:
    return np.asarray(np.load(path, allow_pickle=False))
