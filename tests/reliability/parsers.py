"""R1: what else reads bytes of strangers or of a damaged disk: weights, store, wire, address."""

from __future__ import annotations

import io
import socket
import struct
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import torch
from safetensors.torch import save
from seeds import Seed

from rsviz.core.errors import WeightsMissing
from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap
from rsviz.core.model import Result, RunRecord
from rsviz.jobs import wire
from rsviz.jobs.store import ResultStore
from rsviz.nn.weights import read_state
from rsviz.views.address import NAMES as FIELDS
from rsviz.views.address import from_address

NAMES = ("weights", "store", "wire", "address")
KEY = "0123456789abcdef" * 2
QUERIES = (
    b"scene=indian-pines&pixel=57,42&pin=1,2&area=0,0,9,9",
    b"scene=farmland&model=mamba_moe&set=views=8&set=routing=pixel&weights=x/seed-0",
    b"scene=/data/a.tif&variable=x&axes=HWC&confident=0.5&against=sformer&change=noise:sigma=0.1",
)
Attempt = Callable[[Path, bytes, bytes], bool]


def all_parsers() -> dict[str, tuple[list[Seed], Attempt]]:
    """Each parser with valid input and what tries it."""
    return {
        "weights": ([Seed(_weights())], _try_weights),
        "store": ([Seed(_entry())], _try_store),
        "wire": ([Seed(_frame())], _try_wire),
        "address": ([Seed(q) for q in QUERIES], _try_address),
    }


def some_result() -> Result:
    """A result with one small layer."""
    grid = Grid(6, 5)
    codes = np.arange(30).reshape(6, 5) % 3
    record = RunRecord(
        "m", "w", "0" * 64, {"n": 1}, "s", "patches", "Patches", "cpu", 0, (), 1.0, 1.0,
        {"numpy": "2"},
    )  # fmt: skip
    return Result({"classes": ClassMap("Classes", "", grid, codes, ("a", "b", "c"))}, record)


def _weights() -> bytes:
    state = {"layer.weight": torch.ones(4, 3).half(), "bias": torch.zeros(5), "n": torch.ones(1)}
    return save(state, {"about": "a test"})


def _try_weights(path: Path, content: bytes, header: bytes) -> bool:
    record = SimpleNamespace(content=lambda: content, file="a.safetensors")
    try:
        state = read_state(record)  # type: ignore[arg-type]
    except WeightsMissing as error:
        assert error.message.isprintable()
        return False
    assert not any(t.is_floating_point() and bool(t.isnan().any()) for t in state.values())
    return True


@cache
def _entry() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        store = ResultStore(Path(folder))
        store.put(KEY, some_result())
        return next(store.folder.glob("*.rsv")).read_bytes()


def _try_store(path: Path, content: bytes, header: bytes) -> bool:
    store = ResultStore(path.parent)
    (path.parent / f"{KEY}.rsv").write_bytes(content)
    found = store.get(KEY)
    if found is None:
        return False
    expected = some_result()
    assert found.record == expected.record
    assert np.array_equal(found.layers["classes"].data, expected.layers["classes"].data)
    return True


def _frame() -> bytes:
    out = io.BytesIO()
    sink = SimpleNamespace(sendall=out.write)
    wire.send_object(sink, {"op": "x"}, {"a": np.arange(6.0), "b": [1, "two"]})  # type: ignore[arg-type]
    return out.getvalue()


def _try_wire(path: Path, content: bytes, header: bytes) -> bool:
    if len(content) > 1 << 16:
        content = content[: 1 << 16]  # what a socket holds
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(content)
        theirs.shutdown(socket.SHUT_WR)
        try:
            found, arrays = wire.receive(ours)
            wire.value_of(found, arrays)
        except wire.Broken:
            return False
        except (KeyError, ValueError, TypeError, LookupError, struct.error):
            return False  # a peer of ours never sends this; the reader ends, as if it had died
    return True


def _try_address(path: Path, content: bytes, header: bytes) -> bool:
    text = content.decode("utf-8", "replace")
    try:
        asked = parse_qs(text, max_num_fields=100)
    except ValueError:
        return False
    session = from_address({name: asked.get(name, []) for name in FIELDS})
    assert session.picked is None or len(session.picked) == 2
    return True
