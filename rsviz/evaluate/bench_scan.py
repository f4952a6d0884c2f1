"""How fast the selective scan is: beside loops, a parallel scan, and what the machine can do.

Times are medians of runs that take turns in one process, on two threads at most, in float32.
`ratio` is always the other's value over ours, so that more than 1 is better for us.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from rsviz.evaluate import bench_scan_rivals as rivals
from rsviz.evaluate.bench_record import keep
from rsviz.evaluate.bench_scan_floor import Floor, Shape, threads_at_most
from rsviz.evaluate.bench_scan_memory import peak_mib
from rsviz.evaluate.bench_scan_net import training_step
from rsviz.evaluate.rows import Row, row
from rsviz.nn.scan import selective_scan, warm_up

SHAPES: tuple[Shape, ...] = (
    (256, 128, 16, 61),
    (64, 64, 16, 200),
    (1, 128, 16, 4096),
    (1, 128, 16, 21025),
    (1, 8, 16, 51850),
    (21025, 32, 16, 4),
)
LENGTHS = (1_000, 4_096, 21_025, 100_000, 1_000_000)
LONGEST_LOOP, PIECE, TRIAL = 21_025, 32_768, 32  # steps
MOST_LOOP_SECONDS = 15.0  # for one run of a loop; beyond, its first part is timed
QUICK_SECONDS = 38.0  # after which a quick bench leaves out what is not asked for by name
MOST_MIB, MOST_EPOCH_SECONDS, MOST_DENORMAL = 50.0, 0.6, 1.3
MOST_ERROR, MOST_GRADIENT_ERROR = 1e-6, 2e-5
RECORD = Path(__file__).parents[2] / "models" / "mamba_moe" / "benchmark.json"

Work = Callable[[], object]


def bench_scan(quick: bool) -> list[Row]:
    """Times the scan, its errors and its memory.

    Args:
        quick: one run of each loop, and no more than some 40 seconds on two quiet cores. Without
            it the result is also kept in ``models/mamba_moe/benchmark.json``.
    """
    started = time.perf_counter()
    with threads_at_most(2):
        warm_up()
        floor = Floor()
        rows = _machine(floor)
        cases = [(shape, training) for shape in SHAPES for training in (False, True)]
        for number, (shape, training) in enumerate(cases):
            left = QUICK_SECONDS - (time.perf_counter() - started)
            patience = left / (len(cases) - number) if quick else MOST_LOOP_SECONDS
            rows += _against_loop(shape, training, floor, 1 if quick else 3, patience)
        for extra in (_errors, _denormals, _memory, _epoch, partial(_lengths, floor), _others):
            if not quick or time.perf_counter() - started < QUICK_SECONDS:
                rows += extra(quick)
        if not quick:
            keep(RECORD, "scan", rows)
    return rows


def _machine(floor: Floor) -> list[Row]:
    return [
        row("machine/copy", floor.bandwidth / 1e9, "GB/s"),
        row("machine/exponentials", floor.exps_ours / 1e9, "G/s"),
        row("machine/exponentials by torch", floor.exps_torch / 1e9, "G/s"),
    ] + [
        row(f"machine/{name}, median below best", 100 * spread, "%")
        for name, spread in floor.spreads.items()
    ]


def _against_loop(
    shape: Shape, training: bool, floor: Floor, rounds: int, patience: float
) -> list[Row]:
    """The scan beside the honest loop and the floor."""
    kind, tensors = "training" if training else "forward", rivals.random_inputs(shape)
    loop, factor = _loop(rivals.loop_unbind, tensors, training, patience)
    runs = {"ours": _run(selective_scan, tensors, training), "loop": loop}
    times = _interleaved(runs, rounds)
    name, least = ",".join(map(str, shape)), 1e3 * floor.seconds(shape, training)
    return [
        row(f"{kind}/{name}", times["ours"], "ms", "loop_unbind", factor * times["loop"]),
        row(f"{kind} beside floor/{name}", times["ours"], "ms", "floor", least),
    ]


def _loop(
    scan: rivals.Scan,
    tensors: list[Tensor],
    training: bool,
    patience: float = MOST_LOOP_SECONDS,
) -> tuple[Work, float]:
    """A loop with the number of threads that suits it best, and a factor for its time.

    Two threads that wait for each other at every step are slower than one where the machine is
    busy. Where a run would take more than ``patience`` seconds, only the first part of the sequence
    is run, and the factor makes up for the rest: a loop's time grows with the length, a little
    faster than in proportion.
    """
    length = tensors[0].shape[2]
    trial = _run(scan, _cut(tensors, min(TRIAL, length)), training)
    trial()
    seconds = {n: _seconds(_on(n, trial)) for n in (1, torch.get_num_threads())}
    threads = min(seconds, key=lambda n: seconds[n])
    expected = seconds[threads] * length / min(TRIAL, length)
    steps = max(min(TRIAL, length), min(length, int(length * patience / expected)))
    short = tensors if steps == length else _cut(tensors, steps)
    return _on(threads, _run(scan, short, training)), length / steps


def _on(threads: int, work: Work) -> Work:
    """The same work on so many threads."""

    def run() -> None:
        with threads_at_most(threads):
            work()

    return run


def _cut(tensors: list[Tensor], length: int) -> list[Tensor]:
    """The first steps of a scan's inputs."""
    u, delta, A, B, C, D = (t.detach() for t in tensors)
    short = (u[..., :length], delta[..., :length], A, B[..., :length], C[..., :length], D)
    return [t.clone().requires_grad_() for t in short]


