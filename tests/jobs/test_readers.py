"""Readers are real processes: they answer as the local form does, and may die."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rsviz.core.errors import RsvizError, SceneMismatch, UnreadableScene
from rsviz.core.grid import Window
from rsviz.io.catalog import open_scene
from rsviz.jobs import display, jail, pyramid
from rsviz.jobs.process import ROOT
from rsviz.jobs.questions import QUESTIONS
from rsviz.jobs.readers import Readers

SCENE = "indian-pines"


@pytest.fixture(scope="module")
def shared():
    readers = Readers()
    yield readers
    readers.close()


@pytest.fixture
def readers(monkeypatch):
    """Readers of this test alone, which may set the environment before the first is opened."""
    made = []

    def make(max_live: int = 16, **environment: str) -> Readers:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        made.append(Readers(max_live))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def cube(tmp_path) -> Path:
    """A file of 300 x 400 x 20 numbers; its angle takes long enough to be interrupted."""
    path = tmp_path / "cube.npy"
    np.save(path, np.random.default_rng(0).integers(1, 4000, (20, 300, 400), dtype=np.uint16))
    return path


def pids_of(parent: int) -> set[int]:
    """Processes that descend from one, as the system shows them."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, todo = set(), [parent]
    while todo:
        for pid in children.get(todo.pop(), ()):
            found.add(pid)
            todo.append(pid)
    return found


def readers_of(readers: Readers) -> set[int]:
    return pids_of(readers.diagnostics()["server"])


def until(condition, seconds=5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_remote_source_answers_as_the_local_one(shared):
    local, remote = open_scene(SCENE), shared.open(SCENE)
    assert remote.describe() == local.describe()
    assert np.array_equal(remote.spectrum(20, 30).values, local.spectrum(20, 30).values)
    window = Window(10, 20, 30, 40)
    here, there = local.read(window, (5, 50)), remote.read(window, (5, 50))
    assert there.id == here.id and there.truth.names == here.truth.names
    for bands, limits in (((29, 19, 9), None), ((3,), ((0.0, 5000.0),))):
        here = display.composite(local, bands, limits)
        there = remote.composite(bands, limits)
        assert np.array_equal(there.image, here.image)
        assert (there.limits, there.grid) == (here.limits, here.grid)
    part = (29, 19, 9), ((0.0, 5000.0),) * 3, 2, Window(3, 4, 20, 10)
    assert np.array_equal(remote.averaged(*part), pyramid.averaged(local, *part))
    assert np.array_equal(remote.histogram(7).counts, display.histogram(local, 7).counts)
    assert remote.rectangle(window).count == 1200
    np.testing.assert_array_equal(
        remote.rectangle(window).mean, display.rectangle(local, window).mean
    )
    angles = display.angle(local, 3, 4).data
    np.testing.assert_allclose(remote.angle(3, 4).data, angles, atol=1e-5)  # threads differ
    assert np.array_equal(remote.truth().labels, display.truth(local).labels)


def test_errors_are_those_of_the_local_form(shared, tmp_path):
    with pytest.raises(SceneMismatch, match="Band 301 does not exist; the scene has 200"):
        shared.open(SCENE).composite((300,))
    with pytest.raises(SceneMismatch, match="outside the scene"):
        shared.open(SCENE).spectrum(9999, 0)
    with pytest.raises(UnreadableScene, match="no scene 'nowhere'"):
        shared.open("nowhere")
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(UnreadableScene, match="broken"):
        shared.open(str(broken))
    assert shared.open(SCENE).spectrum(0, 0).values.size == 200


def test_visitors_share_a_reader_and_may_ask_at_once(shared):
    pixels = open_scene(SCENE).read().pixels[0]

    def ask(number: int) -> bool:
        row, col = number % 145, (7 * number) % 145
        return np.array_equal(shared.open(SCENE).spectrum(row, col).values, pixels[:, row, col])

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(400)))
    assert shared.open(SCENE) is shared.open(SCENE)


def test_a_killed_idle_reader_is_replaced_without_a_word(readers):
    client = readers()
    source = client.open(SCENE)
    before = readers_of(client)
    assert len(before) == 1
    os.kill(before.pop(), signal.SIGKILL)
    assert until(lambda: not readers_of(client))
    assert source.spectrum(1, 1).values.size == 200
    assert len(readers_of(client)) == 1


