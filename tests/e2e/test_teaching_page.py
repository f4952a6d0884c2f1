"""Teaching a model in a real browser: label, train, watch, cancel, go on, look inside."""

import numpy as np
import pytest
from playwright.sync_api import expect
from test_app import click_map

SERVER = "rsviz/views/server.py"
MAP = ".rsviz-map"
TITLE = "What can it learn from a handful of pixels?"
PATIENCE_MS = 120_000  # the machine may be busy


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> str:
    """A small scene with two kinds of ground, left and right, and no reference."""
    rng = np.random.default_rng(0)
    ground = (np.arange(40) >= 20).astype(np.float32)
    spectra = np.stack([np.linspace(0.1, 0.5, 12), np.linspace(0.5, 0.1, 12)])
    cube = spectra[np.tile(ground.astype(int), (36, 1))] + rng.normal(0, 0.02, (36, 40, 12))
    path = tmp_path_factory.mktemp("ground") / "two.npy"
    np.save(path, cube.astype(np.float32))
    return str(path)


@pytest.fixture
def page(serve, visit, scene, tmp_path_factory):
    """The page of teaching with the small scene."""
    folder = tmp_path_factory.mktemp("train")
    env = {"RSVIZ_CACHE": str(folder / "cache"), "RSVIZ_DATA": ""}
    page = visit(f"{serve(SERVER, env)}/train?scene={scene}")
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_role("heading", name=TITLE).wait_for()
    page.locator(f"{MAP} .leaflet-image-layer").first.wait_for()
    page.wait_for_timeout(1000)
    return page


def label(page, across, expected):
    """Click the map at a share of its width; wait until the desk counts so many pixels."""
    click_map(page, across, 0.5)
    page.get_by_text(f"{expected} labelled pixels").wait_for()


def choose_class(page, name):
    page.get_by_role("combobox", name="Class that a click gives").click()
    page.get_by_role("option", name=name).click()
    page.wait_for_timeout(500)


def taught_two_classes(page):
    """Nine pixels of each class, by a click each."""
    page.get_by_role("radio", name="3 × 3").click()
    page.wait_for_timeout(500)
    label(page, 0.25, 9)
    choose_class(page, "Class 2")
    label(page, 0.75, 18)


def epochs(page, count):
    """Move the slider of epochs by the keyboard to its start, then right."""
    slider = page.get_by_role("slider", name="Epochs")
    slider.focus()
    page.keyboard.press("Home")
    for _ in range((count - 10) // 10):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(800)


def test_two_clicks_teach_a_model_that_other_pages_open(page):
    taught_two_classes(page)
    epochs(page, 20)
    page.get_by_role("button", name="Train MambaMoE").click()
    page.get_by_text("Watch it learn").wait_for()
    page.get_by_role("heading", name="Your models").wait_for()
    expect(page.get_by_text("There is no reference to measure it with")).to_have_count(1)
    losses = page.locator(".st-key-teach-loss .js-line").first
    assert losses.get_attribute("d").count("L") >= 10  # one point an epoch
    page.get_by_role("button", name="Map and certainty").click()
    page.get_by_role("heading", name="What is on the ground, and how sure?").wait_for()
    page.get_by_text("All pixels are shown").wait_for()
    page.get_by_text("Class 2", exact=False).first.wait_for()
    assert "weights=" not in page.url  # a private folder is named nowhere


def test_a_training_is_stopped_and_goes_on(page):
    taught_two_classes(page)
    epochs(page, 400)
    page.get_by_role("button", name="Train MambaMoE").click()
    page.get_by_text("Watch it learn").wait_for()
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("was cancelled").wait_for()
    page.get_by_role("button", name="Go on where it stopped").click()
    told = page.get_by_role("progressbar")
    told.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("was cancelled").wait_for()
    expect(page.get_by_role("heading", name="Your models")).to_have_count(0)
