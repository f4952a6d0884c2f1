"""Errors as files: test pixels as a table, verdicts and doubt as GeoTIFFs on the scene's grid."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from rsviz.analysis.answers import certainty_of
from rsviz.analysis.comparison import Comparison
from rsviz.analysis.judged import Judged
from rsviz.core.grid import Grid
from rsviz.core.layers import Layer, RasterLayer, ScalarMap, UncertaintyMap
from rsviz.core.model import Result
from rsviz.core.scene import Truth
from rsviz.draw.verdicts import agreement_map, difference_map, unveiled, verdict_map
from rsviz.io.export import WRITERS


def write_pixels(made: Comparison, grid: Grid, path: Path) -> Path:
    """One row a test pixel, as CSV: place, true class, what A and B say, and how surely.

    Args:
        made: the test pixels.
        grid: the scene's, for map coordinates of the centres of pixels.
        path: where to.
    """
    sides = [("a", made.a), *([("b", made.b)] if made.b is not None else [])]
    heads = ["row", "col", *(("x", "y") if grid.crs else ()), "true", "edge_distance_px", "lit"]
    for name, _ in sides:
        heads += [f"predicted_{name}", f"right_{name}", f"probability_{name}"]
    rows, cols = np.divmod(made.a.at, made.a.shape[1])
    with path.open("w", encoding="utf8", newline="") as file:
        out = csv.writer(file)
        out.writerow(heads)
        for i, (row, col) in enumerate(zip(rows.tolist(), cols.tolist(), strict=True)):
            place = grid.xy(row + 0.5, col + 0.5) if grid.crs else ()
            line = [row, col, *(f"{v:.3f}" for v in place), _named(made.a, int(made.a.true[i]))]
            line += [int(made.a.edge[i]), int(made.lit[i])]
            for _, judged in sides:
                said = _named(judged, int(judged.predicted[i]))
                line += [said, int(judged.right[i]), f"{judged.certain[i]:.4f}"]
            out.writerow(line)
    return path


def write_layers(
    made: Comparison, truth: Truth, first: Result, second: Result | None, folder: Path
) -> list[Path]:
    """GeoTIFFs of errors, agreement, confidence and uncertainty, with the tables of classes.

    Args:
        made: the test pixels; all of them are written, lit or not.
        truth: reference labels.
        first, second: the results A and B.
        folder: where to.
    """
    layers: dict[str, Layer] = {}
    sides = [("a", first, made.a)]
    if second is not None and made.b is not None:
        sides.append(("b", second, made.b))
    for name, result, judged in sides:
        assert result.split is not None
        every = np.ones(judged.at.size, np.bool_)
        title = f"Errors of {name.upper()}"
        layers[f"errors_{name}"] = unveiled(verdict_map(judged, truth, result.split, every, title))
        layers |= {
            f"{layer_name}_{name}": layer
            for layer_name, layer in result.layers.items()
            if isinstance(layer, RasterLayer)
            and layer.kind in (ScalarMap.kind, UncertaintyMap.kind)
        }
    if made.b is not None and second is not None and first.split is not None:
        every = np.ones(made.a.at.size, np.bool_)
        codes = made.facets["agreement"].codes
        layers["agreement"] = unveiled(agreement_map(made.a, codes, truth, first.split, every))
        shape = first.split.grid.shape
        layers["confidence_a_minus_b"] = difference_map(
            certainty_of(first, shape), certainty_of(second, shape), first.split.grid
        )
    written = []
    for name, layer in layers.items():
        written += WRITERS[layer.kind](layer, folder / name)
    return written


def _named(judged: Judged, code: int) -> str:
    """A class by name; text that a spreadsheet would run gets an apostrophe."""
    name = judged.labels[code] if code >= 0 else ""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
