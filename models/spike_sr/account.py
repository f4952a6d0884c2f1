"""What a run of SpikeSR costs: operations and energy, counted as the paper does and honestly."""

from __future__ import annotations

from typing import Any

from models.spike_sr import operations
from models.spike_sr.attention import PATCH
from models.spike_sr.network import SIZES
from models.spike_sr.seen import Seen
from rsviz.core.layers import Layer, Table

ABOUT_COSTS = (
    f"For an input of {operations.PAPER_SIDE} x {operations.PAPER_SIDE} pixels; computed, not "
    "measured. The paper's tool does not see spiking convolutions and their norms, the first "
    "convolution, deformable kernels and products of queries, keys and values, and it ran one "
    "time step; a run as trained takes four. Where a spike drives a convolution, its operations "
    "only add; a neuron that does not fire costs nothing, so that a run has fewer of them."
)


def energy_table(seen: Seen) -> Layer:
    """Operations and energy of each part of a run, from shapes and firing rates."""
    steps, rates = seen.recorder.steps, seen.rates.mean(axis=(1, 2))
    totals: dict[str, list[float]] = {}
    for piece in seen.pieces:
        window = piece.window
        for part in operations.parts(seen.config, window.height, window.width):
            rate = float(rates[list(part.neurons)].mean()) if part.neurons else 1.0
            entry = totals.setdefault(part.name, [0.0, 0.0, rate])
            entry[0] += part.operations * (steps if part.every_step else 1) * rate * 1e-9
            entry[1] += operations.energy_mj(part, steps, rate)
    kinds = {p.name: p.kind for p in operations.parts(seen.config, PATCH, PATCH)}
    rows: list[tuple[str | float | None, ...]] = [
        (name, kinds[name], round(work, 4), round(rate, 4) if kinds[name] == "AC" else None,
         round(energy, 3))
        for name, (work, energy, rate) in totals.items()
    ]  # fmt: skip
    work, energy = (sum(entry[i] for entry in totals.values()) for i in (0, 1))
    rows.append(("Total", "", round(work, 4), None, round(energy, 3)))
    return Table(
        "Operations and energy of this run",
        f"With {steps} time steps. A multiply-accumulate (MAC) takes {operations.MAC_PJ} pJ, an "
        f"accumulate (AC) that a spike causes {operations.AC_PJ} pJ at 45 nm (Horowitz 2014); "
        "memory is left out. Computed from shapes and firing rates, not measured.",
        ("Part", "Kind", "Operations [G]", "Spike rate", "Energy [mJ]"),
        tuple(rows),
    )


def costs(parameters: dict[str, int]) -> dict[str, Any]:
    """What `costs.json` holds: both ways of counting, for the sizes with these parameters."""
    rows = []
    side = operations.PAPER_SIDE
    for size, count in parameters.items():
        config = SIZES[size]
        row = {
            "name": f"{size}, as the paper counts",
            "parameters": operations.paper_parameters(config),
            "mac_g": round(operations.paper_operations(config) / 1e9, 2),
            "ac_g": 0.0,
            "what": "one step of what the paper's tool sees",
        }
        rows.append(row)
        for steps in (1, config.steps):
            all_of = operations.total(config, side, side, steps)
            spiking = steps * sum(
                p.operations for p in operations.parts(config, side, side) if p.kind == "AC"
            )
            row = {
                "name": f"{size}, all, {steps} time step{'s' if steps > 1 else ''}",
                "parameters": count,
                "mac_g": round((all_of - spiking) / 1e9, 2),
                "ac_g": round(spiking / 1e9, 2),
                "what": "every layer, as if every neuron fired",
            }
            rows.append(row)
    return {"about": ABOUT_COSTS, "rows": rows}


def counts_table(seen: Seen) -> Layer:
    """Parameters and operations, as the paper counts them and as they all are."""
    config, side = seen.config, operations.PAPER_SIDE
    real = sum(p.operations for p in operations.parts(config, side, side) if p.kind == "MAC")
    once = operations.total(config, side, side, 1)
    rows = (
        (
            "as the paper counts", operations.paper_parameters(config),
            round(operations.paper_operations(config) / 1e9, 2),
            "one time step; layers of its spiking library, deformable kernels and products of "
            "queries, keys and values are not seen",
        ),
        (
            "all, one time step", seen.parameters, round(once / 1e9, 2),
            f"every layer; {100 * (once - real) / once:.0f} % of it is driven by spikes",
        ),
        (
            f"all, {config.steps} time steps", seen.parameters,
            round(operations.total(config, side, side, config.steps) / 1e9, 2),
            "what a run as trained really takes",
        ),
    )  # fmt: skip
    return Table(
        "Parameters and operations, counted twice",
        f"For an input of {side} x {side} pixels; one operation is a multiplication with its "
        "addition, spikes counted as if every neuron fired.",
        ("Count", "Parameters", "Operations [G]", "What it counts"),
        rows,
    )
