"""The map in a real browser: drawn offline, clicked, zoomed, swiped, measured."""

import re
import time

import numpy as np
import pytest
from playwright.sync_api import expect
from pyproj import Transformer

from rsviz.core.grid import Grid
from rsviz.draw.projection import mercator
from rsviz.draw.warp import MapFrame

UTM = Grid(120, 160, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0))  # the harness'
HARNESS = "tests/e2e/apps/harness.py"
MAP = ".rsviz-map"
LAYERS = f"{MAP} .leaflet-image-layer"


@pytest.fixture
def open_map(serve, visit):
    """Open the harness with its UTM scene (or another one) and wait for its images."""

    def opened(scene="utm", **how):
        page = visit(serve(HARNESS), **how)
        if scene == "plain":
            choose(page, "scene", scene)
            page.locator(".scalebar").get_by_text(" px").wait_for()
        settled(page)
        return page

    return opened


def settled(page):
    """Wait until every image of the map has arrived, and Streamlit rests."""
    page.locator(LAYERS).first.wait_for()
    for _ in range(200):
        if page.locator(LAYERS).evaluate_all("all => all.every((i) => i.naturalWidth > 0)"):
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)


def choose(page, name, value):
    group = page.locator(f".st-key-{name}")
    group.get_by_text(value, exact=True).click()


def box_of(page):
    return page.locator(LAYERS).first.bounding_box()


def place(page, scene, row, col):
    """Where the centre of a pixel lies on the screen, found without `MapFrame`'s tables."""
    box = box_of(page)
    if scene == "plain":
        u, v = (col + 0.5) / 160, (row + 0.5) / 120
    else:
        frame = MapFrame.of(UTM)
        to_mercator = Transformer.from_crs(UTM.crs, "EPSG:3857", always_xy=True)
        x, y = to_mercator.transform(*UTM.xy(row + 0.5, col + 0.5))
        (x0, x1), (y0, y1) = mercator(
            np.array([frame.bounds.south, frame.bounds.north]),
            np.array([frame.bounds.west, frame.bounds.east]),
        )
        u, v = (x - x0) / (x1 - x0), (y1 - y) / (y1 - y0)
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def says(page, text):
    page.get_by_test_id("stText").get_by_text(text, exact=True).wait_for()


def zoom_in(page, times=3):
    for _ in range(times):
        before = box_of(page)["width"]
        page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(450)
        assert box_of(page)["width"] > before * 1.2


@pytest.mark.parametrize("scene", ["utm", "plain"])
def test_images_are_drawn_and_a_click_names_its_pixel(open_map, scene):
    page = open_map(scene)
    assert box_of(page)["width"] > 300
    for row, col in ((3, 5), (60, 80), (117, 156)):
        page.mouse.click(*place(page, scene, row, col))
        says(page, f"picked ({row}, {col})")
    zoom_in(page, 2)
    page.mouse.click(*place(page, scene, 57, 83))
    says(page, "picked (57, 83)")


def test_a_click_outside_the_scene_is_said(open_map):
    page = open_map()
    canvas = page.locator(".canvas").bounding_box()
    page.mouse.click(canvas["x"] + 20, canvas["y"] + canvas["height"] - 20)
    says(page, "missed True")


def test_zoom_survives_opacity_layer_scene_and_remount(open_map):
    page = open_map()
    zoom_in(page)
    zoomed = box_of(page)
    page.locator(".st-key-fade input").press("ArrowLeft")
    page.locator(f"{LAYERS}[style*='opacity: 0.65']").first.wait_for()
    assert box_of(page) == pytest.approx(zoomed)
    choose(page, "layer", "distance")
    page.get_by_label("Legend: Distance").wait_for()
    assert box_of(page) == pytest.approx(zoomed)
    choose(page, "scene", "plain")
    page.locator(".scalebar").get_by_text(" px").wait_for()
    settled(page)
    assert box_of(page)["width"] != pytest.approx(zoomed["width"], rel=0.01)
    choose(page, "scene", "none")
    page.locator(MAP).wait_for(state="detached")
    choose(page, "scene", "utm")
    settled(page)
    assert box_of(page) == pytest.approx(zoomed, abs=1.5)
    page.reload()
    settled(page)
    assert box_of(page)["width"] == pytest.approx(zoomed["width"], abs=1.5)


