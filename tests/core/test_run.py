"""The door to a run, with a toy behind it: checks, tiles, memory, cancelling, the record."""

from dataclasses import replace

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.card import Accepts
from rsviz.core.errors import (
    BadOption,
    Cancelled,
    ModelFailed,
    OutOfMemory,
    SceneMismatch,
    WeightsMissing,
)
from rsviz.core.options import build
from rsviz.core.run import Ask, check_layers, describe, run
from rsviz.core.scene import Band
from rsviz.evaluate.training import train_and_record


@pytest.fixture
def trained(toys, patches_scene):
    """The toy with weights."""
    train_and_record("nearest", "patches-20", 0, "cpu", {}, lambda done, total, what: None)
    return registry.card("nearest")


def ask(card, device="cpu", wants=(), **values) -> Ask:
    options = build(card.options, values)
    return Ask("nearest", options=options, wants=wants, device=device, scene_ref="patches")


def test_a_run_gives_the_declared_layers_and_says_how(trained, patches):
    result = run(patches, ask(trained, sharpness=2.0))
    assert {n: x.kind for n, x in result.layers.items()} == trained.emits
    record = result.record
    assert (record.model, record.weights, record.seed) == ("nearest", "patches-20/seed-0", 0)
    assert record.weights_sha256 == trained.weights[0].sha256
    assert record.options == {"sharpness": 2.0, "fits": 0}
    assert (record.scene_id, record.scene_ref, record.device) == (patches.id, "patches", "cpu")
    assert record.seconds >= 0
    assert record.peak_memory_mb > 1
    assert record.notes == ()
    assert {"rsviz", "python", "numpy"} <= set(record.versions)


def test_layers_on_request_come_when_asked_for_and_only_then(trained, patches):
    result = run(patches, ask(trained, wants=("distance", "means")))
    assert set(result.layers) == {"classes", "probabilities", "distance", "means"}
    with pytest.raises(ModelFailed, match="no layer named routing"):
        run(patches, ask(trained, wants=("routing",)))


def test_tiles_give_the_same_as_the_whole(trained, scene_maker):
    scene = scene_maker(height=150, width=100)
    small = scene.crop(type(scene.grid.window)(0, 0, 60, 60))
    whole = run(small, ask(trained, wants=("distance", "means")))
    tiled = run(scene, ask(trained, wants=("distance", "means")))
    assert "Computed in 6 tiles of up to 64 pixels" in tiled.record.notes[0]
    assert tiled.record.notes[1] == "Of the first tile alone: means."
    for name in ("classes", "probabilities", "distance"):
        np.testing.assert_allclose(
            tiled.layers[name].data[..., :60, :60], whole.layers[name].data, rtol=1e-5
        )


def test_less_memory_means_smaller_tiles_and_the_same_result(trained, scene_maker):
    scene = scene_maker(height=100, width=80)
    plenty = run(scene, ask(trained))
    scarce = run(scene, ask(trained, fits=40))
    assert "Memory of cpu ran out; tried again in tiles of 32 pixels." in scarce.record.notes
    assert (scarce.layers["classes"].data == plenty.layers["classes"].data).all()


def test_a_full_gpu_falls_back_to_the_cpu_and_says_so(trained, patches):
    result = run(patches, ask(trained, device="cuda:0"))
    assert result.record.device == "cpu"
    assert "Memory of cuda:0 ran out; computed on the CPU instead." in result.record.notes


def test_when_nothing_fits_the_user_is_told(trained, scene_maker):
    scene = scene_maker(height=100, width=100)
    with pytest.raises(OutOfMemory, match="tiles of 32 pixels"):
        run(scene, ask(trained, fits=5))


def test_progress_is_reported_and_a_cancel_stops(trained, scene_maker):
    scene, said = scene_maker(height=150, width=100), []
    run(scene, ask(trained), on_step=lambda *step: said.append(step))
    assert [step[:2] for step in said] == [(i, 6) for i in range(6)]
    with pytest.raises(Cancelled):
        run(scene, ask(trained), cancelled=lambda: len(said) > 0)


def test_unsuitable_scenes_are_refused_with_the_reason(trained, patches, scene_maker):
    with pytest.raises(SceneMismatch, match="trained on 6 bands; the scene has 7"):
        run(scene_maker(bands=7), ask(trained))
    with pytest.raises(SceneMismatch, match="reflectance or dn; the scene holds radiance"):
        run(replace(patches, quantity="radiance"), ask(trained))
    moved = tuple(Band(b.name, b.wavelength_nm + 40) for b in patches.bands)
    with pytest.raises(SceneMismatch, match="differs by 40 nm"):
        run(replace(patches, bands=moved), ask(trained))
    with pytest.raises(WeightsMissing, match="no weights 'other'"):
        run(patches, replace(ask(trained), weights="other"))
    with pytest.raises(BadOption, match="no model"):
        run(patches, Ask("nothing"))


def test_a_model_without_weights_cannot_run(toys, patches):
    with pytest.raises(SceneMismatch, match="no trained weights"):
        run(patches, Ask("nearest"))


def test_layers_must_be_those_of_the_card(trained, patches):
    layers = run(patches, ask(trained)).layers
    with pytest.raises(ModelFailed, match="its card declares"):
        check_layers(trained, {"classes": layers["classes"]}, patches.grid, frozenset())
    elsewhere = replace(patches.grid, affine=(10.0, 0.0, 0.0, 0.0, -10.0, 0.0))
    with pytest.raises(ModelFailed, match="does not cover"):
        check_layers(trained, layers, elsewhere, frozenset())


def test_reasons_are_sentences(patches):
    found = describe(patches)
    accepts = Accepts(
        bands=(100, 200), dates=(2, 9), quantities=("radiance",), min_pixels=99
    ).why_not(found)
    assert accepts == [
        "It takes 100 to 200 bands; the scene has 6.",
        "It takes 2 to 9 dates; the scene has 1.",
        "It needs at least 99 x 99 pixels; the scene has 40 x 30.",
        "It needs radiance; the scene holds reflectance.",
    ]
    nameless = describe(replace(patches, bands=(Band("a"),) * 6))
    assert "wavelength" in Accepts(needs_wavelengths=True).why_not(nameless)[0]
    assert Accepts(bands=(3, 4096)).why_not(found) == []
    assert "exactly 3" in Accepts(bands=(3, 3)).why_not(found)[0]
    assert "at least 7" in Accepts(bands=(7, 4096)).why_not(found)[0]
