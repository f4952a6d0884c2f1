"""The only door through which a model is executed: check, load, predict, validate, stamp.

Pages, workers, the command line, training, benchmarks and tests all come through `run()` and
therefore give the same numbers.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from typing import Any

from rsviz import __version__
from rsviz.core import reference, registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.errors import ModelFailed, OutOfMemory, SceneMismatch, WeightsMissing
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import Layer, RasterLayer
from rsviz.core.model import (
    Change,
    Model,
    OnPartial,
    OnStep,
    Result,
    RunContext,
    RunRecord,
)
from rsviz.core.options import as_dict, build
from rsviz.core.scene import Description, Scene
from rsviz.core.tiling import Stitcher, tiles

SMALLEST_TILE = 32
VERSIONED = ("torch", "numpy", "numba")


@dataclass(frozen=True)
class Ask:
    """What to run: model, weights ("" for the best fitting), options, seed, extras, device.

    The `scene_…` fields and `changes` say how the scene was made; they only go into the record.
    """

    model: str
    weights: str = ""
    options: Any = None
    seed: int = 0
    wants: tuple[str, ...] = ()
    device: str = "cpu"
    scene_ref: str = ""
    scene_variable: str = ""
    scene_axes: str = ""
    scene_window: Window | None = None
    changes: tuple[Change, ...] = ()


def run(
    scene: Scene,
    ask: Ask,
    on_step: OnStep | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_partial: OnPartial | None = None,
) -> Result:
    """Run a model on a scene.

    When the device runs out of memory the tile is halved, down to 32 pixels, then the CPU is
    used; the record says so.

    Args:
        scene: the pixels.
        ask: what to run.
        on_step: called with (done, total, what).
        cancelled: asked at every step.
        on_partial: called with layers of what is known so far, for models that give some.

    Returns:
        The layers that the card promises, each checked, and the record of the run.

    Raises:
        SceneMismatch: the model or its weights do not take this scene.
        OutOfMemory: it does not fit even on the CPU in the smallest tiles.
        ModelFailed: the layers are not those that the card declares.
        Cancelled: the user asked to stop.
    """
    card = registry.card(ask.model)
    options = ask.options if ask.options is not None else build(card.options, {})
    unknown = set(ask.wants) - set(card.on_request)
    if unknown:
        raise ModelFailed(f"{card.title} has no layer named {', '.join(sorted(unknown))}.")
    weights = choose_weights(card, describe(scene), ask.weights)
    ctx = RunContext(device=ask.device, seed=ask.seed, wants=frozenset(ask.wants))
    if on_step is not None:
        ctx = replace(ctx, on_step=on_step)
    if cancelled is not None:
        ctx = replace(ctx, cancelled=cancelled)
    if on_partial is not None:
        ctx = replace(ctx, on_partial=on_partial)
    notes: list[str] = []
    started = time.perf_counter()
    layers, device = _with_less_memory(card, weights, scene, options, ctx, notes)
    seconds = time.perf_counter() - started
    check_layers(card, layers, scene.grid, ctx.wants)
    record = record_of(scene, ask, weights, options, device, seconds, tuple(notes))
    return Result(layers, record)


def record_of(
    scene: Scene,
    ask: Ask,
    weights: Weights | None,
    options: Any,
    device: str,
    seconds: float,
    notes: tuple[str, ...] = (),
) -> RunRecord:
    """How a result came about.

    Args:
        scene: what was read.
        ask: what was asked.
        weights: those that were used.
        options: the model's options.
        device: where it really computed.
        seconds: how long it took.
        notes: what the user should know.
    """
    return RunRecord(
        model=ask.model,
        weights=weights.id if weights else "",
        weights_sha256=weights.sha256 if weights else "",
        options=as_dict(options),
        scene_id=scene.id,
        scene_ref=ask.scene_ref,
        scene_name=scene.name,
        device=device,
        seed=ask.seed,
        wants=tuple(sorted(ask.wants)),
        seconds=round(seconds, 3),
        peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        versions=versions(),
        notes=notes,
        scene_variable=ask.scene_variable,
        scene_axes=ask.scene_axes,
        scene_window=ask.scene_window,
        changes=ask.changes,
    )


def describe(scene: Scene) -> Description:
    """The description of a scene in memory, for `why_not`."""
    return Description(
        name=scene.name,
        driver="memory",
        shape=scene.shape,
        dtype="float32",
        bands=scene.bands,
        grid=scene.grid,
        quantity=scene.quantity,
        dates=scene.dates,
        notes=scene.notes,
        truth_names=scene.truth.names if scene.truth else (),
        simulated=scene.simulated,
        stored_bytes=scene.pixels.nbytes,
    )


def choose_weights(card: ModelCard, scene: Description, wanted: str = "") -> Weights | None:
    """The weights to use: those named, else the first that fit (seed 0 of a protocol).

    Raises:
        SceneMismatch: the model, or the weights named, do not take this scene.
        WeightsMissing: there are no weights of that name.
    """
    if wanted:
        named = card.named(wanted)
        if named is None:
            ids = ", ".join(w.id for w in card.weights if w.file)
            raise WeightsMissing(f"{card.title} has no weights '{wanted}'.", f"There are: {ids}.")
        reasons = card.accepts.why_not(scene) or named.why_not(scene)
    else:
        reasons = card.why_not(scene)
    if reasons:
        raise SceneMismatch(f"{card.title} cannot run on this scene. " + " ".join(reasons))
    if wanted:
        return named
    fitting = card.fitting(scene)
    return fitting[0] if fitting else None


def check_layers(
    card: ModelCard, layers: dict[str, Layer], grid: Grid, wants: frozenset[str]
) -> None:
    """Check that a model gave exactly what its card declares, on grids that cover the scene.

    Raises:
        ModelFailed: a layer is missing, unexpected, of another kind, or elsewhere.
    """
    expected = card.emits | {name: card.on_request[name] for name in wants}
    given = {name: layer.kind for name, layer in layers.items()}
    if given != expected:
        raise ModelFailed(f"{card.title} gave {given}, its card declares {expected}.")
    for name, layer in layers.items():
        if isinstance(layer, RasterLayer) and not layer.grid.covers_same_ground(grid):
            raise ModelFailed(f"{card.title}: layer '{name}' does not cover the scene.")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions that matter for a number to be reproduced."""
    found = {"rsviz": __version__, "python": sys.version.split()[0]}
    return found | {name: metadata.version(name) for name in VERSIONED}


