"""Reference labels of a scene: checked against it, named, and read with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rsviz.core.errors import RsvizError, UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.source import Classes, Labels, SceneSource

MOST_CLASSES = 255
MOST_UNNAMED = 64
STRIP_PIXELS = 1 << 22


def paired(source: SceneSource, open_labels: Callable[[], SceneSource], origin: str) -> SceneSource:
    """The scene with the labels that were found for it; without them, and told, if they fail.

    Args:
        source: the scene.
        open_labels: opens what looks like its reference labels.
        origin: where they were found, for the user.
    """
    labels = None
    try:
        labels = open_labels()
        return _pair(source, labels, origin)
    except RsvizError as error:
        if labels is not None:
            labels.close()
        return source.paired(
            None, (f"Reference labels in {origin} were not used: {error.message}",)
        )


def _pair(source: SceneSource, labels: SceneSource, origin: str) -> SceneSource:
    """Labels are one band on the scene's rows and columns: whole numbers, 0 for unlabelled."""
    scene, found = source.describe(), labels.describe()
    if found.shape[:2] != (1, 1) or found.grid.shape != scene.grid.shape:
        raise UnreadableScene(
            f"they have the shape {found.shape}; one band of {scene.grid.height} x "
            f"{scene.grid.width} pixels is expected."
        )
    classes = labels.classes
    told = f"Reference labels come from {origin}."
    highest = _highest_label(labels)
    if highest > len(classes.names):
        classes = Classes(tuple(f"Class {k}" for k in range(1, highest + 1)))
        unnamed = "its class" if highest == 1 else f"its {highest} classes"
        told = f"Reference labels come from {origin}, which does not name {unnamed}."
    return source.paired(Labels(labels, classes), (told,))


def _highest_label(labels: SceneSource) -> int:
    """The largest label, found strip by strip.

    Raises:
        UnreadableScene: values are fractional or too many to be labels.
    """
    grid = labels.describe().grid
    step = max(1, STRIP_PIXELS // grid.width)
    highest = 0
    for row in range(0, grid.height, step):
        strip = Window(row, 0, min(step, grid.height - row), grid.width)
        values = labels.read(strip).pixels
        if not np.array_equal(values, np.rint(values)):
            raise UnreadableScene("they hold fractions; whole numbers are expected.")
        highest = max(highest, int(values.max()))
    most = MOST_CLASSES if labels.classes.names else MOST_UNNAMED
    if not 1 <= highest <= most:
        raise UnreadableScene(f"the largest label is {highest}; 1 to {most} classes are expected.")
    return highest
