"""The bench of the scan: its rows, its rivals, and what it keeps."""

import json

import pytest
import torch

from rsviz.evaluate import bench_scan as bench
from rsviz.evaluate import bench_scan_rivals as rivals
from rsviz.evaluate.bench_record import keep
from rsviz.evaluate.bench_scan_floor import Floor, threads_at_most
from rsviz.nn.scan import selective_scan

SMALL = (2, 8, 4, 40)


def test_rivals_compute_the_same():
    tensors = rivals.random_inputs(SMALL)
    wanted = selective_scan(*tensors)
    pytest.importorskip("mambapy")
    for scan in (rivals.loop_unbind, rivals.loop_indexed, rivals.parallel_scan()):
        assert torch.allclose(scan(*tensors), wanted, atol=1e-4)


def test_each_shape_gives_a_row_forward_and_training_beside_the_loop(monkeypatch):
    monkeypatch.setattr(bench, "SHAPES", (SMALL,))
    monkeypatch.setattr(bench, "QUICK_SECONDS", 0.0)
    threads = torch.get_num_threads()
    rows = {r["name"]: r for r in bench.bench_scan(quick=True)}
    for name in ("forward/2,8,4,40", "training/2,8,4,40"):
        assert rows[name]["baseline"] == "loop_unbind"
        assert rows[name]["ratio"] > 1
        assert rows[name]["unit"] == "ms"
    assert rows["forward beside floor/2,8,4,40"]["ratio"] < 1
    assert torch.get_num_threads() == threads


def test_a_long_loop_is_timed_on_its_first_part():
    tensors = rivals.random_inputs((1, 4, 4, 4000))
    work, factor = bench._loop(rivals.loop_unbind, tensors, True, patience=0.0)
    work()
    assert factor == 4000 / bench.TRIAL


def test_a_full_result_is_kept_beside_other_measurements(tmp_path):
    record = tmp_path / "benchmark.json"
    record.write_text('{"inference": 1}')
    rows = [bench.row("forward/1,1,1,1", 1.0, "ms", "loop_unbind", 2.0)]
    keep(record, "scan", rows)
    kept = json.loads(record.read_text())
    assert kept["inference"] == 1
    assert kept["scan"]["rows"] == rows
    assert {"date", "cpu", "threads", "versions"} <= set(kept["scan"])


def test_the_floor_is_the_slower_of_bytes_and_exponentials():
    floor = Floor.__new__(Floor)
    floor.bandwidth, floor.exps_torch, floor.exps_ours = 1e9, 1e9, 4e9
    batch, channels, states, length = shape = (2, 3, 5, 7)
    wide, narrow = batch * channels * length, batch * states * length
    forward = (3 * wide + 2 * narrow) * 4 / 1e9
    assert floor.seconds(shape, False) == pytest.approx(forward)
    floor.bandwidth = 1e15
    assert floor.seconds(shape, False) == pytest.approx(wide * states / 4e9)
    assert floor.seconds(shape, True) == pytest.approx(2 * wide * states / 4e9)


def test_the_machine_is_measured_alike_twice():
    with threads_at_most(2):
        first, second = Floor(), Floor()
    assert first.exps_ours == pytest.approx(second.exps_ours, rel=0.15)
    assert first.exps_ours > 1e8 and first.bandwidth > 1e8
    assert all(0 <= spread < 1 for spread in first.spreads.values())