def test_compare_moves_by_mouse_and_keyboard(open_map):
    page = open_map()
    page.get_by_role("button", name="Compare two layers").click()
    divider = page.get_by_role("slider", name="Divider between the two layers")
    divider.wait_for()
    canvas = page.locator(".canvas").bounding_box()
    middle = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + canvas["width"] / 4, middle[1], steps=4)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "75"
    assert cut_at(page) == pytest.approx(0.75 * canvas["width"], abs=2)
    zoom_in(page, 1)
    assert cut_at(page) == pytest.approx(0.75 * canvas["width"], abs=2)
    divider.press("PageDown")
    assert divider.get_attribute("aria-valuenow") == "65"
    divider.press("End")
    assert divider.get_attribute("aria-valuenow") == "100"
    says(page, "picked None")
    page.get_by_label("Layer on the right").select_option("Distance")
    page.get_by_label("Legend: Distance").wait_for()
    page.get_by_role("button", name="Compare two layers").click()
    assert divider.is_hidden()
    expect(page.get_by_label("Legend: Distance")).to_have_count(0)


def test_the_server_can_ask_for_a_comparison(open_map):
    page = open_map()
    page.locator(".st-key-swiping label").first.click()
    page.get_by_role("slider", name="Divider between the two layers").wait_for()
    expect(page.get_by_label("Layer on the left")).to_have_value("image")
    expect(page.get_by_label("Layer on the right")).to_have_value("classes")


def cut_at(page):
    """Position of the cut on the screen, counted from the map's left edge."""
    pane = page.locator(".leaflet-pane[style*=polygon]").first
    path = pane.evaluate("e => e.style.clipPath")
    right = max(float(x) for x in re.findall(r"(-?[\d.]+)px -?[\d.]+px", path))
    shift = pane.evaluate("e => e.getBoundingClientRect().left")
    return shift + right - page.locator(".canvas").bounding_box()["x"]


@pytest.mark.parametrize("shift", [False, True])
def test_a_rectangle_becomes_a_window(open_map, shift):
    page = open_map("plain")
    start, end = place(page, "plain", 20, 30), place(page, "plain", 59, 79)
    if shift:
        page.keyboard.down("Shift")
    else:
        page.get_by_role("button", name="Draw a rectangle").click()
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    says(page, "box Window(row=20, col=30, height=40, width=50)")
    says(page, "picked None")
    page.locator("path.mark.chosen").wait_for(state="attached")


def test_the_pointer_reads_pixel_place_and_value(open_map):
    page = open_map()
    cursor = page.locator(".cursor")
    for row, col, words in ((60, 30, "Classes: Wheat"), (3, 25, "Classes: Corn <b>no-till</b>")):
        page.mouse.move(*place(page, "utm", row, col))
        page.wait_for_timeout(400)
        x, y = place(page, "utm", row, col)
        page.mouse.move(x + 1, y)
        text = cursor.inner_text()
        assert text.startswith(f"row {row}, col {col} · 43.3")
        assert text.endswith(words)
    page.locator(f"{MAP} .legend").get_by_text("Corn <b>no-till</b>").wait_for()
    expect(page.locator(".rsviz-map .legend b")).to_have_count(0)


def test_steps_play_on_the_map_and_the_server_hears_where_they_stop(open_map):
    page = open_map()
    bar = page.locator(f"{MAP} .frames")
    assert bar.is_hidden()
    choose(page, "layer", "steps")
    bar.wait_for()
    image = page.locator(LAYERS).last

    def shown():
        settled(page)
        return image.get_attribute("src"), bar.locator(".frame-label").inner_text()

    first = shown()
    assert first[1] == "step 1"
    bar.get_by_label("One step on").click()
    says(page, "frame ('steps', 1)")
    second = shown()
    assert second[1] == "step 2" and second[0] != first[0]
    bar.get_by_label("Speed").select_option("8")
    bar.get_by_label("Play").click()
    says(page, "frame ('steps', 4)")  # it stops at the end by itself, and says so
    assert shown()[1] == "step 5"
    bar.get_by_label("Step", exact=True).focus()
    page.keyboard.press("Home")
    says(page, "frame ('steps', 0)")
    assert shown() == first
    choose(page, "layer", "distance")
    bar.wait_for(state="hidden")


