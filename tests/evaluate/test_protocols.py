"""Splits: the promised pixels, the same ones for a seed, and none in both parts."""

import hashlib

import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt

from rsviz.core.errors import BadOption
from rsviz.core.scene import Truth
from rsviz.evaluate.protocols import (
    PROTOCOLS,
    TEST,
    TRAIN,
    EvalProtocol,
    fingerprint,
    headline,
    protocol,
)


def _truth(seed=0, size=96) -> Truth:
    """Parcels of six classes, one of them rare (20 pixels), with unlabelled gaps."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 6, (size // 8, size // 8)), np.ones((8, 8), int))
    labels[40:44, 10:15] = 6
    return Truth(labels.astype(np.int16), tuple("abcdef"))


def _counts(truth: Truth, chosen: np.ndarray) -> list[int]:
    return [int((chosen & (truth.labels == k)).sum()) for k in range(1, len(truth.names) + 1)]


@pytest.mark.parametrize("seed", range(3))
def test_random_pixels_a_class_and_all_others_are_test(seed):
    truth = _truth()
    split = protocol("indian-pines-50").split(truth, seed)
    assert _counts(truth, split == TRAIN) == [50, 50, 50, 50, 50, 15]
    assert ((split > 0) == (truth.labels > 0)).all()
    assert set(np.unique(split)) == {0, TRAIN, TEST}


def test_a_class_too_small_even_for_fifteen_keeps_a_quarter_for_the_test():
    labels = np.zeros((20, 20), np.int16)
    labels.flat[:8], labels.flat[100:300] = 1, 2
    truth = Truth(labels, ("tiny", "large"))
    split = protocol("indian-pines-15").split(truth, 0)
    assert _counts(truth, split == TRAIN) == [6, 15]
    assert _counts(truth, split == TEST) == [2, 185]


def test_seeds_differ_and_a_seed_never_changes():
    truth = _truth()
    draws = [protocol("indian-pines-50").split(truth, seed) for seed in (0, 0, 1)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).any()


@pytest.mark.parametrize(
    ("name", "digest"),
    [("indian-pines-50", "525e8f818b28"), ("indian-pines-blocks", "79a9be0b4af6")],
)
def test_the_pixels_of_version_one_are_these(name, digest):
    split = PROTOCOLS[name].split(_truth(), 0)
    assert PROTOCOLS[name].version == 1
    assert hashlib.sha256(split.tobytes()).hexdigest()[:12] == digest


@pytest.mark.parametrize("seed", range(4))
def test_blocks_keep_test_pixels_away_from_training_pixels(seed):
    truth = _truth(seed)
    rule = EvalProtocol("blocks", "", 50, "", block=12, guard=3)
    split = rule.split(truth, seed)
    distance = distance_transform_cdt(split != TRAIN, metric="chessboard")
    assert distance[split == TEST].min() > rule.guard
    assert min(_counts(truth, split == TRAIN)) >= 10
    assert max(_counts(truth, split == TRAIN)) <= 50
    assert min(_counts(truth, split == TEST)[:5]) > 0
    assert not (split[truth.labels == 0]).any()


def test_every_protocol_explains_itself_and_each_scene_has_a_headline():
    for name, rule in PROTOCOLS.items():
        assert name == rule.name
        assert str(rule.per_class) in rule.about
        assert headline(rule.scene).scene == rule.scene
    assert headline("indian-pines").name == "indian-pines-50"


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(BadOption, match="indian-pines-50"):
        protocol("pavia-50")
    with pytest.raises(BadOption, match="no protocol for the scene"):
        headline("mars")


def test_the_fingerprint_changes_with_labels_and_names():
    truth = _truth()
    labels = truth.labels.copy()
    labels[0, 0] = 6 - labels[0, 0]
    others = [Truth(labels, truth.names), Truth(truth.labels, tuple("abcdeg"))]
    prints = {fingerprint(t) for t in (truth, *others, Truth(truth.labels.copy(), truth.names))}
    assert len(prints) == 3
