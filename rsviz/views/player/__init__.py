"""A player for numbered pictures: play, step, speed, slider and keys, all in the browser."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from rsviz.io.encode import data_uri

COLUMNS = 8
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Panel:
    """One of the pictures shown beside each other.

    Attributes:
        title: what it shows.
        frames: (N, H, W) uint8, indices into the palette of `Film`.
    """

    title: str
    frames: NDArray[np.uint8]


@dataclass(frozen=True)
class Film:
    """What the player needs, ready to be sent.

    Attributes:
        id: changes when a picture changes.
        width, height: of one picture in pixels.
        labels: what is written at each step.
        sheets: (title, image as data URL) of each panel.
        background: image drawn below all of them, or "".
    """

    id: str
    width: int
    height: int
    labels: tuple[str, ...]
    sheets: tuple[tuple[str, str], ...]
    background: str = ""


def film(
    panels: Sequence[Panel],
    colours: NDArray[np.uint8],
    labels: Sequence[str],
    background: NDArray[np.uint8] | None = None,
) -> Film:
    """Pack pictures for the player.

    Args:
        panels: pictures of equal shape, as many steps each as there are labels.
        colours: (K, 4) uint8, the colour of each palette index.
        labels: one text a step.
        background: (H, W, 4) uint8, drawn below.
    """
    _, height, width = panels[0].frames.shape
    sheets = tuple((p.title, _sheet(p.frames, colours)) for p in panels)
    below = "" if background is None else _url(Image.fromarray(background))
    digest = hashlib.blake2b(repr((sheets, below, tuple(labels))).encode(), digest_size=8)
    return Film(digest.hexdigest(), width, height, tuple(labels), sheets, below)


def show(pictures: Film, key: str) -> None:
    """Draw the player."""
    _component()(
        key=key,
        data={
            "id": pictures.id,
            "width": pictures.width,
            "height": pictures.height,
            "columns": COLUMNS,
            "labels": list(pictures.labels),
            "panels": [{"title": title, "sheet": sheet} for title, sheet in pictures.sheets],
            "background": pictures.background,
        },
    )


@lru_cache(maxsize=1)
def _component() -> st.components.v2.types.ComponentRenderer:
    parts = {name: (FOLDER / f"player.{name}").read_text("utf8") for name in ("html", "css", "js")}
    return st.components.v2.component(
        "rsviz_player", html=parts["html"], css=parts["css"], js=parts["js"]
    )


def _sheet(frames: NDArray[np.uint8], colours: NDArray[np.uint8]) -> str:
    """All steps of a panel in one palette image, `COLUMNS` to a row."""
    count, height, width = frames.shape
    rows = -(-count // COLUMNS)
    padded = np.zeros((rows * COLUMNS, height, width), np.uint8)
    padded[:count] = frames
    # (rows * COLUMNS, H, W) -> (rows, COLUMNS, H, W) -> (rows, H, COLUMNS, W)
    tiled = padded.reshape(rows, COLUMNS, height, width).swapaxes(1, 2)
    image = Image.fromarray(np.ascontiguousarray(tiled).reshape(rows * height, COLUMNS * width))
    image.putpalette(colours[:, :3].tobytes())
    return _url(image, transparency=colours[:, 3].tobytes())


def _url(image: Image.Image, transparency: bytes | None = None) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4, transparency=transparency)
    return data_uri(buffer.getvalue(), "image/png")
