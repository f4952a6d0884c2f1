"""Scores against numbers worked out by hand, and which results may be scored."""

import numpy as np
import pytest

from rsviz.core.scene import Truth
from rsviz.evaluate.scores import classification_scores, split_scores


def test_scores_of_a_small_confusion_matrix():
    # rows truth, columns predicted: [[40, 10], [20, 30]]
    truth = np.repeat([0, 1], 50)
    predicted = np.concatenate([np.repeat([0, 1], [40, 10]), np.repeat([0, 1], [20, 30])])
    scores = classification_scores(predicted, truth, 2)
    assert scores["overall_accuracy"] == pytest.approx(0.7)
    assert scores["average_accuracy"] == pytest.approx(0.7)
    assert scores["kappa"] == pytest.approx((0.7 - 0.5) / 0.5)
    assert scores["per_class"] == pytest.approx([0.8, 0.6])


def test_average_accuracy_counts_classes_that_occur_and_no_answer_is_wrong():
    truth = np.array([0, 0, 0, 0, 2, 2])
    predicted = np.array([0, 0, 0, -1, 2, 1])
    scores = classification_scores(predicted, truth, 4)
    assert scores["overall_accuracy"] == pytest.approx(4 / 6)
    assert scores["average_accuracy"] == pytest.approx((0.75 + 0.5) / 2)
    assert scores["per_class"] == [0.75, None, 0.5, None]
    # expected agreement: (4*3 + 2*1) / 36
    chance = 14 / 36
    assert scores["kappa"] == pytest.approx((4 / 6 - chance) / (1 - chance))


def test_one_class_only_and_all_right_is_full_agreement():
    zeros = np.zeros(5, int)
    assert classification_scores(zeros, zeros, 3)["kappa"] == 1.0


def test_only_test_pixels_count():
    truth = Truth(np.array([[1, 1, 2], [2, 0, 1]], np.int16), ("a", "b"))
    split = np.array([[1, 2, 2], [1, 0, 2]], np.uint8)
    classes = np.array([[1, 0, 1], [0, 0, 1]], np.int16)
    scores = split_scores(classes, truth, split)
    assert scores["overall_accuracy"] == pytest.approx(2 / 3)
    assert (scores["n_train"], scores["n_test"]) == (2, 3)
