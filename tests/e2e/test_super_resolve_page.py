"""Super-resolution in a real browser: swipe, loupe, click, line, with a toy as model."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from serving import copy_with_toys, start_server
from test_app import click_map, map_drawn

PATIENCE_MS = 60_000
FIRST_MS = 400_000  # the first run waits until the worker has compiled its kernels
LOUPE = ".loupe"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Address of the answered page, on a small file of blocks with sharp edges."""
    folder = tmp_path_factory.mktemp("toys")
    blocks = np.random.default_rng(0).random((15, 20, 3)).repeat(8, 0).repeat(8, 1)
    path = folder / "blocks.npy"
    np.save(path, blocks.astype(np.float32))
    root = copy_with_toys(folder / "app")
    env = {"RSVIZ_CACHE": str(folder / "cache"), "RSVIZ_DATA": ""}
    script = root / "rsviz" / "views" / "server.py"
    server, url = start_server(script, folder / "log.txt", env, root)
    yield f"{url}/super_resolve?scene={path}&model=sharpen&before=degrade:scale=4"
    server.terminate()
    server.wait(20)


@pytest.fixture
def answered(visit, address):
    """The page with its result."""

    def opened(tab="Scores", **how):
        page = visit(address, **how)
        page.set_default_timeout(PATIENCE_MS)
        told = page.get_by_text(re.compile(r"PSNR \d+\.\d+ dB"))
        told.first.wait_for(timeout=FIRST_MS)
        map_drawn(page)
        if tab != "Scores":
            page.get_by_role("tab", name=tab).click()
        return page

    return opened


def until(page, ask, fits):
    """The first answer that fits, asked for ten times a second; a minute at most."""
    for _ in range(PATIENCE_MS // 100):
        found = ask()
        if fits(found):
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"after a minute there is {str(found)[:300]!r}")


def clips(page):
    """Where the two compared layers are cut."""
    return page.locator(".rsviz-map .leaflet-pane").evaluate_all(
        "all => all.map((pane) => pane.style.clipPath).filter(Boolean)"
    )


def test_the_swipe_is_there_and_moves(answered):
    page = answered()
    divider = page.get_by_role("slider", name="Divider between the two layers")
    expect(page.get_by_label("Layer on the left")).to_have_value("bicubic")
    expect(page.get_by_label("Layer on the right")).to_have_value("result")
    before = until(page, lambda: clips(page), lambda found: len(found) == 2)
    box = divider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] - 120, box["y"] + 200, steps=4)
    page.mouse.up()
    until(page, lambda: clips(page), lambda found: len(found) == 2 and not set(found) & set(before))
    assert divider.bounding_box()["x"] == pytest.approx(box["x"] - 134, abs=4)


def test_a_click_on_the_map_tells_of_that_pixel(answered):
    page = answered()
    click_map(page, 0.4, 0.5)
    page.get_by_text(re.compile(r"Pixel row \d+, col \d+")).wait_for()
    page.get_by_text("Local SSIM:").wait_for()
    line = page.locator(".st-key-inspector .scatterlayer .js-line")
    line.first.wait_for()
    expect(line).to_have_count(5)  # input, bicubic, Lanczos, result, truth
    before = line.last.get_attribute("d")
    click_map(page, 0.75, 0.3)
    page.wait_for_function(
        "old => { const all = document.querySelectorAll("
        "'.st-key-inspector .scatterlayer .js-line');"
        " return all.length === 5 && all[4].getAttribute('d') !== old; }",
        arg=before,
    )


def test_the_loupe_zooms_all_images_alike_and_picks_a_pixel(answered):
    page = answered("Side by side")
    panes = page.locator(f"{LOUPE} canvas")
    panes.first.wait_for()
    expect(panes).to_have_count(6)
    titles = page.locator(f"{LOUPE} figcaption b").all_inner_texts()
    assert titles == ["Input", "Bicubic", "Lanczos", "Result", "Truth", "Error"]

    def pictures():
        return panes.evaluate_all("all => all.map((canvas) => canvas.toDataURL())")

    def zoomed():
        return float(page.locator(LOUPE).get_attribute("data-zoom"))

    before = until(page, pictures, lambda found: len(set(found)) == 6)  # all drawn, all different
    zoom = zoomed()
    panes.nth(2).scroll_into_view_if_needed()
    box = panes.nth(2).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -200)
    until(page, zoomed, lambda found: found > 1.2 * zoom)
    until(page, pictures, lambda found: not set(found) & set(before))
    down, right = (float(v) for v in page.locator(LOUPE).get_attribute("data-at").split())
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    row, col = int(down * 120), int(right * 160)
    told = page.get_by_text(re.compile(r"Pixel row \d+, col \d+"))
    told.wait_for()
    found = [int(v) for v in re.findall(r"\d+", told.inner_text())[:2]]
    assert found == pytest.approx([row, col], abs=1)


def test_a_line_across_an_edge_is_charted(answered):
    page = answered("Sharpness")
    page.get_by_text("Nyquist of the input").wait_for()
    box = map_drawn(page)
    page.get_by_role("button", name="Draw a line across an edge").click()
    y = box["y"] + 0.53 * box["height"]
    page.mouse.move(box["x"] + 0.32 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.38 * box["width"], y, steps=5)
    page.mouse.up()
    page.get_by_text("Distance along the line [px of the scene]").wait_for()
    expect(page.locator(".rsviz-map path.mark.chosen")).to_have_count(1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut(answered, theme):
    page = answered("Side by side", size=(390, 844), theme=theme)
    page.locator(f"{LOUPE} canvas").first.wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