def test_layers_are_ordered_faded_and_hidden_in_the_browser(open_map):
    page = open_map()
    page.get_by_role("button", name="Choose, order and fade layers").click()
    legend = page.get_by_label("Legend: Distance")
    expect(page.locator(LAYERS)).to_have_count(2)  # a hidden image is not fetched
    page.get_by_label("Show Distance").check()
    legend.wait_for()
    expect(page.locator(LAYERS)).to_have_count(3)
    rows = page.locator(".panel .row .name")
    assert rows.all_inner_texts() == ["Distance", "Classes", "Composite"]
    page.get_by_role("button", name="Move Classes up").click()
    assert rows.all_inner_texts() == ["Classes", "Distance", "Composite"]
    page.get_by_label("Opacity of Classes").fill("30")
    assert page.locator(LAYERS).evaluate_all("all => all.map(i => i.style.opacity)").count("0.3")
    page.mouse.click(*place(page, "utm", 90, 20))
    says(page, "picked (90, 20)")
    assert rows.all_inner_texts() == ["Classes", "Distance", "Composite"]
    assert page.locator(LAYERS).evaluate_all("all => all.map(i => i.style.opacity)").count("0.3")


def test_a_click_sends_little_and_is_answered_soon(open_map):
    page = open_map()
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    started = time.perf_counter()
    page.mouse.click(*place(page, "utm", 33, 44))
    says(page, "picked (33, 44)")
    assert time.perf_counter() - started < 2.0
    page.wait_for_timeout(300)
    assert [url for url in fetched if not url.endswith(".bin")] == []  # numbers for the pointer


def test_files_that_are_away_for_a_moment_are_asked_for_again(serve, visit):
    url, asked = serve(HARNESS), set()
    page = visit("about:blank")

    def first_time_missing(route):
        address = route.request.url.split("?")[0]
        if address in asked:
            route.continue_()
        else:
            asked.add(address)
            route.fulfill(status=404)

    page.route(f"{url}/media/**", first_time_missing)
    page.goto(url)
    settled(page)
    assert len(asked) >= 6 and box_of(page)["width"] > 300
    page.mouse.click(*place(page, "utm", 60, 80))
    says(page, "picked (60, 80)")


def test_keyboard_alone_picks_a_pixel(open_map):
    page = open_map("plain")
    page.locator(".canvas").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    x = (
        page.locator(".canvas").bounding_box()["x"]
        + page.locator(".canvas").bounding_box()["width"] / 2
    )
    column = int((x - box_of(page)["x"]) / box_of(page)["width"] * 160)
    page.keyboard.press("Enter")
    page.get_by_test_id("stText").get_by_text(
        re.compile(rf"picked \((59|60), {column}\)")
    ).wait_for()


def test_an_unreachable_basemap_leaves_the_scene_and_says_so(serve, visit):
    outside = "https://tile.openstreetmap.org/"
    page = visit(serve(HARNESS), may_ask=(outside,))
    page.route(f"{outside}**", lambda route: route.abort())
    settled(page)
    page.get_by_label("Basemap").select_option("OpenStreetMap")
    page.get_by_text("OpenStreetMap could not be reached").wait_for()
    expect(page.get_by_label("Basemap")).to_have_value("")
    assert box_of(page)["width"] > 300


def test_a_phone_shows_the_whole_map_and_takes_a_tap(open_map):
    page = open_map(size=(390, 844), touch=True, theme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    map_box = page.locator(MAP).bounding_box()
    assert map_box["x"] >= 0 and map_box["x"] + map_box["width"] <= 390
    page.touchscreen.tap(*place(page, "utm", 60, 80))
    says(page, "picked (60, 80)")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_and_kind_of_layer_is_drawn(serve, visit, theme):
    page = visit(serve("tests/e2e/apps/gallery.py"), size=(1280, 5200), theme=theme)
    page.locator(f"{MAP} .legend").nth(5).wait_for()
    page.locator(".js-plotly-plot .main-svg").nth(27).wait_for(state="attached")
    expect(page.locator(".stException")).to_have_count(0)
    expect(page.locator(LAYERS)).to_have_count(7)
