"""Calibration of a result: fitted on held-out pixels, measured on others."""

import numpy as np
import pytest

from rsviz.analysis.calibration import tempered
from rsviz.evaluate.certainty import certainty_scores, curves, fitted


@pytest.fixture
def too_sure():
    """Probabilities (N, K) that are three times as sure as they should be, and classes."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1.5, (6000, 4))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    classes = (rng.random(6000)[:, None] > p.cumsum(1)).sum(1).clip(max=3)
    return tempered(p, 1 / 3), classes


def test_without_a_calibration_only_the_plain_scores(too_sure):
    found = certainty_scores(*too_sure, None)
    assert set(found) == {"ece", "brier", "aurc"}
    p, classes = too_sure
    assert found["aurc"] < 1 - (p.argmax(1) == classes).mean()


def test_what_was_fitted_on_some_pixels_mends_others(too_sure):
    p, classes = too_sure
    calibration = fitted(p[:1000], classes[:1000])
    assert calibration["temperature"] == pytest.approx(3, rel=0.15)
    assert calibration["n_validation"] == 1000
    found = certainty_scores(p[1000:], classes[1000:], calibration)
    mended = found["calibrated"]
    assert mended["ece"] < 0.3 * found["ece"]
    assert mended["brier"] < found["brier"]
    assert mended["temperature"] == calibration["temperature"]
    for level, sets in mended["sets"].items():
        assert sets["coverage"] == pytest.approx(float(level), abs=0.03)
    sizes = [sets["mean_size"] for sets in mended["sets"].values()]
    assert sizes == sorted(sizes)


def test_curves_are_plain_lists(too_sure):
    found = curves(*too_sure)
    bins, kept = found["reliability"], found["risk_coverage"]
    assert len(bins["edges"]) == len(bins["count"]) + 1
    assert sum(bins["count"]) == 6000
    assert kept["coverage"][-1] == 1.0
    assert kept["accuracy"][0] >= kept["accuracy"][-1]
