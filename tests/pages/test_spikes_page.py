"""The inside of a spiking network on the page of internals, with a toy that really fires."""

import numpy as np
import pytest
from here_executor import HereExecutor
from test_pages import button, check, text_of

from rsviz.views import address, clients

PAGE = "internals"
TOPICS = ("Spikes", "Membrane", "Attention", "Partner", "Steps", "Energy")


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


@pytest.fixture
def opened(open_page, here, blocks):
    """The page answered by the toy, on one topic."""

    def open_topic(topic, **query):
        test = open_page(PAGE, scene=blocks, model="spark", **query)
        test.session_state[address.KEY].chosen["topic"] = topic
        return check(test.run(), PAGE)

    return open_topic


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("pixel", ["", "30,40"])
def test_every_topic(opened, topic, pixel):
    test = opened(topic, **({"pixel": pixel} if pixel else {}))
    assert test.session_state[address.KEY].chosen["topic"] == topic
    assert list(test.button_group("topic").options) == list(TOPICS)


def test_silent_layers_are_flagged(opened):
    assert "second: silent layer" in text_of(opened("Spikes"))


def test_a_click_asks_for_the_layers_of_that_pixel_alone(opened, here):
    test = opened("Membrane", pixel="30,40")
    first, second = here.jobs
    assert "membrane" not in first.wants and "spike_steps" in first.wants
    assert second.wants == ("membrane", "offsets", "partner", "raster")
    assert (second.options["pick_row"], second.options["pick_col"]) == (30, 40)
    assert "Membranes at row 30, column 40" in text_of(test)
    test.session_state[address.KEY].picked = (12, 13)
    assert "Membranes at row 12, column 13" in text_of(test.run())
    assert len(here.jobs) == 3


def test_the_pixel_of_a_coarser_input_is_looked_into(opened, here):
    opened("Membrane", pixel="30,40", before="degrade:scale=2")
    assert (here.jobs[1].options["pick_row"], here.jobs[1].options["pick_col"]) == (15, 20)


def test_steps_are_set_against_the_truth_where_it_is_known(opened):
    waits = "Make the scene coarser first"
    alone = opened("Steps")
    assert waits in text_of(alone) and len(alone.get("plotly_chart")) == 1
    known = opened("Steps", before="degrade:scale=2")
    assert waits not in text_of(known) and len(known.get("plotly_chart")) == 2


def test_the_cost_of_an_operation_can_be_changed(opened):
    test = opened("Energy")
    assert f"**{2.0 * 4.6 + 10.0 * 0.9:.4g} mJ**" in text_of(test)
    test.number_input("energy-ac").set_value(2.0).run()
    assert f"**{2.0 * 4.6 + 10.0 * 2.0:.4g} mJ**" in text_of(test)


def test_without_a_run_there_is_a_button(open_page, here, blocks):
    test = check(open_page(PAGE, scene=blocks), PAGE)
    test.button_group("inside").set_value("sr_image").run()
    test.button_group("sr-bands").set_value("Those shown").run()
    test.selectbox("model").set_value("spark").run()
    button(test, "main-run").click().run()
    check(test, PAGE)
    assert test.button_group("topic")
