"""The badge and the choice of a device, in words."""

import pytest

from rsviz.views import machine

CPU = {"name": "cpu", "kind": "CPU x86_64", "free_bytes": 8e9}
GPU = {"name": "cuda:0", "kind": "NVIDIA H100", "free_bytes": 71.2e9}


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"state": "starting"}, "worker is starting"),
        (
            {"devices": [CPU], "scan": {"cpu": "compiled"}, "threads": 2},
            "CPU · compiled scan · 2 threads",
        ),
        (
            {"devices": [CPU, GPU], "scan": {"cpu": "compiled", "cuda:0": "fused"}, "threads": 1},
            "NVIDIA H100 · fused scan · 1 thread",
        ),
    ],
)
def test_badge(known, text):
    assert machine.badge_text(known) == text


def test_device_labels():
    assert machine.device_label(CPU) == "CPU"
    assert machine.device_label(GPU) == "NVIDIA H100, 71.2 GB free"
