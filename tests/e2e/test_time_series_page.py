"""The page of seasons in Chromium: the year plays, a click gives series, a run gives crops."""

import re

import pytest
from playwright.sync_api import expect
from serving import ROOT, start_server
from test_app import click_map

SERVER = "rsviz/views/server.py"
MAP = ".rsviz-map"
PATIENCE_MS = 60_000
RUN_MS = 240_000


@pytest.fixture
def open_year(serve, visit, tmp_path_factory):
    """Open the simulated year and wait for its map."""
    env = {"RSVIZ_CACHE": str(tmp_path_factory.mktemp("season")), "RSVIZ_DATA": ""}

    def opened(query="", **how):
        page = visit(f"{serve(SERVER, env)}/time_series?scene=simulated-year{query}", **how)
        page.set_default_timeout(PATIENCE_MS)
        page.locator("h1").get_by_text("What grew here over the year?", exact=True).wait_for()
        page.locator(f"{MAP} .frames").wait_for()
        return page

    return opened


def test_the_year_starts_clear_and_is_stepped_and_played(open_year):
    page = open_year()
    label = page.locator(f"{MAP} .frame-label")
    picture = page.locator(f"{MAP} .leaflet-image-layer").first
    expect(label).to_have_text(re.compile(r"^20\d\d-\d\d-\d\d · (9[5-9]|100) % clear$"))
    first, image = label.inner_text(), picture.get_attribute("src")
    page.locator(f"{MAP} .frames").get_by_label("One step on").click()
    expect(label).not_to_have_text(first)
    expect(picture).not_to_have_attribute("src", image)
    second = label.inner_text()
    assert second[:10] > first[:10]
    page.locator(f"{MAP} .frames").get_by_label("Speed").select_option("8")
    page.locator(f"{MAP} .frames").get_by_label("Play").click()
    expect(label).not_to_have_text(second, timeout=PATIENCE_MS)


def test_a_click_gives_the_series_and_its_season(open_year):
    page = open_year()
    click_map(page, 0.4, 0.5)
    page.get_by_text(re.compile(r"^Pixel row \d+, col \d+")).wait_for()
    page.get_by_text("Filled points are clear dates").wait_for()
    page.get_by_role("button", name="Series as CSV").wait_for()


def looked_into(page):
    """Open what a run tells of the picked pixel, part by part."""
    for tab, told in (
        ("Why this crop", "Probability as the season unfolds"),
        ("Reconstruction", "Reconstructed series"),
        ("Reconstruction", "Reconstruction error"),
        ("Inside", "When dates are dropped"),
        ("Inside", "Step size"),
    ):
        page.get_by_role("tab", name=tab).click()
        page.get_by_text(told, exact=True).first.wait_for(timeout=RUN_MS)


def test_a_run_names_the_crop_and_says_which_dates_decided(open_year):
    page = open_year("&model=sits_mamba&pixel=40,40")
    page.get_by_text(re.compile(r"^OA \d+\.\d %")).first.wait_for(timeout=RUN_MS)
    looked_into(page)


@pytest.fixture
def open_real(data_folder, visit, tmp_path):
    """Open a page of an app that lists the real data sets."""
    env = {"RSVIZ_CACHE": str(tmp_path / "cache"), "RSVIZ_DATA": str(data_folder)}
    server, url = start_server(ROOT / SERVER, tmp_path / "log.txt", env)

    def opened(address):
        page = visit(f"{url}/{address}")
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield opened
    server.terminate()
    server.wait(20)


@pytest.mark.data
def test_a_real_stack_is_classified_and_looked_into(open_real):
    page = open_real("time_series?scene=mato-grosso-map&model=sits_mamba")
    told = page.get_by_text("No accuracy: these labels did not test the weights.")
    told.first.wait_for(timeout=RUN_MS)
    for name in ("Forest", "Soybean-cotton", "Soybean-millet"):
        page.locator(f"{MAP} .legends").get_by_text(name).first.wait_for()
    click_map(page, 0.5, 0.5)
    page.get_by_text(re.compile(r"^Pixel row \d+, col \d+")).first.wait_for()
    looked_into(page)
    page.get_by_role("tab", name="Areas").click()
    expect(page.get_by_text("Area [ha]").first).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.data
def test_errors_on_a_real_stack_are_told(open_real):
    page = open_real("errors?scene=slovenia&model=sits_mamba&pixel=40,40")
    page.get_by_text(re.compile(r"^OA \d+\.\d %")).first.wait_for(timeout=RUN_MS)
    expect(page.get_by_text("artificial surface").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_text("Mean series over the clear pixels of each date").wait_for()
    page.get_by_role("tab", name="Why").click()
    page.get_by_role("button", name="Explain this pixel").click()
    page.get_by_text("Is it worth anything?").wait_for(timeout=RUN_MS)
    expect(page.get_by_text("Dates removed [%]").first).to_be_visible(timeout=PATIENCE_MS)
