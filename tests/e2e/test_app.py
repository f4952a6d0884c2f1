"""The whole app in a real browser: offline, by deep link, clicked, zoomed, run, cancelled."""

import json
import os
import re
import time
import urllib.request
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect
from serving import ANOTHER_SPECTRUM, ROOT, SPECTRUM, start_server

from rsviz.io.catalog import open_scene

SERVER = "rsviz/views/server.py"
MAP = ".rsviz-map"
LAYERS = f"{MAP} .leaflet-image-layer"
TITLES = {
    "": "What is in this file?",
    "classify": "What is on the ground, and how sure?",
    "internals": "What happened inside?",
    "errors": "Where is it wrong, and why?",
    "train": "What can it learn from a handful of pixels?",
    "catalogue": "Which models are here, and how good are they?",
}
PATIENCE_MS = 60_000  # the machine may be busy; what must be fast is timed by itself
PINES = "scene=indian-pines&model=mamba_moe"


@pytest.fixture(scope="module")
def env(tmp_path_factory) -> dict[str, str]:
    """Results and uploads of the server under test lie in folders of the test."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "tmp").mkdir()
    return {"RSVIZ_CACHE": str(folder / "cache"), "RSVIZ_DATA": "", "TMPDIR": str(folder / "tmp")}


@pytest.fixture(scope="module")
def long_run(tmp_path_factory) -> str:
    """Address of a run that takes long: Indian Pines nine times, read in eight ways."""
    pixels = open_scene("indian-pines").read().pixels[0].astype(np.int16)  # (C, H, W)
    path = tmp_path_factory.mktemp("large") / "pines.npy"
    np.save(path, np.tile(np.moveaxis(pixels, 0, -1), (3, 3, 1)))
    return f"classify?scene={path}&model=mamba_moe&weights=indian-pines-50/seed-0&set=views="


@pytest.fixture
def open_app(serve, visit, env):
    """Open a page of the app and wait for its title."""

    def opened(address="", **how):
        page = visit(f"{serve(SERVER, env)}/{address}", **how)
        page.set_default_timeout(PATIENCE_MS)
        title = TITLES[address.partition("?")[0]]
        page.get_by_role("heading", name=title).wait_for(timeout=PATIENCE_MS)
        return page

    return opened


def map_drawn(page):
    """The box of the scene's image once it has arrived and stays where it is."""
    image = page.locator(LAYERS).first
    box = None
    for _ in range(600):
        image.wait_for()
        before, box = box, image.bounding_box()  # None where it is just replaced
        if box and box == before and image.evaluate("i => i.complete && i.naturalWidth > 0"):
            break
        page.wait_for_timeout(100)
    assert box["width"] > 200
    return box


def scene_is(page, name):
    """Wait until the chooser names the scene."""
    chooser = page.get_by_role("combobox", name="Scene")
    chooser.wait_for()
    for _ in range(600):
        if name in chooser.input_value():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the scene is {chooser.input_value()!r}")


def click_map(page, across, down):
    box = map_drawn(page)
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


def spectrum(page):
    """The drawn path of the last spectrum in the inspector."""
    return page.locator(SPECTRUM).last.get_attribute("d", timeout=PATIENCE_MS)


def changed(page, before):
    """Seconds until the spectrum is another one."""
    started = time.perf_counter()
    page.wait_for_function(ANOTHER_SPECTRUM, arg=before, polling=10)
    return time.perf_counter() - started


