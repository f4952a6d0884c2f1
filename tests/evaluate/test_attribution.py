"""Attributions add up, name the bands that matter, and are told apart from random ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rsviz.core import registry, run
from rsviz.core.errors import BadOption, Cancelled, SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.options import build
from rsviz.core.scene import Band, Scene
from rsviz.evaluate import attribution
from rsviz.evaluate.attribution import Settings, attribute
from rsviz.io.catalog import open_scene
from rsviz.nn.differentiable import Differentiable

BANDS, TELLING = 12, (3, 4)
EXPLAINED = [c for c in registry.cards().values() if c.differentiable and c.weights]


class TellingBands:
    """Class 1 where two bands are bright, at the pixel and its right neighbour; class 0 else."""

    weights = torch.zeros(BANDS)
    weights[list(TELLING)] = 4.0

    @classmethod
    def at(cls, model, scene, row, col, options):
        def scores(x):
            bright = (x[:, :, row, col : col + 2] * cls.weights[:, None]).sum((1, 2))
            return torch.stack([torch.zeros_like(bright), bright**2 / 50 - 8], dim=1)

        rows, cols = (np.arange(size) for size in scene.grid.shape)
        return Differentiable(torch.tensor(scene.pixels), rows, cols, scores, 4)


@pytest.fixture
def scene() -> Scene:
    pixels = np.random.default_rng(0).random((1, BANDS, 9, 8)).astype(np.float32)
    pixels[0, list(TELLING), 5, 3:5] = 2.0
    bands = tuple(Band(f"b{i}", 500.0 + 10 * i) for i in range(BANDS))
    return Scene(pixels, np.ones((1, 9, 8), bool), bands, Grid(9, 8))


@pytest.fixture
def explain(monkeypatch):
    """Explain a pixel with the model above in the place of a real one."""
    card = replace(
        next(iter(registry.cards().values())),
        id="telling",
        accepts=type(registry.card("mamba_moe").accepts)(),
        needs_weights=False,
        weights=(),
        differentiable=f"{__name__}:telling",
    )
    monkeypatch.setattr(registry, "card", lambda name: card)
    monkeypatch.setattr(run, "loaded", lambda *_: (None, torch.multiprocessing.Lock()))
    monkeypatch.setattr(attribution, "_names", lambda *_: ("dark", "bright"))

    def made(scene, on_step=lambda *_: None, cancelled=lambda: False, **settings):
        wanted = {"row": 5, "col": 3, "groups": 6} | settings
        return attribute(scene, run.Ask("telling"), wanted, on_step, cancelled)

    return made


telling = TellingBands.at


def facts(result) -> dict:
    return dict(result.layers["facts"].rows)


def test_the_parts_add_up_to_the_lead(explain, scene):
    found = explain(scene, steps=100)
    told = facts(found)
    assert (told["Class"], told["Rival"]) == ("bright", "dark")
    parts = found.layers["gradients"].data[0].sum()
    lead = told["Lead in scores"] - told["Lead with the scene's mean"]
    assert parts == pytest.approx(lead, rel=1e-2)
    assert np.nansum(found.layers["space"].data) == pytest.approx(lead, rel=1e-2)
    assert abs(told["Missed by the steps of the path"]) < 0.01 * abs(lead)


def test_bands_and_pixels_that_matter_are_named_and_no_others(explain, scene):
    found = explain(scene)
    by_band, space = found.layers["gradients"].data[0], found.layers["space"].data
    others = [band for band in range(BANDS) if band not in TELLING]
    assert by_band[list(TELLING)].min() > 1 and np.abs(by_band[others]).max() < 1e-5
    assert space[5, 3] > 1 and space[5, 4] > 1
    space = space.copy()
    space[5, 3:5] = 0
    assert np.abs(space).max() < 1e-5
    occlusion = found.layers["occlusion"]
    assert occlusion.x.tolist() == [500.0 + 10 * i for i in range(BANDS)]
    assert occlusion.data[0, 2:6].min() > 1  # groups of two: bands 2, 3 and 4, 5
    assert np.abs(occlusion.data[0, [0, 1, *range(6, BANDS)]]).max() < 1e-5


def test_removing_what_matters_costs_more_than_removing_at_random(explain, scene):
    curve = explain(scene, orders=20).layers["deletion"]
    by_name = dict(zip(curve.names, curve.data, strict=True))
    assert curve.x[0] == 0 and curve.x[-1] == 100
    assert {round(float(line[0]), 4) for line in curve.data[:3]} == {
        round(float(by_name["Occlusion"][0]), 4)
    }
    for name in ("Integrated gradients", "Occlusion"):
        assert by_name[name][2] < 0.5 < by_name["Random order"][2]  # two of six groups are gone


class TellingDate:
    """Class 1 where band 1 is bright at the fourth date; class 0 else."""

    @classmethod
    def at(cls, model, scene, row, col, options):
        def scores(x):
            bright = x.unflatten(1, scene.shape[:2])[:, 3, 1, row, col] * 4.0
            return torch.stack([torch.zeros_like(bright), bright**2 / 5 - 4], dim=1)

        rows, cols = (np.arange(size) for size in scene.grid.shape)
        return Differentiable(torch.tensor(scene.pixels).flatten(0, 1)[None], rows, cols, scores, 4)


telling_date = TellingDate.at


def test_of_a_series_the_date_that_matters_is_named(explain, monkeypatch):
    card = registry.card("telling")
    dated = replace(
        card,
        accepts=replace(card.accepts, dates=(2, 9)),
        differentiable=f"{__name__}:telling_date",
    )
    monkeypatch.setattr(registry, "card", lambda name: dated)
    pixels = np.random.default_rng(0).random((6, 2, 9, 8)).astype(np.float32)
    pixels[3, 1, 5, 3] = 2.0
    valid = np.ones((6, 9, 8), bool)
    valid[1] = valid[0, 5, 3] = False  # a date without any clear pixel; one clouded here
    scene = Scene(pixels, valid, (Band("a"), Band("b")), Grid(9, 8))
    found = explain(scene, steps=100)
    told, gradients = facts(found), found.layers["gradients"]
    assert (gradients.x.tolist(), gradients.x_label) == ([1, 2, 3, 4, 5, 6], "Date")
    parts = gradients.data[0]
    lead = told["Lead in scores"] - told["Lead with the scene's mean"]
    assert parts[3] == pytest.approx(lead, rel=1e-2)
    assert np.abs(np.delete(parts, 3)).max() < 1e-5
    occlusion = found.layers["occlusion"].data[0]
    assert occlusion[3] == pytest.approx(lead, rel=1e-4)
    assert np.abs(np.delete(occlusion, 3)).max() < 1e-5
    assert found.layers["deletion"].x_label == "Dates removed [%]"


def test_another_class_and_rival_can_be_asked_for(explain, scene):
    told = facts(explain(scene, target=0, rival=1))
    assert told["Class"] == "dark" and told["Lead in scores"] < 0


def test_progress_rises_and_a_cancel_is_heard(explain, scene):
    steps = []
    explain(scene, on_step=lambda done, total, what: steps.append((done, total)))
    assert steps == sorted(steps) and steps[-1][0] == steps[-1][1]
    with pytest.raises(Cancelled):
        explain(scene, cancelled=lambda: True)


def test_what_cannot_be_explained_is_said(explain, scene, monkeypatch):
    with pytest.raises(SceneMismatch, match="the scene has 9 rows"):
        explain(scene, row=9)
    hole = scene.valid.copy()
    hole[0, 5, 3] = False
    with pytest.raises(SceneMismatch, match="holds no data"):
        explain(replace(scene, valid=hole))
    with pytest.raises(BadOption):
        build(Settings, {"steps": 1})
    mute = replace(registry.card("telling"), differentiable="")
    monkeypatch.setattr(registry, "card", lambda name: mute)
    with pytest.raises(SceneMismatch, match="does not offer its scores"):
        explain(scene)


@pytest.mark.slow
@pytest.mark.parametrize("card", EXPLAINED, ids=lambda card: card.id)
@pytest.mark.parametrize("pixel", [(0, 0), (17, 30)])
def test_real_models_explain_exactly_what_they_say(card, pixel):
    """The differentiable scores are those of a run with one view, also at a corner."""
    source = open_scene("farmland")
    scene = source.read(Window(0, 0, 32, 32))
    source.close()
    if card.why_not(run.describe(scene)):
        pytest.skip(f"{card.title} has no weights for this scene")
    options = build(card.options, {"views": 1})
    ask = run.Ask(card.id, options=options)
    wanted = {"row": pixel[0], "col": pixel[1], "steps": 8, "groups": 5, "orders": 2}
    told = facts(attribute(scene, ask, wanted, lambda *_: None, lambda: False))
    p = run.run(scene, ask).layers["probabilities"].data[:, *pixel]
    assert told["Probability of the class"] == pytest.approx(float(p.max()), abs=1e-4)
