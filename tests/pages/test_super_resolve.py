"""The page of super-resolution, with a toy that really runs: input, answer, tabs, pixel, line."""

import numpy as np
import pytest
from here_executor import HereExecutor
from test_pages import button, check, text_of

from rsviz.analysis.edges import Line
from rsviz.views import address, clients

PAGE = "super_resolve"
TABS = ("Scores", "Side by side", "Sharpness", "Detail", "Uncertainty", "This run")


@pytest.fixture
def here(toys, monkeypatch) -> HereExecutor:
    executor = HereExecutor()
    monkeypatch.setattr(clients, "executor", lambda: executor)
    return executor


@pytest.fixture(scope="module")
def blocks(tmp_path_factory) -> str:
    """A file of 66 x 83 pixels in four bands: blocks with sharp edges."""
    blocks = np.random.default_rng(0).random((14, 17, 4)).repeat(5, 0).repeat(5, 1)
    path = tmp_path_factory.mktemp("scenes") / "blocks.npy"
    np.save(path, blocks[:66, :83].astype(np.float32))
    return str(path)


def test_it_runs_and_says_that_consistency_is_not_accuracy(open_page, here, blocks):
    test = check(open_page(PAGE, scene=blocks), PAGE)
    assert test.selectbox("model").options == ["Sharpened Lanczos"]
    button(test, "main-run").click().run()
    check(test, PAGE)
    assert here.jobs[0].changes == ()
    assert "this is not accuracy" in text_of(test)
    assert "Consistency" in text_of(test)


def test_a_scene_made_coarser_is_scored_against_the_truth(open_page, here, blocks):
    test = check(open_page(PAGE, scene=blocks), PAGE)
    test.button_group("sr-input").set_value("Made coarser here").run()
    test.slider("sr-degrade-blur").set_value(1.0).run()
    button(test, "main-run").click().run()
    check(test, PAGE)
    (change,) = here.jobs[-1].changes
    assert (change.name, change.settings) == ("degrade", {"scale": 4, "blur": 1.0, "noise": 0.0})
    assert test.query_params["before"] == "degrade:scale=4,blur=1.0"
    result = here.results["run-1"]
    assert f"PSNR **{result.metrics['psnr_db']:.2f} dB**" in text_of(test)
    table = next(frame.value for frame in test.dataframe if "SSIM" in frame.value.columns)
    assert list(table["Image"]) == ["Sharpened", "Bicubic", "Lanczos"]
    test.button_group("sr-input").set_value("As it is").run()
    check(test, PAGE)
    assert "before" not in test.query_params and button(test, "main-run")


def test_a_link_starts_the_same_run(open_page, here, blocks):
    query = {"scene": blocks, "model": "sharpen", "before": "degrade:scale=2,noise=0.1,odd=1"}
    test = check(open_page(PAGE, **query), PAGE)
    assert here.jobs[0].changes[0].settings == {"scale": 2, "blur": 0.0, "noise": 0.1}
    assert "not accuracy" in text_of(test)  # the model makes four times finer, not two: no truth


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("before", ["degrade:scale=4", ""])
def test_tabs(open_page, here, blocks, tab, before):
    query = {"before": before} if before else {}
    test = open_page(PAGE, scene=blocks, model="sharpen", pixel="30,40", **query)
    test.session_state["sharper-tabs"] = tab
    check(test.run(), PAGE)


def test_the_picked_pixel_is_told_on_every_map(open_page, here, blocks):
    query = {"before": "degrade:scale=4", "pixel": "30,40"}
    test = check(open_page(PAGE, scene=blocks, model="sharpen", **query), PAGE)
    words = text_of(test)
    value = here.results["run-1"].layers["local_ssim"].data[30, 40]
    assert f"Local SSIM: **{value:.4g}**" in words
    assert "Contradiction to the input" in words


def test_a_drawn_line_gives_rise_distances(open_page, here, blocks):
    test = open_page(PAGE, scene=blocks, model="sharpen", before="degrade:scale=4")
    test.session_state[address.KEY].line = Line((12.5, 26.5), (12.5, 33.5))
    test.session_state["sharper-tabs"] = "Sharpness"
    check(test.run(), PAGE)
    table = next(
        f.value for f in test.dataframe if "10-90 % rise [px of the scene]" in f.value.columns
    )
    assert list(table["Image"]) == ["Input", "Bicubic", "Lanczos", "Result", "Truth"]


def test_the_spread_is_computed_when_asked_for(open_page, here, blocks):
    test = open_page(PAGE, scene=blocks, model="sharpen", before="degrade:scale=4")
    test.session_state["sharper-tabs"] = "Uncertainty"
    test.run()
    button(test, "sr-spread").click().run()
    check(test, PAGE)
    assert here.jobs[-1].wants == ("amounts_spread",)
    assert "Spread over amounts" in text_of(test)


def test_a_link_to_a_model_of_few_bands_takes_those_on_the_screen(open_page, here, blocks):
    test = check(open_page(PAGE, scene=blocks, model="spark"), PAGE)
    assert [change.name for change in here.jobs[0].changes] == ["keep_bands"]
    assert test.session_state[address.KEY].model == "spark"


def test_only_the_bands_on_the_screen(open_page, here, blocks):
    test = check(open_page(PAGE, scene=blocks), PAGE)
    test.button_group("sr-bands").set_value("Those shown").run()
    button(test, "main-run").click().run()
    check(test, PAGE)
    (change,) = here.jobs[-1].changes
    assert change.name == "keep_bands"
    result = here.results["run-1"]
    shown = test.session_state[address.KEY].look.bands
    assert len(result.layers["image"].bands) == len(shown) == 3
    assert result.layers["image"].data.shape[0] == 3


def test_a_scene_that_is_too_small_says_so(open_page, here, tmp_path):
    path = tmp_path / "tiny.npy"
    np.save(path, np.random.default_rng(0).random((6, 40, 3), np.float32))
    test = open_page(PAGE, scene=str(path), before="degrade:scale=4")
    (error,) = test.error
    assert "needs at least 8 a side" in error.value.replace("\\", "")


def test_unsuitable_scene(open_page, here, tmp_path):
    path = tmp_path / "tiny.npy"
    np.save(path, np.random.default_rng(0).random((3, 40, 3), np.float32))
    test = check(open_page(PAGE, scene=str(path)), PAGE)
    assert "It needs at least 4 x 4 pixels" in text_of(test).replace("\\", "")
