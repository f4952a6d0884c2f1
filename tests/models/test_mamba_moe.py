import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.mamba_moe.card import CARD, Options
from models.mamba_moe.experts import DIRECTIONS, SharedScan, to_image, to_sequence
from models.mamba_moe.model import MambaMoEModel
from models.mamba_moe.network import Config, MambaMoE, SpatialMixture
from models.mamba_moe.prepare import band_ranges, pixels_of
from models.mamba_moe.symmetry import ORIENTATIONS, turned, turned_back
from models.mamba_moe.train import train
from models.mamba_moe.ugcl import IGNORE, corrective_sampling, keep_probability, uncertainty
from rsviz.core.card import Weights
from rsviz.core.errors import BadOption, Cancelled
from rsviz.core.grid import Grid
from rsviz.core.model import RunContext
from rsviz.core.run import check_layers
from rsviz.core.scene import Band, Scene, Truth
from rsviz.nn.fit import parameter_count
from rsviz.nn.probe import Probe, tracing

BANDS, CLASSES, HEIGHT, WIDTH = 6, 3, 17, 22
EVERYTHING = frozenset(CARD.on_request)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def tiny(**changes):
    return Config(**{"bands": BANDS, "classes": CLASSES, "embed": 8, "regions": 4} | changes)


def scene(holes=()):
    """Three vertical stripes of three spectra with noise."""
    rng = np.random.default_rng(0)
    labels = np.repeat(1 + np.arange(WIDTH) * CLASSES // WIDTH, HEIGHT).reshape(WIDTH, HEIGHT).T
    spectra = rng.uniform(100, 900, (CLASSES, BANDS))
    pixels = spectra[labels - 1].transpose(2, 0, 1) + rng.normal(0, 20, (BANDS, HEIGHT, WIDTH))
    valid = np.ones((1, HEIGHT, WIDTH), bool)
    for row, col in holes:
        valid[0, row, col] = False
        pixels[:, row, col] = 0
    bands = tuple(Band(f"b{i}", 400.0 + 50 * i) for i in range(BANDS))
    truth = Truth(labels.astype(np.int16), ("a", "b", "c"))
    return Scene(pixels[None], valid, bands, Grid(HEIGHT, WIDTH), truth=truth, name="stripes")


def some_labels(every=7):
    labels = scene().truth.labels.copy()
    labels.flat[np.arange(labels.size) % every != 0] = 0
    return labels


def model(tmp_path, state=None, **changes):
    config = tiny(**changes)
    if state is None:
        network = MambaMoE(config)
        offset, span = band_ranges(torch.from_numpy(scene().pixels.copy()))
        network.offset.copy_(offset)
        network.span.copy_(span)
        state = network.state_dict()
    save_file({n: t.contiguous() for n, t in state.items()}, tmp_path / "w.safetensors")
    weights = Weights(
        id="tiny/seed-0",
        file="w.safetensors",
        sha256="",
        scene="stripes",
        protocol="",
        seed=0,
        bands=BANDS,
        recipe="",
        data="",
        licence="",
        measured_on="",
        parameters=0,
        classes=("a", "b", "c"),
        config=asdict(config),
        folder=tmp_path,
    )
    loaded = MambaMoEModel()
    loaded.load(weights, "cpu")
    return loaded


def hooks(network):
    return [h for m in network.modules() for h in m._forward_hooks]


# the network -------------------------------------------------------------------------------


def test_parameters_are_those_of_the_paper_for_pavia_university():
    height, width = 610, 340
    network = MambaMoE(Config(bands=103, classes=9, scene_size=(height, width)))
    spectral = sum(parameter_count(block.experts.spectral) for block in network.blocks)
    assert parameter_count(network) - spectral == 588_727
    pixels = 305 * 170 + 152 * 85 + 76 * 42
    # 8,244,924 counted in the released code, less a convolution a level that it never uses
    assert spectral == 3 * 75_136 + 118 * pixels - 3 * 1_280 == 8_244_924 - 3_840


def test_shapes_along_the_pyramid_and_into_the_scans(monkeypatch):
    seen = []
    from models.mamba_moe import experts

    scan = experts.selective_scan

    def spy(u, delta, A, B, C, *rest, **named):
        seen.append((tuple(u.shape), tuple(A.shape), tuple(B.shape)))
        return scan(u, delta, A, B, C, *rest, **named)

    monkeypatch.setattr(experts, "selective_scan", spy)
    for size in ((64, 48), None):
        seen.clear()
        network = MambaMoE(Config(bands=103, classes=9, scene_size=size)).eval()
        with torch.inference_mode():
            x = torch.randn(1, 103, 64, 48)
            assert [tuple(f.shape[1:]) for f in network.pyramid(x)] == [
                (64, 32, 24),
                (64, 16, 12),
                (64, 8, 6),
            ]
            fine, middle, coarse = network(x, top_k=4).logits
        assert fine.shape == (1, 9, 64, 48)
        assert middle.shape == (1, 9, 16, 12)
        assert coarse.shape == (1, 9, 8, 6)
        expected = []
        for pixels in (768, 192, 48):
            expected += [((1, d, pixels), (d, 16), (1, 16, pixels)) for d in (2, 4, 8, 16)]
            expected.append(((1, 2 * pixels, 128), (2 * pixels, 16), (1, 2, 16, 128)))
        assert seen == expected


def test_every_parameter_learns_when_all_experts_work():
    network = MambaMoE(tiny(top_k=4))
    prediction = network(torch.randn(1, BANDS, HEIGHT, WIDTH))
    sum(x.square().sum() for x in prediction.logits).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("direction", range(len(DIRECTIONS)))
def test_direction_and_inverse_are_the_identity(direction):
    image = torch.randn(2, 3, 5, 7)
    sequence = to_sequence(image, direction)
    assert torch.equal(to_image(sequence, direction, (5, 7)), image)


def test_directions_are_what_they_are_called():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    orders = [to_sequence(image, d)[0, 0].int().tolist() for d in range(4)]
    assert orders == [
        [0, 1, 2, 3, 4, 5],
        [0, 3, 1, 4, 2, 5],
        [5, 4, 3, 2, 1, 0],
        [5, 2, 4, 1, 3, 0],
    ]


def test_scene_decision_is_the_mean_of_the_votes_before_the_softmax():
    mixture = SpatialMixture(tiny(top_k=4), "level1")
    x = torch.randn(1, 8, 5, 7)
    with tracing(mixture, frozenset({"level1.gates", "level1.affinity"})) as trace:
        mixture(x)
    votes = trace["level1.affinity"].log()  # logits up to a constant of each pixel
    image_logits = mixture.router.weight[:, :, 0, 0] @ x.mean((2, 3))[0]
    assert torch.allclose(trace["level1.gates"].flatten(), image_logits.softmax(0), atol=1e-6)
    logits = mixture.router(x)
    assert torch.allclose((votes - logits).std(dim=1), torch.zeros(1, 5, 7), atol=1e-5)
    assert torch.allclose(logits.mean((2, 3))[0], image_logits, atol=1e-6)


@pytest.mark.parametrize("routing", ["scene", "pixel"])
def test_two_experts_work_with_weights_that_are_not_renormalised(routing):
    mixture = SpatialMixture(tiny(routing=routing), "level1")
    with tracing(mixture, frozenset({"level1.gates"})) as trace:
        mixture(torch.randn(1, 8, 5, 7))
    gates = trace["level1.gates"]
    assert gates.shape[2:] == ((1, 1) if routing == "scene" else (5, 7))
    assert ((gates > 0).sum(1) == 2).all()
    assert (gates.sum(1) < 1).all()


def test_experts_that_were_not_chosen_get_no_gradient_and_change_nothing():
    mixture = SpatialMixture(tiny(), "level1")
    x = torch.randn(1, 8, 5, 7)
    chosen = mixture.router(x).mean((2, 3))[0].topk(2).indices.tolist()
    out, _ = mixture(x)
    out.square().sum().backward()
    for i, expert in enumerate(mixture.experts):
        assert all((p.grad is not None) == (i in chosen) for p in expert.parameters())
    with torch.no_grad():
        for i in set(range(4)) - set(chosen):
            mixture.experts[i].out_proj.weight.add_(1.0)
        assert torch.equal(mixture(x)[0], out)


def test_imbalance_is_one_when_even_and_greatest_when_one_expert_takes_all():
    mixture = SpatialMixture(tiny(top_k=1), "level1")
    torch.nn.init.zeros_(mixture.router.weight)
    x = torch.rand(1, 8, 5, 7)
    assert mixture(x, top_k=4)[1].item() == pytest.approx(1.0)
    mixture.router.weight.data[2] = 100.0
    assert mixture(x)[1].item() == pytest.approx(4.0)


def test_shared_spectral_scan_does_not_mind_the_order_of_the_pixels():
    scan, x = SharedScan(12, 3), torch.randn(1, 20, 12)
    order = torch.randperm(20)
    assert torch.allclose(scan(x)[:, order], scan(x[:, order]), atol=1e-5)


# learning ----------------------------------------------------------------------------------


def test_uncertainty_is_the_papers():
    logits = torch.tensor([0.7, 0.2, 0.1]).log().reshape(1, 3, 1, 1)
    assert uncertainty(logits).item() == pytest.approx(-0.7 * math.log(0.7 + 1e-6), abs=1e-6)
    confused, sure = torch.zeros(1, 9, 1, 1), torch.tensor([50.0] + [0.0] * 8).reshape(1, 9, 1, 1)
    assert uncertainty(confused).item() == pytest.approx(math.log(9) / 9, abs=1e-4)
    assert abs(uncertainty(sure).item()) < 1e-5


def test_corrective_sampling_keeps_labels_or_ignores_them():
    logits, labels = 3 * torch.randn(1, CLASSES, 9, 11), torch.randint(0, CLASSES, (1, 18, 22))
    labels[torch.rand(labels.shape) < 0.5] = IGNORE
    chance = keep_probability(logits, (18, 22))
    assert chance.min() == 0 and chance.max() == 1
    sampled, mask = corrective_sampling(logits, labels)
    assert torch.equal(sampled[mask], labels[mask])
    assert (sampled[~mask] == IGNORE).all()
    assert (sampled[labels == IGNORE] == IGNORE).all()
    draws = torch.stack([corrective_sampling(logits, labels)[1] for _ in range(400)]).float()
    assert (draws.mean(0) - chance).abs().max() < 0.15


def test_when_no_labelled_pixel_is_drawn_all_are_used():
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, 0] = torch.tensor([50.0, 1.0])  # the labelled pixel is certain: chance 0
    labels = torch.tensor([[[0, IGNORE]]])
    sampled, mask = corrective_sampling(logits, labels)
    assert not mask[0, 0, 0]
    assert torch.equal(sampled, labels)


