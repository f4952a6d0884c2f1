"""The page of errors: filters by click, what is missing in words, A against B, why, files."""

from dataclasses import replace

import numpy as np
import pytest
from stand_ins import FakeExecutor

from rsviz.analysis.facets import Filter
from rsviz.core.grid import Window
from rsviz.core.layers import Curve, ScalarMap, Table
from rsviz.core.model import Change
from rsviz.views import address, clients, picks

OPEN = {"scene": "farmland", "model": "mamba_moe"}


class Several(FakeExecutor):
    """Answers each task with what it is given for it, and B with a result of its own."""

    def __init__(self, result, explained) -> None:
        super().__init__(result)
        self.explained = explained

    def result(self, run_id: str):
        job = self.submitted[int(run_id.partition("-")[2]) - 1]
        if job.task == "attribute":
            return self.explained
        if job.changes or job.weights.endswith("seed-1"):
            return self.other
        return self.answer


@pytest.fixture
def several(answering, farmland, monkeypatch):
    """An executor that also knows a second result and an explanation."""
    _, result = farmland
    grid = result.layers["classes"].grid
    x = np.arange(200, dtype=np.float32)
    names = (
        "Integrated gradients", "Occlusion", "Random order", "Random, minus s.d.",
        "Random, plus s.d.",
    )  # fmt: skip
    facts = {
        "Class": "meadow", "Rival": "maize", "Lead in scores": 2.0,
        "Lead with the scene's mean": 0.5, "Sum of the integrated gradients": 1.5,
        "Area below the curve: Integrated gradients": 0.1,
        "Area below the curve: Occlusion": 0.3,
        "Area below the curve: Random order": 0.3,
    }  # fmt: skip
    space = ScalarMap("Space", "", grid, np.ones(grid.shape, np.float32), "p", "s", diverging=True)
    layers = {
        "gradients": Curve("Integrated gradients", "", x, x[None], ("G",), "Band", "Part"),
        "occlusion": Curve("Occlusion", "", x, x[None], ("O",), "Band", "Part"),
        "space": space,
        "deletion": Curve("Deletion", "", x[:9], np.full((5, 9), 0.4), names, "%", "p"),
        "facts": Table("Facts", "", ("Quantity", "Value"), tuple(facts.items())),
    }
    executor = Several(result, replace(result, layers=layers, metrics={}, split=None))
    classes = result.layers["classes"]
    moved = np.roll(classes.data, 1, axis=0)
    executor.other = replace(
        result,
        layers=dict(result.layers) | {"classes": replace(classes, data=moved)},
        record=replace(result.record, changes=(Change("noise", {"sigma": 0.1}),)),
    )
    monkeypatch.setattr(clients, "executor", lambda: executor)
    return executor


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.info, *test.warning]
    return "\n".join(part.value for part in parts).replace("\\", "")


def whole(test):
    assert not test.exception and [error.value for error in test.error] == []
    return test


@pytest.fixture
def click(monkeypatch):
    """Let a chart be clicked before the next run, once."""
    pending: dict[str, tuple[int, ...]] = {}
    monkeypatch.setattr(picks, "happened", lambda key: pending.pop(key, ()))
    return pending


def test_nothing_is_shown_before_a_run_and_all_after(open_page, answering):
    test = whole(open_page("errors", scene="farmland"))
    assert not test.tabs
    next(b for b in test.button if b.key == "main-run").click().run()
    whole(test)
    assert [tab.label for tab in test.tabs] == [
        "Confusion", "Conditions", "Worst regions", "A against B", "Why",
    ]  # fmt: skip
    assert "test pixels are lit" in words(test)


def test_a_cell_filters_everything_and_its_chip_lets_go(open_page, several, farmland, click):
    _, result = farmland
    test = whole(open_page("errors", **OPEN))
    click["errors-matrix"] = (1, 2)
    whole(test.run())
    labels = clients.readers().open("farmland").truth().labels
    cell = (labels == 2) & (result.layers["classes"].data == 2) & (result.split.data == 2)
    assert f"**{cell.sum()} pixels lit**" in words(test)
    assert test.query_params["filter"] == ["true=1", "predicted=2"]
    chip = next(b for b in test.button if b.key == "chip-true")
    assert "taken for" in chip.label
    whole(chip.click().run())
    assert test.session_state[address.KEY].filter == Filter()
    assert "pixels lit**" not in words(test)


@pytest.mark.parametrize("tab", ["Confusion", "Conditions", "Worst regions", "A against B", "Why"])
def test_each_tab_with_a_filter_and_a_rectangle(open_page, several, tab):
    test = open_page(
        "errors", **OPEN, pixel="40,60", area="20,20,60,50", filter="verdict=1", confident="0.7"
    )
    test.session_state["errors-tabs"] = tab
    whole(test.run())
    assert test.session_state[address.KEY].rectangle == Window(20, 20, 60, 50)


def test_bins_that_are_not_there_are_let_go(open_page, several):
    test = whole(open_page("errors", **OPEN, filter="true=99"))
    assert test.session_state[address.KEY].filter == Filter()
    whole(open_page("errors", **OPEN, filter="agreement=1"))


def test_changed_spectra_become_b_at_once(open_page, several):
    test = open_page("errors", **OPEN, pixel="40,60", change="noise:sigma=0.1")
    test.session_state["errors-tabs"] = "A against B"
    whole(test.run())
    job = several.submitted[-1]
    assert job.changes == (Change("noise", {"sigma": 0.1}),) and job.model == "mamba_moe"
    assert test.query_params["change"] == "noise:sigma=0.1"
    told = words(test)
    assert "McNemar" in told and "after noise" in told
    assert "**A** says" in told and "**B** says" in told
    for shown in ("Errors of B", "Difference of confidence", "Agreement"):
        whole(test.button_group("errors-shown").set_value(shown).run())
    assert test.session_state[address.KEY].chosen["errors-side"] == "B"


def test_nothing_is_run_before_a_change_is_chosen(open_page, several):
    test = whole(open_page("errors", **OPEN))
    test.button_group("second-kind").set_value("changed").run()
    whole(test)
    assert len(several.submitted) == 1
    assert "how the spectra change" in words(test)


def test_a_pixel_is_explained_when_asked(open_page, several):
    test = open_page("errors", **OPEN, pixel="40,60")
    test.session_state["errors-tabs"] = "Why"
    whole(test.run())
    assert len(several.submitted) == 1
    next(b for b in test.button if b.key == "why-run").click().run()
    whole(test)
    job = several.submitted[-1]
    assert job.task == "attribute"
    assert (job.settings["row"], job.settings["col"]) == (40, 60)
    assert "meadow rather than maize" in words(test)
    assert "Only integrated gradients points at bands that matter" in words(test)


def test_results_without_a_split_say_why(open_page, answering, farmland):
    _, result = farmland
    answering.answer = replace(result, metrics={}, split=None)
    test = whole(open_page("errors", **OPEN))
    assert "trained on other labels" in words(test)
    assert any(b.key == "errors-open-farmland" for b in test.button)
