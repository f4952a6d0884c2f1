import hashlib
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from stripes import BANDS, CLASSES, HEIGHT, WIDTH, hooks, scene, some_labels

from models.sformer.card import CARD, Options
from models.sformer.model import SFormerModel
from models.sformer.network import Config, SFormer
from models.sformer.patches import VIEWS, padded, patches_at
from models.sformer.train import moved_places, train
from rsviz.core.card import Weights
from rsviz.core.errors import BadOption, Cancelled, SceneMismatch
from rsviz.core.model import RunContext
from rsviz.core.run import check_layers

EVERYTHING = frozenset(CARD.on_request)
CONFIG = Config(bands=BANDS, classes=CLASSES, components=BANDS)


def saved(folder, state, config):
    save_file({n: t.contiguous().clone() for n, t in state.items()}, folder / "w.safetensors")
    digest = hashlib.sha256((folder / "w.safetensors").read_bytes()).hexdigest()
    weights = Weights(
        id="tiny/seed-0", file="w.safetensors", sha256=digest, scene="stripes", protocol="", seed=0,
        bands=BANDS, recipe="", data="", licence="", measured_on="", parameters=0,
        classes=("a", "b", "c"), config=config, folder=folder,
    )  # fmt: skip
    loaded = SFormerModel()
    loaded.load(weights, "cpu")
    return loaded


@pytest.fixture
def loaded(tmp_path):
    torch.manual_seed(0)
    network = SFormer(CONFIG)
    network.projection.fit(torch.from_numpy(scene().pixels[0].copy()))
    return saved(tmp_path, network.state_dict(), asdict(CONFIG))


def test_layers_are_those_of_the_card(loaded):
    options = Options(pick_row=3, pick_col=20)
    layers = loaded.predict(scene(), options, RunContext(wants=EVERYTHING))
    check_layers(CARD, layers, scene().grid, EVERYTHING)
    assert not hooks(loaded.network)
    field = layers["receptive_field_1"].data
    assert field.shape == (HEIGHT, WIDTH) and field.min() >= 3 and field.max() <= 11
    assert field.std() > 0
    for name in ("attention_before", "attention_after"):
        assert np.allclose(layers[name].data.sum((1, 2, 3)), 1.0, atol=1e-5)
    for name in ("kept_tokens", "popularity"):
        assert np.allclose(layers[name].data.sum((1, 2, 3)), 80.0, atol=1e-3)
    assert "row 3, column 20" in layers["kept_tokens"].title
    assert layers["temperatures"].data.shape == (6, 8)
    assert layers["loadings"].x[0] == 400.0
    assert layers["explained_variance"].data[0, -1] == pytest.approx(1.0, abs=2e-3)


def test_every_4th_pixel_is_as_in_the_whole_map_and_the_others_are_as_their_neighbour(loaded):
    whole, coarse = (
        loaded.predict(scene(), Options(detail=detail), RunContext())["probabilities"].data
        for detail in ("every pixel", "every 4th pixel")
    )
    assert np.allclose(coarse[:, ::4, ::4], whole[:, ::4, ::4], atol=1e-3)
    assert np.array_equal(coarse[:, 1, 1], coarse[:, 0, 0])
    assert np.array_equal(coarse[:, 3, 7], coarse[:, 4, 8])


def test_a_picked_pixel_is_read_by_itself_and_the_rest_coarsely(loaded):
    row, col = 3, 18  # no pixel of a coarse map
    whole = loaded.predict(scene(), Options(views=1), RunContext())["probabilities"].data
    coarse = loaded.predict(scene(), Options(views=1, detail="every 4th pixel"), RunContext())
    picked = loaded.predict(scene(), Options(pick_row=row, pick_col=col), RunContext())
    p = picked["probabilities"].data.copy()
    assert np.allclose(p[:, row, col], whole[:, row, col], atol=1e-3)
    p[:, row, col] = coarse["probabilities"].data[:, row, col]
    assert np.array_equal(p, coarse["probabilities"].data)


def test_unfinished_maps_become_finer_until_the_last_pixels_are_missing(loaded):
    shown = []
    options = Options(views=1, top_k=100)
    whole = loaded.predict(scene(), options, RunContext(on_partial=shown.append))[
        "probabilities"
    ].data
    maps = [layers["probabilities"].data for layers in shown]
    coarse, finer, *late = maps
    assert late
    assert set(shown[0]) == set(CARD.emits)
    assert np.array_equal(coarse[:, ::4, ::4], whole[:, ::4, ::4])
    assert np.array_equal(coarse[:, 1, 1], whole[:, 0, 0])
    assert np.array_equal(finer[:, ::2, ::2], whole[:, ::2, ::2])
    right = [(plane == whole).all(0).sum() for plane in maps]
    assert right == sorted(right) and right[0] < right[-1] < HEIGHT * WIDTH


def test_views_are_averaged(loaded):
    coarse = Options(detail="every 4th pixel", top_k=100)
    found = {
        n: loaded.predict(scene(), replace(coarse, views=n), RunContext())["probabilities"].data
        for n in (1, 6)
    }
    image = padded(loaded.network.projection(torch.from_numpy(scene().pixels[0].copy())))
    patch = patches_at(image, torch.tensor([4]), torch.tensor([8]))
    with torch.inference_mode():
        p = torch.stack([loaded.network(v.turn(patch), 100).softmax(1)[0] for v in VIEWS])
    assert np.allclose(found[1][:, 4, 8], p[0], atol=1e-4)
    assert np.allclose(found[6][:, 4, 8], p.mean(0), atol=1e-4)


