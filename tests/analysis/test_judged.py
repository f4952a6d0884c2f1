"""Test pixels sorted into facets: by hand on a small scene, and by counting on random ones."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt

from rsviz.analysis import judged, regions
from rsviz.analysis.comparison import Comparison
from rsviz.analysis.facets import CONFIDENT, RIGHT, WRONG, Filter, in_words
from rsviz.analysis.judged import judge
from rsviz.core.grid import Grid, Window
from rsviz.core.layers import ClassMap
from rsviz.core.scene import Truth

NAMES = ("oats", "rye", "fallow")


def made(labels, predicted, certain=None, split=None, level=0.9):
    """Judged pixels of small arrays; all labelled pixels test unless a split says otherwise."""
    labels, predicted = np.array(labels, np.int16), np.array(predicted, np.int16)
    grid = Grid(*labels.shape)
    split = np.where(labels > 0, 2, 0) if split is None else np.array(split)
    certain = np.full(labels.shape, 0.5, np.float32) if certain is None else np.array(certain)
    return judge(
        ClassMap("c", "", grid, predicted, NAMES),
        certain.astype(np.float32),
        Truth(labels, NAMES),
        ClassMap("s", "", grid, split.astype(np.int16), ("ignored", "train", "test")),
        level,
    )


def random_pair(seed=0, side=30):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (side, side))
    split = np.where(labels > 0, rng.integers(1, 3, labels.shape), 0)
    answers = [
        np.where(rng.random(labels.shape) < 0.7, labels - 1, rng.integers(0, 3, labels.shape))
        for _ in range(2)
    ]
    certain = [rng.random(labels.shape) for _ in range(2)]
    return [
        made(labels, np.maximum(a, 0), c, split, 0.8) for a, c in zip(answers, certain, strict=True)
    ]


def test_only_test_pixels_count_and_verdicts_are_told_apart():
    found = made(
        [[1, 1, 2], [2, 0, 3]],
        [[0, 1, 1], [0, 2, -1]],
        [[0.95, 0.95, 0.4], [0.5, 0.9, 0.99]],
        [[2, 2, 2], [2, 0, 1]],
    )
    assert found.at.tolist() == [0, 1, 2, 3]
    assert found.right.tolist() == [True, False, True, False]
    assert found.facets["verdict"].codes.tolist() == [RIGHT, CONFIDENT, RIGHT, WRONG]
    assert judged.confusion(found, np.ones(4, bool)).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_no_answer_is_wrong():
    found = made([[1, 2]], [[-1, 1]])
    assert found.right.tolist() == [False, True]
    assert judged.confusion(found, np.ones(2, bool)).sum() == 1


def test_distance_to_the_edge_counts_as_a_king_moves():
    labels = np.zeros((15, 17), np.int16)
    labels[2:13, 3:14] = 1
    labels[5, 5] = 2
    found = judged.edge_distance(labels)
    wanted = np.zeros(labels.shape, int)
    for value in np.unique(labels):
        region = np.pad(labels == value, 1, mode="edge")
        wanted = np.where(
            labels == value,
            distance_transform_cdt(region, "chessboard")[1:-1, 1:-1],
            wanted,
        )
    inner = np.zeros(labels.shape, bool)
    inner[2:13, 3:14] = True
    np.testing.assert_array_equal(found[inner], np.minimum(wanted, 7)[inner])
    assert found[2, 3] == 1 and found[5, 5] == 1 and found[8, 9] == 4
    assert (judged.edge_distance(np.ones((20, 20), np.int16)) == 7).all()


def test_tenths_hold_equally_many_pixels_the_surest_first():
    rng = np.random.default_rng(1)
    certain = rng.permutation(100).reshape(10, 10) / 100
    found = made(np.ones((10, 10)), np.zeros((10, 10)), certain)
    codes = found.facets["decile"].codes
    assert np.bincount(codes).tolist() == [10] * 10
    assert found.certain[codes == 0].min() > found.certain[codes == 1].max()


def test_size_is_that_of_the_true_class_in_the_whole_scene():
    labels = np.full((40, 30), 1, np.int16)
    labels[0] = 2  # 30 px
    labels[1:8] = 3  # 210 px
    facet = made(labels, labels - 1).facets["size"]
    names = np.array(facet.bins)[facet.codes].reshape(40, 30)
    assert set(names[0]) == {"up to 100 px"} and set(names[1]) == {"101 to 300 px"}
    assert set(names[9]) == {"301 to 1000 px"}


def test_a_filter_lights_what_is_in_all_of_its_bins():
    a, b = random_pair()
    b = b.among(a.at)
    pair = Comparison(a, b, "A", Filter(true=1, predicted=2), Window(3, 4, 20, 10))
    rows, cols = np.divmod(a.at, 30)
    inside = (rows >= 3) & (rows < 23) & (cols >= 4) & (cols < 14)
    wanted = (a.true == 1) & (a.predicted == 2) & inside
    assert 0 < pair.lit.sum() == wanted.sum()
    np.testing.assert_array_equal(pair.lit, wanted)
    np.testing.assert_array_equal(pair.but(("true", "predicted")), inside)
    wrong = Comparison(a, b, "A", Filter(verdict=WRONG), None).lit
    np.testing.assert_array_equal(wrong, ~a.right)  # confident ones are wrong as well
    assert not Comparison(a, None, "A", Filter(agreement=1), None).lit.any()


def test_every_cell_lights_as_many_pixels_as_it_counts():
    a, _ = random_pair()
    chosen = Comparison(a, None, "A", Filter(decile=9), None)
    counts = judged.confusion(a, chosen.but(("true", "predicted")))
    for true in range(3):
        for predicted in range(3):
            cell = Comparison(a, None, "A", Filter(decile=9, true=true, predicted=predicted), None)
            assert cell.lit.sum() == counts[true, predicted]


def test_agreement_is_that_of_both_on_the_pixels_they_share():
    a, b = random_pair()
    b = b.among(a.at)
    facets = judged.compared(a, b)
    counts = np.bincount(facets["agreement"].codes, minlength=5)
    assert counts.sum() == a.at.size
    assert counts[0] == (a.right & b.right).sum() and counts[1] == (a.right & ~b.right).sum()
    assert counts[2] == (~a.right & b.right).sum()
    assert counts[3] == (~a.right & ~b.right & (a.predicted == b.predicted)).sum()
    surer = facets["difference"].codes > 4
    assert ((a.certain - b.certain)[surer] > 0.02).all()


def test_a_tally_counts_right_pixels_unless_the_filter_says_who_is_right():
    a, _ = random_pair()
    plain = Comparison(a, None, "A", Filter(), None).tally("true")
    assert not plain.of_lit
    assert plain.totals.tolist() == np.bincount(a.true).tolist()
    assert plain.hits.tolist() == np.bincount(a.true[a.right]).tolist()
    lit = Comparison(a, None, "A", Filter(verdict=CONFIDENT), None).tally("true")
    confident = ~a.right & (a.certain >= 0.8)
    assert lit.of_lit and lit.totals.tolist() == plain.totals.tolist()
    assert lit.hits.tolist() == np.bincount(a.true[confident], minlength=3).tolist()
    assert np.isnan(judged.Tally(np.array([0]), np.array([0]), False).shares[0])


def test_filters_toggle_and_survive_as_text():
    cell = Filter(edge=2).toggled({"true": 1, "predicted": 2})
    assert cell.chosen == {"true": 1, "predicted": 2, "edge": 2}
    assert cell.toggled({"true": 1, "predicted": 2}) == Filter(edge=2)
    assert cell.toggled({"true": 0, "predicted": 2}).true == 0
    assert Filter.from_text(cell.as_text()) == cell
    assert Filter.from_text(["true=", "rain=3", "edge=-1", "size=two"]) == Filter()


def test_filters_are_named():
    a, _ = random_pair()
    words = in_words(Filter(true=0, predicted=2, verdict=CONFIDENT), a.facets)
    assert words == {
        "oats taken for fallow": ("true", "predicted"),
        "Verdict wrong and confident": ("verdict",),
    }
    assert list(in_words(Filter(true=1, predicted=1), a.facets)) == ["rye, right"]
    assert list(in_words(Filter(true=1), a.facets)) == ["True rye"]


def test_worst_regions_hold_the_most_wrong_pixels_and_do_not_overlap():
    labels = np.ones((90, 90), np.int16)
    predicted = np.zeros((90, 90), np.int16)
    predicted[12:18, 33:40] = 1  # 42 wrong pixels
    predicted[70:75, 5:10] = 2  # 25
    predicted[60, 60] = 1
    found = made(labels, predicted)
    worst = regions.worst(found, np.ones(found.at.size, bool), 12)
    assert [region.wrong for region in worst] == [42, 25, 1]
    assert [region.most for region in worst] == [(0, 1), (0, 2), (0, 1)]
    assert all(region.tested == 100 and region.share == 1.0 for region in worst)
    first = worst[0].window
    assert first.row <= 12 and first.row + first.height >= 18
    few = regions.worst(found, found.predicted == 2, 12)
    assert [region.wrong for region in few] == [25]
    cut = {(r, c) for reg in worst for r in range(*reg.window.rows.indices(90)[:2])
           for c in range(*reg.window.cols.indices(90)[:2])}  # fmt: skip
    assert len(cut) == 3 * first.height * first.width


@pytest.mark.parametrize("shape", [(5, 7), (9, 200), (3000, 2000)])
def test_squares_fit_into_the_scene(shape):
    assert 1 <= regions.side_for(shape) <= min(64, *shape)