def _others(quick: bool) -> list[Row]:
    """The scan beside mambapy's parallel scan and the loop of mamba-ssm's reference."""
    rows = []
    parallel = rivals.parallel_scan()
    for shape in SHAPES[2:3] if quick else (*SHAPES[:4], SHAPES[5]):
        name = ",".join(map(str, shape))
        tensors = rivals.random_inputs(shape)
        loop, factor = _loop(rivals.loop_indexed, tensors, False)
        runs = {"ours": _run(selective_scan, tensors, False), "loop_indexed": loop}
        times = _interleaved(runs, 1 if quick else 2)
        times["loop_indexed"] *= factor
        rows.append(
            row(f"forward beside mamba-ssm's loop/{name}", times["ours"], "ms", *_last(times))
        )
        if parallel is not None and shape != SHAPES[5]:
            runs = {
                "ours": _run(selective_scan, tensors, True),
                "mambapy_pscan": _run(parallel, tensors, True),
            }
            times = _interleaved(runs, 1 if quick else 2)
            rows.append(
                row(f"training beside parallel scan/{name}", times["ours"], "ms", *_last(times))
            )
    return rows


def _last(times: dict[str, float]) -> tuple[str, float]:
    return list(times.items())[-1]


def _errors(quick: bool) -> list[Row]:
    """Largest difference from a loop in float64, relative to the largest entry."""
    shape = (2, 32, 16, 512)
    results = []
    for scan, dtype in ((selective_scan, torch.float32), (rivals.loop_unbind, torch.float64)):
        tensors = rivals.random_inputs(shape, dtype)
        y = scan(*tensors)
        (y * torch.cos(torch.arange(y.numel(), dtype=dtype)).view_as(y)).sum().backward()
        results.append([y.detach(), *(t.grad for t in tensors)])
    errors = [float((a - b).abs().max() / b.abs().max()) for a, b in zip(*results, strict=True)]
    return [
        row("error forward", errors[0], "relative", "target", MOST_ERROR),
        row("error gradients", max(errors[1:]), "relative", "target", MOST_GRADIENT_ERROR),
    ]


