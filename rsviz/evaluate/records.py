"""Trained states on disk: a safetensors file and its record in weights.json, written whole."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsviz.core import registry
from rsviz.core.reference import reference_output
from rsviz.core.run import versions

if TYPE_CHECKING:
    from torch import Tensor

    from rsviz.nn.fit import Trained

Record = dict[str, Any]
ABOUT = ("id", "recipe", "config", "data", "licence")


def weights_id(protocol_name: str, seed: int, variant: str = "") -> str:
    """The id of weights: protocol, variant of the settings if any, and seed."""
    return f"{protocol_name}{'-' if variant else ''}{variant}/seed-{seed}"


def save(trained: Trained, record: Record, path: Path) -> str:
    """Write the state as float16 where that stays finite; returns the hash of the file."""
    from safetensors.torch import save

    state = {name: _half(tensor.cpu()) for name, tensor in trained.state.items()}
    about = {name: record[name] for name in ABOUT} | {"history": trained.history}
    content = save(state, {"rsviz": json.dumps(about)})  # one entry: their order is not fixed
    write(path, content)
    return hashlib.sha256(content).hexdigest()


def put(folder: Path, record: Record) -> None:
    """Add the record to weights.json, in the place of one with the same id.

    A record that has been measured gets its reference output; see `rsviz.core.reference`.
    """
    from rsviz.evaluate import families

    if record["file"] and record["measured_on"]:
        record["reference"] = referenced(folder.parent.name, record["id"])

    index = folder / "weights.json"
    with _locked(folder):
        records = json.loads(index.read_text(encoding="utf8")) if index.is_file() else []
        records = [r for r in records if r["id"] != record["id"]] + [record]
        order = list(families.protocols())
        records.sort(key=lambda r: (order.index(r["protocol"]), r["id"].split("/")[0], r["seed"]))
        write(index, (json.dumps(records, indent=1, ensure_ascii=False) + "\n").encode())


def amend(folder: Path, weights: str, metrics: Record) -> None:
    """Add metrics to a record that is there already."""
    index = folder / "weights.json"
    with _locked(folder):
        records = json.loads(index.read_text(encoding="utf8"))
        next(r for r in records if r["id"] == weights)["metrics"] |= metrics
        write(index, (json.dumps(records, indent=1, ensure_ascii=False) + "\n").encode())


def referenced(model_id: str, weights: str) -> list[float]:
    """What weights that have a record already compute on the fixed scene, on the CPU."""
    registry.reread()
    card = registry.card(model_id)
    stored = next(w for w in card.weights if w.id == weights)
    model = registry.build(card)
    model.load(stored, "cpu")
    return reference_output(card, stored, model, "cpu")


def measured_on(device: str) -> str:
    """Device, date and versions of a measurement made now."""
    where = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"{device}, {datetime.now(UTC).date().isoformat()}, {where}"


def rounded(value: Any) -> Any:
    """The same data with numbers to five decimals."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


def _half(tensor: Tensor) -> Tensor:
    """A float32 tensor in half the bytes if no number leaves the range of float16."""
    half = tensor.half()
    fits = tensor.is_floating_point() and bool(half.isfinite().all())
    return (half if fits else tensor).contiguous()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder, so that two trainings do not lose each other's record."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_bytes(content)
    partial.replace(path)
