"""What happened inside SpikeSR, as layers: made of what a recorder kept of a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.spike_sr.account import counts_table, energy_table
from models.spike_sr.attention import PATCH
from models.spike_sr.neurons import THRESHOLD
from models.spike_sr.seen import Floats, Seen
from rsviz.core.layers import Curve, Layer, ScalarMap, SpikeTrace, Table, Tokens

MOST_SIDE = 512  # maps for the player are thinned out beyond
SHOWN_CHANNELS = 8
SILENT_RATE = 0.01
SECOND = "The second neurons of a block get a norm that starts five times smaller."


def _steps(seen: Seen) -> tuple[str, ...]:
    return tuple(f"t = {t + 1}" for t in range(seen.recorder.steps))


def _spike_rates(seen: Seen) -> Layer:
    rates = seen.rates.mean(axis=2).clip(0, 1)
    thresholds = (THRESHOLD,) * len(seen.names)
    return SpikeTrace(
        "Firing rates",
        "Share of neurons of each layer that fire at each time step.",
        rates,
        seen.names,
        thresholds,
    )


def _channel_rates(seen: Seen) -> Layer:
    return Tokens(
        "Firing rates by channel",
        "Spikes a step of each channel of each layer, mean over the image.",
        seen.rates.mean(axis=1),
        ("layer", "channel"),
        (seen.names, ()),
        "spikes a step",
    )


def _rate_map(seen: Seen) -> Layer:
    return ScalarMap(
        "Firing map",
        f"Share of neurons of {seen.watched} that fire at each pixel, mean over the time steps.",
        seen.grid, seen.recorder.rate_map, "firing rate", "", limits=(0.0, 1.0),
    )  # fmt: skip


def _rate_map_all(seen: Seen) -> Layer:
    return ScalarMap(
        "Firing map of all layers",
        "Share of neurons that fire at each pixel, mean over all layers and time steps.",
        seen.grid, seen.recorder.rate_all, "firing rate", "", limits=(0.0, 1.0),
    )  # fmt: skip


def _spike_steps(seen: Seen) -> Layer:
    return _player(
        seen,
        "Spikes step by step",
        f"Share of neurons of {seen.watched} that fire at each pixel, one map a time step.",
        seen.recorder.spike_steps,
        "share of neurons",
    )


def _charge_steps(seen: Seen) -> Layer:
    return _player(
        seen,
        "Membranes step by step",
        f"Mean membrane of {seen.watched} before reset, one map a time step; a neuron fires at "
        f"{THRESHOLD}.",
        seen.recorder.charge_steps,
        "membrane",
    )


def _player(seen: Seen, title: str, about: str, maps: Floats, unit: str) -> Layer:
    """Maps (T, h, w), every k-th pixel of large ones."""
    every = -(-max(maps.shape[1:]) // MOST_SIDE)
    axes = ("step", "row", "column")
    return Tokens(title, about, maps[:, ::every, ::every], axes, (_steps(seen), (), ()), unit)


def _raster(seen: Seen) -> Layer:
    return Tokens(
        "Spikes at the pixel",
        f"Which channels of {seen.watched} fire at which time step at {seen.where}.",
        seen.recorder.raster.T,
        ("channel", "step"),
        ((), _steps(seen)),
    )


def _membrane(seen: Seen) -> Layer:
    charge = seen.recorder.membrane  # (T, C)
    busy = np.argsort(-seen.recorder.raster.sum(0) - 1e-3 * charge.max(0), kind="stable")
    shown = np.sort(busy[:SHOWN_CHANNELS])
    lines = np.vstack([charge[:, shown].T, np.full(len(charge), THRESHOLD, np.float32)])
    return Curve(
        "Membranes at the pixel",
        f"H[t] = V[t-1]/2 + I[t] of {seen.watched} at {seen.where}; at the threshold a neuron "
        "fires and V[t] becomes 0. The channels that fire most are shown.",
        np.arange(1, len(charge) + 1, dtype=np.float32),
        lines,
        (*(f"channel {c}" for c in shown), "threshold"),
        "time step",
        "membrane before reset",
    )


def _texture(seen: Seen) -> Layer:
    swing = seen.recorder.swing / np.maximum(seen.recorder.in_bin, 1)
    filled = seen.recorder.in_bin > 0
    return Curve(
        "Membranes and texture",
        "Standard deviation of membranes over the time steps, against the strength of texture "
        "(size of the gradient of brightness) of the pixel, in twelve classes of equal size.",
        seen.texture[filled],
        swing[:, filled].astype(np.float32),
        seen.names,
        "texture [1/px]",
        "swing of the membrane",
    )


def _silent(seen: Seen) -> Layer:
    recorder = seen.recorder
    rows = []
    for i, name in enumerate(seen.names):
        rate = float(seen.rates[i].mean())
        never = recorder.silent[i] / recorder.pixels
        always = recorder.saturated[i] / recorder.pixels
        note = "silent layer" if rate < SILENT_RATE else ""
        rows.append(
            (
                name,
                round(100 * rate, 2),
                round(100 * float(never.mean()), 2),
                round(100 * float(always.mean()), 2),
                int((never == 1).sum()),
                int((always == 1).sum()),
                note,
            )
        )
    return Table(
        "Silent and saturated neurons",
        "Silent neurons fire at no time step of this image, saturated ones at every step; a "
        f"channel is silent or saturated when all its neurons are. {SECOND}",
        (
            "Layer", "Firing rate [%]", "Silent neurons [%]", "Saturated neurons [%]",
            "Silent channels", "Saturated channels", "Note",
        ),
        tuple(rows),
    )  # fmt: skip


def _attention(seen: Seen) -> Layer:
    return Tokens(
        "Attention over time and channels",
        "The weight, from 0 to 1, by which a channel is multiplied at a time step, in each block.",
        seen.recorder.attention.astype(np.float32),
        ("block", "step", "channel"),
        (seen.blocks, _steps(seen), ()),
    )


def _partner(seen: Seen) -> Layer:
    rows = tuple(
        (
            seen.blocks[p.block], p.step + 1, p.row, p.col, PATCH, PATCH,
            p.partner_row, p.partner_col, round(p.similarity, 4),
        )
        for p in seen.recorder.partners
    )  # fmt: skip
    return Table(
        "Partner of the patch",
        f"The patch around {seen.where} and the patch that it resembles most, from which it takes "
        "keys and values, in pixels of the input.",
        (
            "block", "step", "row", "column", "height", "width", "partner row", "partner column",
            "similarity",
        ),
        rows,
    )  # fmt: skip


def _similarity_map(seen: Seen) -> Layer:
    return ScalarMap(
        "Similarity to the partner",
        "How much the patch around a pixel resembles its partner: scaled product of their means, "
        "mean over blocks and time steps.",
        seen.grid, seen.recorder.similarity, "similarity", "",
    )  # fmt: skip


def _offsets(seen: Seen) -> Layer:
    rows = tuple(
        (block, tap + 1, *(round(float(v), 4) for v in seen.recorder.taps[i, tap]))
        for i, block in enumerate(seen.blocks)
        for tap in range(seen.recorder.taps.shape[1])
    )
    return Table(
        "Deformed taps at the pixel",
        f"How far the nine taps of each block move at {seen.where}, and their weight (1 in an "
        "ordinary convolution), mean over the time steps.",
        ("block", "tap", "shift down [px]", "shift right [px]", "weight"),
        rows,
    )


def _offset_map(seen: Seen) -> Layer:
    return ScalarMap(
        "Deformation",
        "Mean distance by which the taps of the deformable convolutions move at a pixel.",
        seen.grid, seen.recorder.shift, "shift of taps", "px",
    )  # fmt: skip


def _convergence(seen: Seen) -> Layer:
    known = seen.agreement_db[:-1] if len(seen.agreement_db) > 1 else seen.agreement_db
    return Curve(
        "Convergence over time steps",
        "How well the image of the first steps agrees with that of all steps; this says nothing "
        "about the truth.",
        np.arange(1, len(known) + 1, dtype=np.float32),
        known[None],
        ("PSNR against the image of all steps",),
        "time steps used",
        "PSNR [dB]",
    )


def _branches(seen: Seen) -> Layer:
    strength = np.sqrt(seen.recorder.power)  # (block, 2)
    rows = tuple(
        (name, *(round(float(v), 5) for v in both), round(100 * float(both[0] / both.sum()), 1))
        for name, both in zip(seen.blocks, strength, strict=True)
    )
    return Table(
        "Spiking and real branch",
        "Root mean square of what each branch of a block adds.",
        ("Block", "Spiking branch", "Real branch", "Share of spiking [%]"),
        rows,
    )


MAKERS: dict[str, Callable[[Seen], Layer]] = {
    "spike_rates": _spike_rates,
    "channel_rates": _channel_rates,
    "rate_map": _rate_map,
    "rate_map_all": _rate_map_all,
    "spike_steps": _spike_steps,
    "charge_steps": _charge_steps,
    "raster": _raster,
    "membrane": _membrane,
    "texture": _texture,
    "silent": _silent,
    "attention": _attention,
    "partner": _partner,
    "similarity_map": _similarity_map,
    "offsets": _offsets,
    "offset_map": _offset_map,
    "convergence": _convergence,
    "branches": _branches,
    "energy": energy_table,
    "counts": counts_table,
}
"""Layers made of the recorder, by name."""


def heard(wants: frozenset[str]) -> frozenset[str]:
    """Endings of the probes that wanted layers need."""
    needs: dict[str, tuple[str, ...]] = {
        "spikes": (
            "spike_rates", "channel_rates", "rate_map", "rate_map_all", "spike_steps", "raster",
            "membrane", "silent", "energy",
        ),
        "charge": ("charge_steps", "membrane", "texture"),
        "attention": ("attention",),
        "similarity": ("partner", "similarity_map"),
        "offsets": ("offsets", "offset_map"),
        "spiking_branch": ("branches",),
        "real_branch": ("branches",),
    }  # fmt: skip
    return frozenset(probe for probe, layers in needs.items() if wants & set(layers))
