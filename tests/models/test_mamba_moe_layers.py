import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from stripes import HEIGHT, WIDTH, hooks, model, scene, tiny

from models.mamba_moe.card import CARD, Options
from models.mamba_moe.network import MambaMoE
from models.mamba_moe.symmetry import turned, turned_back
from models.mamba_moe.train import band_scaling
from rsviz.core.errors import Cancelled
from rsviz.core.grid import Grid
from rsviz.core.model import RunContext
from rsviz.core.run import check_layers
from rsviz.core.scene import Band, Scene
from rsviz.nn.landcover import defined, filled_pixels

EVERYTHING = frozenset(CARD.on_request)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("routing", ["scene", "pixel"])
def test_layers_are_those_of_the_card(tmp_path, routing):
    loaded = model(tmp_path, routing=routing)
    layers = loaded.predict(scene(), Options(), RunContext(wants=EVERYTHING))
    check_layers(CARD, layers, scene().grid, EVERYTHING)
    assert layers["routing_1"].role == ("affinity" if routing == "scene" else "routing")
    assert (layers["gates"].data.sum(1) < 1).all()
    if routing == "scene":
        assert ((layers["gates"].data > 0).sum(1) == 2).all()
        used = layers["contribution_2"].data.max((1, 2)) > 0
        assert (used == (layers["gates"].data[1] > 0)).all()
    assert sum(int(n.split("(")[1].split()[0]) for n in layers["expert_spectra"].names) == 374
    for d in range(4):
        assert sorted(layers["scan_orders"].data[d]) == list(range(40))
    assert not hooks(loaded.network)


def test_all_layers_agree_with_the_probabilities(tmp_path):
    layers = model(tmp_path).predict(scene(), Options(), RunContext())
    p = layers["probabilities"].data
    assert np.array_equal(layers["classes"].data, p.argmax(0))
    assert np.array_equal(layers["confidence"].data, p.max(0))
    assert np.allclose(layers["entropy"].data, -(p * np.log(p)).sum(0), atol=1e-6)
    ordered = np.sort(p, axis=0)
    assert np.allclose(layers["margin"].data, 1 - (ordered[-1] - ordered[-2]), atol=1e-6)


def test_disagreement_is_zero_for_equal_heads_and_ln_3_for_opposite_ones():
    from models.mamba_moe.internals import Inside, Replay, layer

    one_hot = 60.0 * torch.eye(3).reshape(3, 1, 3, 1, 1).expand(3, 1, 3, 2, 2)
    grid = Scene(np.zeros((1, 1, 2, 2)), np.ones((1, 2, 2)), (Band("b"),), Grid(2, 2))
    for logits, expected in (((one_hot[0],) * 3, 0.0), (tuple(one_hot), math.log(3))):
        inside = Inside(
            grid, np.ones((2, 2), bool), logits, {}, False, ("a", "b", "c"), (),
            Replay(np.zeros((0, 1, 1), bool), ()),
        )  # fmt: skip
        assert np.allclose(layer("disagreement", inside).data, expected, atol=1e-5)


def test_same_input_twice_gives_the_same_output(tmp_path):
    loaded = model(tmp_path)
    first, second = (loaded.predict(scene(), Options(), RunContext()) for _ in range(2))
    assert np.array_equal(first["probabilities"].data, second["probabilities"].data)


def test_holes_are_undefined_and_leave_the_rest_alone(tmp_path):
    holes = [(4, 5), (4, 6), (5, 5), (16, 21)]
    loaded = model(tmp_path)
    wants = EVERYTHING
    whole = loaded.predict(scene(), Options(), RunContext(wants=wants))
    holed = loaded.predict(scene(holes), Options(), RunContext(wants=wants))
    undefined = ~scene(holes).valid[0]
    assert (holed["classes"].data[undefined] == -1).all()
    for name, layer in holed.items():
        data = layer.data
        if data.shape[-2:] == (HEIGHT, WIDTH) and data.dtype == np.float32:
            assert np.isnan(data[..., undefined]).all(), name
            assert np.isfinite(data[..., ~undefined]).all(), name
    same = (holed["classes"].data == whole["classes"].data)[~undefined]
    assert same.mean() > 0.97
    far = np.ones((HEIGHT, WIDTH), bool)
    far[:9, :11] = far[12:, 17:] = False
    change = np.abs(holed["probabilities"].data - whole["probabilities"].data)
    assert change[:, far].max() < 0.05


