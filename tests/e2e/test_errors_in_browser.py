"""The page of errors in a real browser: a cell lights as many pixels as it counts, A and B are
linked, a region jumps on the map, and the report opens by itself."""

import re
import zipfile

import pytest
from playwright.sync_api import expect

SERVER = "rsviz/views/server.py"
PINES = "errors?scene=indian-pines&model=mamba_moe&weights=indian-pines-50/seed-0"
PATIENCE_MS = 90_000
COUNT = """(image, wanted) => {
  if (!image.complete || !image.naturalWidth) return -1;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const colour = [data[i], data[i + 1], data[i + 2]].join();
    if (data[i + 3] === 255 && wanted.includes(colour)) count += 1;
  }
  return count;
}"""
WRONG, RIGHT = ["230,159,0", "179,18,63"], ["0,158,115"]


@pytest.fixture(scope="module")
def env(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("errors")
    (folder / "tmp").mkdir()
    return {"RSVIZ_CACHE": str(folder / "cache"), "RSVIZ_DATA": "", "TMPDIR": str(folder / "tmp")}


@pytest.fixture
def open_page(serve, visit, env):
    """Open the page and wait for its matrix or, with another tab, for its tabs."""

    def opened(more="", **how):
        page = visit(f"{serve(SERVER, env)}/{PINES}{more}", **how)
        page.set_default_timeout(PATIENCE_MS)
        page.get_by_role("tab", name="Confusion").wait_for(timeout=180_000)
        return page

    return opened


def lit(page, colours, count, title="Errors"):
    """Wait until a layer of the map has so many opaque pixels of these colours."""
    found = -1
    image = page.locator(f".rsviz-map .leaflet-image-layer[alt='{title}']")
    for _ in range(150):
        found = image.evaluate(COUNT, colours)
        if found == count:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{found} pixels are lit on the map, {count} are counted")


def settled(page):
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def largest_confusion(page):
    """The cell off the diagonal with the most pixels, and its count."""
    cells = page.locator(".cell.wrong")
    cells.first.wait_for()
    counts = [int(text or 0) for text in cells.all_inner_texts()]
    best = max(range(len(counts)), key=counts.__getitem__)
    return cells.nth(best), counts[best]


def test_a_cell_lights_as_many_pixels_as_it_counts(open_page):
    page = open_page()
    everything = page.get_by_text(re.compile(r"All (\d+) test pixels are lit")).inner_text()
    total = int(re.search(r"\d+", everything).group())
    cells = page.locator(".cell")
    cells.first.wait_for()
    assert sum(int(text or 0) for text in cells.all_inner_texts()) == total
    cell, count = largest_confusion(page)
    assert count > 10
    lit(page, RIGHT, sum(int(t or 0) for t in page.locator(".cell.right").all_inner_texts()))
    cell.click()
    page.get_by_text(f"{count} pixels lit").wait_for()
    lit(page, WRONG, count)
    lit(page, RIGHT, 0)
    expect(cell).to_have_attribute("aria-pressed", "true")
    page.wait_for_url(re.compile("filter=true"))
    names = page.locator(".st-key-errors-spectra .legendtext")
    expect(names.filter(has_text=f"The lit pixels, {count} px")).to_have_count(1)
    expect(names).to_have_count(3)
    page.get_by_role("tab", name="Conditions").click()
    notes = page.locator(".bar[data-place='0'] .note").first
    notes.wait_for()
    edges = page.locator(".list[aria-label='By distance to the edge of the field'] .note")
    edges.first.wait_for()
    assert 0 < edges.count() <= 6
    page.get_by_role("button", name=re.compile("taken for")).click()
    page.get_by_text(f"All {total} test pixels are lit").wait_for()


def test_keys_reach_every_cell(open_page):
    page = open_page()
    first = page.locator(".cell[data-place='0,0']")
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Corn-notill, right").wait_for()
    count = int(page.locator(".cell[data-place='1,1']").inner_text())
    lit(page, RIGHT, count)


def test_a_and_b_are_linked_on_the_map_and_in_the_inspector(open_page):
    page = open_page("&against=mamba_moe&against-weights=indian-pines-50/seed-1&pixel=11,23")
    page.get_by_text("B says").wait_for(timeout=180_000)
    inspector = page.locator(".st-key-inspector")
    expect(inspector).to_contain_text("A says")
    page.get_by_role("tab", name="A against B").click()
    page.get_by_text("McNemar").first.wait_for()
    only = page.get_by_role("button", name=re.compile("^only B right"))
    count = int(re.search(r"([\d,]+) ·", only.inner_text()).group(1).replace(",", ""))
    only.click()
    page.get_by_text(f"{count} pixels lit").wait_for()
    lit(page, ["230,159,0"], count, "Agreement")
    before = inspector.inner_text()
    page.locator(".rsviz-map .canvas").click()
    page.wait_for_function(
        "old => document.querySelector('.st-key-inspector').innerText !== old", arg=before
    )
    settled(page)
    expect(inspector).to_contain_text("A says")
    expect(inspector).to_contain_text("B says")
    page.get_by_text("Difference of confidence", exact=True).click()
    page.get_by_label("Legend: Difference of confidence, A minus B").wait_for()


def test_a_region_jumps_to_its_place_on_the_map(open_page):
    page = open_page()
    image = page.locator(".rsviz-map .leaflet-image-layer").first
    before = image.bounding_box()["width"]
    page.get_by_role("tab", name="Worst regions").click()
    tile = page.locator(".tile").first
    tile.wait_for()
    wrong, tested = (int(n) for n in re.findall(r"\d+", tile.locator(".title").inner_text())[:2])
    tile.click()
    page.get_by_role("button", name="Inside the rectangle").wait_for()
    page.get_by_text(f"{tested} pixels lit").wait_for()
    lit(page, WRONG, wrong)
    page.wait_for_timeout(1000)
    assert image.bounding_box()["width"] > 2 * before
    assert "area=" in page.url


def test_changed_spectra_change_map_and_scores(open_page):
    page = open_page()
    page.get_by_text("Changed spectra", exact=True).click()
    page.get_by_role("button", name="Other light").click()
    page.get_by_label("Legend: Agreement").wait_for(timeout=180_000)
    page.get_by_text("after illumination").first.wait_for()
    scores = page.get_by_text(re.compile(r"OA \d+\.\d %")).all_inner_texts()
    assert len(scores) == 2 and scores[0] != scores[1]


def test_a_pixel_is_explained_and_drawn(open_page):
    page = open_page("&pixel=11,23")
    page.get_by_role("tab", name="Why").click()
    page.get_by_role("button", name="Explain this pixel").click()
    page.get_by_label("Legend: Attribution in space").wait_for(timeout=600_000)
    page.get_by_text(re.compile("area below the curve")).wait_for()
    assert page.locator(".st-key-why-bands .bars .point").count() >= 200


def test_the_report_opens_by_itself(open_page, browser, tmp_path):
    page = open_page()
    page.locator(".cell").first.wait_for()
    counts = [text or "" for text in page.locator(".cell").all_inner_texts()]
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Prepare the files").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile(r"Report \(HTML\)")).click()
    path = tmp_path / "errors.html"
    waiting.value.save_as(path)
    assert waiting.value.suggested_filename == "errors-indian-pines.html"
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile(r"Layers \(GeoTIFF\)")).click()
    assert "errors_a.tif" in zipfile.ZipFile(waiting.value.path()).namelist()
    asked = []
    reader = browser.new_page()
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(path.as_uri())
    assert reader.locator(".matrix td").all_inner_texts()[1:] == counts
    assert reader.locator("img").first.evaluate("i => i.naturalWidth") > 100
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    reader.close()
