"""What a click on a chart says is checked; what is drawn holds the numbers it was given."""

import numpy as np
import pytest

from rsviz.analysis.facets import Filter
from rsviz.analysis.paired import McNemar
from rsviz.core.grid import Window
from rsviz.views import picks
from rsviz.views.mistakes import charts, versus, worst
from rsviz.views.state import Session


@pytest.fixture
def said(monkeypatch):
    """Let charts say something, by key."""
    state: dict[str, object] = {}
    monkeypatch.setattr(picks.st, "session_state", state)
    return state


@pytest.mark.parametrize(
    ("click", "place"),
    [([3, 5], (3, 5)), ([-1, 2], (-1, 2)), ([4], (4,)), (None, ()), ("x", ()), ([1, "2"], ()),
     ([True], ()), ([0.5], ()), ({}, ())],
)  # fmt: skip
def test_only_whole_numbers_are_heard(said, click, place):
    said["k"] = {"click": click}
    assert picks.happened("k") == place
    assert picks.happened("another") == ()


def test_a_matrix_is_sent_as_counts_and_shares(monkeypatch):
    sent = {}
    monkeypatch.setattr(picks, "_component", lambda: lambda **told: sent.update(told))
    counts = np.array([[8, 2], [0, 0]])
    picks.matrix(counts, ("a", "b"), ("#111111", "#222222"), "m", (0, 1), (0, 0))
    data = sent["data"]
    assert data["counts"] == [[8, 2], [0, 0]] and data["shares"] == [[0.8, 0.2], [0, 0]]
    assert data["chosen"] == [0, 1] and data["marked"] == [0, 0]


def test_clicks_become_filters_and_a_second_click_lets_go(said):
    session = Session(filter=Filter(edge=2))
    said[charts.CELLS] = {"click": [1, 3]}
    charts.take_clicks(session)
    assert session.filter == Filter(true=1, predicted=3, edge=2)
    charts.take_clicks(session)
    assert session.filter == Filter(edge=2)
    said.clear()
    said["errors-true-bars"] = {"click": [2]}
    charts.take_clicks(session)
    assert session.filter == Filter(true=2, edge=2)


def test_a_click_on_a_region_goes_there_and_back(said):
    session, window = Session(), Window(3, 4, 8, 8)
    said[worst.FOUND] = [window]
    said[worst.KEY] = {"click": [0]}
    worst.take_click(session)
    assert session.rectangle == window == worst.focus(session)
    session.rectangle = Window(0, 0, 5, 5)
    assert worst.focus(session) is None
    session.rectangle = window
    worst.take_click(session)
    assert session.rectangle is None
    said[worst.KEY] = {"click": [7]}
    worst.take_click(session)
    assert session.rectangle is None


def test_mcnemar_is_told_in_a_sentence():
    sure = versus.verdict(McNemar(900, 20, 80, 5, 34.8, 1e-8, False), "shared test pixels")
    assert sure.startswith("**B is better by more than chance** on the shared test pixels")
    assert "A has 20 and B 80 right" in sure and "p < 0.001" in sure
    even = versus.verdict(McNemar(900, 5, 4, 5, 4.0, 1.0, True), "lit")
    assert even.startswith("**The difference may be chance**") and "exact, p = 1.000" in even
    assert "together" in versus.verdict(McNemar(9, 0, 0, 1, 0.0, 1.0, True), "x")
