"""Tiles of large scenes: each pixel against the exact transformation; and their route."""

import asyncio
import io
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer
from starlette.applications import Starlette

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Grid
from rsviz.core.scene import Band, Description
from rsviz.draw.projection import mercator
from rsviz.draw.warp import MapFrame
from rsviz.jobs.pyramid import Parts, Pyramid
from rsviz.views import tiles

HALF_WORLD = math.pi * 6_378_137.0
PLAIN = Grid(3000, 2500)
NORTH_UP = Grid(3000, 2500, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0))
ROTATED = Grid(3000, 2500, "EPSG:32632", (7.0, 4.0, 600_000.0, 4.0, -7.0, 4_800_000.0))
OBLONG = Grid(3000, 2500, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -25.0, 4_800_000.0))
ON_MAP = {"north up": NORTH_UP, "rotated": ROTATED, "oblong": OBLONG}


def pyramid_of(grid, fault=None):
    """A pyramid whose cells name their own row and column, two bytes each (never transparent)."""

    def make(level, window):
        if fault:
            raise fault
        rows, cols = np.mgrid[window.rows, window.cols]
        planes = [rows // 256, rows % 256, cols // 256, 255 - cols % 256 // 2]
        return np.stack(planes, -1).astype(np.uint8)

    about = Description("test", "test", (1, 1, *grid.shape), "uint8", (Band("0"),), grid)
    pyramid = Pyramid(about, make, Parts(), "test")
    pyramid._made = pyramid.coarsest  # names of cells cannot be averaged
    return pyramid


def exact(grid, z, x, y):
    """Scene pixel coordinates of a tile's pixel centres, one exact transformation each."""
    size = 2 * HALF_WORLD / 2**z / 256
    xs = -HALF_WORLD + (x * 256 + np.arange(256) + 0.5) * size
    ys = HALF_WORLD - (y * 256 + np.arange(256) + 0.5) * size
    to_scene = Transformer.from_crs("EPSG:3857", grid.crs, always_xy=True)
    sx, sy = to_scene.transform(*np.meshgrid(xs, ys))
    a, b, c, d, e, f = grid.affine
    cols, rows = np.einsum(
        "ij,jhw->ihw", np.linalg.inv(np.array([[a, b], [d, e]])), np.stack([sx - c, sy - f])
    )
    return rows, cols


def tile_at(frame, row, col, z):
    """The web map's tile that holds a scene pixel."""
    x, y = (float(v) for v in mercator(*frame.latlng(row, col)))
    step = 2 * HALF_WORLD / 2**z
    return math.floor((x + HALF_WORLD) / step), math.floor((HALF_WORLD - y) / step)


def cells(image):
    """Row and half the column (modulo 128) that the colours of a tile name."""
    image = image.astype(int)
    return image[..., 0] * 256 + image[..., 1], image[..., 2] * 256 + 2 * (255 - image[..., 3])


@pytest.mark.parametrize("grid", ON_MAP.values(), ids=ON_MAP)
@pytest.mark.parametrize("zoom", [-4, -2, -1, 0, 2])
def test_every_pixel_of_a_tile_shows_the_right_cell(grid, zoom):
    frame, pyramid = MapFrame.of(grid), pyramid_of(grid)
    z = round(frame.native_zoom) + zoom
    for row, col in ((10, 10), (1500, 1200), (2990, 2490)):
        x, y = tile_at(frame, row, col, z)
        image = tiles.render(pyramid, frame, z, x, y)
        rows, cols = exact(grid, z, x, y)
        inside = (rows >= 0) & (rows < 3000) & (cols >= 0) & (cols < 2500)
        scale = 2 ** max(0, -zoom)
        levels = [k for k in range(12) if 2**k in (scale // 2, scale, scale * 2)]
        near = np.abs(rows - np.round(rows)) < 0.06
        near |= np.abs(cols - np.round(cols)) < 0.06
        sure = inside & ~near
        found = cells(image)
        wrong = [
            (found[0] != np.floor(rows) // 2**k) | (found[1] // 2 != np.floor(cols) // 2**k // 2)
            for k in levels
        ]
        assert sure.sum() > 100
        assert min(w[sure].mean() for w in wrong) == 0
        assert (image[~inside & ~near] == 0).all()


@pytest.mark.parametrize("z", [2, 0, -1, -3, -4])
def test_without_a_map_a_tile_is_a_square_of_the_level(z):
    frame, pyramid = MapFrame.of(PLAIN), pyramid_of(PLAIN)
    image = tiles.render(pyramid, frame, z, 0, 0)
    rows, cols = np.mgrid[:256, :256]
    if z > 0:
        rows, cols = rows >> z, cols >> z
    centres = (np.mgrid[:256, :256] + 0.5) * 2.0**-z
    inside = (centres[0] < 3000) & (centres[1] < 2500)
    found = cells(image)
    assert (found[0] == rows)[inside].all() and (found[1] // 2 == cols // 2)[inside].all()
    assert (image[~inside] == 0).all()


@pytest.mark.parametrize("grid", [PLAIN, NORTH_UP])
@pytest.mark.parametrize(
    "place", [(0, 10**8, 3), (-30, -1, 0), (25, 10**9, 0), (32, -5, 10**9 - 1)]
)
def test_tiles_beside_the_scene_are_empty(grid, place):
    assert not tiles.render(pyramid_of(grid), MapFrame.of(grid), *place).any()


@pytest.fixture
def get():
    """A server with nothing but the route, below a base path, and one set of tiles."""
    sets = tiles.tile_sets()
    before, sets.served = sets.served, False
    app = Starlette(routes=[tiles.route("base/")])
    assert sets.served
    frame = MapFrame.of(PLAIN)
    sets.put("a" * 32, tiles.TileSet(pyramid_of(PLAIN), frame))
    fault = UnreadableScene("The reader ended.")
    sets.put("b" * 32, tiles.TileSet(pyramid_of(PLAIN, fault), frame))
    with ThreadPoolExecutor(1) as aside:  # a browser test may have left a loop in this thread
        yield lambda path: aside.submit(asyncio.run, ask(app, path)).result()
    sets.served = before


class Answer:
    """What came back over ASGI."""

    def __init__(self, messages):
        self.status = messages[0]["status"]
        self.headers = {k.decode(): v.decode() for k, v in messages[0]["headers"]}
        self.content = b"".join(m.get("body", b"") for m in messages[1:])


async def ask(app, path):
    """One GET request, without a server."""
    said, messages = asyncio.Event(), []

    async def receive():
        if said.is_set():
            await asyncio.Event().wait()
        said.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await app(scope, receive, send)
    return Answer(messages)


def test_a_tile_is_served_for_its_visitor_only(get):
    got = get(f"/base/rsviz/tiles/{'a' * 32}/-2/1/0.png")
    assert got.status == 200 and got.headers["content-type"] == "image/png"
    assert got.headers["cache-control"].startswith("private")
    image = np.asarray(Image.open(io.BytesIO(got.content)))
    wanted = tiles.render(pyramid_of(PLAIN), MapFrame.of(PLAIN), -2, 1, 0)
    assert np.array_equal(image, wanted) and image.any()


@pytest.mark.parametrize(
    "place",
    [
        f"{'c' * 32}/0/0/0.png",
        f"{'a' * 32}/x/0/0.png",
        f"{'a' * 32}/0/0/1e3.png",
        f"{'a' * 32}/99/0/0.png",
        f"{'a' * 32}/0/{'9' * 400}/0.png",
        f"{'a' * 32}/0/0/٣.png",
        f"{'a' * 32}/0/0/0.tif",
    ],
)
def test_what_is_no_tile_is_not_found(get, place):
    assert get(f"/base/rsviz/tiles/{place}").status == 404


def test_a_reader_that_fails_is_told_and_not_kept(get):
    got = get(f"/base/rsviz/tiles/{'b' * 32}/0/0/0.png")
    assert got.status == 503 and got.content == b"The reader ended."
    assert got.headers["cache-control"] == "no-store"


def test_only_so_many_sets_are_remembered(monkeypatch):
    monkeypatch.setattr(tiles, "MOST_SETS", 2)
    sets = tiles.TileSets()
    one = tiles.TileSet(pyramid_of(PLAIN), MapFrame.of(PLAIN))
    for token in "ab":
        sets.put(token, one)
    assert sets.get("a") is one
    sets.put("c", one)
    assert sets.get("b") is None and sets.get("a") is one and sets.get("c") is one
