"""Right and wrong as layers and pictures: for the map, for files and for reports."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsviz.analysis.facets import RIGHT
from rsviz.analysis.judged import AGREEMENTS, VERDICTS, Judged, Mask
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import ClassMap, ScalarMap
from rsviz.core.palettes import rgb
from rsviz.core.scene import Truth
from rsviz.draw.colour import Floats, Rgba

TRAIN = 1
VERDICT_COLOURS = ("#009e73", "#e69f00", "#b3123f")
AGREEMENT_COLOURS = ("#009e73", "#56b4e9", "#e69f00", "#b3123f", "#8b3fa8")
VEILS = ("trained on", "not labelled", "not lit")
VEIL_COLOURS = ("#4a4f57", "#8a8f98", "#8a8f98")
VEIL_STRENGTHS = (0.75, 0.45, 0.45)
MARGIN, SIDE = 0.25, 160


def verdict_map(
    judged: Judged, truth: Truth, split: ClassMap, lit: Mask, title: str = "Errors"
) -> ClassMap:
    """Right, wrong, wrong and confident; what was trained on, has no label or is not lit.

    Args:
        judged: the test pixels.
        truth: reference labels.
        split: which of them were trained on.
        lit: (N,) which test pixels are shown.
        title: of the layer.
    """
    about = (
        "Test pixels whose class is right or wrong; confident from a probability of "
        f"{judged.confident_from:g}."
    )
    codes = judged.facets["verdict"].codes
    plane = _veiled(judged, truth, split, codes, lit, len(VERDICTS))
    labels, colours = VERDICTS + VEILS, VERDICT_COLOURS + VEIL_COLOURS
    return ClassMap(title, about, split.grid, plane, labels, colours)


def agreement_map(
    judged: Judged, agreement: NDArray[np.int64], truth: Truth, split: ClassMap, lit: Mask
) -> ClassMap:
    """Who of A and B is right on the test pixels that they share.

    Args:
        judged: the shared test pixels.
        agreement: (N,) indices into AGREEMENTS.
        truth, split, lit: as for `verdict_map`.
    """
    plane = _veiled(judged, truth, split, agreement, lit, len(AGREEMENTS))
    labels, colours = AGREEMENTS + VEILS, AGREEMENT_COLOURS + VEIL_COLOURS
    about = "Who is right on the test pixels that A and B share."
    return ClassMap("Agreement", about, split.grid, plane, labels, colours)


def difference_map(first: Floats, second: Floats, grid: Grid) -> ScalarMap:
    """By how much A is surer of its class than B of its own, everywhere (H, W)."""
    return ScalarMap(
        "Difference of confidence, A minus B",
        "Probability that A gives to its class, minus what B gives to its own.",
        grid,
        first - second,
        "difference of probability",
        "1",
        diverging=True,
        limits=(-1.0, 1.0),
    )


def veil_strength(layer: ClassMap) -> Floats:
    """Opacity (H, W) of a layer with veils: full for what is lit."""
    kinds = len(layer.labels) - len(VEILS)
    table = np.array([1.0] * kinds + list(VEIL_STRENGTHS), np.float32)
    return table[layer.data]


def unveiled(layer: ClassMap) -> ClassMap:
    """The same without veils, for files: only what was trained on stays beside the verdicts."""
    kinds = len(layer.labels) - len(VEILS) + 1
    data = np.where(layer.data < kinds, layer.data, -1).astype(np.int16)
    colours = layer.colours[:kinds]
    return ClassMap(layer.title, layer.about, layer.grid, data, layer.labels[:kinds], colours)


def picture(scene: Rgba, judged: Judged, counted: Mask, window: Window) -> Rgba:
    """A window with some ground around it, wrong pixels in colour, each pixel a large square.

    Args:
        scene: an image of the whole scene, of any resolution.
        judged: the test pixels.
        counted: (N,) which of them are coloured when they are wrong.
        window: where.
    """
    height, width = judged.shape
    verdict = np.where(counted, judged.facets["verdict"].codes, RIGHT).astype(np.int16)
    codes = np.asarray(judged.on_map(verdict, RIGHT), np.int16)
    margin = int(window.height * MARGIN)
    rows = np.arange(window.row - margin, window.row + window.height + margin)
    cols = np.arange(window.col - margin, window.col + window.width + margin)
    rows, cols = rows.clip(0, height - 1), cols.clip(0, width - 1)
    ground = scene[np.ix_(rows * scene.shape[0] // height, cols * scene.shape[1] // width)].copy()
    cut = codes[np.ix_(rows, cols)]
    ground[cut != RIGHT, :3] = rgb(VERDICT_COLOURS)[cut[cut != RIGHT]]
    ground[..., 3] = 255
    times = -(-SIDE // len(rows))
    return ground.repeat(times, axis=0).repeat(times, axis=1)


def _veiled(
    judged: Judged,
    truth: Truth,
    split: ClassMap,
    codes: NDArray[np.int64],
    lit: Mask,
    kinds: int,
) -> NDArray[np.int16]:
    labelled = truth.labels > 0
    plane = np.where(labelled, kinds + 2, kinds + 1).astype(np.int16)
    plane[labelled & (split.data == TRAIN)] = kinds
    plane.flat[judged.at[lit]] = codes[lit]
    return plane
