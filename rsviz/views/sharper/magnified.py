"""The loupe of a super-resolution: all images at the same place, magnified alike."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.grid import Window
from rsviz.core.layers import RasterLayer
from rsviz.core.metrics import METRICS
from rsviz.draw.paint import draw
from rsviz.views import loupe
from rsviz.views.sharper.panels import text_of
from rsviz.views.sharper.review import Review
from rsviz.views.words import number

LOUPE = "sr-loupe"
LOUPE_SIDE = 1024  # fine pixels a side beyond which the loupe shows a part around the picked pixel
PART_SIDE = 768


def side_by_side(review: Review) -> None:
    """All images magnified at the same place, with one zoom."""
    st.caption(
        "Turn the wheel to zoom, drag to move, click to pick; all images follow. Pixels are shown "
        "as they are, in the same colours."
    )
    part = _part(review)
    panes = []
    metrics = review.result.metrics
    noted = {"Result": metrics, **{k.capitalize(): v for k, v in metrics["baselines"].items()}}
    for title, image in review.images.items():
        key = "psnr_db" if review.has_truth else "consistency_db"
        note = f"{METRICS[key].label} {text_of(key, noted[title])}" if title in noted else ""
        panes.append(loupe.Pane(title, _cropped(review.drawn(image), image, review, part), note))
    difference = review.maps["difference"]
    drawing = draw(difference)
    if drawing.legend is not None:
        ends = f"{number(drawing.legend.low)} to {number(drawing.legend.high)} {difference.unit}"
        cut = _cropped(drawing.image, difference, review, part)
        panes.append(loupe.Pane(difference.title, cut, ends))
    loupe.show(panes, LOUPE, _mark(review, part), float(review.image.scale))


def take_click(review: Review) -> bool:
    """Pick the pixel that was clicked in the loupe; call before anything is drawn.

    Returns:
        Whether one was clicked.
    """
    place = loupe.happened(LOUPE)
    if place is None:
        return False
    grid, part = review.image.grid, _part(review)
    x, y = grid.xy(part.row + place[0] * part.height, part.col + place[1] * part.width)
    pixel = review.bench.grid.rowcol(x, y)
    if pixel is not None:
        review.bench.session.picked = pixel
    return pixel is not None


def _part(review: Review) -> Window:
    """The part of the result that the loupe shows, in its pixels, a whole number of input ones."""
    height, width = review.image.grid.shape
    if max(height, width) <= LOUPE_SIDE:
        return Window(0, 0, height, width)
    scale = review.image.scale
    middle = _picked_on(review) or (height / 2, width / 2)
    tops = []
    for at, side in zip(middle, (height, width), strict=True):
        first = min(max(0, int(at) - PART_SIDE // 2), max(0, side - PART_SIDE))
        tops.append(first // PART_SIDE * PART_SIDE if side > PART_SIDE else 0)
    row, col = (top // scale * scale for top in tops)
    return Window(row, col, min(PART_SIDE, height - row), min(PART_SIDE, width - col))


def _picked_on(review: Review) -> tuple[float, float] | None:
    """The picked pixel's centre in pixels of the result; None when it lies outside."""
    picked = review.bench.session.picked
    if picked is None:
        return None
    row, col = review.image.grid.fractional(*review.bench.grid.xy(picked[0] + 0.5, picked[1] + 0.5))
    height, width = review.image.grid.shape
    return (row, col) if 0 <= row < height and 0 <= col < width else None


def _mark(review: Review, part: Window) -> tuple[float, float] | None:
    """The picked pixel as shares of the part in the loupe."""
    place = _picked_on(review)
    if place is None:
        return None
    return (place[0] - part.row) / part.height, (place[1] - part.col) / part.width


def _cropped(
    image: NDArray[np.uint8], layer: RasterLayer, review: Review, part: Window
) -> NDArray[np.uint8]:
    """The part of an image on the same ground as the result, at the image's own resolution."""
    share = layer.grid.height / review.image.grid.height
    top, left, high, wide = (
        round(v * share) for v in (part.row, part.col, part.height, part.width)
    )
    return image[top : top + high, left : left + wide]
