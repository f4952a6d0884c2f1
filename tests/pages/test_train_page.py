"""The page on which a visitor teaches a model: labels, a training, what comes of it."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from stand_ins import trained
from test_pages import button, check, text_of

from models.mamba_moe.card import CARD
from rsviz.core import registry
from rsviz.core.card import read_weights
from rsviz.jobs.job import JobState
from rsviz.jobs.lesson import Lesson
from rsviz.views import address, clients

PAGE = "train"


def desk_of(test):
    return test.session_state[address.KEY].teaching


def test_pixels_are_taken_from_the_reference_and_trained_on(open_page, answering):
    test = check(open_page(PAGE, scene="farmland"), PAGE)
    assert button(test, "teach-train").disabled
    assert "two classes with two pixels each" in text_of(test)
    test.number_input("teach-each").set_value(4).run()
    button(test, "teach-draw").click().run()
    assert set(desk_of(test).counts().values()) == {4}
    assert "64 labelled pixels in 16 classes" in text_of(test)
    test.slider("teach-epochs").set_value(30).run()
    button(test, "teach-train").click().run()
    (job,) = answering.submitted
    lesson = Lesson.of(job.settings)
    assert (job.task, job.model, job.scene_ref) == ("train", "mamba_moe", "farmland")
    assert (len(lesson.pixels), lesson.epochs, len(lesson.names)) == (64, 30, 16)
    assert Path(lesson.folder).is_dir()
    check(test, PAGE)


def test_another_draw_takes_other_pixels_and_clear_forgets_them(open_page, answering):
    test = open_page(PAGE, scene="farmland")
    button(test, "teach-draw").click().run()
    first = dict(desk_of(test).pixels)
    button(test, "teach-draw").click().run()
    assert desk_of(test).pixels.keys() != first.keys()
    button(test, "teach-clear").click().run()
    assert desk_of(test).pixels == {}
    check(test, PAGE)


@pytest.fixture
def taught(open_page, answering):
    """The page after a training."""
    test = open_page(PAGE, scene="farmland")
    button(test, "teach-draw").click().run()
    button(test, "teach-train").click().run()
    return test


def test_what_was_trained_is_on_the_shelf_and_can_be_thrown_away(taught):
    (one,) = desk_of(taught).taught
    assert (one.pixels, one.accuracy) == (160, 0.9634)
    assert "96.3 % of all other labelled pixels are right" in text_of(taught)
    button(taught, f"away-{Path(one.folder).name}").click().run()
    assert not Path(one.folder).exists()
    assert desk_of(taught).taught == []
    check(taught, PAGE)


def test_progress_cancel_and_going_on(open_page, scripted):
    executor = scripted(JobState("running", 3, 100, "loss 2.1", seconds=2.0, seconds_left=60.0))
    test = open_page(PAGE, scene="farmland")
    button(test, "teach-draw").click().run()
    button(test, "teach-train").click().run()
    assert button(test, "teach-train").disabled
    assert "teach-resume" not in [b.key for b in test.button]
    button(test, "teach-cancel").click().run()
    test.run()
    assert executor.cancelled == ["run-1"]
    assert "was cancelled" in text_of(test)
    button(test, "teach-resume").click().run()
    assert executor.submitted[1] == executor.submitted[0]
    check(test, PAGE)


def test_a_scene_without_reference_is_taught_classes_of_ones_own(
    open_page, answering, monkeypatch, tmp_path
):
    monkeypatch.setattr(registry, "cards", lambda: {CARD.id: CARD})
    path = tmp_path / "plain.npy"
    np.save(path, np.random.default_rng(0).random((24, 20, 5)).astype(np.float32))
    test = check(open_page(PAGE, scene=str(path)), PAGE)
    assert desk_of(test).names == ("Class 1", "Class 2")
    test.text_input("teach-names").set_value("water, land, , sky").run()
    assert desk_of(test).names == ("water", "land", "sky")
    assert "teach-draw" not in [b.key for b in test.button]
    test.text_input("teach-names").set_value("water").run()
    assert desk_of(test).names == ("water", "land", "sky")  # one class cannot be told apart
    check(test, PAGE)


def test_a_scene_that_no_model_can_learn_from_says_why(open_page, answering, tmp_path):
    path = tmp_path / "grey.npy"
    np.save(path, np.random.default_rng(0).random((24, 20), np.float32))
    test = check(open_page(PAGE, scene=str(path)), PAGE)
    assert "It takes 3 to 1024 bands; the scene has 1" in text_of(test).replace("\\", "")
    button(test, "open-small").click().run()
    check(test, PAGE)
    assert test.session_state[address.KEY].scene == "indian-pines"


def test_a_large_scene_is_refused_with_numbers(open_page, answering, tmp_path):
    path = tmp_path / "large.npy"
    np.save(path, np.zeros((310, 310, 4), np.uint8))
    test = check(open_page(PAGE, scene=str(path)), PAGE)
    assert "310 x 310 pixels; up to 90 000" in text_of(test).replace("\\", "")


def test_own_weights_are_offered_on_the_pages_of_models(open_app, answering):
    test = open_app()
    session = test.session_state[address.KEY]
    session.open("farmland")
    test.switch_page("pages/train.py").run()
    button(test, "teach-draw").click().run()
    button(test, "teach-train").click().run()
    (one,) = session.teaching.taught
    record = trained(registry.cards()["mamba_moe"], "farmland", _about(test)).weights[0]
    _write_record(Path(one.folder), record)
    assert read_weights(Path(one.folder))
    test.switch_page("pages/classify.py").run()
    weights = test.selectbox("weights")
    assert any(option.startswith("yours: 2 pixels") for option in weights.options)
    weights.set_value(one.folder).run()
    button(test, "main-run").click().run()
    assert answering.submitted[-1].weights == one.folder
    assert "weights" not in test.query_params
    check(test, "classify")


def _about(test):
    return clients.description(clients.key_of(test.session_state[address.KEY]))


def _write_record(folder: Path, weights) -> None:
    record = {k: v for k, v in asdict(weights).items() if k != "folder"}
    record |= {"protocol": "", "metrics": {"pixels": [[0, 0, 1], [1, 1, 2]]}}
    (folder / "weights.json").write_text(json.dumps([record]))
    (folder / record["file"]).write_bytes(b"numbers")
