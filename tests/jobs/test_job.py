"""A run as pure data: its key holds everything that decides the result."""

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.grid import Window
from rsviz.core.model import Change
from rsviz.jobs.job import Job
from tests.jobs import fakes

SCENE = "farmland"


@pytest.fixture(autouse=True)
def cards(monkeypatch):
    """The fake model alone."""
    monkeypatch.setattr(registry, "cards", lambda: {"fake": fakes.CARD})


def test_keys_differ_with_everything_that_decides_the_result(tmp_path):
    path = tmp_path / "scene.npy"
    np.save(path, np.zeros((4, 10, 12), np.uint16))
    base = {"scene_ref": str(path), "model": "fake"}
    key = Job(**base).key()
    assert key == Job(**base, options={"act": "mean"}).key(), "a default said aloud"
    others = [
        {"seed": 1},
        {"wants": ("a",)},
        {"options": {"act": "steps"}},
        {"window": Window(0, 0, 5, 5)},
        {"axes": "CHW"},
        {"device": "cuda:0"},
        {"scene_ref": SCENE},
        {"changes": (Change("noise"),)},
        {"changes": (Change("noise", {"sigma": 0.1}),)},
        {"task": "other"},
        {"settings": {"n": 1}},
    ]
    keys = {Job(**(base | other)).key() for other in others}
    assert len(keys) == len(others) and key not in keys
    assert Job(**base, wants=("a", "b")).key() == Job(**base, wants=("b", "a")).key()
    np.save(path, np.ones((4, 10, 12), np.uint16))
    assert Job(**base).key() != key, "the file was written again"


def test_a_job_survives_json():
    job = Job(
        "s", "m", "w", {"n": 1, "x": 0.5}, 3, ("a",), "cpu", Window(1, 2, 3, 4), "v", "HWC",
        (Change("noise", {"sigma": 0.5}),), "other", {"n": 2},
    )  # fmt: skip
    assert Job.from_json(job.to_json()) == job
