"""How fast surface temperature is worked out on a large scene, window by window."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from typing import Any

import numpy as np

from rsviz.core import registry
from rsviz.core.grid import Grid
from rsviz.core.options import build
from rsviz.core.run import Ask, run
from rsviz.core.scene import Scene
from rsviz.evaluate.bench_model import first_weights
from rsviz.evaluate.bench_record import keep
from rsviz.evaluate.rows import Row, row
from rsviz.io import catalog

SIDE, WINDOW = 4000, 1000
PLAIN_SECONDS, ENSEMBLE_SECONDS, MOST_MB = 20.0, 60.0, 1500.0
INPUTS = 5
COPY_MB = 256


def bench_lst(quick: bool, device: str) -> list[Row]:
    """All maps of a 4000 x 4000 scene, with one network and with the ensemble and its spread.

    The scene is the thermal sample, repeated. Windows of 1000 x 1000 go through `core.run`, all
    layers on request included; of each layer a mean is kept, as for an overview. The floor is the
    time to copy as many bytes as are read and written.

    Args:
        quick: one window instead of 16, scaled up. Without it the result is also kept in
            ``models/lst_coupled/benchmark.json``.
        device: torch device.

    Raises:
        WeightsMissing: the card has no weights.
    """
    card = registry.card("lst_coupled")
    weights = first_weights(card)
    window = _window()
    wants = tuple(card.on_request)
    layers = len(card.emits) + len(wants)
    count = 1 if quick else (SIDE // WINDOW) ** 2
    pixels = SIDE * SIDE
    floor = (INPUTS + layers) * 4 * pixels / _copy_bytes_a_second()
    rows = []
    for what, ensemble, most in (
        ("one network", False, PLAIN_SECONDS),
        ("ensemble with spread", True, ENSEMBLE_SECONDS),
    ):
        options = build(card.options, {"ensemble": ensemble})
        ask = Ask(card.id, weights.id, options, wants=wants, device=device)
        run(replace(window), ask)
        started = time.perf_counter()
        for _ in range(count):
            result = run(replace(window), ask)
            for layer in result.layers.values():
                array: Any = getattr(layer, "data")  # noqa: B009  (all are rasters)
                float(np.nanmean(array))
        seconds = (time.perf_counter() - started) * (SIDE // WINDOW) ** 2 / count
        where = f"{SIDE}x{SIDE},{layers} maps,{what}"
        rows.append(row(f"seconds/{where}", seconds, "s", "target", most))
        rows.append(row(f"speed/{where}", pixels / seconds, "pixel/s"))
        rows.append(row(f"floor/{where}", seconds / floor, "times memory copy"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(row(f"memory/{SIDE}x{SIDE}", peak, "MB", "target", MOST_MB))
    if not quick:
        keep(registry.MODELS / card.id / "benchmark.json", card.id, rows)
    return rows


def _window() -> Scene:
    """A window of 1000 x 1000 pixels, made of the sample scene repeated."""
    source = catalog.open_scene("thermal")
    try:
        scene = source.read()
    finally:
        source.close()
    times = -(-WINDOW // scene.grid.height)
    pixels = np.tile(scene.pixels, (1, 1, times, times))[..., :WINDOW, :WINDOW]
    valid = np.ones((1, WINDOW, WINDOW), np.bool_)
    return Scene(
        pixels,
        valid,
        scene.bands,
        Grid(WINDOW, WINDOW),
        scene.quantity,
        name="window",
        simulated=True,
    )


def _copy_bytes_a_second() -> float:
    """How fast this machine reads and writes memory."""
    source = np.ones(COPY_MB << 17)
    target = np.empty_like(source)
    best = np.inf
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - started)
    return float(2 * source.nbytes / best)