def loaded(card: ModelCard, weights: Weights | None, device: str) -> tuple[Model, threading.Lock]:
    """A loaded model, kept for the next time, and the lock under which it may be used.

    Raises:
        WeightsMissing: the weights are absent or do not match their record.
    """
    key = (weights.id, weights.sha256) if weights else ("", "")
    return _loaded(card.id, *key, device)


@lru_cache(maxsize=4)
def _loaded(
    model_id: str, weights_id: str, sha256: str, device: str
) -> tuple[Model, threading.Lock]:
    """A loaded model and the lock that lets one run at a time use it.

    The hash is part of the key, for a folder may hold other weights after a second training.
    """
    card = registry.card(model_id)
    chosen = card.named(weights_id)
    model = registry.build(card)
    model.load(chosen, device)
    if chosen is not None:
        reference.check(card, chosen, model, device)
    return model, threading.Lock()


def _with_less_memory(
    card: ModelCard,
    weights: Weights | None,
    scene: Scene,
    options: Any,
    ctx: RunContext,
    notes: list[str],
) -> tuple[dict[str, Layer], str]:
    """Predict; when memory runs out, with smaller tiles, then on the CPU. Returns the device."""
    tile = card.tiling.tile
    while True:
        try:
            model, lock = loaded(card, weights, ctx.device)
            with lock:
                return _predict(card, model, scene, options, ctx, tile, notes), ctx.device
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
        tile = min(tile, max(scene.grid.shape)) // 2
        if tile < SMALLEST_TILE:
            if ctx.device == "cpu":
                raise OutOfMemory(
                    f"{card.title} does not fit into memory, even in tiles of "
                    f"{SMALLEST_TILE} pixels.",
                    "Read a smaller window of the scene.",
                )
            notes.append(f"Memory of {ctx.device} ran out; computed on the CPU instead.")
            ctx, tile = replace(ctx, device="cpu"), card.tiling.tile
        else:
            notes.append(f"Memory of {ctx.device} ran out; tried again in tiles of {tile} pixels.")


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (MemoryError, OutOfMemory)) or any(
        cls.__name__ == "OutOfMemoryError" for cls in type(error).__mro__
    )


def _predict(
    card: ModelCard,
    model: Model,
    scene: Scene,
    options: Any,
    ctx: RunContext,
    tile: int,
    notes: list[str],
) -> dict[str, Layer]:
    """Predict in one piece, or tile by tile with blended seams."""
    height, width = scene.grid.shape
    if max(height, width) <= tile:
        return model.predict(scene, options, ctx)
    halo = card.tiling.halo
    pieces = list(tiles(height, width, tile, halo))
    stitchers: dict[str, Stitcher] = {}
    others: dict[str, Layer] = {}
    for done, piece in enumerate(pieces):
        ctx.step(done, len(pieces), f"tile {done + 1} of {len(pieces)}")
        quiet = RunContext(ctx.device, ctx.seed, ctx.wants, cancelled=ctx.cancelled)
        for name, layer in model.predict(scene.crop(piece.window), options, quiet).items():
            if isinstance(layer, RasterLayer):
                stitchers.setdefault(name, Stitcher(scene.grid, halo)).add(piece, layer)
            else:
                others.setdefault(name, layer)
    notes.append(
        f"Computed in {len(pieces)} tiles of up to {tile} pixels with a halo of {halo}."
        + (f" {card.tiling.note}" if card.tiling.note else "")
    )
    if others:
        notes.append(f"Of the first tile alone: {', '.join(sorted(others))}.")
    return others | {name: stitcher.layer() for name, stitcher in stitchers.items()}
