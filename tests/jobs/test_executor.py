"""Real worker processes: progress, cancel, death, sharing, and what is left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.errors import BadOption, Cancelled, ModelFailed, RsvizError
from rsviz.core.grid import Window
from rsviz.io.catalog import open_scene
from rsviz.jobs.executor import Job, LocalExecutor
from rsviz.jobs.process import ROOT
from rsviz.jobs.store import ResultStore
from rsviz.jobs.worker import Worker
from tests.jobs import fakes

SCENE = "indian-pines"


@pytest.fixture(scope="module")
def cards():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "cards", lambda: {"fake": fakes.CARD})
        yield


@pytest.fixture(scope="module")
def executor(cards, tmp_path_factory):
    """One executor for all tests, as starting a worker takes seconds."""
    store = ResultStore(tmp_path_factory.mktemp("results"))
    made = LocalExecutor(store, fakes.WORK)
    assert made.machine(60)["devices"]
    yield made
    made.close()


@pytest.fixture
def job(request):
    """A job that no other test has asked for."""
    number = abs(hash(request.node.name)) % 10**6

    def make(act="mean", seed=0, **options) -> Job:
        return Job(SCENE, "fake", options={"act": act, **options}, seed=number + seed)

    return make


def until(executor, run_id, status, seconds=20.0):
    end = time.monotonic() + seconds
    while (state := executor.events(run_id)).status != status:
        assert not state.finished, state
        assert time.monotonic() < end, state
        time.sleep(0.01)
    return state


def rested(executor):
    """Wait until no task is under way."""
    lane = executor._lanes["cpu"]
    end = time.monotonic() + 20
    while not lane.ready or lane.current is not None or lane.pending:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_result_is_what_the_work_gives_on_the_scene(executor, job):
    run_id = executor.submit(job())
    result = executor.result(run_id)
    scene = open_scene(SCENE).read()
    np.testing.assert_array_equal(result.layers["mean"].data, scene.pixels[0].mean(axis=0))
    assert result.record.scene_id == scene.id and result.record.scene_ref == SCENE
    state = executor.events(run_id)
    assert state.status == "done" and state.done == state.total and state.error is None


def test_a_window_is_read_alone(executor, job):
    part = Job(**{**job().__dict__, "window": Window(10, 20, 30, 40)})
    data = executor.result(executor.submit(part)).layers["mean"].data
    assert data.shape == (30, 40)
    scene = open_scene(SCENE).read(Window(10, 20, 30, 40))
    np.testing.assert_array_equal(data, scene.pixels[0].mean(axis=0))


def test_progress_counts_steps_and_time_left(executor, job):
    run_id = executor.submit(job("steps", steps=20))
    until(executor, run_id, "running")
    seen = []
    while not (state := executor.events(run_id)).finished:
        seen.append(state)
        time.sleep(0.02)
    steps = [s.done for s in seen if s.total]
    assert steps == sorted(steps) and len(set(steps)) > 8
    halfway = next(s for s in seen if s.done >= 10)
    assert halfway.total == 20 and halfway.what.startswith("step")
    assert 0.2 < halfway.seconds_left < 1.5
    assert state.status == "done" and state.seconds >= 1.0


def test_partial_results_are_at_hand_until_the_end(executor, job):
    run_id = executor.submit(job("steps", steps=40))
    assert executor.partial(run_id) is None
    end = time.monotonic() + 20
    while executor.events(run_id).partials < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    found = executor.partial(run_id)
    assert found is not None and list(found.layers) == ["step"]
    assert found.record.partial >= 2
    executor.cancel(run_id)
    assert executor.partial(run_id) is None


def test_equal_questions_share_one_answer_also_while_it_is_computed(executor, job, tmp_path):
    note = tmp_path / "runs"
    asked = job("steps", steps=10, note=str(note))
    first = executor.submit(asked)
    until(executor, first, "running")
    second = executor.submit(asked)
    assert first != second
    assert executor.result(first) is executor.result(second)
    third = executor.submit(asked)
    assert executor.events(third).status == "done"
    assert executor.result(third) is executor.result(first)
    assert note.read_text().count("run") == 1
    again = LocalExecutor(executor._store, fakes.WORK)
    try:
        stored = again.submit(asked)
        assert again.events(stored).status == "done", "another start finds it on the disk"
        assert again.result(stored).record == executor.result(first).record
    finally:
        again.close()


def test_one_of_two_visitors_may_cancel_without_harm_to_the_other(executor, job):
    asked = job("steps", steps=15)
    first, second = executor.submit(asked), executor.submit(asked)
    until(executor, first, "running")
    executor.cancel(first)
    assert executor.events(first).status == "cancelled"
    with pytest.raises(Cancelled):
        executor.result(first)
    assert executor.result(second).layers["mean"].data.shape == (145, 145)


def test_cancel_works_within_a_second_running_and_queued(executor, job):
    running, queued = executor.submit(job("steps", steps=200)), executor.submit(job(seed=1))
    until(executor, running, "running")
    third = executor.submit(job(seed=2))
    assert executor.events(queued).position == 1 and executor.events(third).position == 2
    started = time.monotonic()
    executor.cancel(queued)
    assert executor.events(queued).status == "cancelled"
    assert executor.events(third).position == 1
    executor.cancel(running)
    assert executor.events(running).status == "cancelled"
    assert isinstance(executor.events(running).error, Cancelled)
    executor.result(third)
    assert time.monotonic() - started < 1.0, "the worker itself was free again"
    assert executor.events(queued).status == "cancelled"


def test_a_worker_deaf_to_cancel_is_replaced(executor, job):
    rested(executor)
    before = executor.machine()["pid"]
    run_id = executor.submit(job("deaf", steps=1200))
    until(executor, run_id, "running")
    time.sleep(0.2)
    started = time.monotonic()
    executor.cancel(run_id)
    assert executor.events(run_id).status == "cancelled"
    assert time.monotonic() - started < 0.5
    executor.result(executor.submit(job(seed=1)))
    assert time.monotonic() - started < 20
    assert executor.machine()["pid"] != before


def test_a_cancelled_question_can_be_asked_again(executor, job):
    asked = job("steps", steps=8)
    first = executor.submit(asked)
    until(executor, first, "running")
    executor.cancel(first)
    second = executor.submit(asked)
    assert executor.result(second).layers["mean"].data.shape == (145, 145)


def test_a_worker_killed_at_work_is_replaced_and_the_run_tried_again(executor, job, tmp_path):
    rested(executor)
    note = tmp_path / "runs"
    run_id = executor.submit(job("steps", steps=20, note=str(note)))
    until(executor, run_id, "running")
    time.sleep(0.3)
    os.kill(executor.machine()["pid"], signal.SIGKILL)
    assert executor.result(run_id).metrics["runs"] == 2
    assert executor.events(run_id).status == "done"


def test_a_run_that_kills_its_worker_twice_is_given_up(executor, job, tmp_path):
    note = tmp_path / "runs"
    deadly, harmless = job("die", note=str(note)), job(seed=1)
    first, other = executor.submit(deadly), executor.submit(harmless)
    with pytest.raises(ModelFailed, match=r"died 2 times while fake ran on indian-pines.*SIGSEGV"):
        executor.result(first)
    assert executor.result(other).layers["mean"].data.shape == (145, 145)
    again = executor.submit(deadly)
    assert executor.events(again).status == "failed"
    assert note.read_text().count("run") == 2, "quarantined: not tried again"


def test_errors_of_the_user_are_shown_as_written(executor, job):
    with pytest.raises(BadOption) as told:
        executor.result(executor.submit(job("refuse")))
    assert told.value.message == "It was refused."
    assert told.value.hint == "Ask for something else."


def test_errors_of_ours_get_a_reference_and_the_details_go_to_the_log(
    executor, job, tmp_path, caplog
):
    asked = job("bug")
    run_id = executor.submit(asked)
    with pytest.raises(ModelFailed) as told:
        executor.result(run_id)
    reference = executor.events(run_id).reference
    assert reference and reference in told.value.message
    assert "secret detail" not in str(told.value)

    conn, other = socket.socketpair()
    with conn, other:
        here = Worker(conn, fakes.work, ResultStore(tmp_path))
        outcome = here._perform({"id": "1", "key": "0" * 32, "job": asked.to_json()})
    assert outcome["reference"] in caplog.text and "secret detail" in caplog.text


def test_impossible_jobs_are_refused_at_once(executor):
    for job, words in (
        (Job(SCENE, "nothing"), "no model 'nothing'"),
        (Job(SCENE, "fake", options={"colour": 1}), "no option 'colour'"),
        (Job(SCENE, "fake", device="cuda:7"), "no device 'cuda:7'"),
    ):
        with pytest.raises(BadOption, match=words):
            executor.submit(job)
    with pytest.raises(RsvizError, match="not known"):
        executor.events("0" * 32)
    missing = executor.submit(Job("nowhere", "fake"))
    with pytest.raises(RsvizError, match="no scene 'nowhere'"):
        executor.result(missing)


def test_a_damaged_result_is_computed_again(executor, job, tmp_path):
    note = tmp_path / "runs"
    run_id = executor.submit(job(note=str(note)))
    wanted = np.array(executor.result(run_id).layers["mean"].data)
    key = executor._tickets[run_id].key
    path = executor._store.folder / f"{key}.rsv"
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.unlink()
    path.write_bytes(content)
    executor._results.clear()
    np.testing.assert_array_equal(executor.result(run_id).layers["mean"].data, wanted)
    assert note.read_text().count("run") == 2


def test_the_queue_is_bounded(executor, job, monkeypatch):
    monkeypatch.setattr("rsviz.jobs.executor.MAX_QUEUE", 2)
    blocking = executor.submit(job("steps", steps=100))
    until(executor, blocking, "running")
    waiting = [executor.submit(job(seed=n)) for n in (1, 2)]
    with pytest.raises(RsvizError, match="2 runs are waiting"):
        executor.submit(job(seed=3))
    for run_id in (*waiting, blocking):
        executor.cancel(run_id)


def test_the_machine_is_described_without_torch_in_this_process(executor):
    found = executor.machine()
    assert found["state"] in ("ready", "warming up")
    assert found["devices"][0]["name"] == "cpu" and found["threads"] >= 1
    assert {"torch", "numpy", "numba"} <= set(found["versions"])
    assert found["web_rss_mb"] > 10 and found["rss_mb"] > 50


def test_no_worker_outlives_its_parent(tmp_path):
    program = f"""
import time
from pathlib import Path
from rsviz.jobs.executor import LocalExecutor
from rsviz.jobs.store import ResultStore
executor = LocalExecutor(ResultStore(Path({str(tmp_path)!r})), {fakes.WORK!r})
print(executor.machine(60)["pid"], flush=True)
time.sleep(60)
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    )
    worker = Path(f"/proc/{int(parent.stdout.readline())}")
    assert worker.exists()
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while worker.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_web_process_imports_no_heavy_library():
    program = """
import sys
import rsviz.jobs.executor, rsviz.jobs.readers
heavy = {"torch", "rasterio", "h5py", "scipy", "scipy.io", "numba", "netCDF4", "streamlit"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
