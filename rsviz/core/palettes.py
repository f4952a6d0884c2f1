"""Colours of classes, experts and magnitudes: one choice for the map, the charts and exports.

Class colours stay apart for readers with any colour vision; ramps are perceptually uniform
(Fabio Crameri's colour maps, read as text from the package cmcrameri, without matplotlib).
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float64]

OKABE_ITO = (
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
)
"""Okabe and Ito (2008), Color Universal Design, without its black."""

EXPERTS = (
    "#5566cc",
    "#b07000",
    "#44aa99",
    "#aa3377",
    "#88ccee",
    "#cc6677",
    "#117733",
    "#ddcc77",
    "#999933",
)
"""For experts, stages and frames, apart from the colours of classes: four that can be read as
lines on white and on dark pages, then colours of Paul Tol's muted scheme."""

SPLIT = ("#bbbbbb", "#0072b2", "#e69f00")
"""Ignored, train, test."""

SEQUENTIAL, UNCERTAIN, WARM, DIVERGING, CYCLIC = "batlow", "lapaz", "lajolla", "vik", "romaO"

# Linear RGB as seen with protanopia and deuteranopia: Machado et al. (2009),
# doi:10.1109/TVCG.2009.113, severity 1.
_VISIONS = (
    np.eye(3),
    np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
)
# Oklab: Ottosson (2020), https://bottosson.github.io/posts/oklab/
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@lru_cache(maxsize=64)
def class_colours(count: int) -> tuple[str, ...]:
    """Colours for classes, told apart with any colour vision.

    Args:
        count: number of classes.

    Returns:
        `count` colours '#rrggbb': Okabe-Ito, then each time the colour farthest from all
        before it (the least distance in Oklab for normal vision, and half as strict for protan
        and deutan vision). The first colours do not change with `count`.
    """
    chosen = list(OKABE_ITO[:count])
    if count <= len(chosen):
        return tuple(chosen)
    levels = np.arange(0, 256, 15)
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    seen = _seen(candidates)
    lightness, chroma = seen[0][:, 0], np.hypot(seen[0][:, 1], seen[0][:, 2])
    usable = (lightness > 0.38) & (lightness < 0.9) & (chroma > 0.05) & (chroma < 0.15)
    candidates, seen = candidates[usable], seen[:, usable]
    nearest = np.full(len(candidates), np.inf)
    newest = rgb(chosen)
    while True:
        gaps = np.linalg.norm(seen[:, :, None] - _seen(newest)[:, None], axis=-1)
        gaps[1:] *= 2.0
        nearest = np.minimum(nearest, gaps.min(axis=(0, 2)))
        if len(chosen) == count:
            return tuple(chosen)
        newest = candidates[[nearest.argmax()]].astype(np.uint8)
        chosen.append("#{:02x}{:02x}{:02x}".format(*newest[0].tolist()))


def colours_of(colours: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The colours that a scene or layer brings for its `count` classes, else the default ones."""
    return colours if len(colours) == count else class_colours(count)


def expert_colours(count: int) -> tuple[str, ...]:
    """Colours '#rrggbb' for experts, stages or frames; repeated after nine."""
    return tuple(EXPERTS[i % len(EXPERTS)] for i in range(count))


def rgb(colours: tuple[str, ...] | list[str]) -> Rgb:
    """Colours '#rrggbb' as numbers (N, 3) uint8."""
    return np.array([list(bytes.fromhex(c.lstrip("#"))) for c in colours], np.uint8).reshape(-1, 3)


@lru_cache(maxsize=32)
def ramp(name: str) -> Rgb:
    """A colour map of Crameri as (256, 3) uint8, read-only.

    Raises:
        KeyError: there is no map of that name.
    """
    spec = importlib.util.find_spec("cmcrameri")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        path = Path(folder) / "cmaps" / f"{name}.txt"
        if path.is_file():
            table = np.rint(np.loadtxt(path) * 255).astype(np.uint8)
            table.flags.writeable = False
            return table
    raise KeyError(f"There is no colour map '{name}' in {folders}.")


def ramp_for(kind: str, quantity: str = "", diverging: bool = False) -> str:
    """The colour map of a quantity: the same one on all pages and in all exports.

    Args:
        kind: kind of layer.
        quantity: what it shows.
        diverging: whether values are signed around zero.
    """
    words = quantity.lower()
    if diverging:
        return DIVERGING
    if kind == "uncertainty_map":
        return UNCERTAIN
    if "temperature" in words:
        return WARM
    if any(word in words for word in ("phase", "aspect", "azimuth")):
        return CYCLIC
    return SEQUENTIAL


def limits_for(
    data: NDArray[np.floating],
    limits: tuple[float, float] | None = None,
    diverging: bool = False,
) -> tuple[float, float]:
    """The values at the two ends of a ramp: fixed ones, else the range of the defined data.

    A signed quantity gets a range symmetric around zero; a constant one a range around itself.
    """
    if limits is not None:
        return limits
    defined = data[np.isfinite(data)]
    if not defined.size:
        return 0.0, 1.0
    low, high = float(defined.min()), float(defined.max())
    if diverging:
        high = max(abs(low), abs(high))
        low = -high
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def paint_classes(
    data: NDArray[np.integer], colours: tuple[str, ...], ignore: int = -1
) -> NDArray[np.uint8]:
    """Classes (H, W) as an image (H, W, 4) uint8; transparent where there is none."""
    table = np.zeros((len(colours) + 1, 4), np.uint8)
    table[:-1, :3], table[:-1, 3] = rgb(colours), 255
    known = (data != ignore) & (data >= 0) & (data < len(colours))
    painted: NDArray[np.uint8] = table[np.where(known, data, len(colours))]
    return painted


def paint_ramp(
    data: NDArray[np.floating], name: str, limits: tuple[float, float]
) -> NDArray[np.uint8]:
    """Numbers (H, W) as an image (H, W, 4) uint8; transparent where they are undefined."""
    low, high = limits
    defined = np.isfinite(data)
    share = np.clip((np.where(defined, data, low) - low) / (high - low), 0.0, 1.0)
    colours = ramp(name)[np.rint(share * 255).astype(np.uint8)]
    return np.dstack([colours, np.where(defined, 255, 0).astype(np.uint8)])


def _seen(colours: NDArray[np.integer]) -> Floats:
    """Colours (N, 3) 0..255 in Oklab under each colour vision: (3, N, 3)."""
    value = colours / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    visions = np.stack([np.clip(linear @ vision.T, 0.0, 1.0) for vision in _VISIONS])
    return np.asarray(np.cbrt(visions @ _TO_CONES.T) @ _TO_OKLAB.T)
