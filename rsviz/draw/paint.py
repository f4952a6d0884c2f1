"""From raster layers to images with legends: one painter for each kind, chosen by `layer.kind`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rsviz.core.layers import (
    ClassMap,
    ProbabilityMap,
    RasterLayer,
    RoutingMap,
    ScalarMap,
    SRImage,
    UncertaintyMap,
)
from rsviz.core.palettes import (
    colours_of,
    expert_colours,
    limits_for,
    paint_classes,
    paint_ramp,
    ramp_for,
)
from rsviz.draw.colour import Floats, Limits, Rgba, blended, first_look
from rsviz.draw.legend import Legend, class_legend, ramp_legend

DOMINANT = 0.5  # opacity of the faintest dominant plane: even shares are still told apart
FAINTEST = 0.12  # opacity of the least certain pixel that is still shown
LOSSLESS_PIXELS = 1_000_000  # larger ramps may be stored with slight losses, in a fifth of the size


@dataclass(frozen=True, eq=False)
class Style:
    """How a raster layer is to be drawn.

    Attributes:
        plane: which class or expert of a stack; None for the dominant one.
        strength: (H, W) opacity 0 to 1 of each pixel of the layer; None for full.
        bands: one or three band indices of an image; None for true colour.
        limits: (low, high) of each of these bands; None for its own 2nd and 98th percentile.
    """

    plane: int | None = None
    strength: Floats | None = None
    bands: tuple[int, ...] | None = None
    limits: Limits | None = None


@dataclass(frozen=True, eq=False)
class Values:
    """The numbers behind a layer, for the readout under the pointer.

    Attributes:
        data: (h, w) uint8 indices into names, or float32 with NaN where undefined.
        names: of classes; empty when the data are numbers.
    """

    data: NDArray[np.uint8] | NDArray[np.float32]
    names: tuple[str, ...] = ()

    @cached_property
    def file(self) -> bytes:
        """The numbers row by row, as the browser reads them."""
        return self.data.tobytes()


@dataclass(frozen=True, eq=False)
class Drawing:
    """A layer as an image on its own grid, with what explains it.

    Attributes:
        image: (h, w, 4) uint8, transparent where there is nothing.
        legend: how to read it; None for images of the ground.
        values: the numbers behind it.
        photo: whether it may be stored with slight losses.
    """

    image: Rgba
    legend: Legend | None
    values: Values | None
    photo: bool = False


PLAIN = Style()


def draw(layer: RasterLayer, style: Style = PLAIN) -> Drawing:
    """Draw a raster layer of any kind."""
    drawing = PAINTERS[layer.kind](layer, style)
    if style.strength is None:
        return drawing
    return replace(drawing, image=faded(drawing.image, style.strength))


def all_of(layer: RasterLayer) -> list[Drawing]:
    """A raster layer as a whole and, where it is a stack of shares, each of its planes."""
    stacked = layer.kind in ("probability_map", "routing_map")
    planes = range(len(cast(ProbabilityMap | RoutingMap, layer).data)) if stacked else ()
    return [draw(layer), *(draw(layer, Style(plane=plane)) for plane in planes)]


def strength(certain: Floats, least: float = 0.0, fade: bool = False, classes: int = 2) -> Floats:
    """Opacity of each pixel from the probability of its class.

    Args:
        certain: (H, W) greatest probability, NaN where undefined.
        least: pixels below are hidden.
        fade: whether less certain pixels are fainter, from 1/classes (faint) to 1 (full).
        classes: number of classes K.
    """
    known = np.isfinite(certain) & (certain >= least)
    if not fade:
        return known.astype(np.float32)
    chance = 1.0 / max(2, classes)
    sure = np.clip((np.nan_to_num(certain) - chance) / (1.0 - chance), 0.0, 1.0)
    return np.where(known, FAINTEST + (1.0 - FAINTEST) * sure, 0.0).astype(np.float32)


def faded(image: Rgba, opacity: Floats) -> Rgba:
    """An image (h, w, 4) whose alpha is multiplied by an opacity (h, w) from 0 to 1."""
    result = image.copy()
    result[..., 3] = np.rint(image[..., 3] * np.clip(opacity, 0.0, 1.0)).astype(np.uint8)
    return result


def counts(layer: ClassMap) -> NDArray[np.intp]:
    """Number of pixels of each class (K,)."""
    return np.bincount(layer.data[layer.data != layer.ignore], minlength=len(layer.labels))


def areas(layer: ClassMap) -> tuple[tuple[float, ...], str]:
    """Area of each class and its unit: ha, or px where the ground size is unknown."""
    hectares = layer.grid.pixel_ha
    if hectares is None:
        return tuple(float(count) for count in counts(layer)), "px"
    return tuple(float(count * hectares) for count in counts(layer)), "ha"


def _classes(layer: ClassMap, style: Style) -> Drawing:
    colours = colours_of(layer.colours, len(layer.labels))
    sizes, unit = areas(layer)
    shown = [i for i, size in enumerate(sizes) if size > 0]
    legend = class_legend(
        layer.title,
        tuple(layer.labels[i] for i in shown),
        tuple(colours[i] for i in shown),
        tuple(f"{_digits(sizes[i])} {unit}" for i in shown),
    )
    return Drawing(
        paint_classes(layer.data, colours, layer.ignore),
        legend,
        _indices(np.where(layer.data == layer.ignore, -1, layer.data), layer.labels),
    )


def _probabilities(layer: ProbabilityMap, style: Style) -> Drawing:
    if style.plane is not None:
        name = f"Probability of {layer.labels[style.plane]}"
        return _ramp(layer.data[style.plane], name, "", layer.kind, (0.0, 1.0))
    colours = colours_of(layer.colours, len(layer.labels))
    return _dominant(layer.data, layer.title, layer.labels, colours)


def _routing(layer: RoutingMap, style: Style) -> Drawing:
    if style.plane is not None:
        name = f"{layer.title}: {layer.experts[style.plane]}"
        return _ramp(layer.data[style.plane], name, "share", layer.kind, (0.0, 1.0))
    return _dominant(layer.data, layer.title, layer.experts, expert_colours(len(layer.experts)))


def _uncertainty(layer: UncertaintyMap, style: Style) -> Drawing:
    limits = limits_for(layer.data, layer.limits)
    return _ramp(layer.data, layer.title, layer.unit, layer.kind, limits, layer.measure)


def _scalar(layer: ScalarMap, style: Style) -> Drawing:
    limits = limits_for(layer.data, layer.limits, layer.diverging)
    return _ramp(
        layer.data, layer.title, layer.unit, layer.kind, limits, layer.quantity, layer.diverging
    )


def _sr_image(layer: SRImage, style: Style) -> Drawing:
    planes = layer.data[list(style.bands or first_look(layer.bands))]  # (1 or 3, H, W), a copy
    image, _ = blended(list(planes), style.limits)
    return Drawing(image, None, None, photo=True)


def _ramp(
    data: Floats,
    title: str,
    unit: str,
    kind: str,
    limits: tuple[float, float],
    quantity: str = "",
    diverging: bool = False,
) -> Drawing:
    name = ramp_for(kind, quantity, diverging)
    legend = ramp_legend(title, unit, name, limits)
    large = data.size > LOSSLESS_PIXELS
    return Drawing(paint_ramp(data, name, limits), legend, Values(data), photo=large)


def _dominant(
    shares: Floats, title: str, names: tuple[str, ...], colours: tuple[str, ...]
) -> Drawing:
    """The plane with the greatest share (E, H, W), the fainter the smaller that share."""
    known = np.isfinite(shares).all(axis=0)
    best = np.where(known, np.where(known, shares, 0.0).argmax(axis=0), -1)
    image = paint_classes(best, colours)
    lead = strength(shares.max(axis=0), fade=True, classes=len(names))
    image = faded(image, DOMINANT + (1.0 - DOMINANT) * lead)
    mean = shares[:, known].mean(axis=1) if known.any() else np.zeros(len(names))
    legend = class_legend(title, names, colours, tuple(f"mean share {share:.0%}" for share in mean))
    return Drawing(image, legend, _indices(best, names))


def _indices(classes: NDArray[np.integer], names: tuple[str, ...]) -> Values | None:
    """Class numbers for the pointer; -1 becomes 255, which has no name."""
    return Values(classes.astype(np.uint8), names) if len(names) < 255 else None


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


Painter = Callable[[Any, Style], Drawing]

PAINTERS: dict[str, Painter] = {
    "class_map": _classes,
    "probability_map": _probabilities,
    "uncertainty_map": _uncertainty,
    "scalar_map": _scalar,
    "routing_map": _routing,
    "sr_image": _sr_image,
}
"""How raster kinds become images."""
