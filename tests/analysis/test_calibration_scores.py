"""Calibration against numbers worked out by hand and against data of known calibration."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from rsviz.analysis.calibration import (
    brier,
    conformal_least,
    fitted_temperature,
    log_loss,
    reliability,
    risk_coverage,
    set_sizes,
    tempered,
)


def drawn(count=4000, classes=5, sharpness=1.0, seed=0):
    """Probabilities from random logits, classes drawn from them, and the same made too sure."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, classes))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    classes = (rng.random(count)[:, None] > p.cumsum(1)).sum(1).clip(max=classes - 1)
    return tempered(p, 1 / sharpness), classes


def test_reliability_of_four_pixels():
    found = reliability(np.array([0.55, 0.65, 0.95, 0.95]), np.array([1, 0, 1, 1], bool), bins=2)
    assert found.count.tolist() == [0, 4]
    assert found.confidence[1] == pytest.approx(0.775)
    assert found.accuracy[1] == pytest.approx(0.75)
    assert np.isnan(found.accuracy[0])
    assert found.ece == pytest.approx(0.025)
    finer = reliability(np.array([0.55, 0.65, 0.95, 0.95]), np.array([1, 0, 1, 1], bool), bins=10)
    assert finer.ece == pytest.approx((0.45 + 0.65 + 2 * 0.05) / 4)
    assert finer.count.sum() == 4


def test_confidences_at_the_ends_have_a_bin():
    found = reliability(np.array([0.0, 1.0, 0.5]), np.array([0, 1, 1], bool), bins=2)
    assert found.count.tolist() == [2, 1]


def test_brier_and_log_loss_agree_with_scikit_learn():
    p, classes = drawn(500, 3)
    one_hot = np.eye(3)[classes]
    expected = sum(brier_score_loss(one_hot[:, k], p[:, k]) for k in range(3))
    assert brier(p, classes) == pytest.approx(expected)
    assert log_loss(p, classes) == pytest.approx(sklearn_log_loss(classes, p))
    assert brier(np.array([[0.0, 1.0]]), np.array([0])) == 2.0


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_applied_is_found(sharpness):
    p, classes = drawn(sharpness=sharpness)
    temperature = fitted_temperature(p, classes)
    assert temperature == pytest.approx(sharpness, rel=0.08)
    mended = tempered(p, temperature)
    before, after = (reliability(q.max(1), q.argmax(1) == classes).ece for q in (p, mended))
    assert after < 0.03
    assert after <= before + 0.005
    assert (mended.argmax(1) == p.argmax(1)).all()


def test_a_model_that_is_always_right_may_be_as_sure_as_it_can():
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert fitted_temperature(p, np.array([0, 1])) == pytest.approx(0.05, rel=0.01)
    assert fitted_temperature(p, np.array([1, 0])) == pytest.approx(20, rel=0.01)


def test_tempered_works_along_any_axis_and_keeps_impossible_classes_rare():
    p = np.array([[0.5, 0.5, 0.0], [0.7, 0.2, 0.1]])
    along = tempered(p.T, 2.0, axis=0).T
    assert along == pytest.approx(tempered(p, 2.0))
    assert along.sum(1) == pytest.approx([1, 1])
    assert tempered(p, 1.0) == pytest.approx(p, abs=1e-9)


def test_risk_coverage_by_hand():
    found = risk_coverage(np.array([0.9, 0.5, 0.8, 0.7]), np.array([1, 0, 1, 0], bool))
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert found.accuracy == pytest.approx([1, 1, 2 / 3, 0.5])
    assert found.threshold == pytest.approx([0.9, 0.8, 0.7, 0.5])
    assert found.area == pytest.approx(1 - np.mean([1, 1, 2 / 3, 0.5]))


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_prediction_sets_hold_the_true_class_as_often_as_promised(level):
    p, classes = drawn(20_000, sharpness=2.0)
    p_true = p[np.arange(len(p)), classes]
    covered = []
    for start in range(0, 10_000, 500):  # twenty validations, tested on the other half
        least = conformal_least(p_true[start : start + 500], level)
        covered.append((p_true[10_000:] >= least).mean())
    assert np.mean(covered) == pytest.approx(level, abs=0.012)
    assert set_sizes(p, least).max() <= 5


def test_the_threshold_is_the_ranked_score():
    p_true = np.array([0.9, 0.2, 0.6, 0.7, 0.5, 0.8, 0.95, 0.4, 0.3])
    assert conformal_least(p_true, 0.9) == pytest.approx(0.2)  # the 9th of 9
    assert conformal_least(p_true, 0.5) == pytest.approx(0.6)  # the 5th
    assert conformal_least(p_true[:5], 0.9) == 0.0  # too few: every class
    sizes = set_sizes(np.array([[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]]), 0.25)
    assert sizes.tolist() == [2, 1]
