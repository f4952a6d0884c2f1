"""The sheet on which a landscape is painted, object by object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.synth.landscape import Frame, Mask, Trees
from rsviz.synth.texture import Field, smooth_field


@dataclass(frozen=True)
class Legend:
    """The classes of a scene.

    Attributes:
        names: class names; label k is names[k - 1], label 0 is unlabelled.
        colours: '#rrggbb' for each name.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]

    def label(self, name: str) -> int:
        """Label of a class name, 1 to K; 0 for the empty name."""
        return self.names.index(name) + 1 if name else 0


class Canvas:
    """Material, class, height and owner of every fine cell, filled by painting masks.

    Later paint covers earlier paint.

    Attributes:
        place: coordinates.
        material: (h, w) int16 number of the material.
        label: (h, w) uint8 class label, 0 unlabelled.
        height_m: (h, w) float32 height above the terrain.
        thing: (h, w) int32 number of the object (field, roof, road) a cell belongs to.
    """

    def __init__(self, place: Frame, materials: Sequence[str], legend: Legend) -> None:
        self.place = place
        self.material: NDArray[np.int16] = np.zeros(place.shape, dtype=np.int16)
        self.label: NDArray[np.uint8] = np.zeros(place.shape, dtype=np.uint8)
        self.height_m: Field = np.zeros(place.shape, dtype=np.float32)
        self.thing: NDArray[np.int32] = np.zeros(place.shape, dtype=np.int32)
        self.things = 1
        self._number = {name: k for k, name in enumerate(materials)}
        self._legend = legend

    def number(self, material: str) -> int:
        """Number of a material, as in `material`."""
        return self._number[material]

    def is_made_of(self, material: str) -> Mask:
        """Cells covered by a material."""
        return np.asarray(self.material == self._number[material])

    def paint(self, where: Mask, material: str, label: str, height_m: Field | float = 0.0) -> None:
        """Cover cells with one object.

        Args:
            where: (h, w) cells.
            material: what it is made of.
            label: its class name; empty for unlabelled.
            height_m: height above the terrain, one value or (h, w).
        """
        self.material[where] = self._number[material]
        self.label[where] = self._legend.label(label)
        self.height_m[where] = (
            height_m[where] if isinstance(height_m, np.ndarray) else np.float32(height_m)
        )
        self.thing[where] = self.things
        self.things += 1

    def plant(self, where: Mask, trees: Trees, material: str, label: str) -> None:
        """Cover cells with tree crowns, every crown an object of its own.

        Args:
            where: (h, w) cells, all under a crown.
            trees: the crowns.
            material: what the crowns are made of.
            label: their class name.
        """
        self.paint(where, material, label, trees.height_m)
        self.thing[where] = self.things + trees.crown[where]
        self.things += int(trees.crown.max()) + 1


@dataclass(frozen=True)
class Variation:
    """How strongly one trait varies, as standard deviations on its 0 to 1 range.

    Attributes:
        between: from object to object.
        patches: over large patches.
        fine: from one or two pixels to the next.
        streaks: along the direction of work.
    """

    between: float
    patches: float
    fine: float
    streaks: float = 0.0


def vary(
    canvas: Canvas,
    variations: Sequence[Variation],
    patch_cells: float,
    streak: Field,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Give every cell its three traits.

    Args:
        canvas: the painted landscape.
        variations: one for each trait.
        patch_cells: size of the large patches, cells.
        streak: (h, w) pattern of the direction of work.
        rng: source of the variation.

    Returns:
        (h, w, 3) traits around 0.5, not yet limited to 0..1.
    """
    shape = canvas.place.shape
    traits = np.empty((*shape, len(variations)), dtype=np.float32)
    for k, much in enumerate(variations):
        own = np.clip(rng.normal(0.5, much.between, canvas.things), 0.2, 0.8)
        traits[..., k] = (
            own[canvas.thing]
            + much.patches * smooth_field(shape, patch_cells, rng)
            + much.fine * smooth_field(shape, 2.6, rng, roughness=1.4)
            + much.streaks * streak
        )
    return traits
