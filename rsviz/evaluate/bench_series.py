"""What reading a series costs as it gets longer: the Mamba block beside attention over time.

All read the same 256 pixels of 64 channels with T dates in one run, on one thread: the temporal
encoder of SITSMamba; self-attention, in which every date asks every other; and L-TAE, in which
one learnt query asks all dates.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from rsviz.evaluate.attention import FullAttention, LightAttention
from rsviz.evaluate.bench_record import keep
from rsviz.evaluate.rows import Row, median_seconds, row
from rsviz.nn.mamba import Mamba
from rsviz.nn.scan import warm_up

PIXELS, WIDTH, CLASSES = 256, 64, 10
LENGTHS, QUICK_LENGTHS = (30, 60, 120, 240, 480), (30, 120, 480)
RECORD = Path(__file__).parents[2] / "models" / "sits_mamba" / "benchmark.json"
ROOT = Path(__file__).parents[2]

MEMORY = """
import ctypes, json, sys
import torch
from rsviz.evaluate.bench_series import ENCODERS, series, trained
torch.set_num_threads(1)
def status(name):
    return next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith(name)) / 1024
name, found = sys.argv[1], []
for length in (8, *map(int, sys.argv[2:])):  # the first loads code
    encoder, x = ENCODERS[name](length), series(length)
    ctypes.CDLL(None).malloc_trim(0)
    open("/proc/self/clear_refs", "w").write("5")
    before = status("VmRSS")
    trained(encoder, x)
    found.append(status("VmHWM") - before)
    del encoder, x
print(json.dumps(found[1:]))
"""


def _light(length: int) -> nn.Module:
    return LightAttention(WIDTH - 1, CLASSES, torch.arange(length) * 5.0)


ENCODERS: dict[str, Callable[[int], nn.Module]] = {
    "Mamba": lambda length: Mamba(WIDTH),
    "self-attention": lambda length: FullAttention(WIDTH),
    "L-TAE": _light,
}
"""Temporal encoders by name, made for a length."""


def series(length: int) -> Tensor:
    """Random features (PIXELS, T, WIDTH), positive so that every date counts as clear."""
    return torch.rand(PIXELS, length, WIDTH) + 0.1


def trained(encoder: nn.Module, x: Tensor) -> None:
    """One pass with all gradients."""
    encoder.zero_grad()
    encoder(x).square().mean().backward()


def bench_series(quick: bool, device: str) -> list[Row]:
    """Time and memory at growing lengths; without `quick` also kept in benchmark.json."""
    lengths, repeats = (QUICK_LENGTHS, 3) if quick else (LENGTHS, 7)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        warm_up()
        rows = [r for length in lengths for r in _times(length, repeats)]
        if Path("/proc/self/clear_refs").exists():
            rows += _memory(lengths)
        if not quick:
            keep(RECORD, "sits_mamba", rows)
    finally:
        torch.set_num_threads(before)
    return rows


def _times(length: int, repeats: int) -> list[Row]:
    """Forward and training time of all encoders, in ms, beside self-attention."""
    x = series(length)
    found: dict[str, dict[str, float]] = {"forward": {}, "training": {}}
    for name, make in ENCODERS.items():
        encoder = make(length)

        def forward(net: nn.Module = encoder) -> None:
            with torch.inference_mode():
                net(x)

        def training(net: nn.Module = encoder) -> None:
            trained(net, x)

        found["forward"][name] = 1e3 * median_seconds(forward, repeats)
        found["training"][name] = 1e3 * median_seconds(training, repeats)
    return [
        row(f"length/{name}, {kind}/{length}", value, "ms", *_beside(name, times))
        for kind, times in found.items()
        for name, value in times.items()
    ]


def _beside(name: str, values: dict[str, float]) -> tuple[str, float | None]:
    return ("", None) if name == "self-attention" else ("self-attention", values["self-attention"])


def _memory(lengths: tuple[int, ...]) -> list[Row]:
    """Highest memory of one training step above its inputs, in MiB, in processes of their own."""
    peaks = {}
    for name in ENCODERS:
        command = [sys.executable, "-c", MEMORY, name, *map(str, lengths)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        peaks[name] = json.loads(done.stdout)
    rows = []
    for place, length in enumerate(lengths):
        at = {name: values[place] for name, values in peaks.items()}
        rows += [
            row(f"memory/{name}, training/{length}", value, "MiB", *_beside(name, at))
            for name, value in at.items()
        ]
    return rows
