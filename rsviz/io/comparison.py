"""One picture of everything that a super-resolution is compared with, in the same colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rsviz.core.layers import ScalarMap, SRImage
from rsviz.core.metrics import METRICS
from rsviz.core.model import Result
from rsviz.draw.colour import first_look, stretch
from rsviz.draw.paint import Drawing, Style, draw

MAPS = ("difference", "hallucination")
WIDTH = 400


def panels(result: Result) -> list[tuple[str, Drawing]]:
    """Input, interpolations, result and truth, then the maps of error and detail, with titles.

    All images have the colours of the truth, or of the input where the truth is not known.

    Args:
        result: of a model that gives an image, judged.

    Returns:
        Nothing when there is no such image.
    """
    images = {name: x for name, x in result.layers.items() if isinstance(x, SRImage)}
    given = images.pop("input", None)
    own = next((name for name in images if name not in ("bicubic", "lanczos")), "")
    if given is None or not own:
        return []
    found = {"Input": given} | {images[name].title: images[name] for name in images if name != own}
    found["Result"] = images[own]
    truth = images[own].reference
    if truth is not None:
        found["Truth"] = replace(images[own], data=truth, reference=None)
    bands = first_look(given.bands)
    known = found.get("Truth", given)
    limits = tuple(stretch(np.array(known.data[band])) for band in bands)
    drawn = []
    for title, image in found.items():
        planes = bands if image.bands == given.bands else tuple(range(len(image.bands)))
        style = Style(bands=planes, limits=limits if len(planes) == len(limits) else None)
        drawn.append((title + _score(result, title), draw(image, style)))
    for name in MAPS:
        layer = result.layers.get(name)
        if isinstance(layer, ScalarMap):
            drawing = draw(layer)
            unit = f" [{layer.unit}]" if layer.unit else ""
            drawn.append((layer.title + unit, drawing))
    return drawn


def _score(result: Result, title: str) -> str:
    """The main score of an image, to be written behind its title."""
    found = result.metrics
    scores = {"Result": found} | {
        name.capitalize(): scores for name, scores in found.get("baselines", {}).items()
    }
    key = "psnr_db" if found.get("has_truth") else "consistency_db"
    value = scores.get(title, {}).get(key)
    if value is None:
        return ""
    return f": {METRICS[key].label} {METRICS[key].text(value)} {METRICS[key].unit}"