@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_turning_back_is_the_identity(orientation):
    image = torch.randn(2, 3, 4)
    assert torch.equal(turned_back(turned(image, orientation), orientation), image)


def test_the_eight_orientations_differ():
    image = torch.arange(4.0).reshape(2, 2)
    assert len({tuple(turned(image, o).flatten().tolist()) for o in range(ORIENTATIONS)}) == 8


SETTINGS = {"epochs": "12", "embed": "8", "lr": "0.01", "pool_first": "no"}


def test_training_learns_the_stripes_and_runs_as_a_model(tmp_path):
    said = []
    trained = train(
        scene(), some_labels(), 0, SETTINGS, None, "cpu", lambda *step: said.append(step)
    )
    assert said[-1][:2] == (12, 12)
    assert trained.parameters == parameter_count(MambaMoE(Config.from_record(trained.config)))
    assert trained.history["loss"][-1] < 0.5 * trained.history["loss"][0]
    assert max(trained.history["sampled"]) <= (some_labels() > 0).sum()
    loaded = model(tmp_path, trained.state, **{"pool_first": False, "regions": 16})
    layers = loaded.predict(scene(), Options(), RunContext(wants=frozenset({"sampling"})))
    test = some_labels() == 0
    right = layers["classes"].data + 1 == scene().truth.labels
    assert right[test].mean() > 0.9
    assert layers["sampling"].data.shape[1:] == (HEIGHT, WIDTH)
    assert set(np.unique(layers["sampling"].data)) == {0, 1}


