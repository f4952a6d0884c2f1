"""Trainings become records whose file, hash and score can be trusted."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open

from rsviz.core import registry
from rsviz.core.errors import BadOption, WeightsMissing
from rsviz.core.run import Ask, run
from rsviz.evaluate import protocols, training
from rsviz.evaluate.protocols import TEST, fingerprint
from rsviz.evaluate.scores import score_result
from rsviz.evaluate.training import train_and_record


def silent(done, total, what):
    """Report nothing."""


def train(seed=0, settings=None, **rest):
    return train_and_record("nearest", "patches-20", seed, "cpu", settings or {}, silent, **rest)


@pytest.fixture
def folder(toys, patches_scene):
    return toys / "nearest" / "weights"


def test_a_training_is_recorded_with_hash_recipe_and_score(folder, patches):
    record = train()
    (stored,) = registry.card("nearest").weights
    assert json.loads((folder / "weights.json").read_text("utf8")) == [record]
    assert stored.id == "patches-20/seed-0"
    assert stored.file == "patches-20-seed-0.safetensors"
    assert stored.content() == (folder / stored.file).read_bytes()
    assert stored.recipe == "python -m rsviz train nearest --protocol patches-20 --seed 0"
    assert (stored.bands, stored.classes) == (6, patches.truth.names)
    assert stored.wavelengths_nm == patches.wavelengths_nm
    assert stored.parameters == 18
    assert stored.measured_on.startswith("cpu, ")
    assert stored.metrics["truth"] == fingerprint(patches.truth)
    assert stored.metrics["n_train"] == 60
    assert stored.metrics["overall_accuracy"] > 0.9
    with safe_open(folder / stored.file, "np") as file:
        assert file.get_tensor("means").dtype == np.float16
        assert json.loads(file.metadata()["rsviz"])["history"] == {"loss": [1.0]}


def test_the_recorded_score_is_that_of_the_file_on_test_pixels(folder, patches):
    record = train()
    result = run(patches, Ask("nearest", weights=record["id"]))
    split = protocols.protocol("patches-20").split(patches.truth, 0)
    test = split == TEST
    right = result.layers["classes"].data[test] == patches.truth.labels[test] - 1
    assert record["metrics"]["overall_accuracy"] == pytest.approx(right.mean(), abs=1e-5)
    scored = score_result(result, patches)
    assert (scored.split.data == split).all()
    assert scored.metrics["n_test"] == test.sum()


def test_the_same_seed_gives_the_same_file_and_replaces_its_record(folder):
    first, second = train(), train()
    assert first["sha256"] == second["sha256"]
    other = train(seed=1)
    assert other["sha256"] != first["sha256"]
    ids = [r["id"] for r in json.loads((folder / "weights.json").read_text("utf8"))]
    assert ids == ["patches-20/seed-0", "patches-20/seed-1"]


def test_settings_and_variant_are_part_of_the_record(folder):
    train()
    record = train(settings={"noise": "0.001"}, variant="noisy")
    assert record["id"] == "patches-20-noisy/seed-0"
    assert record["recipe"].endswith("--seed 0 --set noise=0.001 --variant noisy")
    assert registry.card("nearest").weights[0].id == "patches-20/seed-0"


def test_without_a_file_the_metrics_and_the_hash_stay(folder):
    kept, record = train(), train(seed=1, keep_file=False)
    assert record["file"] == ""
    assert record["recipe"].endswith("--no-file")
    assert len(record["sha256"]) == 64
    assert record["metrics"]["n_test"] == kept["metrics"]["n_test"]
    assert [p.name for p in folder.glob("*.safetensors")] == [kept["file"]]
    with pytest.raises(WeightsMissing, match="train nearest"):
        registry.card("nearest").weights[1].content()


def test_a_changed_file_is_refused(folder, patches):
    record = train()
    path = folder / record["file"]
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert hashlib.sha256(path.read_bytes()).hexdigest() != record["sha256"]
    with pytest.raises(WeightsMissing, match="hash"):
        registry.card("nearest").weights[0].content()


def test_other_labels_than_those_of_the_training_are_not_scored(folder, patches, scene_maker):
    train()
    other = replace(patches, truth=scene_maker(classes=3, seed=5, height=40).truth)
    part = patches.crop(type(patches.grid.window)(0, 0, 20, 20))
    for scene in (replace(other, truth=replace(other.truth, names=("x", "y", "z"))), part):
        result = run(scene, Ask("nearest"))
        assert score_result(result, scene) is result
    bare = replace(patches, truth=None)
    result = run(bare, Ask("nearest"))
    assert score_result(result, bare) is result


def test_a_checkpoint_is_removed_at_the_end(folder, tmp_path):
    checkpoint = tmp_path / "unfinished.ckpt"
    checkpoint.write_bytes(b"half way")
    train(checkpoint=checkpoint)
    assert not checkpoint.exists()


def test_what_cannot_be_trained_says_so(toys, patches_scene, monkeypatch):
    card = registry.card("nearest")
    with pytest.raises(BadOption, match="no trainer"):
        training.trainer_of(replace(card, trainer=""))
    with pytest.raises(BadOption, match="no model 'nothing'"):
        train_and_record("nothing", "patches-20", 0, "cpu", {}, silent)
    with pytest.raises(BadOption, match="no protocol"):
        train_and_record("nearest", "mars-50", 0, "cpu", {}, silent)
    with pytest.raises(BadOption, match="no setting"):
        train(settings={"sharpness": "3"})


def test_a_protocol_finds_its_scene_with_labels():
    scene = training.read_scene(protocols.protocol("indian-pines-50"))
    assert scene.shape == (1, 200, 145, 145)
    assert len(scene.truth.names) == 16
