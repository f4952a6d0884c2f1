"""How fast SpikeSR is and what it computes: beside fewer steps, a plain network, another neuron.

The scene is a part of the simulated village in three bands, so that the bench needs no other data;
time depends on the size alone, energy also on how often neurons fire there.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from rsviz.core import registry
from rsviz.core.grid import Window
from rsviz.core.layers import Table
from rsviz.core.options import build
from rsviz.core.run import Ask, run
from rsviz.core.scene import Scene
from rsviz.evaluate.bench_model import first_weights
from rsviz.evaluate.rows import Row, median_seconds, row
from rsviz.io import catalog

SIDE = 128
TARGET_SECONDS = 3.0
RED_GREEN_BLUE_NM = (640.0, 550.0, 460.0)
REPEATS, QUICK_REPEATS = 5, 2
NEURONS = (4, 1, 44, SIDE, SIDE)
PLAIN = "edsr"
MAC_PJ = 4.6


def bench_spike_sr(quick: bool, device: str) -> list[Row]:
    """A fine image of 128 x 128 pixels, its operations and energy, and the neurons alone.

    Raises:
        WeightsMissing: a card has no weights.
    """
    card, plain = registry.card("spike_sr"), registry.card(PLAIN)
    scene, repeats = bench_scene(), QUICK_REPEATS if quick else REPEATS

    def seconds(model_id: str, values: dict[str, Any], wants: tuple[str, ...] = ()) -> float:
        asked = registry.card(model_id)
        weights = first_weights(asked).id
        ask = Ask(model_id, weights, build(asked.options, values), wants=wants, device=device)
        return median_seconds(lambda: run(scene, ask), repeats)

    where = f"x4/{SIDE}x{SIDE}"
    everything = tuple(n for n in card.on_request if n != "ensemble_spread")
    whole = seconds(card.id, {})
    rows = [
        row(f"{where}/4 steps", whole, "s", "target", TARGET_SECONDS),
        row(f"{where}/1 step", seconds(card.id, {"steps": 1}), "s", "4 steps", whole),
        row(f"{where}/4 steps", whole, "s", "plain network", seconds(PLAIN, {})),
        row(f"{where}/all layers but the eight views", seconds(card.id, {}, everything), "s"),
    ]
    return rows + _neurons(repeats, device) + _operations(scene, card.id, plain.id, device)


def bench_scene() -> Scene:
    """128 x 128 pixels of the simulated village in red, green and blue."""
    source = catalog.open_scene("village")
    try:
        centres = source.describe().wavelengths_nm or ()
        bands = [
            min(range(len(centres)), key=lambda band, nm=nm: abs(centres[band] - nm))
            for nm in RED_GREEN_BLUE_NM
        ]
        scene = source.read(Window(0, 0, SIDE, SIDE))
    finally:
        source.close()
    kept = tuple(scene.bands[band] for band in bands)
    return Scene(
        scene.pixels[:, bands],
        scene.valid,
        kept,
        scene.grid,
        scene.quantity,
        name=scene.name,
        simulated=True,
    )


def _neurons(repeats: int, device: str) -> list[Row]:
    """One layer of neurons, forward and back; beside spikingjelly's where it is installed."""
    model: Any = registry.build(registry.card("spike_sr"))
    torch.manual_seed(0)
    current = (0.3 * torch.randn(NEURONS)).to(device).requires_grad_()

    def milliseconds(neurons: Callable[[Tensor], Tensor]) -> float:
        return 1e3 * median_seconds(lambda: neurons(current).sum().backward(), 3 * repeats)

    name, ours = "neurons, forward and back/" + "x".join(map(str, NEURONS)), model.neurons()
    if find_spec("spikingjelly") is None:  # it comes with requirements-dev.txt
        return [row(name, milliseconds(ours), "ms")]
    theirs = milliseconds(model.reference_neurons())
    return [row(name, milliseconds(ours), "ms", "spikingjelly", theirs)]


def _operations(scene: Scene, spiking: str, plain: str, device: str) -> list[Row]:
    """Operations and computed energy of a run beside one step and the plain network."""
    found: dict[int, tuple[float, float]] = {}
    counts: Table | None = None
    for steps in (4, 1):
        options = build(registry.card(spiking).options, {"steps": steps})
        wants = ("energy", "counts")
        layers = run(scene, Ask(spiking, "", options, wants=wants, device=device)).layers
        energy = layers["energy"]
        assert isinstance(energy, Table)
        total = energy.rows[-1]
        found[steps] = float(total[2] or 0), float(total[4] or 0)
        counts = layers["counts"] if isinstance(layers["counts"], Table) else counts
    model: Any = registry.build(registry.card(plain))
    model.load(first_weights(registry.card(plain)), device)
    other = model.operations(*scene.grid.shape) * 1e-9
    where = f"{SIDE}x{SIDE}"
    rows = [
        row(f"operations/{where}/4 steps", found[4][0], "G", "plain network", other),
        row(f"operations/{where}/1 step", found[1][0], "G", "plain network", other),
        row(
            f"energy, computed/{where}/4 steps", found[4][1], "mJ", "plain network", other * MAC_PJ
        ),
        row(f"energy, computed/{where}/1 step", found[1][1], "mJ", "plain network", other * MAC_PJ),
    ]
    if counts is not None:
        by_paper = float(counts.rows[0][2] or 0)
        for name, _, giga, _ in counts.rows[1:]:
            rows.append(
                row(f"operations/160x160/{name}", float(giga or 0), "G", "paper's count", by_paper)
            )
        rows.append(
            row(
                "parameters",
                float(counts.rows[1][1] or 0),
                "",
                "paper's count",
                float(counts.rows[0][1] or 0),
            )
        )
    return rows