def test_training_sees_no_other_label(tmp_path):
    blind = replace(scene(), truth=None)
    runs = [
        train(s, some_labels(), 3, SETTINGS, None, "cpu", lambda *_: None) for s in (blind, scene())
    ]
    assert all(torch.equal(a, b) for a, b in zip(*(r.state.values() for r in runs), strict=True))


def test_interrupted_training_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    monkeypatch.setattr("models.mamba_moe.train.CHECKPOINT_EPOCHS", 5)
    settings = SETTINGS | {"average": "0.9", "noise": "0.1", "dropout": "0.2"}
    whole = train(scene(), some_labels(), 1, settings, None, "cpu", lambda *_: None)

    def stop(done, total, what):
        if done == 8:
            raise Cancelled("stop")

    path = tmp_path / "state.pt"
    with pytest.raises(Cancelled):
        train(scene(), some_labels(), 1, settings, path, "cpu", stop)
    first = []
    again = train(
        scene(), some_labels(), 1, settings, path, "cpu", lambda done, *_: first.append(done)
    )
    assert first[0] == 6
    assert again.history == whole.history
    assert all(torch.equal(whole.state[n], again.state[n]) for n in whole.state)


def test_unknown_setting_is_refused():
    with pytest.raises(BadOption, match="no option 'epoch'"):
        train(scene(), some_labels(), 0, {"epoch": "1"}, None, "cpu", lambda *_: None)


# the model ---------------------------------------------------------------------------------


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


def test_a_batch_of_one_is_a_row_of_a_batch():
    for routing in ("scene", "pixel"):
        network = MambaMoE(tiny(routing=routing, top_k=4)).eval()
        x = torch.randn(2, BANDS, HEIGHT, WIDTH)
        with torch.inference_mode():
            both, alone = network(x).logits[0], network(x[1:]).logits[0]
        assert torch.allclose(both[1:], alone, atol=1e-5)


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


def test_holes_are_filled_from_the_nearest_pixel():
    filled = pixels_of(scene([(4, 5)]), scene([(4, 5)]).valid[0])[0, :, 4, 5].numpy()
    near = scene().pixels[0][:, [3, 5, 4, 4], [5, 5, 4, 6]]
    assert (near == filled[:, None]).all(0).any()


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


def test_probes_cost_nothing_until_listened_to():
    network = MambaMoE(tiny()).eval()
    names = {m.name for m in network.modules() if isinstance(m, Probe)}
    assert {f"level{i}.{what}" for i in (1, 2, 3) for what in ("affinity", "gates")} <= names
    x = torch.randn(1, BANDS, HEIGHT, WIDTH)
    with torch.inference_mode():
        plain = network(x).logits[0]
        with tracing(network, frozenset(names)) as trace:
            traced = network(x).logits[0]
    assert torch.equal(plain, traced)
    assert len(trace) > 3 * 4
