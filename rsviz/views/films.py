"""Films for the player: how a scan passes over the scene, and what training looked at."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.layers import Tokens
from rsviz.views import clients, player
from rsviz.views.bench import Bench

STEPS = 40
MOST_SIDE = 160
SCAN_COLOURS = np.array([[10, 14, 18, 190], [0, 0, 0, 0], [255, 214, 10, 255]], np.uint8)
MASK_COLOURS = np.array([[10, 14, 18, 225], [0, 0, 0, 0]], np.uint8)

Orders = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)


def small_width(layer: Tokens) -> int:
    """Columns of the small grid on which scan orders are given, from their strides.

    A scan along the rows steps by 1, a scan along the columns by the width of the grid.
    """
    strides = np.abs(np.diff(layer.data.astype(np.int64), axis=1))
    return max(1, int(np.median(strides, axis=1).max()))


def visits(small: NDArray[np.int64], width: int, shape: tuple[int, int]) -> Orders | None:
    """When a scan visits each pixel of a scene, judged by what it does on a small grid.

    Args:
        small: (N,) pixels of the small grid in the order of the visit.
        width: columns of the small grid.
        shape: rows and columns of the scene.

    Returns:
        (H, W) step of the visit from 0; None when the scan is none along rows or columns.
    """

    def ways(height: int, width: int) -> list[Orders]:
        pixels = np.arange(height * width).reshape(height, width)
        along = [pixels.ravel(), pixels.T.ravel()]
        return [*along, *(way[::-1] for way in along)]

    for way, on_scene in zip(ways(small.size // width, width), ways(*shape), strict=True):
        if np.array_equal(way, small):
            steps = np.empty(on_scene.size, np.int64)
            steps[on_scene] = np.arange(on_scene.size)
            return steps.reshape(shape)
    return None


def scan(bench: Bench, layer: Tokens, key: str) -> None:
    """Play how each direction of a scan passes over the scene."""
    pictures = _scan_film(_digest(bench, layer), layer, _background(bench))
    if pictures is None:
        st.markdown("These scans follow neither rows nor columns; they are drawn above only.")
    else:
        player.show(pictures, key)


def masks(bench: Bench, layer: Tokens, key: str) -> None:
    """Play the masks of a training: the scene shows through where pixels took part."""
    if layer.data.shape[0] == 0:
        st.markdown("No masks were recorded when these weights were trained.")
        return
    fits = layer.data.shape[1:] == bench.grid.shape
    background = _background(bench) if fits else None
    player.show(_mask_film(_digest(bench, layer), layer, background), key)


def _digest(bench: Bench, layer: Tokens) -> str:
    look = bench.session.look
    content = hashlib.blake2b(np.ascontiguousarray(layer.data).data, digest_size=12).hexdigest()
    return f"{content} {bench.key} {look.bands} {look.limits}"


def _background(bench: Bench) -> NDArray[np.uint8]:
    """The scene in the visitor's colours, thinned for the player."""
    look = bench.session.look
    return _thin(clients.composite(bench.key, look.bands, look.limits).image)


def _thin(image: NDArray[Number]) -> NDArray[Number]:
    """Every n-th row and column (the first two axes), so that no side exceeds `MOST_SIDE`."""
    step = -(-max(image.shape[:2]) // MOST_SIDE)
    return np.ascontiguousarray(image[::step, ::step])


@st.cache_resource(show_spinner=False, max_entries=6)
def _scan_film(digest: str, _layer: Tokens, _background: NDArray[np.uint8]) -> player.Film | None:
    shape = _background.shape[0], _background.shape[1]
    width = small_width(_layer)
    names = _layer.ticks[0] if _layer.ticks else ()
    edges = np.linspace(0, shape[0] * shape[1], STEPS + 1)[1:]
    panels = []
    for i, small in enumerate(_layer.data.astype(np.int64)):
        steps = visits(small, width, shape)
        if steps is not None:
            frames = np.stack([_visited(steps, edge) for edge in edges])
            panels.append(player.Panel(names[i] if names else f"direction {i + 1}", frames))
    labels = [f"{edge / edges[-1]:.0%} of the pixels" for edge in edges]
    return player.film(panels, SCAN_COLOURS, labels, _background) if panels else None


def _visited(steps: Orders, edge: float) -> NDArray[np.uint8]:
    """Palette indices: 0 not visited yet, 1 visited, 2 visited just now."""
    near = max(steps.shape)
    return np.where(steps >= edge, 0, np.where(steps >= edge - near, 2, 1)).astype(np.uint8)


@st.cache_resource(show_spinner=False, max_entries=6)
def _mask_film(digest: str, _layer: Tokens, _background: NDArray[np.uint8] | None) -> player.Film:
    frames = np.stack([_thin(mask) for mask in _layer.data > 0.5])  # (epoch, row, column)
    counts = _layer.data.sum(axis=(1, 2)).astype(int)
    names = _layer.ticks[0] if _layer.ticks else tuple(map(str, range(len(frames))))
    labels = [
        f"{_layer.axes[0]} {name}: {count} pixels"
        for name, count in zip(names, counts, strict=True)
    ]
    panel = player.Panel(_layer.title, frames.astype(np.uint8))
    return player.film([panel], MASK_COLOURS, labels, _background)