def test_not_a_number_is_no_data_and_a_scene_without_data_is_all_undefined(tmp_path):
    loaded = model(tmp_path)
    pixels = scene().pixels.copy()
    pixels[0, 2, 3, 4] = np.nan
    layers = loaded.predict(replace(scene(), pixels=pixels), Options(), RunContext())
    assert np.argwhere(layers["classes"].data == -1).tolist() == [[3, 4]]
    empty = replace(scene(), pixels=np.zeros_like(pixels), valid=np.zeros((1, HEIGHT, WIDTH), bool))
    layers = loaded.predict(empty, Options(), RunContext(wants=EVERYTHING))
    assert (layers["classes"].data == -1).all()
    assert np.isnan(layers["probabilities"].data).all()


def test_more_experts_can_be_asked_for_and_only_then_change_the_result(tmp_path):
    loaded = model(tmp_path)
    results = {
        k: loaded.predict(
            scene(), Options(views=1, top_k=k), RunContext(wants=frozenset({"gates"}))
        )
        for k in (0, 2, 4)
    }
    assert ((results[4]["gates"].data > 0).sum(1) == 4).all()
    assert np.array_equal(results[0]["probabilities"].data, results[2]["probabilities"].data)
    assert not np.array_equal(results[0]["probabilities"].data, results[4]["probabilities"].data)


def test_views_are_averaged(tmp_path):
    loaded, network = (m := model(tmp_path)), m.network
    pixels = network.normalised(torch.from_numpy(scene().pixels.copy()))
    with torch.inference_mode():
        turns = [turned_back(network(turned(pixels, o)).logits[0].softmax(1), o) for o in range(8)]
    mean = torch.stack(turns).mean(0)[0].numpy()
    layers = loaded.predict(scene(), Options(views=8), RunContext())
    assert np.allclose(layers["probabilities"].data, mean, atol=1e-5)


def test_cancel_takes_effect_inside_a_pass_and_removes_the_hooks(tmp_path):
    loaded = model(tmp_path)
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) == 2

    with pytest.raises(Cancelled):
        loaded.predict(scene(), Options(), RunContext(wants=EVERYTHING, cancelled=cancelled))
    assert not hooks(loaded.network)


def test_half_precision_stays_close(tmp_path):
    loaded = model(tmp_path)
    full = loaded.predict(scene(), Options(), RunContext())["probabilities"].data
    half = loaded.predict(scene(), Options(bf16=True), RunContext())["probabilities"].data
    assert 0 < np.abs(full - half).max() < 0.05


def test_bands_marked_as_bad_do_not_count():
    pixels = torch.from_numpy(scene().pixels.copy())
    network = MambaMoE(tiny())
    network.scale_bands(*band_scaling(pixels, (True, False, True, True, True, True)))
    scaled = network.normalised(pixels)[0].flatten(1)
    assert not scaled[1].any()
    others = scaled[[0, 2, 3, 4, 5]]
    assert torch.allclose(others.mean(1), torch.zeros(5), atol=1e-4)
    assert torch.allclose(others.std(1), torch.ones(5), atol=1e-4)


def test_holes_are_filled_from_the_nearest_pixel():
    holed = scene([(4, 5)])
    filled = filled_pixels(holed, defined(holed))[:, 4, 5]
    near = scene().pixels[0][:, [3, 5, 4, 4], [5, 5, 4, 6]]
    assert (near == filled[:, None]).all(0).any()
