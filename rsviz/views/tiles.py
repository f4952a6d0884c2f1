"""Large scenes as tiles, made of what somebody looks at: served beside the app, by the same server.

A page registers what its visitor sees under a token that only this visitor knows. Tiles are those
of web maps (z, x, y) for scenes on the map, and squares of pixels for others. Plain `streamlit
run app.py` serves no tiles; the map then shows the thinned image alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import math
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

import numpy as np
import streamlit as st
from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rsviz.core.errors import RsvizError
from rsviz.core.grid import Window
from rsviz.draw.projection import EARTH_RADIUS_M
from rsviz.draw.warp import NOWHERE, TILE_SIDE, Array, MapFrame, Rgba, gathered
from rsviz.jobs.pyramid import SMALL_SIDE, Pyramid
from rsviz.views import clients
from rsviz.views.bench import Bench
from rsviz.views.map import MapTiles

PATH = "rsviz/tiles"
KEPT = {"Cache-Control": "private, max-age=86400"}
PASSING = {"Cache-Control": "no-store"}
SECRET = "rsviz-tiles"
MOST_SETS, MOST_AT_ONCE = 4096, 4
MOST_CELLS = 4 * TILE_SIDE  # a tile is made of at most so many cells a side
MOST_ZOOM = 32
NUMBER = re.compile(r"-?[0-9]{1,9}")
UNSERVED = (
    "This server shows scenes above {side} pixels a side only as an image thinned to that size; "
    "started with `make run` it shows every pixel when you zoom in."
)


@dataclass(frozen=True, eq=False)
class TileSet:
    """One scene in one look, and where it lies."""

    pyramid: Pyramid
    frame: MapFrame


class TileSets:
    """What visitors look at, by their tokens; those that were not used for longest go first."""

    def __init__(self) -> None:
        self.served = False  # whether the server of this process has the route
        self._lock = threading.Lock()
        self._sets: OrderedDict[str, TileSet] = OrderedDict()

    def put(self, token: str, tiles: TileSet) -> None:
        """Serve tiles under a token."""
        with self._lock:
            self._sets[token] = tiles
            self._sets.move_to_end(token)
            while len(self._sets) > MOST_SETS:
                self._sets.popitem(last=False)

    def get(self, token: str) -> TileSet | None:
        """The tiles of a token; None when nobody registered it."""
        with self._lock:
            if token in self._sets:
                self._sets.move_to_end(token)
            return self._sets.get(token)


@cache
def tile_sets() -> TileSets:
    """The tiles that this process serves."""
    return TileSets()


def of(bench: Bench) -> MapTiles | None:
    """Tiles of the open scene in the visitor's colours; None when small or without a route."""
    if not _large(bench) or not tile_sets().served:
        return None
    look = bench.session.look
    shown = bench.key, look.bands, look.limits
    secret: bytes = st.session_state.setdefault(SECRET, secrets.token_bytes(16))
    token = hashlib.blake2b(repr(shown).encode(), key=secret, digest_size=16).hexdigest()
    pyramid = clients.pyramid(*shown)
    tile_sets().put(token, TileSet(pyramid, bench.frame))
    native = bench.frame.native_zoom
    most = math.ceil(native) + (1 if bench.frame.on_map else 0)
    least = most - math.ceil(math.log2(max(bench.grid.shape) / TILE_SIDE)) - 1
    address = f"{_root(st.get_option('server.baseUrlPath'))}/{token}/{{z}}/{{x}}/{{y}}.png"
    return MapTiles(address, max(0, least) if bench.frame.on_map else least, most, native)


def notes(bench: Bench) -> list[str]:
    """What to say when a large scene is shown thinned."""
    if not _large(bench) or tile_sets().served:
        return []
    return [UNSERVED.format(side=SMALL_SIDE)]


def route(base: str | None = "") -> Route:
    """The route that serves tiles, below the server's base path."""
    tile_sets().served = True
    turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def tile(request: Request) -> Response:
        async with turns:
            if await request.is_disconnected():  # the map has moved on
                return Response(status_code=499)
            return await asyncio.to_thread(answer, **request.path_params)

    return Route(_root(base) + "/{token}/{z}/{x}/{y}.png", tile, methods=["GET"])


def answer(token: str, z: str, x: str, y: str) -> Response:
    """The tile that an address asks for."""
    tiles = tile_sets().get(token)
    numbers = all(NUMBER.fullmatch(number) for number in (z, x, y))
    if tiles is None or not numbers or abs(int(z)) > MOST_ZOOM:
        return PlainTextResponse("There is no such tile.", 404, PASSING)
    try:
        image = render(tiles.pyramid, tiles.frame, int(z), int(x), int(y))
    except RsvizError as error:
        return PlainTextResponse(error.message, 503, PASSING)
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", compress_level=1)
    return Response(out.getvalue(), media_type="image/png", headers=KEPT)


def render(pyramid: Pyramid, frame: MapFrame, z: int, x: int, y: int) -> Rgba:
    """A tile: (256, 256, 4), transparent where the scene is not."""
    rows, cols = frame.positions(*_centres(frame.on_map, z, x, y))
    grid = pyramid.grid
    inside = (rows >= 0) & (rows < grid.height) & (cols >= 0) & (cols < grid.width)
    if not inside.any():
        return np.zeros((TILE_SIDE, TILE_SIDE, 4), np.uint8)
    level = min(_level(rows, cols), pyramid.coarsest)
    window = _window(rows[inside], cols[inside], level)
    while max(window.height, window.width) > MOST_CELLS:
        level += 1
        window = _window(rows[inside], cols[inside], level)
    rows[~inside] = NOWHERE
    image = pyramid.read(level, window)
    return gathered(image, rows / 2**level - window.row, cols / 2**level - window.col)


def _large(bench: Bench) -> bool:
    return max(bench.grid.shape) > SMALL_SIDE


def _root(base: str | None) -> str:
    inner = str(base or "").strip("/")
    return f"/{inner}/{PATH}" if inner else f"/{PATH}"


def _centres(on_map: bool, z: int, x: int, y: int) -> tuple[Array, Array]:
    """Map coordinates of the columns and rows of a tile, as `MapFrame.positions` takes them."""
    steps: Array = np.arange(TILE_SIDE, dtype=np.float64) + 0.5
    right: Array = x * TILE_SIDE + steps
    down: Array = y * TILE_SIDE + steps
    if not on_map:
        size = 2.0**-z
        return right * size, down * -size
    half = math.pi * EARTH_RADIUS_M
    size = 2 * half / TILE_SIDE / 2.0**z
    return right * size - half, half - down * size


def _level(rows: Array, cols: Array) -> int:
    """The level whose cells come closest to the size of a tile's pixels."""
    known = (rows > NOWHERE / 2) & (cols > NOWHERE / 2)
    known = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:]
    down = [np.diff(plane, axis=0)[:, :-1] for plane in (rows, cols)]
    right = [np.diff(plane, axis=1)[:-1] for plane in (rows, cols)]
    area = np.abs(down[0] * right[1] - down[1] * right[0])[known]
    return max(0, round(0.5 * math.log2(max(1.0, float(np.median(area)))))) if area.size else 0


def _window(rows: Array, cols: Array, level: int) -> Window:
    """The cells of a level that hold all positions."""
    top, bottom, left, right = (
        int(edge) >> level for edge in (rows.min(), rows.max(), cols.min(), cols.max())
    )
    return Window(top, left, bottom - top + 1, right - left + 1)
