"""The page of seasons in Chromium: the year plays, a click gives series, a run gives crops."""

import re

import pytest
from test_app import click_map

from rsviz.core import registry

SERVER = "rsviz/views/server.py"
MAP = ".rsviz-map"
PATIENCE_MS = 60_000
RUN_MS = 240_000
trained = pytest.mark.skipif(
    not any(w.file and w.scene == "simulated-year" for w in registry.card("sits_mamba").weights),
    reason="SITSMamba has no weights for the simulated year yet",
)


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


def shown(page):
    """The address of the picture on the map, and the date below it."""
    image = page.locator(f"{MAP} .leaflet-image-layer").first
    return image.get_attribute("src"), page.locator(f"{MAP} .frame-label").inner_text()


def test_the_year_is_stepped_and_played(open_year):
    page = open_year()
    first = shown(page)
    assert re.match(r"20\d\d-\d\d-\d\d · \d+ % clear", first[1])
    page.locator(f"{MAP} .frames").get_by_label("One step on").click()
    second = shown(page)
    assert second[0] != first[0] and second[1][:10] > first[1][:10]
    page.locator(f"{MAP} .frames").get_by_label("Speed").select_option("8")
    page.locator(f"{MAP} .frames").get_by_label("Play").click()
    page.wait_for_function(
        """before => {
            const label = document.querySelector('.rsviz-map .frame-label')
              ?? [...document.querySelectorAll('*')].map((e) => e.shadowRoot)
                   .find((r) => r?.querySelector('.frame-label'))?.querySelector('.frame-label');
            return label && label.textContent.slice(0, 10) > before;
        }""",
        arg=second[1][:10],
    )


def test_a_click_gives_the_series_and_its_season(open_year):
    page = open_year()
    click_map(page, 0.4, 0.5)
    page.get_by_text(re.compile(r"^Pixel row \d+, col \d+")).wait_for()
    page.get_by_text("Filled points are clear dates").wait_for()
    page.get_by_role("button", name="Series as CSV").wait_for()


@trained
def test_a_run_names_the_crop_and_says_which_dates_decided(open_year):
    page = open_year("&model=sits_mamba&pixel=40,40")
    page.get_by_text(re.compile(r"^OA \d+\.\d %")).first.wait_for(timeout=RUN_MS)
    page.get_by_role("tab", name="Why this crop").click()
    page.get_by_text("Class probability", exact=True).first.wait_for(timeout=RUN_MS)
    page.get_by_role("tab", name="Reconstruction").click()
    page.get_by_text("residual", exact=True).first.wait_for(timeout=RUN_MS)