def in_time(seconds):
    """A limit for a machine that has nothing else to do, stretched where others use it too."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def click_times(page):
    """Seconds from a click to the spectrum on the screen, three times; a busy machine adds some."""
    times = []
    for down in (0.55, 0.65, 0.75):
        before = spectrum(page)
        click_map(page, 0.6, down)
        times.append(changed(page, before))
        page.wait_for_timeout(500)
    return times


def result_shown(page):
    page.get_by_text(re.compile(r"OA \d+\.\d %")).first.wait_for(timeout=120_000)


def test_first_page_is_drawn_offline_and_a_click_changes_the_spectrum(open_app):
    page = open_app()
    click_map(page, 0.3, 0.4)
    page.get_by_text(re.compile(r"Pixel row \d+, col \d+")).wait_for()
    assert min(click_times(page)) < in_time(1.0)
    assert re.search(r"pixel=\d+%2C\d+", page.url)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone(open_app, theme):
    page = open_app("?scene=farmland&pixel=40,60", size=(390, 844), theme=theme)
    box = map_drawn(page)
    assert box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_zoom_is_kept_when_colours_and_pages_change(open_app):
    page = open_app("?scene=farmland")
    before = map_drawn(page)
    for _ in range(2):
        page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(450)
    zoomed = map_drawn(page)
    assert zoomed["width"] > 1.9 * before["width"]
    page.get_by_text("Infrared", exact=True).click()
    page.get_by_text("860 nm").first.wait_for()
    page.wait_for_timeout(500)
    assert map_drawn(page) == pytest.approx(zoomed)


def test_swipe_compares_the_scene_with_the_spectral_angle(open_app):
    page = open_app("?scene=farmland&pixel=40,60")
    map_drawn(page)
    page.locator(".st-key-angle label").first.click()
    page.get_by_label("Legend: Spectral angle").wait_for()
    page.get_by_role("button", name=re.compile("Compare|Swipe")).click()
    divider = page.get_by_role("slider", name=re.compile("ivider"))
    divider.wait_for()
    before = divider.bounding_box()
    divider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert divider.bounding_box()["x"] < before["x"] - 5


@pytest.mark.parametrize("page_name", TITLES)
def test_every_deep_link_on_a_fresh_server(visit, env, tmp_path, page_name):
    """Nobody has opened the front page before: the navigation must be ours all the same."""
    server, url = start_server(ROOT / SERVER, tmp_path / "log.txt", env)
    try:
        page = visit(f"{url}/{page_name}?scene=farmland")
        page.set_default_timeout(PATIENCE_MS)
        page.get_by_role("heading", name=TITLES[page_name]).wait_for(timeout=PATIENCE_MS)
        page.get_by_role("link", name="Internals").wait_for()
        expect(page.get_by_role("link", name="app")).to_have_count(0)
        if page_name != "catalogue":
            scene_is(page, "Farmland")
            map_drawn(page)
    finally:
        server.terminate()
        server.wait(20)


def test_plain_streamlit_run_works_as_well(serve, visit, env):
    page = visit(serve("app.py", env))
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_role("heading", name=TITLES[""]).wait_for(timeout=PATIENCE_MS)
    map_drawn(page)


def test_answers_carry_security_headers(serve, env):
    with urllib.request.urlopen(serve(SERVER, env)) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_web_process_parses_no_file_and_holds_no_tensor(open_app):
    page = open_app("?scene=farmland&pixel=40,60")
    map_drawn(page)
    page.get_by_role("button", name="Diagnostics").click()
    report = page.get_by_test_id("stCode").inner_text()
    assert '"unwanted_in_web_process": []' in report
    assert '"python"' in report


def test_an_upload_is_opened_and_gone_when_its_visitor_leaves(serve, visit, env, tmp_path):
    cube = np.random.default_rng(0).random((30, 40, 12)).astype(np.float32)
    path = tmp_path / "my cube.npy"
    np.save(path, cube)
    folder = tmp_path / "tmp"
    folder.mkdir()
    quick = {**env, "TMPDIR": str(folder), "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1"}
    server, url = start_server(ROOT / SERVER, tmp_path / "log.txt", quick)
    try:
        page = visit(url)
        page.set_default_timeout(PATIENCE_MS)
        map_drawn(page)
        page.get_by_role("button", name="Open a file").click()
        page.locator("input[type=file]").set_input_files(path)
        scene_is(page, "my_cube.npy")
        map_drawn(page)
        assert "upload" not in page.url and "scene=" not in page.url
        assert list(folder.glob("rsviz-upload-*/*/my_cube.npy"))
        page.context.close()
        deadline = time.monotonic() + 60
        while list(folder.glob("rsviz-upload-*")) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not list(folder.glob("rsviz-upload-*"))
    finally:
        server.terminate()
        server.wait(20)


def test_run_classify_look_inside_and_play(open_app):
    page = open_app("classify?scene=indian-pines&pixel=57,42")
    page.get_by_role("button", name="Run MambaMoE").last.click()
    result_shown(page)
    page.get_by_label("Legend: Classes").wait_for()
    page.get_by_text("Reference: Soybean-mintill").wait_for()
    page.get_by_role("link", name="Internals").click()
    page.get_by_text("Training", exact=True).click()
    player = page.locator(".player")
    label = player.locator(".label")
    label.wait_for()
    first = label.inner_text()
    player.focus()
    page.keyboard.press("ArrowRight")
    assert label.inner_text() != first
    page.keyboard.press(" ")
    expect(player.locator(".play")).to_have_text("Pause")


def test_kept_spectra_are_taken_home_as_csv(open_app):
    page = open_app("?scene=farmland&pixel=40,60")
    spectrum(page)
    page.get_by_role("button", name="Keep this spectrum").click()
    page.get_by_role("tab", name="Spectra").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as CSV").click()
    lines = waiting.value.path().read_text().splitlines()
    assert lines[0].startswith("band,wavelength_nm,usable,")
    assert len(lines) == 201


def test_a_result_is_taken_home_as_an_archive(open_app):
    page = open_app(f"classify?{PINES}")
    result_shown(page)
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Prepare the files").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile("Download .* MB")).click()
    names = zipfile.ZipFile(waiting.value.path()).namelist()
    assert {"classes.tif", "map.html", "record.json"} <= set(names)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Record alone").click()
    assert json.loads(waiting.value.path().read_text())["model"] == "mamba_moe"


def test_cancel_takes_effect_within_a_second(open_app, long_run):
    page = open_app(f"{long_run}8")
    cancel = page.get_by_role("button", name="Cancel")
    cancel.wait_for(timeout=60_000)
    page.get_by_text(re.compile(r"about .* left")).first.wait_for(timeout=60_000)
    started = time.perf_counter()
    cancel.click()
    page.get_by_text("The run was cancelled").wait_for(timeout=10_000)
    assert time.perf_counter() - started < in_time(1.0)


def test_another_visitor_clicks_while_a_run_computes(open_app, long_run):
    busy = open_app(f"{long_run}7")
    cancel = busy.get_by_role("button", name="Cancel")
    cancel.wait_for()
    page = open_app("?scene=farmland&pixel=40,60")
    spectrum(page)
    assert min(click_times(page)) < in_time(1.0)
    cancel.click()
    busy.get_by_text("The run was cancelled").wait_for()
