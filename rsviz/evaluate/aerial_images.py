"""The aerial images of RSSCN7 with which super-resolution is trained and judged.

Which image belongs to which part is a fixed list. Names that differ by a multiple of 100 are in
the same part, because they may show the same ground at another map scale.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rsviz.core.errors import UnreadableScene
from rsviz.physics.resample import resize

if TYPE_CHECKING:
    from rsviz.nn.sr_fit import Pairs

Floats = NDArray[np.float32]

LIST = Path(__file__).with_name("rsscn7.json")
FOLDER = Path("rgb_sr") / "RSSCN7"
TITLE = "RSSCN7, 168 aerial images of 400 x 400 pixels (Zou et al. 2015), JPEG-compressed"
LICENCE = "research use"


def names(part: str) -> tuple[str, ...]:
    """Names of the images of "train", "validation" or "test"."""
    listed: dict[str, list[str]] = json.loads(LIST.read_text(encoding="utf8"))
    return tuple(listed[part])


def image(name: str) -> Floats:
    """One image (3, 400, 400) in red, green, blue from 0 to 1.

    Raises:
        UnreadableScene: the environment variable RSVIZ_DATA does not lead to it.
    """
    root = os.environ.get("RSVIZ_DATA", "")
    path = Path(root) / FOLDER / name
    if not root or not path.is_file():
        raise UnreadableScene(
            f"The aerial image {name} of RSSCN7 is not there; it is expected at "
            f"$RSVIZ_DATA/{FOLDER}/{name}.",
            "Set RSVIZ_DATA to the folder of the real data sets.",
        )
    with Image.open(path) as opened:
        values = np.asarray(opened.convert("RGB"), np.float32) / 255.0  # (H, W, 3)
    return np.ascontiguousarray(np.moveaxis(values, -1, 0))


def coarser(fine: Floats, scale: int) -> Floats:
    """An image made coarser by antialiased bicubic resampling and rounded to bytes."""
    small = resize(fine, fine.shape[-2] // scale, fine.shape[-1] // scale)
    return np.asarray(np.round(np.clip(small, 0, 1) * 255) / 255, np.float32)


def pairs(scale: int) -> Pairs:
    """Training and validation images with their coarse copies; no test image.

    Raises:
        UnreadableScene: the images are not there.
    """
    from rsviz.nn.sr_fit import Pairs

    fine, held = (tuple(image(name) for name in names(part)) for part in ("train", "validation"))
    coarse, held_coarse = (tuple(coarser(i, scale) for i in images) for images in (fine, held))
    return Pairs(fine, coarse, held, held_coarse)
