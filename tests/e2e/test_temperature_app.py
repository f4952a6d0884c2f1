"""Surface temperature in a real browser: the sample, and a real Landsat scene from its folder."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from test_app import click_map

SERVER = "rsviz/views/server.py"
PATIENCE_MS = 240_000  # the first run starts a worker, which may take long on a busy machine
HEADING = "How hot was the ground?"


@pytest.fixture(scope="module")
def env(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("temperature")
    return {"RSVIZ_CACHE": str(folder / "cache"), "RSVIZ_DATA": os.environ.get("RSVIZ_DATA", "")}


@pytest.fixture
def opened(serve, visit, env):
    def open_it(query):
        page = visit(f"{serve(SERVER, env)}/temperature?{query}")
        page.set_default_timeout(PATIENCE_MS)
        page.get_by_role("heading", name=HEADING).wait_for()
        return page

    return open_it


def kelvin(page) -> float:
    """The temperature told for the picked pixel."""
    told = page.get_by_text(re.compile(r"\d+\.\d ± \d+\.\d K by the"))
    told.first.wait_for()
    return float(re.search(r"(\d+\.\d) ±", told.first.inner_text())[1])


def test_a_click_tells_the_temperature_and_a_slider_answers(opened):
    page = opened("scene=thermal&model=lst_coupled&pixel=60,80")
    before = kelvin(page)
    assert 290 < before < 330
    page.get_by_text("RMSE here").wait_for()
    metric = page.get_by_test_id("stMetricValue").first
    first = metric.inner_text()
    slider = page.get_by_role("slider", name="Water vapour [g/cm²]")
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(metric).not_to_have_text(first, timeout=PATIENCE_MS)
    click_map(page, 0.7, 0.25)
    expect(page.get_by_text(f"{before:.1f} ±")).to_have_count(0, timeout=PATIENCE_MS)
    assert kelvin(page) != before


@pytest.mark.data
def test_a_real_landsat_scene_is_worked_out_once_the_air_is_known(opened):
    folder = Path(os.environ.get("RSVIZ_DATA", "")) / "thermal" / "landsat8_mendoza"
    path = folder / "LC82320832016040LGN00_MTL.txt"
    if not path.is_file():
        pytest.skip("RSVIZ_DATA names no folder with this Landsat scene")
    page = opened(f"scene={path}&model=lst_coupled&pixel=60,80")
    page.get_by_text("are not known for this scene").wait_for()
    given = (("Water vapour [g/cm²]", "2.3", 1), ("Air temperature [K]", "299", 0))
    for label, value, still_missing in given:
        page.get_by_role("spinbutton", name=label).fill(value)
        page.keyboard.press("Enter")
        expect(page.get_by_text("is not known for this scene")).to_have_count(
            still_missing, timeout=PATIENCE_MS
        )
    page.get_by_role("button", name="Run Coupled LST").first.click()
    assert 295 < kelvin(page) < 325
