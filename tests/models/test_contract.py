"""What every model promises, whatever it is: one suite over all cards."""

from dataclasses import replace

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import RasterLayer, arrays_of
from rsviz.core.model import RunContext
from rsviz.core.options import build
from rsviz.core.reference import NUMBERS, fixed_scene
from rsviz.core.run import Ask, check_layers, describe, run
from rsviz.core.scene import Band
from rsviz.evaluate.protocols import fingerprint, headline, protocol
from rsviz.evaluate.scores import score_result
from rsviz.evaluate.training import read_scene, trainer_of
from rsviz.io import catalog

HEADINGS = ("Paper", "What it does", "Departures from the paper", "Measured", "Limits")
TINY, HOLE = Window(40, 50, 36, 30), (slice(8, 14), slice(10, 20))

cards = pytest.mark.parametrize("card", registry.cards().values(), ids=lambda card: card.id)
classifiers = pytest.mark.parametrize(
    "card", registry.emitting("class_map"), ids=lambda card: card.id
)


@pytest.fixture(scope="module")
def tiny():
    """Gives the first weights of a card and a small part of the scene they were trained on."""
    scenes = {}

    def make(card):
        weights = next((w for w in card.weights if w.file), None)
        assert weights is not None, f"{card.id} has no weights"
        if weights.scene not in scenes:
            scenes[weights.scene] = tiny_scene(card, weights)
        return weights, scenes[weights.scene]

    return make


def tiny_scene(card, weights):
    """A part of the scene of a classifier; for others one made of the words of its card."""
    if "class_map" in card.emits.values():
        return read_scene(protocol(weights.protocol)).crop(TINY)
    scene = fixed_scene(card, weights)
    part = slice(TINY.height), slice(TINY.width)
    times = -(-TINY.height // scene.grid.height), -(-TINY.width // scene.grid.width)
    return replace(
        scene,
        pixels=np.tile(scene.pixels, times)[(..., *part)],
        valid=np.tile(scene.valid, times)[(..., *part)],
        grid=Grid(TINY.height, TINY.width),
    )


@pytest.fixture(scope="module")
def everything(tiny):
    """Gives the result of a run with all layers on the tiny scene."""
    results = {}

    def make(card):
        if card.id not in results:
            weights, scene = tiny(card)
            results[card.id] = run(scene, full(card, weights))
        return results[card.id]

    return make


def full(card, weights, device="cpu", seed=0) -> Ask:
    wants = tuple(card.on_request)
    return Ask(card.id, weights.id, example(card), seed=seed, wants=wants, device=device)


def example(card):
    """The options of a first try."""
    return build(card.options, card.example)


@cards
def test_the_card_is_complete_and_the_paper_can_be_found(card):
    assert (registry.MODELS / card.id / "card.py").is_file()
    assert card.title
    assert card.task
    assert card.summary.endswith(".")
    assert card.paper.doi or card.paper.arxiv
    assert card.limits
    assert card.emits
    assert not set(card.emits) & set(card.on_request)
    sentences = (*card.limits, *card.departures)
    assert all(s.endswith(".") for s in sentences)
    assert card.tiling.tolerance is not None or card.tiling.note


@cards
def test_the_readme_says_what_a_reader_looks_for(card):
    text = (registry.MODELS / card.id / "README.md").read_text(encoding="utf8")
    for heading in HEADINGS:
        assert f"\n## {heading}\n" in text
    assert card.paper.doi in text
    assert card.paper.arxiv in text


@cards
def test_weights_match_their_records(card):
    ids = [w.id for w in card.weights]
    assert len(set(ids)) == len(ids) > 0
    for weights in card.weights:
        assert len(weights.sha256) == 64
        assert weights.licence
        assert weights.data
        assert weights.measured_on
        assert weights.recipe.startswith(f"python -m rsviz train {card.id} ")
        if weights.file:
            assert weights.content()
            assert len(weights.reference) >= NUMBERS
    known = {w.file for w in card.weights if w.file}
    assert known == {p.name for p in (registry.MODELS / card.id / "weights").glob("*.safetensors")}


@classifiers
def test_the_headline_protocol_has_five_seeds_and_the_first_has_a_file(card):
    weights = next(w for w in card.weights if w.file)
    assert weights.seed == 0
    assert weights.protocol == headline(weights.scene).name
    seeds = {w.seed for w in card.weights if w.protocol == weights.protocol}
    assert {0, 1, 2, 3, 4} <= seeds


@classifiers
def test_records_belong_to_the_labels_of_today(card):
    there = {entry.id for entry in catalog.scenes()}  # some come with RSVIZ_DATA alone
    for name in {w.protocol for w in card.weights if w.scene in there}:
        rule = protocol(name)
        print_of_today = fingerprint(read_scene(rule).truth)
        for weights in (w for w in card.weights if w.protocol == name):
            assert weights.metrics["truth"] == print_of_today
            assert weights.metrics["protocol_version"] == rule.version


@cards
def test_unsuitable_scenes_are_refused_in_sentences(card, tiny):
    weights, scene = tiny(card)
    bands = scene.bands
    more = replace(
        scene,
        pixels=np.concatenate([scene.pixels, scene.pixels[:, :1]], axis=1),
        bands=(*bands, bands[0]),
    )
    wrongs = [more]
    if weights.wavelengths_nm:
        moved = tuple(Band(b.name, b.wavelength_nm + 50, b.fwhm_nm) for b in bands)
        wrongs.append(replace(scene, bands=moved))
    if all(w.bands != 1 for w in card.weights):
        wrongs.append(replace(scene, pixels=scene.pixels[:, :1], bands=bands[:1]))
    dates = np.arange(2) if card.accepts.dates[1] == 1 else np.arange(card.accepts.dates[0] - 1)
    there = dates % scene.shape[0]
    wrongs.append(
        replace(
            scene,
            pixels=scene.pixels[there],
            valid=scene.valid[there],
            dates=scene.dates[: len(there)] * (len(there) <= len(scene.dates)),
        )
    )
    for wrong in wrongs:
        reasons = card.why_not(describe(wrong))
        assert reasons
        assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)
    assert card.why_not(describe(scene)) == []
    assert weights in card.fitting(describe(scene))


