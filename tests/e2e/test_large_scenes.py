"""Scenes too large for one image, in a real browser: tiles come, clicks hit, zooming shows more."""

import io
import re
from urllib.parse import quote

import numpy as np
import pytest
import rasterio
from PIL import Image
from playwright.sync_api import expect
from rasterio.transform import from_origin
from rasterio.windows import Window

from rsviz.core.grid import Grid
from rsviz.draw.projection import mercator
from rsviz.draw.warp import MapFrame

SERVER = "rsviz/views/server.py"
IMAGE = ".rsviz-map .leaflet-image-layer"
TILES = ".rsviz-map .leaflet-tile-loaded"
PATIENCE_MS = 60_000
UTM = Grid(4096, 4096, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0))
ISLAND = Window(8192, 12288, 4096, 4096)  # what the huge scene holds: columns, rows, size


def chessboard(rows, cols):
    """Three bands whose neighbouring pixels are 50 apart from 150 above and below, but the last."""
    r, c = np.ogrid[rows, cols]
    board = np.where((r + c) % 2, 200, 100).astype(np.uint8)
    return np.stack([board, board, np.broadcast_to(c // 32 % 200 + 20, board.shape)])


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """4096 x 4096 pixels on the map, in whole rows."""
    path = tmp_path_factory.mktemp("scenes") / "large.tif"
    size = {"width": 4096, "height": 4096, "count": 3, "dtype": "uint8", "compress": "lzw"}
    place = {"crs": UTM.crs, "transform": from_origin(600_000, 4_800_000, 10, 10)}
    with rasterio.open(path, "w", "GTiff", **size, **place, blockysize=16) as file:
        file.write(chessboard(slice(0, 4096), slice(0, 4096)).astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    """20000 x 20000 pixels without a map, empty but for an island; small on disk."""
    path = tmp_path_factory.mktemp("scenes") / "huge.tif"
    size = {"width": 20_000, "height": 20_000, "count": 3, "dtype": "uint8", "nodata": 0}
    how = {"tiled": True, "compress": "deflate", "SPARSE_OK": True}
    with rasterio.open(path, "w", "GTiff", **size, **how) as file:
        rows, cols = ISLAND.toslices()
        file.write(chessboard(rows, cols).astype(np.uint8), window=ISLAND)
    assert path.stat().st_size < 10_000_000
    return path


@pytest.fixture
def open_scene(serve, visit, tmp_path_factory):
    def opened(path, server=SERVER):
        cache = str(tmp_path_factory.getbasetemp() / "cache")
        url = serve(server, {"RSVIZ_CACHE": cache, "RSVIZ_DATA": ""})
        page = visit(f"{url}/?scene={quote(str(path), safe='')}")
        page.set_default_timeout(PATIENCE_MS)
        page.locator(IMAGE).wait_for(state="attached")
        return page

    return opened


def settled(page):
    """Wait until all tiles have come: then the thinned image steps back."""
    image = page.locator(IMAGE).first
    calm = 0
    for _ in range(600):
        calm = calm + 1 if image.evaluate("i => i.style.visibility") == "hidden" else 0
        if calm == 5:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the tiles did not come")


def shown(page):
    """All opaque pixels of the tiles on the screen, (n, 3)."""
    addresses = page.locator(TILES).evaluate_all("all => all.map((i) => i.src)")
    assert addresses and all("/rsviz/tiles/" in address for address in addresses)
    found = []
    for address in addresses:
        answer = page.request.get(address)
        assert answer.ok and answer.headers["cache-control"].startswith("private")
        image = np.asarray(Image.open(io.BytesIO(answer.body())))
        assert image.shape == (256, 256, 4)
        found.append(image[image[..., 3] == 255][:, :3])
    return np.concatenate(found)


def zoom_to(page, shares):
    """Turn the wheel over a place of the scene until its pixels are eight times magnified."""
    for _ in range(20):
        page.mouse.move(*place_of(page, *shares))
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(500)
        if page.locator(".rsviz-map .leaflet-control-zoom-in.leaflet-disabled").count():
            break
    settled(page)


def place_of(page, share_across, share_down):
    """A place on the screen, by its share of the scene's outline."""
    box = page.locator(IMAGE).first.bounding_box()
    return box["x"] + share_across * box["width"], box["y"] + share_down * box["height"]


def picked(page):
    """Row and column in the address, once the spectrum is drawn."""
    page.wait_for_url(re.compile(r"pixel=\d"))
    page.locator(".st-key-inspector .js-line").first.wait_for(state="attached")
    return tuple(int(n) for n in re.search(r"pixel=(\d+)(?:,|%2C)(\d+)", page.url).groups())


def test_a_large_scene_on_the_map_is_seen_in_full_detail(open_scene, large):
    page = open_scene(large)
    settled(page)
    from_afar = shown(page)[:, 0]
    assert np.median(np.abs(from_afar.astype(int) - 127)) <= 2, "neighbours are averaged"
    frame = MapFrame.of(UTM)
    row, col = 1234, 3210
    x, y = (float(v) for v in mercator(*frame.latlng(row + 0.5, col + 0.5)))
    (x0, x1), (y0, y1) = mercator(
        np.array([frame.bounds.south, frame.bounds.north]),
        np.array([frame.bounds.west, frame.bounds.east]),
    )
    shares = (x - x0) / (x1 - x0), (y1 - y) / (y1 - y0)
    zoom_to(page, shares)
    close = shown(page)[:, 0]
    assert np.isin(close, (0, 255)).mean() > 0.9, "single pixels are seen"
    page.mouse.click(*place_of(page, *shares))
    assert picked(page) == (row, col)


def test_a_huge_scene_opens_and_answers(open_scene, huge):
    page = open_scene(huge)
    settled(page)
    from_afar = shown(page)[:, 0]
    assert np.median(np.abs(from_afar.astype(int) - 127)) <= 2
    row, col = 13_000, 9_999
    shares = (col + 0.5) / 20_000, (row + 0.5) / 20_000
    zoom_to(page, shares)
    assert np.isin(shown(page)[:, 0], (0, 255)).mean() > 0.9
    page.mouse.click(*place_of(page, *shares))
    assert picked(page) == (row, col)


def test_without_the_route_the_thinned_image_stays_and_a_note_says_so(open_scene, large):
    page = open_scene(large, "app.py")
    page.locator(".st-key-notes").get_by_text(re.compile("Notes")).click()
    page.get_by_text("only as an image thinned").wait_for()
    expect(page.locator(TILES)).to_have_count(0)
    assert page.locator(IMAGE).first.evaluate("i => i.style.visibility") != "hidden"
