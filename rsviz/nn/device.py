"""Where a model computes: which devices are there and which one a request means."""

from __future__ import annotations

import platform
import re
from typing import Any

import torch

from rsviz.core.errors import BadOption

NAMES = re.compile(r"auto|cpu|cuda(:\d+)?")


def resolve(device: str = "auto") -> str:
    """The device that a request means: "auto" is the GPU with most free memory, else the CPU.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N".

    Returns:
        "cpu" or "cuda:N".

    Raises:
        BadOption: the name is unknown, or this machine has no such GPU.
    """
    if not NAMES.fullmatch(device):
        raise BadOption(f"There is no device '{device}'.", "Choose auto, cpu, cuda or cuda:N.")
    if device == "cpu":
        return "cpu"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if ":" in device:
        if int(device.split(":")[1]) < count:
            return device
        raise BadOption(
            f"{device} was asked for; this machine offers {count} GPUs to this program.",
            "Choose auto or cpu.",
        )
    if count:
        return f"cuda:{max(range(count), key=lambda i: torch.cuda.mem_get_info(i)[0])}"
    if device == "cuda":
        raise BadOption("A GPU was asked for; this machine offers none.", "Choose auto or cpu.")
    return "cpu"


def describe_devices() -> list[dict[str, Any]]:
    """All devices: name to select it, what it is, free and total memory in bytes."""
    free, total = _main_memory()
    found = [
        {
            "name": "cpu",
            "kind": f"CPU {platform.machine()}, {torch.get_num_threads()} threads",
            "free_bytes": free,
            "total_bytes": total,
        }
    ]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        kind = torch.cuda.get_device_name(index)
        found.append(
            {"name": f"cuda:{index}", "kind": kind, "free_bytes": free, "total_bytes": total}
        )
    return found


def _main_memory() -> tuple[int | None, int | None]:
    """Available and total main memory in bytes; (None, None) where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return kib["MemAvailable"] * 1024, kib["MemTotal"] * 1024
    except (OSError, KeyError):
        return None, None
