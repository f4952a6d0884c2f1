"""Scan orders recognised on a small grid, and films whose sheets hold every frame."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from rsviz.core.layers import Tokens
from rsviz.views import films, player

SMALL = np.arange(15).reshape(3, 5)
WAYS = {
    "rows": SMALL.ravel(),
    "columns": SMALL.T.ravel(),
    "rows reversed": SMALL.ravel()[::-1],
    "columns reversed": SMALL.T.ravel()[::-1],
}


def layer(*ways) -> Tokens:
    return Tokens("", "", np.stack(ways).astype(np.float32), ("direction", "position"))


def test_the_width_of_the_small_grid_is_found():
    assert films.small_width(layer(*WAYS.values())) == 5


@pytest.mark.parametrize(
    ("name", "first", "second", "last"),
    [
        ("rows", (0, 0), (0, 1), (5, 3)),
        ("columns", (0, 0), (1, 0), (5, 3)),
        ("rows reversed", (5, 3), (5, 2), (0, 0)),
        ("columns reversed", (5, 3), (4, 3), (0, 0)),
    ],
)
def test_a_scan_of_the_small_grid_is_carried_over_to_the_scene(name, first, second, last):
    steps = films.visits(WAYS[name], 5, (6, 4))
    assert steps is not None
    assert sorted(steps.ravel()) == list(range(24))
    assert (steps[first], steps[second], steps[last]) == (0, 1, 23)


def test_a_scan_that_follows_no_axis_is_not_guessed():
    assert films.visits(np.random.default_rng(0).permutation(15), 5, (6, 4)) is None


def test_a_sheet_holds_every_frame_in_its_place():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 3, (11, 4, 5)).astype(np.uint8)
    colours = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [0, 255, 0, 100]], np.uint8)
    film = player.film([player.Panel("a", frames)], colours, [str(i) for i in range(11)])
    title, url = film.sheets[0]
    png = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    sheet = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    assert (title, film.width, film.height) == ("a", 5, 4)
    assert sheet.shape == (2 * 4, player.COLUMNS * 5, 4)
    for i, frame in enumerate(frames):
        row, col = divmod(i, player.COLUMNS)
        found = sheet[row * 4 : row * 4 + 4, col * 5 : col * 5 + 5]
        assert (found == colours[frame]).all()


def test_another_film_has_another_id():
    colours = np.zeros((2, 4), np.uint8)
    ids = {
        player.film([player.Panel("a", np.full((1, 2, 2), v, np.uint8))], colours, ["0"]).id
        for v in (0, 1)
    }
    assert len(ids) == 2
