"""Patches of a scene, and the eight ways to turn and mirror them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.sformer.network import PATCH

BEFORE = PATCH // 2
"""Rows and columns of a patch before its middle pixel, of which there is one less behind it."""


def padded(image: Tensor) -> Tensor:
    """Reflect an image (k, H, W) at its edges so that every pixel has a patch.

    The patch of pixel (r, c) is rows r..r+9 and columns c..c+9 of the result.
    """
    for axis in (1, 2):
        size = image.shape[axis]
        index = torch.arange(-BEFORE, size + PATCH - BEFORE - 1, device=image.device)
        period = max(1, 2 * (size - 1))
        index = index.remainder(period)
        index = torch.where(index < size, index, period - index)
        image = image.index_select(axis, index)
    return image


def patches_at(image: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
    """Patches (N, k, 10, 10) around pixels (N,), from a padded image."""
    side = torch.arange(PATCH, device=image.device)
    picked = image[:, (rows[:, None] + side)[:, :, None], (cols[:, None] + side)[:, None, :]]
    return picked.movedim(0, 1)


@dataclass(frozen=True)
class View:
    """A way to turn or mirror an image.

    Attributes:
        turn: does it to (.., rows, columns).
        place: where the patch of pixel (row, column) of h x w pixels then begins.
    """

    turn: Callable[[Tensor], Tensor]
    place: Callable[[Tensor, Tensor, int, int], tuple[Tensor, Tensor]]


VIEWS = (
    View(lambda x: x, lambda r, c, h, w: (r, c)),
    View(lambda x: x.flip(-1), lambda r, c, h, w: (r, w - 1 - c)),
    View(lambda x: x.flip(-2), lambda r, c, h, w: (h - 1 - r, c)),
    View(lambda x: x.rot90(2, (-2, -1)), lambda r, c, h, w: (h - 1 - r, w - 1 - c)),
    View(lambda x: x.rot90(1, (-2, -1)), lambda r, c, h, w: (w - 1 - c, r)),
    View(lambda x: x.rot90(3, (-2, -1)), lambda r, c, h, w: (c, h - 1 - r)),
)
"""As it is, and the five ways of the training."""


def augmented(patches: Tensor, chance: float) -> Tensor:
    """With a chance, each patch mirrored or turned in one of five ways, equally likely."""
    way = torch.randint(1, len(VIEWS), (len(patches),))
    way = torch.where(torch.rand(len(patches)) < chance, way, 0).to(patches.device)
    for i, view in enumerate(VIEWS):
        patches = torch.where((way == i)[:, None, None, None], view.turn(patches), patches)
    return patches
