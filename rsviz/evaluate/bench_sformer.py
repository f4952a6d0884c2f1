"""How fast SFormer maps a scene: beside the form of the paper, in the same run."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from rsviz.core import registry
from rsviz.core.errors import Cancelled
from rsviz.core.options import build
from rsviz.core.run import Ask, run
from rsviz.core.scene import Scene
from rsviz.evaluate.bench_model import epoch_seconds, first_weights
from rsviz.evaluate.bench_record import keep
from rsviz.evaluate.protocols import protocol
from rsviz.evaluate.rows import Row, median_seconds, row
from rsviz.evaluate.training import read_scene

WHOLE_SECONDS, FIRST_SECONDS = 45.0, 3.0
PIXELS, QUICK_PIXELS = 4096, 1024
REPEATS, EPOCHS = 3, 4


def bench_sformer(quick: bool, device: str) -> list[Row]:
    """The whole map, the first coarse map, and an epoch of training.

    The form of the paper reads each patch once, so one view is compared with it; it is timed on a
    part of the pixels and scaled up to all of them.

    Args:
        quick: each map once, and the form of the paper on fewer pixels. Without it the result is
            also kept in ``models/sformer/benchmark.json``.
        device: torch device.

    Raises:
        WeightsMissing: the card has no weights.
    """
    card = registry.card("sformer")
    weights = first_weights(card)
    scene = read_scene(protocol(weights.protocol))
    where = f"{weights.scene},{'x'.join(map(str, scene.grid.shape))}"
    model: Any = registry.build(card)
    model.load(weights, device)
    pixels = QUICK_PIXELS if quick else PIXELS
    published = model.published_seconds(scene, pixels) * scene.grid.height * scene.grid.width

    def seconds(values: dict[str, Any]) -> float:
        ask = Ask(card.id, weights.id, build(card.options, values), device=device)
        return median_seconds(lambda: run(scene, ask), 1 if quick else REPEATS)

    one, half = {"views": 1}, {"views": 1, "bf16": True}
    rows = [
        row(f"inference/{where}/{what}", seconds(values), "s", baseline, other)
        for what, values, baseline, other in (
            ("one view", one, "published form", published),
            ("one view, bfloat16", half, "published form", published),
            ("views as by default", {}, "target", WHOLE_SECONDS),
        )
    ]
    first = _first_map_seconds(scene, Ask(card.id, weights.id, device=device))
    rows.append(row(f"inference/{where}/first coarse map", first, "s", "target", FIRST_SECONDS))
    epoch = epoch_seconds(card.id, scene, device, EPOCHS)
    rows.append(row(f"training epoch/{where}", epoch, "s"))
    if not quick:
        keep(registry.MODELS / card.id / "benchmark.json", card.id, rows)
    return rows


def _first_map_seconds(scene: Scene, ask: Ask) -> float:
    """Time to the first unfinished map of a run as by default, which is then cancelled."""
    shown: list[float] = []
    started = time.perf_counter()
    with suppress(Cancelled):
        run(
            scene,
            ask,
            cancelled=lambda: bool(shown),
            on_partial=lambda layers: shown.append(time.perf_counter() - started),
        )
    return shown[0]
