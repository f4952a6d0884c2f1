"""What each guard does, seen alone; `guards.py` switches them off in turn to see these fail."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import prove_traversal
import pytest
import torch
from disclosure import CANARY, Case, canaries
from disclosure import _plain_hdf5 as plain_hdf5
from disclosure import _rasters as raster_cases
from one_reader import ask_reader
from proof import Proof
from prove_disclosure import _alone as read_alone
from safetensors.torch import save

from rsviz.core import places, reference, registry
from rsviz.core.errors import RsvizError, SceneTooLarge, UnreadableScene, WeightsMissing
from rsviz.io import profiles
from rsviz.io.budget import Budget
from rsviz.io.doors import open_file
from rsviz.io.raster import open_raster
from rsviz.io.source import Request
from rsviz.jobs import doctor, jail, reader_server, wire
from rsviz.jobs.store import ResultStore
from rsviz.nn import weights as door

linux = pytest.mark.skipif(sys.platform != "linux", reason="the jail is Linux's")


def in_a_child(work: Callable[[], object]) -> str:
    """What a child says: the word that `work` gives, or the name of its error."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = str(work())
        except BaseException as error:
            told = type(error).__name__
        os.write(theirs, told.encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as out:
        answer = out.read()
    os.waitpid(child, 0)
    return answer


def test_a_crowded_hdf5_file_is_refused(tmp_path):
    import h5py

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["scene"] = np.ones((9, 8, 3))
        for i in range(10_001):
            file.create_group(f"g{i}")
    with pytest.raises(UnreadableScene, match="more than 10000 objects"):
        open_file(path)


def test_gdal_gets_one_driver(tmp_path):
    """Even if the first bytes were taken for a GeoTIFF, a virtual raster is not opened."""
    known = canaries(tmp_path / "canary")
    for case in raster_cases(tmp_path, known):
        with pytest.raises(UnreadableScene):
            open_raster(Path(case.ref), Request(Budget()), "geotiff")


def test_an_array_that_is_too_large_unpacked_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros((90, 80, 30)))
    with pytest.raises(SceneTooLarge, match="once unpacked"):
        open_file(tmp_path / "a.npz", budget=Budget(unpack_bytes=1_000_000))


def test_a_terabyte_without_numbers_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((9, 8, 3), np.uint8))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(9, 8, 3), ", b"(9999, 9)  "))
    with pytest.raises(UnreadableScene, match="is too short"):
        open_file(tmp_path / "a.npy")


def test_too_many_dates_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5000, 1, 4, 4), np.uint8))
    with pytest.raises(SceneTooLarge, match="5000 dates"):
        open_file(tmp_path / "a.npy", axes="TCHW")


def test_arrays_of_objects_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1, "x"], [2, None]], object), allow_pickle=True)
    with pytest.raises(UnreadableScene, match="Python objects"):
        open_file(tmp_path / "a.npy")


def test_a_full_disk_is_said_before_it_is_full(tmp_path, monkeypatch):
    from parsers import KEY, some_result

    nearly = SimpleNamespace(total=10**12, used=10**12 - 10**8, free=10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: nearly)
    with pytest.raises(RsvizError, match="disk is nearly full"):
        ResultStore(tmp_path).put(KEY, some_result())


def test_traversal_by_the_path_function(tmp_path):
    folder, secret = tmp_path / "root", tmp_path / "secret.tif"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "a.tif").write_bytes(b"x")
    secret.write_bytes(b"secret")
    for text in prove_traversal.strings(folder, secret):
        try:
            path = places.inside(folder, text)
        except places.OutsideFolder:
            continue
        assert path == folder or folder in path.parents, text
    assert places.inside(folder, "a.tif").read_bytes() == b"x"


def test_profile_paths_are_those_of_roots_and_uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("RSVIZ_PROFILE", "class")
    proof = prove_traversal.prove(True, tmp_path)
    assert proof.passed, proof.faults[:5]
    assert proof.tried == 2500
    monkeypatch.setenv("RSVIZ_PROFILE", "public")
    monkeypatch.setenv("RSVIZ_ROOTS", str(tmp_path))
    with pytest.raises(UnreadableScene, match="profile 'public'"):
        profiles.permit(str(tmp_path / "root" / "inside.tif"))


def test_profile_readers_leave_jpeg_2000_out_in_public(tmp_path, monkeypatch):
    import scene_files

    path = scene_files.SEEDS["jpeg2000"](tmp_path)
    open_file(path).close()
    monkeypatch.setenv("RSVIZ_PROFILE", "public")
    with pytest.raises(UnreadableScene, match="does not read files of the kind 'jpeg2000'"):
        open_file(path)


@pytest.mark.parametrize("name", ["server.enableXsrfProtection", "server.enableCORS"])
def test_weak_settings_refuse_a_server_for_others(monkeypatch, name):
    sound = doctor.Checkup(profiles.PROFILES["class"], {}, {}, "", {}, ())
    monkeypatch.setattr(doctor, "_asked", lambda: (doctor.Libraries("", "", {}, [], {}), "x", {}))
    monkeypatch.setattr(doctor, "_unprotected", lambda protection: [])
    monkeypatch.setenv("RSVIZ_PROFILE", "class")
    doctor.refuse_weak({"server.enableXsrfProtection": True, "server.enableCORS": True})
    with pytest.raises(RsvizError, match=f"{name} is False"):
        doctor.refuse_weak({name: False})
    monkeypatch.setenv("RSVIZ_PROFILE", "local")
    doctor.refuse_weak({name: False})
    assert sound.weak == ()


