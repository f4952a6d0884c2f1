"""The share of test pixels whose patch overlaps a training patch, counted by hand."""

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.evaluate.overlap import overlap
from rsviz.evaluate.protocols import TEST, TRAIN


def line(train, test, length=30):
    """A row of pixels in a wide scene, so that only columns matter."""
    split = np.zeros((1, length), np.uint8)
    split[0, train], split[0, test] = TRAIN, TEST
    return split


@pytest.mark.parametrize(
    ("patch", "share", "holding"), [(1, 0, 0), (3, 2 / 4, 1 / 4), (5, 3 / 4, 2 / 4), (11, 1, 3 / 4)]
)
def test_patches_that_share_a_pixel(patch, share, holding):
    found = overlap(line([10], [11, 12, 14, 20]), patch, "The model")
    assert (found["share"], found["holding"]) == (pytest.approx(share), pytest.approx(holding))
    assert bool(found["warning"]) == (share > 0)


def test_the_number_is_that_of_a_plain_count():
    rng = np.random.default_rng(0)
    split = rng.choice([0, 0, 0, 0, TRAIN, TEST, TEST], (40, 50)).astype(np.uint8)
    split[:, 20:] = np.where(split[:, 20:] == TRAIN, 0, split[:, 20:])
    train, test = np.argwhere(split == TRAIN), np.argwhere(split == TEST)
    far = np.abs(test[:, None] - train[None]).max(-1).min(1)
    for patch in (3, 7, 10):
        assert overlap(split, patch, "x")["share"] == pytest.approx((far < patch).mean())


def test_a_model_of_the_whole_scene_says_so():
    found = overlap(line([0], [29]), 0, "MambaMoE")
    assert found["share"] == 1.0
    assert found["warning"].startswith("MambaMoE reads the whole scene")


def test_weights_with_smaller_convolutions_look_at_fewer_pixels():
    card = registry.card("sits_mamba")
    looks = {w.config["kernel"]: card.looks_at(w) for w in card.weights}
    assert looks[1] == 1 and looks.get(3, 9) == 9
    moe = registry.card("mamba_moe")
    assert {moe.looks_at(w) for w in moe.weights} == {moe.patch}
