"""What the tab 'How sure' says: calibration as it is and mended, sets as promised and measured."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from rsviz.analysis.calibration import reliability, tempered
from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap, ProbabilityMap
from rsviz.core.model import Result, RunRecord
from rsviz.core.scene import Truth
from rsviz.views import charts, sure
from rsviz.views.charts.calibration import reliability as reliability_chart
from rsviz.views.charts.calibration import set_sizes
from rsviz.views.classes import Classified
from rsviz.views.state import Session

NAMES = ("a", "b", "c")
SIDE = 40


@pytest.fixture
def found(answered) -> Classified:
    """A classification that is twice as sure as it should be; the left half was trained on."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (3, SIDE, SIDE))
    true = np.exp(logits) / np.exp(logits).sum(0)
    labels = (rng.random((SIDE, SIDE)) > true.cumsum(0)).sum(0).clip(max=2) + 1
    p = tempered(true, 0.5, axis=0).astype(np.float32)
    grid = Grid(SIDE, SIDE)
    split = np.where(np.arange(SIDE) < SIDE // 2, 1, 2) * np.ones((SIDE, 1), np.int16)
    result = Result(
        {},
        answered,
        {"brier": 0.4, "calibrated": CALIBRATED},
        ClassMap("Split", "", grid, split.astype(np.int16), ("ignored", "train", "test")),
    )
    classes = ClassMap("Classes", "", grid, p.argmax(0).astype(np.int16), NAMES)
    truth = Truth(labels.astype(np.int16), NAMES)
    probabilities = ProbabilityMap("Probabilities", "", grid, p, NAMES)
    return Classified(result, "key", classes, probabilities, p.max(0), truth)


CALIBRATED = {
    "temperature": 2.0,
    "n_validation": 90,
    "ece": 0.02,
    "brier": 0.35,
    "sets": {
        "0.8": {"least": 0.4, "coverage": 0.81, "mean_size": 1.2, "empty": 0.0},
        "0.9": {"least": 0.2, "coverage": 0.92, "mean_size": 1.7, "empty": 0.0},
    },
}


@pytest.fixture
def answered():
    """A record of a run, of which only that it is finished matters."""
    return RunRecord("m", "w", "", {}, "", "", "", "cpu", 0, (), 1.0, 1.0, {})


def test_the_diagram_counts_test_pixels_and_the_temperature_mends_it(found):
    plain, mended = sure.diagrams(found, found.truth, CALIBRATED)
    assert plain.count.sum() == mended.count.sum() == SIDE * SIDE // 2
    assert mended.ece < 0.6 * plain.ece
    assert sure.diagrams(found, found.truth, None)[1] is None


def test_set_sizes_lie_on_the_grid_and_are_missing_where_nothing_is_said(found):
    data = found.probabilities.data.copy()
    data[:, 0, 0] = np.nan
    layer = sure.size_map(ProbabilityMap("P", "", Grid(SIDE, SIDE), data, NAMES), 2.0, 0.2)
    assert np.isnan(layer.data[0, 0])
    expected = (tempered(data[:, 5, 7], 2.0) >= 0.2).sum()
    assert layer.data[5, 7] == expected
    assert layer.limits == (0.0, 3.0)


def test_what_is_told(found):
    scores = found.result.metrics
    assert "differ by 12.0 % on average (ECE); Brier score 0.400" in sure.told(0.12, scores)
    assert "At temperature 2.00, fitted on 90" in sure.told(0.12, scores)
    assert sure.told(0.1, {}).endswith("No temperature has been fitted for these weights.")


def test_a_level_that_is_not_there_falls_back():
    session = Session()
    assert sure.level_of(session, CALIBRATED) == "0.9"
    session.chosen["set-level"] = "0.8"
    assert sure.level_of(session, CALIBRATED) == "0.8"
    session.chosen["set-level"] = "0.99"
    assert sure.level_of(session, CALIBRATED) == "0.8"


def test_charts_have_axes_with_units():
    confidence = np.array([0.55, 0.9, 0.95])
    plain = reliability(confidence, np.array([True, False, True]))
    figure = reliability_chart(plain, plain)
    assert figure.layout.xaxis.title.text == "Confidence [%]"
    names = [trace.name for trace in figure.data]
    assert {"as it is", "tempered", "calibrated"} <= set(names)
    sizes = set_sizes([0.1, 0.6, 0.3])
    assert list(sizes.data[0].y) == [10.0, 60.0, 30.0]
    assert charts.CONFIG["displaylogo"] is False


def test_the_panel_is_drawn_with_a_choice_of_levels(found):
    def page(found):
        from rsviz.views import sure
        from rsviz.views.state import Session

        sure.panel(Session(), found)

    test = AppTest.from_function(page, args=(found,)).run()
    assert not test.exception
    words = "\n".join(m.value for m in [*test.markdown, *test.caption])
    assert "Promised 90 %, measured **92.0 %**" in words
    assert "1.70 classes a pixel" in words
