"""Training on a visitor's own pixels: it learns, shows how, stops, goes on, and is private."""

import json
from dataclasses import replace

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.errors import BadOption, Cancelled
from rsviz.core.run import Ask, run
from rsviz.evaluate import lessons
from rsviz.evaluate.scores import score_result
from rsviz.jobs.job import Job
from rsviz.jobs.lesson import CHECKPOINT, Lesson, train, why_not

EPOCHS = 24


def silent(*_args) -> None:
    """Listen to nothing."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RSVIZ_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pixels(patches):
    """Eight pixels of each class."""
    rng = np.random.default_rng(0)
    found = []
    for label in (1, 2, 3):
        places = rng.permutation(np.argwhere(patches.truth.labels == label))[:8]
        found += [(int(row), int(col), label) for row, col in places]
    return tuple(found)


@pytest.fixture
def job(pixels, patches, tmp_path):
    """Makes the job of a lesson in a folder of this name."""

    def make(name="own", epochs=EPOCHS, chosen=pixels, names=patches.truth.names):
        lesson = Lesson(chosen, names, epochs, str(tmp_path / name))
        return Job("patches", "mamba_moe", task="train", settings=lesson.settings(), device="cpu")

    return make


def test_a_lesson_survives_the_way_through_a_job(job, pixels):
    settings = json.loads(json.dumps(job().settings))
    assert Lesson.of(settings).pixels == pixels
    assert Lesson.of(settings).epochs == EPOCHS


def test_it_learns_and_shows_how(patches, job, pixels, tmp_path):
    maps, steps = [], []
    result = train(patches, job(), lambda *step: steps.append(step), lambda: False, maps.append)
    assert steps[-1][:2] == (EPOCHS, EPOCHS + 1)
    assert {"classes", "probabilities", "loss", "accuracy"} <= set(maps[0])
    loss, accuracy = result.layers["loss"], result.layers["accuracy"]
    assert loss.data.shape == (1, EPOCHS)
    assert loss.data[0, -1] < loss.data[0, 0]
    assert accuracy.data[0, -1] > accuracy.data[0, 0]
    assert accuracy.data[0, -1] / 100 == pytest.approx(result.metrics["overall_accuracy"])
    assert result.metrics["overall_accuracy"] > 0.6
    assert result.metrics["n_train"] == len(pixels)
    assert result.metrics["n_test"] == (patches.truth.labels > 0).sum() - len(pixels)
    assert set(result.metrics["rivals"]) == {"svm_rbf", "random_forest"}
    split = result.split.data
    assert all(split[row, col] == 1 for row, col, _ in pixels)
    assert not (tmp_path / "own" / CHECKPOINT).exists()


def test_the_result_is_a_model_like_any_other_and_private(patches, job, tmp_path):
    first = train(patches, job(epochs=8), silent, lambda: False, silent)
    folder = str(tmp_path / "own")
    assert first.record.weights == folder
    assert folder not in [w.id for w in registry.card("mamba_moe").weights]
    again = score_result(run(patches, Ask("mamba_moe", folder, wants=("routing_1",))), patches)
    assert np.array_equal(again.layers["classes"].data, first.layers["classes"].data)
    assert "routing_1" in again.layers
    assert again.metrics["overall_accuracy"] == first.metrics["overall_accuracy"]
    stored = registry.card("mamba_moe").named(folder)
    assert stored.metrics["overall_accuracy"] == pytest.approx(
        first.metrics["overall_accuracy"], abs=1e-5
    )
    assert len(stored.reference) > 0


def test_a_cancel_leaves_what_a_second_training_goes_on_from(patches, job, tmp_path):
    told = []

    def report(done, total, what):
        told.append(done)

    with pytest.raises(Cancelled):
        train(patches, job("stopped"), report, lambda: len(told) >= 9, silent)
    assert (tmp_path / "stopped" / CHECKPOINT).is_file()
    assert registry.card("mamba_moe").named(str(tmp_path / "stopped")) is None
    went_on = []
    resumed = train(
        patches, job("stopped"), lambda done, *_: went_on.append(done), lambda: False, silent
    )
    assert went_on[0] > 9
    whole = train(patches, job("whole"), silent, lambda: False, silent)
    assert np.allclose(resumed.layers["loss"].data, whole.layers["loss"].data, rtol=1e-3, atol=1e-3)


def test_classes_of_ones_own_need_no_reference(patches, job, pixels):
    bare = replace(patches, truth=None)
    names = ("water", "land", "sky")
    result = train(bare, job(names=names, epochs=6), silent, lambda: False, silent)
    assert result.layers["classes"].labels == names
    assert result.metrics == {} and result.split is None
    assert "accuracy" not in result.layers


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (((3, 3, 1), (4, 4, 1), (5, 5, 2)), "two classes with two pixels"),
        (((99, 3, 1),), "Row 99"),
        (((5, 29, 1),), "column 29"),  # the border without data
        (((5, 5, 9),), "class 9"),
    ],
)
def test_pixels_that_teach_nothing_are_refused(patches, job, chosen, words):
    with pytest.raises(BadOption, match=words):
        train(patches, job(chosen=chosen), silent, lambda: False, silent)


def test_what_takes_too_long_is_refused(patches, job):
    with pytest.raises(BadOption, match="9999 epochs"):
        train(patches, job(epochs=9999), silent, lambda: False, silent)
    assert why_not(300, 300) == ""
    assert "90 000" in why_not(301, 300)


def test_agreement_counts_only_what_was_not_taught(patches):
    classes = (patches.truth.labels - 1).astype(np.int16)
    labels = np.where(np.arange(40)[:, None] < 20, patches.truth.labels, 0).astype(np.int16)
    classes[:20] = 0
    assert lessons.agreement(classes, patches.truth, labels) == 1.0
    assert lessons.agreement(classes, patches.truth, patches.truth.labels) is None
