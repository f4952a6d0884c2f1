import pytest
import torch

from rsviz.core.errors import BadOption
from rsviz.nn.device import describe_devices, resolve


def test_cpu_is_always_there():
    assert resolve("cpu") == "cpu"
    cpu = describe_devices()[0]
    assert cpu["name"] == "cpu"
    assert cpu["total_bytes"] is None or 0 < cpu["free_bytes"] <= cpu["total_bytes"]


def test_without_gpu_auto_is_the_cpu_and_asking_for_one_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve("auto") == "cpu"
    assert len(describe_devices()) == 1
    for name in ("cuda", "cuda:0"):
        with pytest.raises(BadOption, match="GPU"):
            resolve(name)


def test_auto_takes_the_gpu_with_most_free_memory(monkeypatch):
    free = [3, 7, 5]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda i: (free[i], 8))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: f"card {i}")
    assert resolve("auto") == resolve("cuda") == "cuda:1"
    assert resolve("cuda:2") == "cuda:2"
    assert [d["name"] for d in describe_devices()] == ["cpu", "cuda:0", "cuda:1", "cuda:2"]
    with pytest.raises(BadOption, match="3 GPUs"):
        resolve("cuda:3")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "CPU"])
def test_unknown_names_are_refused(name):
    with pytest.raises(BadOption, match="no device"):
        resolve(name)
