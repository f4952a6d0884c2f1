"""SFormer in a browser: a coarse map long before the end, the whole one later, and a cancel."""

import numpy as np
import pytest
from playwright.sync_api import expect

from rsviz.io.catalog import open_scene

SERVER = "rsviz/views/server.py"
LAYERS = ".rsviz-map .leaflet-image-layer"
ASKED = "classify?model=sformer&weights=indian-pines-50/seed-0&scene="
UNFINISHED = "sharper as the run goes on"
SIDE = 48
PATIENCE_MS = 180_000


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    """An empty store of results, so that the run really runs."""
    return {"RSVIZ_CACHE": str(tmp_path / "cache"), "RSVIZ_DATA": ""}


@pytest.fixture
def running(serve, visit, env, tmp_path):
    """The page with a run of SFormer on a part of Indian Pines under way, its first map drawn."""
    path = tmp_path / "piece.npy"
    np.save(path, np.moveaxis(open_scene("indian-pines").read().pixels[0, :, :SIDE, :SIDE], 0, -1))
    page = visit(f"{serve(SERVER, env)}/{ASKED}{path}")
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_text(UNFINISHED).wait_for()
    page.locator(LAYERS).nth(1).wait_for()
    return page


def classes_drawn(page) -> str:
    """The picture of the classes that is on the map, as the browser fetched it."""
    return page.locator(LAYERS).last.get_attribute("src")


def test_a_coarse_map_comes_first_and_is_replaced(running):
    coarse = classes_drawn(running)
    assert running.get_by_role("button", name="Cancel").count()
    running.get_by_text("No accuracy").wait_for()
    expect(running.get_by_text(UNFINISHED)).to_have_count(0)
    for _ in range(100):
        if classes_drawn(running) != coarse:
            break
        running.wait_for_timeout(100)
    assert classes_drawn(running) != coarse


def test_a_cancel_takes_the_unfinished_map_away(running):
    running.get_by_role("button", name="Cancel").first.click()
    running.get_by_text("The run was cancelled").wait_for()
    expect(running.get_by_text(UNFINISHED)).to_have_count(0)
    expect(running.locator(LAYERS)).to_have_count(1)
