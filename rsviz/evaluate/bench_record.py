"""Benchmarks that are kept: rows with the conditions under which they were measured."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from rsviz.evaluate.rows import Row
from rsviz.nn.scan import active_backend


def keep(path: Path, name: str, rows: list[Row]) -> None:
    """Write rows with their conditions under a name, beside what else the file holds."""
    record = json.loads(path.read_text()) if path.exists() else {}
    record[name] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cpu": _cpu(),
        "threads": torch.get_num_threads(),
        "backend": active_backend(),
        "versions": {name: version(name) for name in ("torch", "numba", "numpy")},
        "python": platform.python_version(),
        "rows": rows,
    }
    path.write_text(json.dumps(record, indent=1) + "\n")


def _cpu() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