@linux
def test_a_probe_that_gets_through_refuses_a_server_for_others(monkeypatch):
    monkeypatch.setenv("RSVIZ_PROFILE", "class")
    found = doctor.examine()
    assert len(found.probes) == 3 and all(found.probes.values())
    assert found.versions["GDAL"] and found.drivers["geotiff"] == "GTiff"
    monkeypatch.setattr(doctor, "_refusal", lambda readers, path: "")
    with pytest.raises(RsvizError, match="a raster that shows another file was opened"):
        doctor.refuse_weak({})


@linux
def test_jail_alone_keeps_the_canary_unread(tmp_path):
    if not jail.landlock_version():
        pytest.skip("this kernel has no Landlock")
    import h5py

    text = canaries(tmp_path / "canary")[0]
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("scene", (40, 40), "u1", external=[(str(text), 0, 1600)])
    case = Case("", str(path), plain_hdf5)
    assert CANARY[:30] in read_alone(case, locked=False)
    assert CANARY[:30] not in read_alone(case, locked=True)


@linux
def test_jail_memory_ends_a_greedy_answer_not_the_reader(tmp_path, monkeypatch):
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    virtual = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    assert used < virtual
    monkeypatch.setattr(reader_server, "MEMORY_BYTES", virtual + (100 << 20))
    np.save(tmp_path / "a.npy", np.zeros((150, 1000, 1000), np.uint8))
    assert ask_reader(tmp_path / "a.npy").told == ""
    assert "more memory" in ask_reader(tmp_path / "a.npy", "read", None, None).told


@linux
def test_jail_time_ends_an_endless_opening(tmp_path, monkeypatch):
    """A file library that runs on is stopped by the kernel."""
    monkeypatch.setattr(reader_server, "OPENING", replace(reader_server.OPENING, seconds=0.5))
    monkeypatch.setattr("one_reader.OPENING", SimpleNamespace(wall_seconds=20.0))

    def endless(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr(reader_server.catalog, "open_entry", endless)
    np.save(tmp_path / "a.npy", np.zeros((9, 8)))
    found = ask_reader(tmp_path / "a.npy")
    assert found.signal == 24, "SIGXCPU"
    assert found.seconds < 3


@linux
def test_jail_network_has_no_interface_to_the_world():
    def names() -> str:
        if not jail.leave_network():
            return "not allowed" if os.environ.get("RSVIZ_GUARD_OFF", "") == "" else "open"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("192.0.2.1", 9))
        return "open"

    told = in_a_child(names)
    if told == "not allowed":
        pytest.skip("this system lets no process leave the network")
    assert told == "OSError"


def test_jail_pickles_and_programs_are_forbidden():
    import subprocess

    content = pickle.dumps(Path("x"))

    def load() -> object:
        jail.forbid(jail.PICKLES | jail.PROGRAMS)
        return pickle.loads(content)

    def run() -> object:
        jail.forbid(jail.PICKLES | jail.PROGRAMS)
        return subprocess.run(["true"], check=True)

    assert in_a_child(load) == "PermissionError"
    assert in_a_child(run) == "PermissionError"


CARDS = [card for card in registry.cards().values() if any(w.file for w in card.weights)]


def some_weights(card=CARDS[0]):
    """A card with its first committed weights."""
    return card, next(w for w in card.weights if w.file)


def test_a_changed_hash_refuses_weights(tmp_path):
    card, weights = some_weights()
    content = bytearray(weights.path.read_bytes())
    content[-1] ^= 1
    changed = replace(weights, folder=tmp_path)
    changed.path.write_bytes(content)
    with pytest.raises(WeightsMissing, match="has hash"):
        registry.build(card).load(changed, "cpu")


def test_a_record_without_a_hash_loads_nothing():
    card, weights = some_weights()
    with pytest.raises(WeightsMissing, match="its record says"):
        registry.build(card).load(replace(weights, sha256=""), "cpu")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        (1 << 40).to_bytes(8, "little") + b"{}",
        (1 << 20).to_bytes(8, "little") + b"{" * (1 << 20),
        save({f"t{i}": torch.ones(1) for i in range(10_001)}),
        save({"a": torch.ones(4)}) + b"more",
        save({"a": torch.ones(4)})[:-1],
        save({"a": torch.ones(2), "b": torch.ones(2)}).replace(b"[8,16]", b"[0, 8]"),
    ],
)
def test_a_header_that_lies_is_refused(content):
    with pytest.raises(WeightsMissing, match=r"a\.safetensors is refused"):
        door.check_header(content, "a.safetensors")


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_the_reference_output_refuses_exchanged_numbers(card):
    card, weights = some_weights(card)
    model = registry.build(card)
    model.load(weights, "cpu")
    reference.check(card, weights, model, "cpu")
    assert len(weights.reference) == len(reference.reference_output(card, weights, model, "cpu"))
    other = replace(weights, reference=tuple(0.5 * v + 0.1 for v in weights.reference))
    with pytest.raises(WeightsMissing, match="compute other numbers"):
        reference.check(card, other, model, "cpu")


def test_a_frame_on_the_wire_that_announces_too_much_is_refused():
    with pytest.raises(wire.Broken, match="above the limit"):
        wire._sizes([["<f8", [1 << 20, 1 << 20]]])


def test_a_proof_fails_when_anything_does():
    proof = Proof("R0", "", "")
    assert not proof.passed
    proof.count(True, "")
    assert proof.passed
    proof.count(False, "a fault")
    assert not proof.passed and proof.faults == ["a fault"]
