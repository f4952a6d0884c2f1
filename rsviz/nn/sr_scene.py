"""What networks for finer images share: a scene on the way in, tiles, an image on the way out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import RasterLayer, SRImage
from rsviz.core.scene import Scene
from rsviz.core.tiling import Stitcher, Tile, tiles
from rsviz.nn.landcover import defined, filled_pixels

Floats = NDArray[np.float32]

WHOLE = 128  # sides up to this are computed in one piece
CORE, HALO = 100, 14  # a tile with its halo is 128 pixels wide again
BYTE = 255.0
BRIGHT = 99.5  # percentile that counts as white where the unit sets no limit


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scene of three bands as networks know images.

    Attributes:
        scene: what was read.
        image: (3, h, w) in red, green, blue, about 0 to 1, gaps filled.
        order: which band of the scene is red, green and blue.
        white: the value of the scene that became 1.
        valid: (h, w); elsewhere nothing is said.
    """

    scene: Scene
    image: Floats
    order: tuple[int, ...]
    white: float
    valid: NDArray[np.bool_]

    def layer(self, fine: Floats, window: Window, title: str, about: str) -> SRImage:
        """A fine image (3, s*h, s*w) of a window, in bands and unit of the scene."""
        scale = fine.shape[-1] // window.width
        grid = finer(self.scene.grid.crop(window), scale)
        data = np.empty_like(fine)
        data[list(self.order)] = fine * self.white
        seen = self.seen(window, scale)
        return SRImage(title, about, grid, np.where(seen, data, np.nan), self.scene.bands, scale)

    def seen(self, window: Window, scale: int = 1) -> NDArray[np.bool_]:
        """(s*h, s*w): where a window has data."""
        part = self.valid[window.rows, window.cols]
        return part.repeat(scale, axis=0).repeat(scale, axis=1)


def prepare(scene: Scene) -> Prepared:
    """Bring a scene of three bands into the range in which networks were trained.

    Bytes are divided by 255. In other units the 99.5th percentile becomes 1, for networks know
    pictures that use their whole range.

    Raises:
        SceneMismatch: no pixel has data.
    """
    valid = defined(scene)
    if not valid.any():
        raise SceneMismatch("The scene holds no pixel with a number in every band.")
    pixels = filled_pixels(scene, valid)
    most = float(pixels.max())
    bytes_ = scene.quantity == "dn" and 1.0 < most <= BYTE
    white = BYTE if bytes_ else float(np.percentile(pixels[:, valid], BRIGHT))
    white = white if white > 0 else 1.0
    order = _red_green_blue(scene)
    return Prepared(scene, pixels[list(order)] / np.float32(white), order, white, valid)


def pieces(height: int, width: int) -> list[Tile]:
    """The whole, or tiles with a halo when it is larger than 128 pixels."""
    if max(height, width) <= WHOLE:
        whole = Window(0, 0, height, width)
        return [Tile(whole, whole)]
    return list(tiles(height, width, CORE, HALO))


class Mosaic:
    """Layers of tiles by name, blended into layers of the scene."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._stitchers: dict[str, Stitcher] = {}

    def add(self, piece: Tile, layers: dict[str, RasterLayer]) -> None:
        """Put the layers of a tile in their place."""
        for name, layer in layers.items():
            self._stitchers.setdefault(name, Stitcher(self._grid, HALO)).add(piece, layer)

    def layers(self) -> Iterator[tuple[str, RasterLayer]]:
        """The whole layers."""
        for name, stitcher in self._stitchers.items():
            yield name, stitcher.layer()


def finer(grid: Grid, scale: int) -> Grid:
    """The grid with scale times as many pixels along each side, over the same ground."""
    return grid.resized(grid.height * scale, grid.width * scale)


def _red_green_blue(scene: Scene) -> tuple[int, ...]:
    """Bands by falling wavelength where it is known, as stored otherwise."""
    centres = [band.wavelength_nm for band in scene.bands]
    if any(centre is None for centre in centres):
        return (0, 1, 2)
    return tuple(sorted(range(3), key=lambda band: -(centres[band] or 0.0)))