@cards
def test_it_gives_what_the_card_declares_on_grids_that_cover_the_scene(card, everything, tiny):
    result, (_, scene) = everything(card), tiny(card)
    check_layers(card, result.layers, scene.grid, frozenset(card.on_request))
    titles = [layer.title for layer in result.layers.values()]
    assert len(set(titles)) == len(titles)
    for name, layer in result.layers.items():
        assert layer.about.endswith("."), name


@cards
def test_layers_are_defined_where_there_is_data(card, everything):
    for name, layer in everything(card).layers.items():
        for array in arrays_of(layer).values():
            if layer.kind == "time_series":  # clouded dates are gaps
                assert np.isfinite(array).any(axis=1).all(), name
            elif array.dtype.kind == "f":
                assert np.isfinite(array).all(), name
            elif layer.kind == "class_map":
                assert (array != layer.ignore).all(), name


@cards
def test_the_same_seed_gives_the_same_result(card, everything, tiny):
    weights, scene = tiny(card)
    again = run(scene, full(card, weights))
    for name, layer in everything(card).layers.items():
        for field, array in arrays_of(layer).items():
            assert np.array_equal(
                array, arrays_of(again.layers[name])[field], equal_nan=array.dtype.kind == "f"
            ), name


@cards
def test_no_data_stays_where_it_is(card, tiny):
    weights, scene = tiny(card)
    pixels, valid = scene.pixels.copy(), scene.valid.copy()
    valid[(slice(None), *HOLE)] = False
    pixels[(slice(None), slice(None), *HOLE)] = 0
    result = run(
        replace(scene, pixels=pixels, valid=valid), Ask(card.id, weights.id, example(card))
    )
    for name in card.emits:
        layer = result.layers[name]
        if not isinstance(layer, RasterLayer) or layer.grid != scene.grid:
            continue
        defined = layer.data != layer.ignore if layer.kind == "class_map" else None
        if defined is None:
            defined = np.isfinite(layer.data.reshape(-1, *scene.grid.shape)).all(axis=0)
        assert np.array_equal(defined, valid.any(axis=0)), name


@cards
def test_tiles_give_the_same_as_the_whole(card, tiny):
    weights, scene = tiny(card)
    if card.tiling.tolerance is None:
        pytest.skip(f"{card.title} depends on its tiles: {card.tiling.note}")
    model = registry.build(card)
    model.load(weights, "cpu")
    whole = model.predict(scene, example(card), RunContext())
    inner = card.tiling.halo
    part = Window(0, 0, scene.grid.height, min(scene.grid.width, inner + 8))
    cut = model.predict(scene.crop(part), example(card), RunContext())
    for name, kind in card.emits.items():
        if kind == "probability_map":
            a, b = whole[name].data[..., :8], cut[name].data[..., :8]
            assert np.abs(a - b).max() <= card.tiling.tolerance


@cards
def test_a_run_leaves_no_hooks_and_changes_no_weights(card, tiny):
    from torch import nn

    weights, scene = tiny(card)
    model = registry.build(card)
    model.load(weights, "cpu")
    networks = [value for value in vars(model).values() if isinstance(value, nn.Module)]
    before = [{k: v.clone() for k, v in n.state_dict().items()} for n in networks]
    ctx = RunContext(wants=frozenset(card.on_request))
    model.predict(scene, example(card), ctx)
    for network, state in zip(networks, before, strict=True):
        assert not network.training
        assert all(state[k].equal(v) for k, v in network.state_dict().items())
        for module in network.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks
            assert not module._backward_hooks


@cards
def test_progress_reaches_a_cancel(card, tiny):
    from rsviz.core.errors import Cancelled

    weights, scene = tiny(card)
    with pytest.raises(Cancelled):
        run(scene, Ask(card.id, weights.id, example(card)), cancelled=lambda: True)


@classifiers
def test_it_beats_the_most_frequent_class_on_unseen_pixels(card, tiny):
    weights, _ = tiny(card)
    scene = read_scene(protocol(weights.protocol))
    result = score_result(run(scene, Ask(card.id, weights.id)), scene)
    test = result.split.data == 2
    most_frequent = np.bincount(scene.truth.labels[test]).max() / test.sum()
    assert result.metrics["overall_accuracy"] > most_frequent + 0.2
    assert result.metrics["overall_accuracy"] == pytest.approx(
        weights.metrics["overall_accuracy"], abs=0.003
    )


@cards
def test_it_can_be_trained(card):
    assert callable(trainer_of(card))


@cards
@pytest.mark.gpu
def test_gpu_and_cpu_give_the_same(card, everything, tiny):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    weights, scene = tiny(card)
    there = run(scene, full(card, weights, device="cuda:0"))
    assert there.record.device == "cuda:0"
    for name, layer in everything(card).layers.items():
        for field, array in arrays_of(layer).items():
            other = arrays_of(there.layers[name])[field]
            if array.dtype.kind == "f":
                scale = max(1.0, float(np.nanmax(np.abs(array))))
                assert np.nanmax(np.abs(array - other)) / scale < 2e-3, name
            else:
                assert (array != other).mean() < 0.01, name
