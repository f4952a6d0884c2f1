"""Raster layers as images with legends: for PNG files and for the offline map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rsviz.core import palettes
from rsviz.core.layers import RasterLayer

Rgba = NDArray[np.uint8]

WIDE, NARROW, COLUMNS = 640, 280, 4
TEXT, PAD, BAR = 14, 12, 256
INK, FAINT = (34, 34, 34), (120, 120, 120)


@dataclass(frozen=True)
class Legend:
    """What colours mean: named entries, or a ramp between two values.

    Attributes:
        entries: (colour '#rrggbb', name) of classes.
        ramp: name of a colour map; "" for classes.
        limits: values at its two ends.
        unit: of these values.
    """

    entries: tuple[tuple[str, str], ...] = ()
    ramp: str = ""
    limits: tuple[float, float] = (0.0, 1.0)
    unit: str = ""


@dataclass(frozen=True)
class Picture:
    """One image of a layer: title, pixels (H, W, 4) uint8, legend."""

    title: str
    image: Rgba
    legend: Legend


def pictures_of(layer: RasterLayer) -> list[Picture]:
    """The images of a raster layer; the first says most, the others are its planes.

    Raises:
        KeyError: the kind of layer is drawn nowhere.
    """
    return _PAINTERS[layer.kind](layer)


def _classes(layer: Any) -> list[Picture]:
    colours = palettes.colours_of(layer.colours, len(layer.labels))
    image = palettes.paint_classes(layer.data, colours, layer.ignore)
    return [Picture(layer.title, image, _named(colours, layer.labels))]


def _numbers(layer: Any) -> list[Picture]:
    quantity = getattr(layer, "quantity", "") or getattr(layer, "measure", "")
    diverging = bool(getattr(layer, "diverging", False))
    ramp = palettes.ramp_for(layer.kind, quantity, diverging)
    limits = palettes.limits_for(layer.data, layer.limits, diverging)
    image = palettes.paint_ramp(layer.data, ramp, limits)
    return [Picture(layer.title, image, Legend(ramp=ramp, limits=limits, unit=layer.unit))]


def _probabilities(layer: Any) -> list[Picture]:
    best = _share("Highest probability", layer.data.max(axis=0))
    return [best, *(_share(n, p) for n, p in zip(layer.labels, layer.data, strict=True))]


def _experts(layer: Any) -> list[Picture]:
    colours = palettes.expert_colours(len(layer.experts))
    defined = np.isfinite(layer.data[0])
    strongest = np.where(defined, np.nan_to_num(layer.data).argmax(axis=0), -1)
    image = palettes.paint_classes(strongest, colours)
    first = Picture(f"{layer.title}: strongest expert", image, _named(colours, layer.experts))
    return [first, *(_share(n, p) for n, p in zip(layer.experts, layer.data, strict=True))]


def _image(layer: Any) -> list[Picture]:
    centres = [band.wavelength_nm for band in layer.bands]
    chosen: list[int] = list(range(len(centres)))[:3]
    if None not in centres:
        chosen = [int(np.abs(np.array(centres) - nm).argmin()) for nm in (650, 550, 470)]
    planes = layer.data[(chosen * 3)[:3]]
    low, high = np.nanpercentile(planes, [2, 98], axis=(1, 2), keepdims=True)
    share = np.clip((planes - low) / np.maximum(high - low, 1e-12), 0, 1)
    defined = np.isfinite(planes).all(axis=0)
    image = np.rint(np.where(defined, share, 0) * 255).astype(np.uint8)
    rgba = np.dstack([*image, np.where(defined, 255, 0).astype(np.uint8)])
    return [Picture(layer.title, rgba, Legend())]


def _share(title: str, data: NDArray[np.float32]) -> Picture:
    legend = Legend(ramp=palettes.SEQUENTIAL)
    return Picture(title, palettes.paint_ramp(data, legend.ramp, legend.limits), legend)


def _named(colours: tuple[str, ...], names: tuple[str, ...]) -> Legend:
    return Legend(entries=tuple(zip(colours, names, strict=True)))


_PAINTERS: dict[str, Callable[[Any], list[Picture]]] = {
    "class_map": _classes,
    "probability_map": _probabilities,
    "uncertainty_map": _numbers,
    "scalar_map": _numbers,
    "routing_map": _experts,
    "sr_image": _image,
}


def write_png(pictures: list[Picture], path: Path) -> Path:
    """Write images side by side with their titles and legends as one PNG; returns its path."""
    width = WIDE if len(pictures) == 1 else NARROW
    columns = min(COLUMNS, len(pictures))
    cells = [_cell(picture, width) for picture in pictures]
    legends = [_drawn(legend) for legend in dict.fromkeys(p.legend for p in pictures)]
    cell_width, cell_height = (max(size) for size in zip(*(c.size for c in cells), strict=True))
    side = max(legend.width for legend in legends)
    rows = -(-len(cells) // columns)
    left = columns * (cell_width + PAD) + PAD
    height = max(rows * (cell_height + PAD), sum(x.height + PAD for x in legends)) + PAD
    sheet = Image.new("RGB", (left + side + PAD, height), "white")
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        sheet.paste(cell, (PAD + column * (cell_width + PAD), PAD + row * (cell_height + PAD)))
    top = PAD
    for legend in legends:
        sheet.paste(legend, (left, top))
        top += legend.height + PAD
    sheet.save(path, optimize=True)
    return path


def _cell(picture: Picture, width: int) -> Image.Image:
    """A titled image on white, enlarged by whole pixels or shrunk to about `width`."""
    image = Image.fromarray(picture.image, "RGBA")
    factor = width / max(image.size)
    factor = max(1, round(factor)) if factor > 0.75 else factor
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    image = image.resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX)
    title = _fitted(picture.title, image.width)
    cell = Image.new("RGB", (image.width, image.height + 2 * TEXT), "white")
    ImageDraw.Draw(cell).text((0, 2), title, INK, _font())
    cell.paste(image, (0, 2 * TEXT), image)
    return cell


def _drawn(legend: Legend) -> Image.Image:
    """A legend as an image on white."""
    if legend.ramp:
        low, high = (f"{value:.4g}" for value in legend.limits)
        labels = (f"{high} {legend.unit}".strip(), f"{low} {legend.unit}".strip())
        bar = np.repeat(palettes.ramp(legend.ramp)[::-1, None], 20, axis=1)  # (256, 20, 3)
        image = Image.new("RGB", (_wide(labels) + 28, BAR + 4), "white")
        image.paste(Image.fromarray(np.ascontiguousarray(bar)), (0, 2))
        pen = ImageDraw.Draw(image)
        pen.text((28, 0), labels[0], INK, _font())
        pen.text((28, BAR - TEXT), labels[1], INK, _font())
        return image
    names = [name for _, name in legend.entries]
    step = TEXT + 8
    image = Image.new("RGB", (_wide(names) + 28, max(1, step * len(names))), "white")
    pen = ImageDraw.Draw(image)
    for index, (colour, name) in enumerate(legend.entries):
        pen.rectangle((0, index * step + 2, 18, index * step + 18), colour, FAINT)
        pen.text((28, index * step + 1), name, INK, _font())
    return image


def _wide(texts: list[str] | tuple[str, ...]) -> int:
    return max((int(_font().getlength(text)) + 1 for text in texts), default=0)


def _fitted(text: str, width: int) -> str:
    """The text, cut where it would be wider than `width` pixels."""
    while len(text) > 1 and _font().getlength(text) > width:
        text = text[:-2] + "…"
    return text


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(TEXT)
