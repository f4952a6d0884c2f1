"""Baselines that know of time: gaps bridged in days, clouds left out, labels learned."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rsviz.core.grid import Grid
from rsviz.core.scene import Band, Scene, Truth
from rsviz.evaluate.attention import LightAttention, positions
from rsviz.evaluate.protocols import PROTOCOLS, TEST, TRAIN, EvalProtocol
from rsviz.evaluate.remembered import answer_of
from rsviz.evaluate.series import gap_filled

T, N = 12, 240
DATES = tuple(f"2023-{m:02d}-01" for m in range(1, T + 1))


@pytest.fixture
def season() -> Scene:
    """Samples in a row whose values rise in spring or in autumn, half of the dates clouded."""
    rng = np.random.default_rng(0)
    labels = 1 + np.arange(N) % 2
    rise = np.where(labels == 1, 3, 7)
    pixels = (np.arange(T)[:, None] >= rise) + rng.normal(0, 0.15, (T, N))
    valid = rng.random((T, 1, N)) < 0.6
    valid[[0, 5]] = True
    return Scene(
        np.where(valid[:, None], pixels[:, None, None], 0), valid, (Band("ndvi"),), Grid(1, N),
        dates=DATES, truth=Truth(labels[None].astype(np.int16), ("spring", "autumn")),
    )  # fmt: skip


def test_gaps_are_bridged_by_days_not_by_places():
    pixels = np.array([1.0, 0, 0, 5.0, 0]).reshape(5, 1, 1, 1)
    valid = np.array([True, False, False, True, False]).reshape(5, 1, 1)
    dates = ("2023-01-01", "2023-01-02", "2023-01-04", "2023-01-05", "2023-02-01")
    scene = Scene(pixels, valid, (Band("b"),), Grid(1, 1), dates=dates)
    filled = gap_filled(scene)
    assert filled.pixels.ravel().tolist() == [1, 2, 4, 5, 5]
    assert filled.valid.all()
    never = Scene(0 * pixels, valid & False, (Band("b"),), Grid(1, 1), dates=dates)
    assert not gap_filled(never).valid.any()


@pytest.mark.parametrize("name", ["random_forest", "tempcnn", "ltae"])
def test_baselines_learn_when_values_rise(name, season, tmp_path, monkeypatch):
    monkeypatch.setenv("RSVIZ_CACHE", str(tmp_path))
    labels = season.truth.labels.copy()
    labels[0, 60:] = 0
    found = answer_of(name, season, labels, seed=0)
    assert (found[0, 60:] == season.truth.labels[0, 60:] - 1).mean() > 0.85
    assert len(list(tmp_path.rglob("*.npy"))) == 1
    assert np.array_equal(found, answer_of(name, season, labels, seed=0))


def test_attention_does_not_see_clouded_dates():
    torch.manual_seed(0)
    network = LightAttention(2, 3, torch.arange(5) * 10.0).eval()
    series = torch.rand(4, 5, 3)
    series[..., 2] = torch.tensor([1.0, 0, 1, 1, 0])
    other = series.clone()
    other[:, [1, 4], :2] = 7.0
    assert torch.allclose(network(series), network(other), atol=1e-6)
    other[:, 0, :2] = 7.0
    assert not torch.allclose(network(series), network(other), atol=1e-3)


def test_positions_are_sines_and_cosines_of_days():
    found = positions(torch.tensor([0.0, 10.0]), 4)
    assert found[0].tolist() == [0, 1, 0, 1]
    rate = 1000.0**-0.5
    expected = [np.sin(10), np.cos(10), np.sin(10 * rate), np.cos(10 * rate)]
    assert found[1].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fields_are_never_on_both_sides_and_neighbours_keep_apart(seed):
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(1, 4, (6, 8)), np.ones((7, 7), int)).astype(np.int16)
    labels[rng.random(labels.shape) < 0.1] = 0
    groups = np.kron(np.arange(48).reshape(6, 8), np.ones((7, 7), int)).astype(np.int32)
    truth = Truth(labels, ("a", "b", "c"), groups=groups)
    split = EvalProtocol("f", "s", 200, "", guard=2, fields=0.5).split(truth, seed)
    train, test = split == TRAIN, split == TEST
    assert not set(groups[train]) & set(groups[test])
    rows, cols = np.nonzero(train)
    for r, c in np.argwhere(test):
        assert (np.maximum(abs(rows - r), abs(cols - c)) > 2).all()
    for k in (1, 2, 3):
        assert (labels[train] == k).sum() >= 10
        assert (labels[test] == k).sum() >= 10
    single = EvalProtocol("f", "s", 2000, "", fields=0.5).split(Truth(labels, truth.names), seed)
    assert ((single == TRAIN) | (single == TEST))[labels > 0].all()


def test_series_are_compared_with_baselines_of_series():
    named = ("ucr-crop", "mato-grosso-points", "mato-grosso-map", "slovenia", "simulated-year")
    for name in named:
        assert PROTOCOLS[name].baselines == ("random_forest", "tempcnn", "ltae")