def test_fewer_tokens_change_the_answer_without_training(loaded):
    trained, same, fewer = (
        loaded.predict(scene(), Options(top_k=k, detail="every 4th pixel"), RunContext())
        for k in (0, 80, 5)
    )
    p = [run["probabilities"].data for run in (trained, same, fewer)]
    assert np.array_equal(p[0], p[1])
    assert np.abs(p[0] - p[2]).max() > 1e-4


def test_holes_are_undefined_and_reach_no_farther_than_a_patch(loaded):
    whole = loaded.predict(scene(), Options(), RunContext())["probabilities"].data
    holed = loaded.predict(scene([(4, 5)]), Options(), RunContext(wants=EVERYTHING))
    assert holed["classes"].data[4, 5] == -1
    assert np.isnan(holed["receptive_field_1"].data[4, 5])
    assert (holed["classes"].data >= 0).sum() == HEIGHT * WIDTH - 1
    far = np.s_[:, 10:, 12:]
    assert np.allclose(holed["probabilities"].data[far], whole[far], atol=1e-4)


def test_cancel_takes_effect_and_leaves_no_hook(loaded):
    steps = []
    ctx = RunContext(
        wants=EVERYTHING, on_step=lambda *s: steps.append(s), cancelled=lambda: len(steps) > 1
    )
    with pytest.raises(Cancelled):
        loaded.predict(scene(), Options(), ctx)
    assert steps[0] == (0, HEIGHT * WIDTH, "reading every 4th pixel")
    assert not hooks(loaded.network)


def test_pixel_outside_and_empty_scene_are_refused_in_words(loaded):
    with pytest.raises(SceneMismatch, match="row 17, column 11; the scene has 17 rows and 22"):
        loaded.predict(scene(), Options(pick_row=17), RunContext())
    empty = replace(scene(), valid=np.zeros((1, HEIGHT, WIDTH), bool))
    with pytest.raises(SceneMismatch, match="no pixel"):
        loaded.predict(empty, Options(), RunContext())


SETTINGS = {"epochs": "12", "lr": "0.002", "components": "6", "warmup": "1", "shift": "0"}


def nothing(*_):
    """Say nothing."""


def test_training_learns_the_stripes_and_runs_as_a_model(tmp_path):
    trained = train(scene(), some_labels(), 0, SETTINGS, None, "cpu", nothing)
    assert trained.history["loss"][-1] < 0.5 * trained.history["loss"][0]
    loaded = saved(tmp_path, {n: t.half() for n, t in trained.state.items()}, trained.config)
    layers = loaded.predict(scene(), Options(), RunContext())
    test = some_labels() == 0
    assert (layers["classes"].data + 1 == scene().truth.labels)[test].mean() > 0.9


def test_training_sees_no_other_label():
    settings = SETTINGS | {"epochs": "1"}
    blind = replace(scene(), truth=None)
    a, b = (train(s, some_labels(), 3, settings, None, "cpu", nothing) for s in (blind, scene()))
    assert all(torch.equal(x, y) for x, y in zip(a.state.values(), b.state.values(), strict=True))


def test_patches_are_moved_no_farther_than_asked_and_not_out_of_the_scene():
    image = padded(torch.zeros(2, HEIGHT, WIDTH))
    places = torch.tensor([[0, 8, HEIGHT - 1], [0, 11, WIDTH - 1]]).repeat(1, 1000)
    torch.manual_seed(0)
    moved = moved_places(places, 3, image)
    assert (moved - places).abs().amax(1).tolist() == [3, 3]
    assert moved.amin(1).tolist() == [0, 0]
    assert moved.amax(1).tolist() == [HEIGHT - 1, WIDTH - 1]
    assert len(torch.unique(moved[:, 1::3], dim=1).T) == 49
    assert torch.equal(moved_places(places, 0, image), places)


def test_interrupted_training_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    monkeypatch.setattr("models.sformer.train.CHECKPOINT_EPOCHS", 2)
    settings = SETTINGS | {"epochs": "4", "average": "0.9", "noise": "0.1"}
    labels = some_labels(19)
    whole = train(scene(), labels, 1, settings, None, "cpu", nothing)

    def stop(done, total, what):
        if done == 3:
            raise Cancelled("stop")

    path = tmp_path / "state.pt"
    with pytest.raises(Cancelled):
        train(scene(), labels, 1, settings, path, "cpu", stop)
    first = []
    again = train(scene(), labels, 1, settings, path, "cpu", lambda done, *_: first.append(done))
    assert first[0] == 4
    assert again.history == whole.history
    assert all(torch.equal(whole.state[n], again.state[n]) for n in whole.state)


def test_unknown_setting_and_too_few_labels_are_refused():
    with pytest.raises(BadOption, match="no option 'epoch'"):
        train(scene(), some_labels(), 0, {"epoch": "1"}, None, "cpu", nothing)
    with pytest.raises(SceneMismatch, match="0 pixels are labelled"):
        train(scene(), np.zeros((HEIGHT, WIDTH), np.int16), 0, {}, None, "cpu", nothing)
