import numpy as np
import pytest
import torch
from torch import nn

from rsviz.nn.fit import (
    AveragedWeights,
    parameter_count,
    polynomial_decay,
    read_checkpoint,
    save_checkpoint,
    seeded,
)


def test_seeded_repeats_and_leaves_the_outer_state_alone():
    def draw():
        return torch.rand(3).tolist(), np.random.rand(3).tolist()

    torch.manual_seed(1)
    np.random.seed(1)
    undisturbed = draw()
    torch.manual_seed(1)
    np.random.seed(1)
    with seeded(7):
        first = draw()
    assert draw() == undisturbed
    with seeded(7):
        assert draw() == first


def test_polynomial_decay_rises_then_falls_to_nothing():
    values = [polynomial_decay(step, 100, warmup=10) for step in range(100)]
    assert values[0] == pytest.approx(0.1)
    assert values.index(max(values)) == 9
    assert 0 < values[-1] < 0.02
    assert polynomial_decay(50, 100) == pytest.approx(0.5**0.9)


def test_average_follows_its_recurrence():
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, 0.0)
    average = AveragedWeights(net, decay=0.5)
    expected = 0.0
    for n, value in enumerate((1.0, 3.0, -2.0), start=1):
        nn.init.constant_(net.weight, value)
        average.update(net)
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
    assert average.state["weight"].item() == pytest.approx(expected)


def test_checkpoint_comes_back_and_leaves_no_partial_file(tmp_path):
    path = tmp_path / "deep" / "state.pt"
    assert read_checkpoint(path) is None and read_checkpoint(None) is None
    save_checkpoint(path, {"weight": torch.arange(3), "epoch": 4})
    found = read_checkpoint(path)
    assert found["epoch"] == 4 and torch.equal(found["weight"], torch.arange(3))
    assert [p.name for p in path.parent.iterdir()] == ["state.pt"]


def test_parameter_count_leaves_frozen_ones_out():
    net = nn.Linear(3, 2)
    net.bias.requires_grad_(False)
    assert parameter_count(net) == 6
