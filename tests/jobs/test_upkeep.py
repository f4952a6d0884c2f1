"""fsck: what is sound stays, what is damaged or left over goes, damaged weights are named."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace

import numpy as np
import pytest

from rsviz.cli import main
from rsviz.core import registry
from rsviz.core.layers import Table
from rsviz.core.model import Result, RunRecord
from rsviz.jobs import upkeep
from rsviz.jobs.store import ResultStore

SOUND, HURT = "0" * 32, "1" * 32
DAYS_AGO = time.time() - 2 * upkeep.STALE_SECONDS


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A cache with a sound and a damaged entry of each kind, and leftovers old and new."""
    cache, uploads = tmp_path / "cache", tmp_path / "uploads"
    monkeypatch.setenv("RSVIZ_CACHE", str(cache))
    monkeypatch.setenv("RSVIZ_UPLOADS", str(uploads))
    monkeypatch.setattr(registry, "cards", lambda: {})
    record = RunRecord("m", "w", "0" * 64, {}, "s", "", "S", "cpu", 0, (), 1.0, 1.0, {})
    layer = Table("A", "", ("name", "n"), (("x", 1), ("y", None)))
    store = ResultStore()
    for key in (SOUND, HURT):
        store.put(key, Result({"a": layer}, record))
    damaged = store.folder / f"{HURT}.rsv"
    content = bytearray(damaged.read_bytes())
    content[60] ^= 1
    damaged.write_bytes(content)
    (cache / "baselines").mkdir()
    np.save(cache / "baselines" / "sound.npy", np.ones(4))
    (cache / "baselines" / "hurt.npy").write_bytes(b"\x93NUMPY\x01\x00")
    for name in ("rsviz-upload-old", "rsviz-upload-new"):
        (uploads / name).mkdir(parents=True)
        (uploads / name / "a.tif").write_bytes(b"II*\0")
    for path in (uploads / "rsviz-upload-old" / "a.tif", uploads / "rsviz-upload-old"):
        os.utime(path, (DAYS_AGO, DAYS_AGO))
    return cache, uploads, store


def test_what_is_damaged_or_left_over_goes(kept):
    cache, uploads, store = kept
    found = upkeep.check()
    assert (found.results, found.damaged) == (1, 1)
    assert (found.baselines, found.damaged_baselines) == (1, 1)
    assert found.leftovers == (str(uploads / "rsviz-upload-old"),)
    assert [p.stem for p in store.folder.glob("*.rsv")] == [SOUND]
    assert [p.name for p in (cache / "baselines").iterdir()] == ["sound.npy"]
    assert [p.name for p in uploads.iterdir()] == ["rsviz-upload-new"]
    again = upkeep.check()
    assert (again.results, again.damaged, again.damaged_baselines, again.leftovers) == (1, 0, 0, ())


def test_keep_reports_and_removes_nothing(kept, capsys):
    cache, uploads, store = kept
    assert main(["fsck", "--keep", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["damaged"], found["damaged_baselines"], len(found["leftovers"])) == (1, 1, 1)
    assert len(list(store.folder.glob("*.rsv"))) == 2
    assert len(list(uploads.iterdir())) == len(list((cache / "baselines").iterdir())) == 2


def test_damaged_weights_are_named_and_end_with_a_status(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.setenv("RSVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RSVIZ_UPLOADS", str(tmp_path / "uploads"))
    card = next(c for c in registry.cards().values() if any(w.file for w in c.weights))
    sound = next(w for w in card.weights if w.file)
    hurt = replace(sound, folder=tmp_path)
    content = bytearray(sound.path.read_bytes())
    content[len(content) // 2] ^= 1
    hurt.path.write_bytes(content)
    monkeypatch.setattr(registry, "cards", lambda: {card.id: replace(card, weights=(sound, hurt))})
    assert main(["fsck"]) == 2
    told = capsys.readouterr().err
    assert "weights     1 sound" in told and f"DAMAGED     {card.id}: The weights file" in told
