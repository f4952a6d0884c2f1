"""Raster layers as PNG files, with legends beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rsviz.core.layers import RasterLayer
from rsviz.core.palettes import rgb
from rsviz.draw.legend import Legend
from rsviz.draw.paint import Drawing, all_of

WIDE, NARROW, COLUMNS = 640, 280, 4
TEXT, PAD, BAR, MARGIN = 14, 12, 256, 28
INK, FAINT = (34, 34, 34), (120, 120, 120)


def write_png(layer: RasterLayer, path: Path) -> Path:
    """Write a layer, and the planes of a stack beside it, as one PNG; returns its path."""
    drawings = all_of(layer)
    titled = [(d.legend.title if d.legend else layer.title, d) for d in drawings]
    return write_sheet(titled, path, NARROW if len(drawings) > 1 else WIDE)


def write_sheet(titled: Sequence[tuple[str, Drawing]], path: Path, width: int) -> Path:
    """Write several drawings as one PNG, with their legends at the right.

    Args:
        titled: title and drawing of each.
        path: where to.
        width: of a drawing, about, in pixels.
    """
    drawings = [drawing for _, drawing in titled]
    columns = min(COLUMNS, len(drawings))
    cells = [_cell(drawing, title, width) for title, drawing in titled]
    named: dict[Legend, list[str]] = {}
    for told in (d.legend for d in drawings if d.legend is not None):
        named.setdefault(replace(told, title=""), []).append(told.title)
    told_apart = len(named) > 1
    legends = [
        _headed(_drawn(shared), names[0] if told_apart and len(names) == 1 else "")
        for shared, names in named.items()
    ]
    cell_width, cell_height = (max(size) for size in zip(*(c.size for c in cells), strict=True))
    side = max((legend.width for legend in legends), default=0)
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


def _cell(drawing: Drawing, title: str, width: int) -> Image.Image:
    """A titled image on white, enlarged by whole pixels or shrunk to about `width`."""
    image = Image.fromarray(drawing.image, "RGBA")
    factor = width / max(image.size)
    factor = max(1, round(factor)) if factor > 0.75 else factor
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    image = image.resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX)
    text = _fitted(title, image.width)
    cell = Image.new("RGB", (image.width, image.height + 2 * TEXT), "white")
    ImageDraw.Draw(cell).text((0, 2), text, INK, _font())
    cell.paste(image, (0, 2 * TEXT), image)
    return cell


def _headed(legend: Image.Image, name: str) -> Image.Image:
    """A legend below the name of what it belongs to, up to a colon."""
    title = name.partition(":")[0]
    if not title:
        return legend
    size = max(legend.width, _wide([title])), legend.height + TEXT + PAD
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((0, 2), title, INK, _font())
    image.paste(legend, (0, TEXT + PAD))
    return image


def _drawn(legend: Legend) -> Image.Image:
    """A legend as an image on white."""
    return _ramp(legend) if legend.ramp else _classes(legend)


def _ramp(legend: Legend) -> Image.Image:
    high, low = (f"{value:.4g} {legend.unit}".strip() for value in (legend.high, legend.low))
    steps = np.linspace(len(legend.ramp) - 1, 0, BAR)
    known = range(len(legend.ramp))
    bar = np.stack([np.interp(steps, known, channel) for channel in rgb(legend.ramp).T], -1)
    wide = np.rint(bar).astype(np.uint8)[:, None].repeat(20, axis=1)  # (256, 20, 3)
    image = Image.new("RGB", (_wide((low, high)) + MARGIN, BAR + 4), "white")
    image.paste(Image.fromarray(wide), (0, 2))
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, 0), high, INK, _font())
    pen.text((MARGIN, BAR - TEXT), low, INK, _font())
    return image


def _classes(legend: Legend) -> Image.Image:
    names = _wide([entry.name for entry in legend.entries])
    notes = _wide([entry.note for entry in legend.entries])
    step = TEXT + 8
    size = MARGIN + names + PAD + notes, max(1, step * len(legend.entries))
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for index, entry in enumerate(legend.entries):
        pen.rectangle((0, index * step + 2, 18, index * step + 18), entry.colour, FAINT)
        pen.text((MARGIN, index * step + 1), entry.name, INK, _font())
        pen.text((MARGIN + names + PAD, index * step + 1), entry.note, FAINT, _font())
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
