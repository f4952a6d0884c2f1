"""What the worker does with one job, in this process: run, score, keep, and never twice read."""

import socket

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.grid import Window
from rsviz.evaluate.training import train_and_record
from rsviz.jobs import identity, wire
from rsviz.jobs.job import Job
from rsviz.jobs.store import ResultStore
from rsviz.jobs.tasks import perform
from rsviz.jobs.worker import Worker, machine, warm_up

KEY = "0" * 32


@pytest.fixture
def trained(toys, patches_scene):
    """The toy model with weights for the small scene."""
    identity._listed.cache_clear()
    train_and_record("nearest", "patches-20", 0, "cpu", {}, lambda done, total, what: None)
    yield registry.card("nearest").weights[0]
    identity._listed.cache_clear()


@pytest.fixture
def worker(tmp_path):
    """A worker, its store, and the other end of its socket."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    store = ResultStore(tmp_path / "results")
    with ours, theirs:
        yield Worker(ours, perform, store), store, theirs


def message(**job) -> dict:
    return {"id": "1", "key": KEY, "job": Job("patches", "nearest", **job).to_json()}


def test_a_job_is_run_scored_and_kept(trained, worker, patches):
    here, store, theirs = worker
    assert here._perform(message(wants=("distance",), seed=3)) == {"done": True}
    result = store.get(KEY)
    assert set(result.layers) == {"classes", "probabilities", "distance"}
    assert result.record.weights_sha256 == trained.sha256
    assert result.record.scene_ref == "patches" and result.record.scene_id == patches.id
    assert result.record.seed == 3 and result.record.device == "cpu"
    assert result.metrics["overall_accuracy"] == pytest.approx(
        trained.metrics["overall_accuracy"], abs=1e-6
    )
    assert result.split.data.shape == patches.grid.shape
    assert wire.receive(theirs)[0]["step"] == [0, 0, "reading the scene"]


def test_options_as_text_or_number_reach_the_model(trained, worker):
    here, store, _ = worker
    here._perform(message(options={"sharpness": 50.0}))
    sharp = store.get(KEY).layers["probabilities"].data
    here._perform(message(options={"sharpness": 0.01}))
    flat = store.get(KEY).layers["probabilities"].data
    assert np.nanmean(sharp.max(axis=0)) > np.nanmean(flat.max(axis=0)) + 0.1
    outcome = here._perform(message(options={"sharpness": 1e9}))
    assert outcome["error"][0] == "BadOption" and "outside" in outcome["error"][1]


def test_a_cancel_before_the_run_is_heeded(trained, worker):
    here, store, _ = worker
    here._cancelled.add("1")
    assert here._perform(message())["error"][0] == "Cancelled"
    assert store.get(KEY) is None


def test_the_last_scene_is_kept_until_another_or_a_change(worker, tmp_path):
    here, _, _ = worker
    path = tmp_path / "scene.npy"
    np.save(path, np.zeros((4, 20, 30), np.uint16))
    job = Job(str(path), "nearest")
    first = here._read(job)
    assert here._read(job) is first
    part = here._read(Job(str(path), "nearest", window=Window(0, 0, 10, 12)))
    assert part.shape == (1, 4, 10, 12)
    np.save(path, np.ones((5, 20, 30), np.uint16))
    assert here._read(job).pixels.min() == 1


def test_the_machine_is_told_and_warm():
    warm_up()
    found = machine(warm=True)
    assert found["devices"][0]["name"] == "cpu"
    assert found["scan"]["cpu"] in ("compiled", "reference", "unavailable")
    assert found["threads"] >= 1 and found["rss_mb"] > 0


def test_a_scan_that_cannot_be_had_does_not_stop_the_worker(monkeypatch):
    monkeypatch.setenv("RSVIZ_SCAN", "nonsense")
    assert machine(warm=False)["scan"]["cpu"] == "unavailable"
