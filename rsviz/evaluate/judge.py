"""How good a result is, by the kinds of layers that its model always gives."""

from __future__ import annotations

from collections.abc import Callable

from rsviz.core import registry
from rsviz.core.model import Result
from rsviz.core.scene import Scene
from rsviz.evaluate.scores import score_result
from rsviz.evaluate.sr_review import review_result

JUDGES: dict[str, Callable[[Result, Scene], Result]] = {
    "class_map": score_result,
    "sr_image": review_result,
}
"""Who judges a result with a layer of that kind: (result, scene) -> result with scores."""


def judge(result: Result, scene: Scene) -> Result:
    """Add what can be measured about a result on this scene."""
    kinds = dict.fromkeys(registry.card(result.record.model).emits.values())
    for kind in kinds:
        if kind in JUDGES:
            result = JUDGES[kind](result, scene)
    return result
