"""Several drawings as one picture: legends say what they belong to."""

import numpy as np
import pytest
from PIL import Image

from rsviz.core.grid import Grid
from rsviz.core.layers import ScalarMap
from rsviz.draw.paint import draw
from rsviz.io.pictures import PAD, TEXT, write_sheet


def drawing(title, high):
    values = np.linspace(0, high, 100 * 120, dtype=np.float32).reshape(100, 120)
    return title, draw(ScalarMap(title, "", Grid(100, 120), values, "height", "m"))


@pytest.fixture
def beside(tmp_path):
    """What stands right of the drawings of a sheet, in grey."""

    def written(*titled):
        path = write_sheet(titled, tmp_path / "sheet.png", 300)
        left = PAD + len(titled) * (240 + PAD)
        with Image.open(path) as picture:
            return np.asarray(picture.convert("L"))[PAD:, left : left + 20]

    return written


def test_different_legends_are_named(beside):
    bar = beside(drawing("Low: a hill", 10), drawing("High", 900))
    assert (bar[TEXT + 2 : TEXT + PAD] == 255).all()  # a gap between the name and the colours
    assert 0 < (bar[:TEXT] < 128).sum() < 0.5 * bar[:TEXT].size  # letters
    assert (bar[TEXT + PAD + 4 : TEXT + PAD + 100] < 255).all()  # colours


def test_a_legend_of_all_needs_no_name(beside):
    bar = beside(drawing("Left", 10), drawing("Right", 10))
    assert (bar[4:100] < 255).all()
