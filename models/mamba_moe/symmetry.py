"""The eight ways to turn and mirror an image, for training and for averaging predictions."""

from __future__ import annotations

from torch import Tensor

ORIENTATIONS = 8


def turned(image: Tensor, orientation: int) -> Tensor:
    """Turn (..., H, W) by 90 degrees `orientation % 4` times; 4 to 7 are mirrored first."""
    image = image.flip(-1) if orientation >= 4 else image
    return image.rot90(orientation % 4, (-2, -1))


def turned_back(image: Tensor, orientation: int) -> Tensor:
    """Undo `turned`."""
    image = image.rot90(-(orientation % 4), (-2, -1))
    return image.flip(-1) if orientation >= 4 else image
