"""SITSMamba at work: training, and the layers that look into a year."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from seasons import DATES, C, T, a_year

from models.sits_mamba import survey
from models.sits_mamba.card import CARD
from models.sits_mamba.model import SITSMambaModel
from models.sits_mamba.network import Config
from models.sits_mamba.scores import scores_at
from models.sits_mamba.season import elapsed_of
from models.sits_mamba.train import Recipe, shaped, train
from rsviz.core.card import Weights
from rsviz.core.errors import SceneMismatch
from rsviz.core.model import RunContext
from rsviz.core.options import build


@pytest.fixture(scope="module")
def trained():
    """Trained on some pixels of stripes."""
    scene = a_year(12, 10)
    labels = scene.truth.labels.copy()
    labels[::2] = 0
    settings = {"epochs": "30", "width": "16", "kernel": "1", "bf16": "no"}
    return scene, labels, train(scene, labels, 0, settings, None, "cpu", lambda *_: None)


def weights_of(result, tmp_path) -> Weights:
    file = tmp_path / "w.safetensors"
    save_file({n: t.contiguous() for n, t in result.state.items()}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return Weights(
        "tiny/seed-0", file.name, digest, "stripes", "", 0, C, "", "", "", "", 0,
        classes=("early", "late", "bare"), config=result.config, folder=tmp_path,
    )  # fmt: skip


def predicted(scene, result, tmp_path, *wants, **options):
    model = SITSMambaModel()
    model.load(weights_of(result, tmp_path), "cpu")
    ctx = RunContext(wants=frozenset(wants))
    return model.predict(scene, build(CARD.options, options), ctx)


def test_training_learns_when_values_rise(trained, tmp_path):
    scene, labels, result = trained
    assert result.history["loss"][-1] < 0.5 * result.history["loss"][0]
    layers = predicted(scene, result, tmp_path)
    unseen = labels == 0
    right = layers["classes"].data[unseen] == scene.truth.labels[unseen] - 1
    assert right.mean() > 0.9


def test_the_same_seed_trains_the_same_network(trained):
    scene, labels, result = trained
    settings = {"epochs": "30", "width": "16", "kernel": "1", "bf16": "no"}
    again = train(scene, labels, 0, settings, None, "cpu", lambda *_: None)
    assert all(torch.equal(again.state[name], value) for name, value in result.state.items())


def test_training_goes_on_from_a_checkpoint(tmp_path):
    scene = a_year(12, 10)
    settings = {"epochs": "12", "width": "16", "kernel": "1", "bf16": "no"}
    straight = train(scene, scene.truth.labels, 1, settings, None, "cpu", lambda *_: None)

    def stop(done, total, what):
        if done == 11:
            raise KeyboardInterrupt

    path = tmp_path / "c.ckpt"
    with pytest.raises(KeyboardInterrupt):
        train(scene, scene.truth.labels, 1, settings, path, "cpu", stop)
    resumed = train(scene, scene.truth.labels, 1, settings, path, "cpu", lambda *_: None)
    assert all(torch.equal(resumed.state[name], v) for name, v in straight.state.items())


@pytest.mark.parametrize("form", ["ours", "published"])
@pytest.mark.parametrize("reconstruct", ["yes", "no"])
def test_patches_train_in_both_forms(form, reconstruct):
    scene = a_year(12, 10)
    settings = {
        "epochs": "1",
        "width": "16",
        "patch": "8",
        "form": form,
        "reconstruct": reconstruct,
    }
    result = train(scene, scene.truth.labels, 0, settings, None, "cpu", lambda *_: None)
    assert result.config["kernel"] == 3
    assert result.config["relu_scores"] == (form == "published")
    assert (result.history["dates"][0] > 0) == (reconstruct == "yes")
    assert np.isfinite(result.history["loss"]).all()


def test_held_out_fields_choose_the_epoch(tmp_path):
    scene = a_year(12, 10)
    settings = {"epochs": "4", "width": "16", "kernel": "1", "validation": "0.3"}
    result = train(scene, scene.truth.labels, 0, settings, None, "cpu", lambda *_: None)
    assert len(result.history["held out"]) == 4
    assert 0 <= min(result.history["held out"]) <= max(result.history["held out"]) <= 1


PICK = {"pick_row": 4, "pick_col": 3}


def test_layers_of_the_picked_pixel_fit_together(trained, tmp_path):
    scene, _, result = trained
    wants = ("pixel_series", "pixel_reconstruction", "pixel_residual", "deciding_dates",
             "occlusion", "season_probability", "step_size", "state_norm")  # fmt: skip
    layers = predicted(scene, result, tmp_path, *wants, **PICK)
    clear = scene.valid[:, 4, 3]
    series = layers["pixel_series"].data
    assert np.array_equal(np.isfinite(series).all(axis=0), clear)
    assert np.allclose(series[:, clear], scene.pixels[clear, :, 4, 3].T)
    residual = layers["pixel_residual"].data[:, clear]
    restored = layers["pixel_reconstruction"].data[:, clear]
    assert np.allclose(series[:, clear] - restored, residual, atol=1e-5)
    shares = layers["deciding_dates"].data
    assert np.nansum(shares, axis=1) == pytest.approx([1, 1], abs=1e-5)
    season = layers["season_probability"]
    assert season.names == ("early", "late", "bare")
    assert np.allclose(season.data.sum(axis=0), 1, atol=1e-5)
    assert np.allclose(season.data[:, -1], layers["probabilities"].data[:, 4, 3], atol=1e-5)
    best = int(layers["classes"].data[4, 3])
    hidden = int(np.flatnonzero(clear)[-1])
    valid = scene.valid.copy()
    valid[hidden, 4, 3] = False
    without = predicted(replace(scene, valid=valid), result, tmp_path, **PICK)
    fall = layers["probabilities"].data[best, 4, 3] - without["probabilities"].data[best, 4, 3]
    assert layers["occlusion"].data[0, hidden] == pytest.approx(fall, abs=1e-5)
    assert np.nanmin(layers["step_size"].data) > 0
    assert np.nanmin(layers["state_norm"].data) > 0


def test_maps_of_the_season_agree_with_shorter_series(trained, tmp_path):
    scene, _, result = trained
    layers = predicted(scene, result, tmp_path, "earliest_decision", "deciding_day")
    final = layers["classes"].data
    stays = np.full(final.shape, T - 1)
    for t in reversed(range(T)):
        part = replace(scene, pixels=scene.pixels[: t + 1], valid=scene.valid[: t + 1],
                       dates=DATES[: t + 1])  # fmt: skip
        now = predicted(part, result, tmp_path)["classes"].data
        stays = np.where((now == final) & (stays == min(t + 1, T - 1)), t, stays)
    expected = elapsed_of(DATES, T)[stays]
    assert np.array_equal(layers["earliest_decision"].data, expected)
    assert layers["earliest_decision"].unit == "day"
    assert set(np.unique(layers["deciding_day"].data)) <= set(elapsed_of(DATES, T))


def test_reconstruction_error_is_that_of_the_pixels(trained, tmp_path):
    scene, _, result = trained
    error = predicted(scene, result, tmp_path, "reconstruction_error")["reconstruction_error"].data
    squares, counts = np.zeros((C, T)), scene.valid.sum(axis=(1, 2))
    for row in range(12):
        for col in range(10):
            residual = predicted(scene, result, tmp_path, "pixel_residual",
                                 pick_row=row, pick_col=col)["pixel_residual"].data  # fmt: skip
            squares += np.nan_to_num(residual) ** 2
    assert np.allclose(error, np.sqrt(squares / counts), rtol=1e-3)


def test_dropping_dates_costs_agreement(trained, tmp_path):
    scene, _, result = trained
    curve = predicted(scene, result, tmp_path, "dropped_dates")["dropped_dates"]
    assert curve.data[0, 0] == 1
    assert curve.data[0, -1] < 1
    assert curve.x.tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_a_scene_that_is_all_clouds_is_refused(trained, tmp_path):
    scene, _, result = trained
    nothing = replace(scene, valid=np.zeros_like(scene.valid))
    with pytest.raises(SceneMismatch, match="All 7 dates are clouded"):
        predicted(nothing, result, tmp_path)


def test_a_series_without_days_counts_dates(trained, tmp_path):
    scene, _, result = trained
    layers = predicted(replace(scene, dates=()), result, tmp_path, "earliest_decision",
                       "pixel_series")  # fmt: skip
    assert layers["earliest_decision"].unit == "date"
    assert layers["pixel_series"].dates == tuple("1234567")


def test_each_departure_is_an_option_of_its_own():
    plain = Config(C, 3)
    kept = shaped(plain, build(Recipe, {"form": "published"}))
    assert (kept.mask, kept.days, kept.relu_scores, kept.norm) == ("frames", False, True, "frame")
    assert kept.patch == 16
    given = {"mask": "dates", "days": "yes", "relu_scores": "no", "norm": "pixel"}
    for name, value in given.items():
        one = shaped(plain, build(Recipe, {"form": "published", name: value}))
        changed = [n for n in given if getattr(one, n) != getattr(kept, n)]
        assert changed == [name]
    assert shaped(plain, build(Recipe, {"form": "published", **given})) == plain


@pytest.mark.parametrize("form", ["ours", "published"])
def test_a_picked_pixel_among_neighbours_agrees_with_the_map(form, tmp_path):
    scene = a_year(20, 18)
    settings = {"epochs": "2", "width": "16", "patch": "8", "form": form}
    result = train(scene, scene.truth.labels, 0, settings, None, "cpu", lambda *_: None)
    wants = ("season_probability", "pixel_reconstruction", "earliest_decision")
    for row, col in ((0, 0), (9, 7), (19, 17)):
        layers = predicted(scene, result, tmp_path, *wants, pick_row=row, pick_col=col)
        last = layers["season_probability"].data[:, -1]
        assert np.allclose(last, layers["probabilities"].data[:, row, col], atol=1e-5)


@pytest.mark.parametrize("kernel", ["1", "3"])
@pytest.mark.parametrize("pick", [(0, 0), (5, 7)])
def test_scores_with_gradients_are_those_of_a_run(kernel, pick, tmp_path):
    scene = a_year(12, 10)
    settings = {"epochs": "2", "width": "16", "kernel": kernel, "patch": "8", "bf16": "no"}
    result = train(scene, scene.truth.labels, 3, settings, None, "cpu", lambda *_: None)
    said = predicted(scene, result, tmp_path)["probabilities"].data[:, *pick]
    model = SITSMambaModel()
    model.load(weights_of(result, tmp_path), "cpu")
    found = scores_at(model, scene, *pick, build(CARD.options, {}))
    inputs = found.inputs.clone().requires_grad_()
    scores = found.scores(inputs)
    np.testing.assert_allclose(scores.detach().softmax(1)[0], said, atol=1e-5)
    scores[0, 0].backward()
    by_date = inputs.grad[0].unflatten(0, (T, C)).abs().sum(dim=(1, 2, 3))
    if kernel == "1":  # nothing but the pixel itself, on its clear dates
        clear = scene.valid[:, *pick]
        assert np.array_equal(by_date.numpy() > 0, clear)


def test_a_scene_read_in_parts_gives_the_same(trained, tmp_path, monkeypatch):
    scene, _, result = trained
    wants = ("reconstruction_error", "step_size", "deciding_dates", "earliest_decision")
    whole = predicted(scene, result, tmp_path, *wants)
    monkeypatch.setattr(survey, "NUMBERS", 16 * 16 * T)
    monkeypatch.setattr(survey, "HALO", 1)
    parts = predicted(scene, result, tmp_path, *wants)
    assert len(survey.pieces_of(Config.from_record(result.config), T, 12, 10)) > 1
    for name, layer in whole.items():
        assert np.allclose(layer.data, parts[name].data, atol=1e-5, equal_nan=True), name
