"""Lines and arrows over the layers of a map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from rsviz.draw.warp import MapFrame

HEAD_PX = 2.0  # least length of an arrow's head, in pixels of the scene


@dataclass(frozen=True)
class Stroke:
    """A line over the layers, through points in pixel coordinates (row, col) of the scene."""

    points: tuple[tuple[float, float], ...]
    role: Literal["picked", "pinned", "chosen"] = "chosen"
    label: str = ""


def arrow(start: tuple[float, float], end: tuple[float, float], label: str = "") -> Stroke:
    """A stroke with a head at its end."""
    length = math.dist(start, end) or 1.0
    size = min(0.3 * length, max(HEAD_PX, 0.12 * length))
    along = (end[0] - start[0]) / length * size, (end[1] - start[1]) / length * size
    left, right = (
        (end[0] - along[0] - side * along[1] / 2, end[1] - along[1] + side * along[0] / 2)
        for side in (1, -1)
    )
    return Stroke((start, end, left, end, right), "picked", label)


def on_map(frame: MapFrame, stroke: Stroke) -> dict[str, Any]:
    """A stroke as the browser draws it."""
    points = [frame.latlng(*point) for point in stroke.points]
    return {"role": stroke.role, "points": points, "label": stroke.label}