def _denormals(quick: bool) -> list[Row]:
    """An input that falls silent, and an impulse as gradient, beside ordinary ones."""
    shape = (1, 128, 16, 4096)
    plain, silent = rivals.random_inputs(shape), rivals.random_inputs(shape)
    with torch.no_grad():
        silent[0][..., 100:] = 0
    impulse = torch.zeros(1, 128, 4096)
    impulse[..., -1] = 1
    runs = {
        "plain": _run(selective_scan, plain, False),
        "silent": _run(selective_scan, silent, False),
        "training": _run(selective_scan, plain, True),
        "impulse": _run(selective_scan, plain, True, impulse),
    }
    times = _interleaved(runs, 9)
    silence, impulses = times["silent"] / times["plain"], times["impulse"] / times["training"]
    return [
        row("denormals/silent input", silence, "x ordinary", "target", MOST_DENORMAL),
        row("denormals/impulse gradient", impulses, "x ordinary", "target", MOST_DENORMAL),
    ]


def _memory(quick: bool) -> list[Row]:
    """Peak of memory above the inputs, beside the loop's."""
    shape, rows = (1, 128, 16, 21025), []
    for training in (False, True):
        ours = peak_mib("selective_scan", shape, training)
        if ours is None:
            return []
        name = f"peak memory {'training' if training else 'forward'}/1,128,16,21025"
        rows.append(row(name, ours, "MiB", "target", MOST_MIB))
        if not quick:
            loops = peak_mib("loop_unbind", shape, training)
            rows.append(row(f"{name} beside loop", ours, "MiB", "loop_unbind", loops))
    return rows


def _epoch(quick: bool) -> list[Row]:
    """One epoch of a small network in the manner of MambaHSI."""
    step = training_step()
    step()
    times = [_seconds(step) for _ in range(3 if quick else 9)]
    epoch = statistics.median(times)
    return [row("epoch/MambaHSI-like,64,145x145x200", epoch, "s", "target", MOST_EPOCH_SECONDS)]


def _lengths(floor: Floor, quick: bool) -> list[Row]:
    """Time against length: ours streamed in pieces, the loop, a parallel scan, the floor."""
    rows = []
    parallel = rivals.parallel_scan()
    for length in LENGTHS:
        shape = (1, 128, 16, length)
        piece = [t.detach() for t in rivals.random_inputs((1, 128, 16, min(length, PIECE)))]
        runs: dict[str, Work] = {"ours": partial(_stream, piece, length)}
        factor = 1.0
        if length <= (4096 if quick else LONGEST_LOOP):
            runs["loop_unbind"], factor = _loop(rivals.loop_unbind, piece, False)
            if parallel is not None:
                runs["mambapy_pscan"] = _run(parallel, piece, False)
        for name, value in _interleaved(runs, 1 if quick else 3).items():
            whole = value * factor if name == "loop_unbind" else value
            rows.append(row(f"length/{name}/{length}", whole, "ms"))
        rows.append(row(f"length/floor/{length}", 1e3 * floor.seconds(shape, False), "ms"))
    return rows


def _stream(piece: list[Tensor], length: int) -> Tensor:
    """Scans a long sequence piece by piece (the same numbers again), handing the state on."""
    u, delta, A, B, C, D = piece
    state = None
    for start in range(0, length, PIECE):
        cut = (..., slice(min(PIECE, length - start)))
        _, state = selective_scan(
            u[cut], delta[cut], A, B[cut], C[cut], D, return_last_state=True, initial_state=state
        )
    assert state is not None
    return state


def _run(
    scan: rivals.Scan, tensors: list[Tensor], training: bool, pull: Tensor | None = None
) -> Work:
    """One scan, or one with all gradients, as a function without arguments."""
    ones = torch.ones_like(tensors[0]) if pull is None else pull

    def train() -> None:
        for t in tensors:
            t.grad = None
        scan(*tensors).backward(ones)

    def infer() -> None:
        with torch.no_grad():
            scan(*tensors)

    return train if training else infer


def _interleaved(runs: dict[str, Work], rounds: int) -> dict[str, float]:
    """Median milliseconds of each, taking turns; what is fast runs often in each turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    next(iter(runs.values()))()
    for _ in range(rounds):
        for name, work in runs.items():
            end = time.perf_counter() + 0.15
            while True:
                times[name].append(1e3 * _seconds(work))
                if time.perf_counter() > end:
                    break
    return {name: statistics.median(values) for name, values in times.items()}


def _seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