def test_a_reader_killed_at_work_costs_its_visitor_one_sentence(readers, cube):
    client = readers()
    source, other = client.open(str(cube)), client.open(SCENE)
    source.read(Window(0, 0, 1, 1))
    slow = source.lines[1]
    os.kill(slow._pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(source.angle, 0, 0)
        time.sleep(0.2)
        assert not asked.done()
        assert source.spectrum(3, 3).values.size == 20, "clicks go on beside slow questions"
        os.kill(slow._pid, signal.SIGKILL)
        with pytest.raises(UnreadableScene) as told:
            asked.result(5)
    assert "'cube.npy' ended while it compared spectra" in told.value.message
    assert "SIGKILL" in told.value.message and told.value.hint
    assert other.spectrum(0, 0).values.size == 200
    assert np.isfinite(source.angle(0, 0).data).all()


def test_a_reader_that_hangs_is_stopped_when_its_time_is_up(readers, cube, monkeypatch):
    client = readers()
    source = client.open(str(cube))
    question = source.lines[0]
    hasty = replace(QUESTIONS["spectrum"], seconds=0.1)
    monkeypatch.setitem(QUESTIONS, "spectrum", hasty)
    os.kill(question._pid, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(UnreadableScene, match="was stopped: it read a spectrum for"):
        source.spectrum(0, 0)
    assert time.monotonic() - started < 2
    assert until(lambda: not readers_of(client)), "the stopped process is gone"
    monkeypatch.undo()
    assert source.spectrum(0, 0).values.size == 20


def test_a_killed_server_is_replaced(readers):
    client = readers()
    source = client.open(SCENE)
    os.kill(client.diagnostics()["server"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while True:
        try:
            assert source.spectrum(1, 1).values.size == 200
            break
        except UnreadableScene as error:
            assert "ended while" in error.message and time.monotonic() < deadline


def test_idle_readers_end_and_come_back(readers):
    client = readers(RSVIZ_READER_IDLE="0.3")
    source = client.open(SCENE)
    assert until(lambda: not readers_of(client))
    assert source.spectrum(1, 1).values.size == 200


def test_the_number_of_live_readers_is_bounded(readers, tmp_path):
    client = readers(max_live=3)
    sources = []
    for number in range(6):
        path = tmp_path / f"scene{number}.npy"
        np.save(path, np.full((4, 10, 12), number, np.uint16))
        sources.append(client.open(str(path)))
    assert until(lambda: len(readers_of(client)) <= 3)
    for number, source in enumerate(sources):
        assert source.spectrum(0, 0).values.tolist() == [number] * 4


def test_a_changed_file_is_read_again(shared, tmp_path):
    path = tmp_path / "scene.npy"
    np.save(path, np.zeros((4, 10, 12), np.uint16))
    assert shared.open(str(path)).spectrum(0, 0).values.max() == 0
    np.save(path, np.ones((5, 10, 12), np.uint16))
    assert shared.open(str(path)).spectrum(0, 0).values.tolist() == [1] * 5


def test_memory_is_limited_and_the_reader_survives(readers, tmp_path):
    client = readers(RSVIZ_READER_MB="600")
    path = tmp_path / "large.npy"
    np.save(path, np.zeros((150, 1000, 1000), np.uint8))
    source = client.open(str(path))
    with pytest.raises(RsvizError, match="more memory than a reader may use"):
        source.read()
    assert source.spectrum(0, 0).values.size == 150


def test_a_reader_is_locked_on_its_file(readers, tmp_path):
    """A reader that tried to open another file, write, or connect would be refused."""
    if not jail.landlock_version():
        pytest.skip("this kernel has no Landlock")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "temporary").mkdir()
    program = f"""
import errno, json, os, socket, tempfile
from pathlib import Path
from rsviz.jobs import jail
jail.limit(2**31, 2**20)
level = jail.lock_files((*jail.python_files(), Path('mine')), [Path('temporary')])
def refused(work):
    try:
        work()
    except OSError as error:
        return errno.errorcode[error.errno]
    return ''
def connect():
    with socket.socket() as s:
        s.connect(('127.0.0.1', 9))
print(json.dumps([level, Path('mine').read_text(),
    refused(lambda: Path('secret').read_text()),
    refused(lambda: Path('new').write_text('x')),
    refused(lambda: Path('{Path.home()}').joinpath('x').open('w')),
    refused(lambda: tempfile.TemporaryFile(dir='temporary').write(b'x')),
    refused(connect)]))
import decimal  # libraries can still be imported
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    level, mine, *refusals = json.loads(done.stdout)
    assert "Landlock" in level and mine == "mine"
    assert refusals[:4] == ["EACCES", "EACCES", "EACCES", ""]
    assert refusals[4] == ("EACCES" if jail.landlock_version() >= 4 else "ECONNREFUSED")


def test_no_process_and_no_file_outlives_its_parent(tmp_path):
    program = f"""
import sys, time
from rsviz.jobs.questions import QUESTIONS
from rsviz.jobs.readers import Readers
readers = Readers()
readers.open({SCENE!r}).spectrum(0, 0)
print(readers.diagnostics()["server"], flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    server = int(parent.stdout.readline())
    family = {server} | pids_of(server)
    assert len(family) == 2 and list(tmp_path.iterdir())
    parent.kill()
    parent.wait()
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    assert until(lambda: not list(tmp_path.iterdir()))


def test_asking_from_a_closed_client_fails_in_words_or_starts_again(readers, cube):
    client = readers()
    source = client.open(str(cube))
    with ThreadPoolExecutor(1) as pool:
        os.kill(source.lines[0]._pid, signal.SIGSTOP)
        asked = pool.submit(source.spectrum, 0, 0)
        time.sleep(0.1)
        threading.Thread(target=source.close).start()
        with pytest.raises(UnreadableScene, match="ended while it read a spectrum"):
            asked.result(5)
    assert source.spectrum(0, 0).values.size == 20


@pytest.mark.data
def test_every_listed_scene_opens_or_is_refused_in_words(data_folder, readers):
    client = readers(RSVIZ_DATA=str(data_folder))
    entries = [entry for entry in client.scenes() if entry.path.startswith(str(data_folder))]
    opened = 0
    for entry in entries[:: max(1, len(entries) // 40)]:
        try:
            source = client.open(entry.id)
            assert source.composite((0,), max_side=256).image.shape[2] == 4
            opened += 1
        except RsvizError as error:
            assert "foresee" not in error.message, entry
    assert opened > 10
