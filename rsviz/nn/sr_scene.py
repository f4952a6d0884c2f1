"""What networks for finer images share: a scene on the way in, tiles, an image on the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import RasterLayer, SRImage, UncertaintyMap
from rsviz.core.scene import UNITS, Scene
from rsviz.core.tiling import Stitcher, Tile, tiles
from rsviz.nn.landcover import defined, filled_pixels

Floats = NDArray[np.float32]

WHOLE = 128  # sides up to this are computed in one piece
CORE, HALO = 100, 14  # a tile with its halo is 128 pixels wide again
BYTE = 255.0
TURNS = 4
VIEWS = 2 * TURNS
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

    def tensor(self, piece: Tile, device: torch.device) -> Tensor:
        """The image (1, 3, h, w) of a tile with its halo."""
        window = piece.window
        part = np.ascontiguousarray(self.image[:, window.rows, window.cols])
        return torch.from_numpy(part)[None].to(device)

    def layer(self, made: Tensor, window: Window, title: str, about: str) -> SRImage:
        """A fine image (1, 3, s*h, s*w) of a window, in bands and unit of the scene."""
        fine = made[0].cpu().numpy()
        scale = fine.shape[-1] // window.width
        grid = finer(self.scene.grid.crop(window), scale)
        data = np.empty_like(fine)
        data[list(self.order)] = fine * self.white
        seen = self.seen(window, scale)
        return SRImage(title, about, grid, np.where(seen, data, np.nan), self.scene.bands, scale)

    def spread(
        self, images: list[Tensor], window: Window, title: str, about: str
    ) -> UncertaintyMap:
        """Standard deviation between fine images of a window, mean over bands."""
        spread = torch.stack(images).std(0, correction=0).mean(dim=(0, 1)).cpu().numpy()
        scale = spread.shape[-1] // window.width
        data = np.where(self.seen(window, scale), spread * self.white, np.nan)
        grid = finer(self.scene.grid.crop(window), scale)
        unit = UNITS[self.scene.quantity]
        return UncertaintyMap(title, about, grid, data.astype(np.float32), "std", unit)

    def spread_of_views(self, views: list[Tensor], window: Window) -> UncertaintyMap:
        """Standard deviation between the results of the eight copies."""
        return self.spread(
            views,
            window,
            "Spread of eight views",
            "Standard deviation between the results of the eight turned and mirrored copies, mean "
            "over bands.",
        )

    def seen(self, window: Window, scale: int) -> NDArray[np.bool_]:
        """(s*h, s*w): where a window has data."""
        part = self.valid[window.rows, window.cols]
        return part.repeat(scale, axis=0).repeat(scale, axis=1)


def half_precision(device: torch.device, wanted: bool) -> torch.autocast:
    """Multiplies in bfloat16 inside a block, if that is wanted and the processor knows it."""
    known = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and known)


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


def eight_views(
    image: Tensor, network: Callable[[Tensor], Tensor], every: bool
) -> Iterator[Tensor]:
    """What a network makes of an image, then of its seven turned and mirrored copies, turned back.

    Args:
        image: (1, 3, h, w).
        network: makes it finer.
        every: whether the seven copies follow.
    """
    yield network(image)
    for view in range(1, VIEWS if every else 1):
        turn, mirrored = view % TURNS, view >= TURNS
        copy = torch.rot90(image.flip(-1) if mirrored else image, turn, dims=(-2, -1))
        back = torch.rot90(network(copy), -turn, dims=(-2, -1))
        yield back.flip(-1) if mirrored else back


def finer(grid: Grid, scale: int) -> Grid:
    """The grid with scale times as many pixels along each side, over the same ground."""
    return grid.resized(grid.height * scale, grid.width * scale)


def _red_green_blue(scene: Scene) -> tuple[int, ...]:
    """Bands by falling wavelength where it is known, as stored otherwise."""
    centres = [band.wavelength_nm for band in scene.bands]
    if any(centre is None for centre in centres):
        return (0, 1, 2)
    return tuple(sorted(range(3), key=lambda band: -(centres[band] or 0.0)))
