"""Share kept, its accuracy, and the risk-coverage curve, against cases counted by hand."""

import numpy as np
import pytest

from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap, ProbabilityMap
from rsviz.core.scene import Truth
from rsviz.views import certainty
from rsviz.views.accuracy import confusion

GRID = Grid(2, 3)
CERTAIN = np.array([[0.9, 0.8, 0.7], [0.6, 0.5, np.nan]], np.float32)
CLASSES = ClassMap("", "", GRID, np.array([[0, 0, 1], [1, 0, -1]]), ("a", "b"))
TRUTH = Truth(np.array([[1, 1, 1], [2, 2, 0]]), ("a", "b"))
SPLIT = ClassMap("", "", GRID, np.array([[1, 2, 2], [2, 2, 0]]), ("ignored", "train", "test"))


def test_confidence_is_the_greatest_probability():
    shares = np.array([[[0.9, 0.2]], [[0.1, 0.8]]], np.float32)
    layer = ProbabilityMap("", "", Grid(1, 2), shares, ("a", "b"))
    assert certainty.confidence(layer) == pytest.approx(np.array([[0.9, 0.8]]))


def test_kept_counts_test_pixels_alone():
    everything = certainty.kept(CLASSES, CERTAIN, TRUTH, SPLIT, 0.0)
    assert everything == certainty.Kept(share=1.0, tested=4, accuracy=0.5)
    sure = certainty.kept(CLASSES, CERTAIN, TRUTH, SPLIT, 0.6)
    assert (sure.share, sure.tested) == (0.8, 3)
    assert sure.accuracy == pytest.approx(2 / 3)
    assert certainty.kept(CLASSES, CERTAIN, TRUTH, SPLIT, 0.95).accuracy is None
    assert certainty.kept(CLASSES, CERTAIN, None, None, 0.6) == certainty.Kept(0.8, 0, None)


def test_risk_coverage_lets_the_most_certain_in_first():
    curve = certainty.risk_coverage(CLASSES, CERTAIN, TRUTH, SPLIT)
    assert curve is not None
    assert curve.coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert curve.accuracy == pytest.approx([1.0, 0.5, 2 / 3, 0.5])
    assert curve.threshold == pytest.approx([0.8, 0.7, 0.6, 0.5])
    assert curve.area == pytest.approx(1 - np.mean([1.0, 0.5, 2 / 3, 0.5]))
    nobody = ClassMap("", "", GRID, np.zeros((2, 3)), ("ignored", "train", "test"))
    assert certainty.risk_coverage(CLASSES, CERTAIN, TRUTH, nobody) is None


def test_confusion_has_the_truth_in_rows():
    assert confusion(CLASSES, TRUTH, SPLIT).tolist() == [[1, 1], [1, 1]]
