"""Line charts, bars and tables as HTML text, for reports that open anywhere and run no code."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Place = Callable[[float], float]
Corner = tuple[int, int]

GAP = 3.0  # lines break where samples lie this many times farther apart than usual
DASHES = {"solid": "", "dash": "6 4"}
LEFT, RIGHT, TOP, BOTTOM = 62, 10, 10, 42


@dataclass(frozen=True, eq=False)
class Series:
    """One line of a chart.

    Attributes:
        name: for people.
        values: (N,) NaN where there is none.
        colour: '#rrggbb'.
        dash: solid or dash.
        spread: (N,) half the height of a ribbon around it; None for none.
    """

    name: str
    values: Floats
    colour: str
    dash: str = "solid"
    spread: Floats | None = None


def lines(
    x: Floats,
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    width: int = 560,
    height: int = 260,
) -> str:
    """Lines over one axis, with ribbons, ticks and a legend, as `<figure>` with an SVG.

    Args:
        x: (N,) positions.
        series: what to draw.
        x_label, y_label: titles of the axes, with units.
        width, height: in pixels.
    """
    order = np.argsort(x, kind="stable")
    at = x[order].astype(np.float64)
    edges = [s.values + sign * (0 if s.spread is None else s.spread) for s in series
             for sign in (-1, 1)]  # fmt: skip
    seen = np.concatenate([edge[np.isfinite(edge)] for edge in edges] or [np.zeros(1)])
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    right, bottom = width - RIGHT, height - BOTTOM
    start, stop = float(at[0]), float(at[-1])

    def across(value: float) -> float:
        return LEFT + (value - start) / max(1e-9, stop - start) * (right - LEFT)

    def down(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - TOP)

    parts = [_ticks(at, across, down, (low, high), (right, bottom))]
    for one in series:
        values = one.values[order].astype(np.float64)
        for first, end in _pieces(at, values):
            points = [(across(at[i]), down(values[i])) for i in range(first, end)]
            if one.spread is not None:
                spread = one.spread[order].astype(np.float64)
                upper = [(across(at[i]), down(values[i] + spread[i])) for i in range(first, end)]
                lower = [(across(at[i]), down(values[i] - spread[i])) for i in range(first, end)]
                parts.append(
                    f'<polygon points="{_path(upper + lower[::-1])}" fill="{one.colour}" '
                    'fill-opacity="0.18"/>'
                )
            parts.append(
                f'<polyline points="{_path(points)}" fill="none" stroke="{one.colour}" '
                f'stroke-width="2" stroke-dasharray="{DASHES[one.dash]}"/>'
            )
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text x="{(LEFT + right) / 2:.0f}" y="{height - 6}" text-anchor="middle">'
        f"{html.escape(x_label)}</text>"
        f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(y_label)}</text>"
    )
    legend = "".join(
        f'<span><i style="background:{s.colour}"></i>{html.escape(s.name)}</span>' for s in series
    )
    return (
        f'<figure><div class="legend">{legend}</div><svg viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{html.escape(y_label)} over '
        f'{html.escape(x_label)}">{"".join(parts)}</svg></figure>'
    )


def _ticks(
    at: NDArray[np.float64], across: Place, down: Place, span: tuple[float, float], corner: Corner
) -> str:
    """Grid lines with their numbers, inside (right, bottom)."""
    right, bottom = corner
    parts = []
    for value in nice(float(at[0]), float(at[-1])):
        parts.append(
            f'<text x="{across(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
        )
    for value in nice(*span):
        y = down(value)
        parts.append(
            f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    return "".join(parts)


class Markup(str):
    """Text that is HTML already."""


def bar(share: float, colour: str) -> Markup:
    """A share of 1 as a bar."""
    inner = f'<b style="width:{100 * share:.1f}%;background:{html.escape(colour)}"></b>'
    return Markup(f'<span class="bar">{inner}</span>')


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    """Rows under their headings; whatever is not `Markup` is shown letter by letter."""
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _cell(cell: object) -> str:
    return f"<td>{cell if isinstance(cell, Markup) else html.escape(str(cell))}</td>"


def nice(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two values, about so many."""
    span = high - low
    if not span > 0:
        return [low]
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step)
    count = math.floor(high / step) - first + 1
    return [round((first + i) * step, 10) for i in range(count)]


def _pieces(at: NDArray[np.float64], values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Ranges of points without a gap between them."""
    steps = np.diff(at)
    usual = float(np.median(steps)) if steps.size else 1.0
    pieces, start = [], None
    for i, value in enumerate(values):
        broken = i > 0 and steps[i - 1] > GAP * usual
        if start is not None and (broken or not np.isfinite(value)):
            pieces.append((start, i))
            start = None
        if start is None and np.isfinite(value):
            start = i
    if start is not None:
        pieces.append((start, values.size))
    return pieces


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
