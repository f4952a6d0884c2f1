"""Changes of a scene: repeatable, of the size asked for, and nowhere without data."""

from dataclasses import replace

import numpy as np
import pytest

from rsviz.core.changes import CHANGES, checked
from rsviz.core.errors import BadOption
from rsviz.core.grid import Grid
from rsviz.core.model import Change
from rsviz.core.scene import Band, Scene
from rsviz.evaluate.changes import apply


@pytest.fixture
def scene() -> Scene:
    rng = np.random.default_rng(0)
    pixels = rng.normal(0.3, 0.1, (1, 4, 40, 30)).astype(np.float32)
    pixels[:, 2] *= 5
    valid = np.ones((1, 40, 30), bool)
    valid[0, :3] = False
    bands = tuple(Band(f"b{i}", 500.0 + 50 * i) for i in range(4))
    return Scene(np.where(valid[:, None], pixels, 0), valid, bands, Grid(40, 30))


def test_noise_has_the_size_asked_for_in_every_band(scene):
    noisy = apply(scene, (Change("noise", {"sigma": 0.5}),), seed=3)
    added = (noisy.pixels - scene.pixels)[:, :, 3:]
    spread = scene.pixels[:, :, 3:].std(axis=(0, 2, 3))
    np.testing.assert_allclose(added.std(axis=(0, 2, 3)), 0.5 * spread, rtol=0.1)


NEEDED = {"set_dates": {"dates": "2024-02-29"}}  # settings without a default that fits any scene


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_seed_gives_the_same_scene_and_no_data_stays_so(scene, name):
    first, second = (apply(scene, (Change(name, NEEDED.get(name, {})),), seed=1) for _ in range(2))
    assert first.id == second.id != scene.id
    if first.grid == scene.grid:
        np.testing.assert_array_equal(first.pixels[:, :, :3], 0)


def test_unknown_changes_and_settings_are_refused(scene):
    with pytest.raises(BadOption, match="no change 'rain'"):
        apply(scene, (Change("rain"),), seed=0)
    with pytest.raises(BadOption, match="outside"):
        checked(Change("noise", {"sigma": -1}))
    assert checked(Change("noise")).settings == {"sigma": 0.01}


@pytest.mark.parametrize(
    ("which", "left"), [("first", [4, 5, 6, 7, 8, 9]), ("last", [0, 1, 2, 3, 4, 5])]
)
def test_dropped_dates_are_masked_and_stay_in_the_series(scene, which, left):
    valid = np.repeat(scene.valid, 10, axis=0)
    series = replace(scene, pixels=np.repeat(scene.pixels, 10, axis=0), valid=valid)
    poorer = apply(series, (Change("drop_dates", {"share": 0.4, "which": which}),), seed=0)
    assert poorer.shape == series.shape
    assert np.flatnonzero(poorer.valid.any(axis=(1, 2))).tolist() == left
    assert (poorer.pixels[left] == series.pixels[left]).all()
    drawn = [apply(series, (Change("drop_dates", {"share": 0.35}),), seed=s) for s in (1, 2)]
    kept = [tuple(np.flatnonzero(d.valid.any(axis=(1, 2)))) for d in drawn]
    assert kept[0] != kept[1]
    assert {len(k) for k in kept} == {6}


def test_corrected_dates_are_checked(scene):
    def dated(text):
        return apply(scene, (Change("set_dates", {"dates": text}),), seed=0).dates

    assert dated("2024-02-29") == ("2024-02-29",)
    for text, said in (("2023-02-29", "no date"), ("2024-01-01,2024-01-02", "2 dates")):
        with pytest.raises(BadOption, match=said):
            dated(text)
