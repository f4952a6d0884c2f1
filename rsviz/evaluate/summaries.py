"""Keeping what `eval` found beside the models, for the catalogue and the README."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rsviz.core import registry
from rsviz.core.scoreboard import FILE, name_of
from rsviz.evaluate import families
from rsviz.evaluate.records import measured_on, rounded, write

LEFT_OUT = ("runs", "about", "preprocessing", "scores")
CURVES = ("reliability", "risk_coverage")


def keep(found: dict[str, Any]) -> Path:
    """Record an evaluation in the folder of its model, in the place of an earlier one.

    Args:
        found: what a family's `evaluate` gave.

    Returns:
        The file that holds it.
    """
    slim = {name: value for name, value in found.items() if name not in LEFT_OUT}
    if "calibration" in slim:
        slim["calibration"] = {k: v for k, v in slim["calibration"].items() if k not in CURVES}
    slim["measured_on"] = measured_on(str(found["device"]))
    path = registry.MODELS / found["model"] / FILE
    kept = json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}
    kept[name_of(found)] = rounded(slim)
    order = list(families.protocols())
    ordered = dict(sorted(kept.items(), key=lambda item: order.index(item[1]["protocol"])))
    write(path, (json.dumps(ordered, indent=1, ensure_ascii=False) + "\n").encode())
    return path
