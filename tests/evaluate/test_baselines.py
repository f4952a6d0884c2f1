"""Baselines: they learn, repeat, look where they say, and are not fitted twice."""

from dataclasses import replace

import numpy as np
import pytest

from rsviz.evaluate import baseline_networks, remembered
from rsviz.evaluate.baselines import BASELINES, SIDES
from rsviz.evaluate.spectra import components

METHODS = pytest.mark.parametrize("name", BASELINES)


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    monkeypatch.setattr(baseline_networks, "EPOCHS_1D", 30)
    monkeypatch.setattr(baseline_networks, "EPOCHS_3D", 30)
    monkeypatch.setenv("RSVIZ_CACHE", str(tmp_path))


@pytest.fixture
def labels(patches):
    """The upper half to train on, without the border column that has no data."""
    return np.where(np.arange(40)[:, None] < 20, patches.truth.labels, 0).astype(np.int16)


@METHODS
def test_it_learns_and_repeats(patches, labels, name):
    first, second = (BASELINES[name](patches, labels, 0) for _ in range(2))
    assert first.dtype == np.int16
    assert (first == second).all()
    assert (first[:, -1] == -1).all()
    test = (labels == 0) & (patches.truth.labels > 0)
    assert (first[test] == patches.truth.labels[test] - 1).mean() > 0.8


@pytest.mark.parametrize("name", [name for name, side in SIDES.items() if side == 1])
def test_it_looks_at_single_spectra(scene_maker, labels, name):
    """A change of one pixel changes no other answer."""
    scene = scene_maker()
    pixels = scene.pixels.copy()
    pixels[0, :, 32, 12] = pixels[0, ::-1, 32, 12]
    after = BASELINES[name](replace(scene, pixels=pixels), labels, 0)
    changed = np.argwhere(BASELINES[name](scene, labels, 0) != after)
    assert {tuple(place) for place in changed} <= {(32, 12)}


def test_components_are_uncorrelated_and_fall(patches):
    found = components(patches, 4)[patches.valid[0]]
    spread = np.cov(found, rowvar=False)
    assert spread[0, 0] == pytest.approx(1, rel=1e-3)
    assert (np.diff(np.diag(spread)) <= 1e-6).all()
    assert np.abs(spread - np.diag(np.diag(spread))).max() < 1e-4
    assert not components(patches, 4)[~patches.valid[0]].any()


def test_the_volume_network_sees_five_by_five_pixels():
    import torch

    network = baseline_networks._volume_network(6, 3).eval()
    volume = torch.randn(1, 1, 6, 20, 20)
    whole = network(volume)
    assert whole.shape == (1, 3, 16, 16)
    patch = network(volume[..., 7:12, 3:8])
    assert torch.allclose(patch[..., 0, 0], whole[..., 7, 3], atol=1e-5)


def test_the_same_question_is_fitted_once(patches, labels, monkeypatch):
    asked = []

    def counted(scene, labels, seed):
        asked.append(seed)
        return np.full(scene.grid.shape, seed, np.int16)

    monkeypatch.setitem(BASELINES, "svm_rbf", counted)
    for seed in (0, 1, 0, 1):
        assert (remembered.answer_of("svm_rbf", patches, labels, seed) == seed).all()
    assert asked == [0, 1]
    other = labels.copy()
    other[5, 5] = 0
    remembered.answer_of("svm_rbf", patches, other, 0)
    assert asked == [0, 1, 0]


def test_a_damaged_answer_is_fitted_again(patches, labels, tmp_path):
    first = remembered.answer_of("random_forest", patches, labels, 3)
    (kept,) = (tmp_path / "baselines").glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:100])
    assert (remembered.answer_of("random_forest", patches, labels, 3) == first).all()
    assert np.load(kept).shape == first.shape
