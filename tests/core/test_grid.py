"""Grids and windows: coordinates there and back, crops, other resolutions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window

sizes = st.integers(1, 200)
numbers = st.floats(-100, 100).filter(lambda v: abs(v) > 1e-3)


@st.composite
def grids(draw) -> Grid:
    """Any invertible grid, also rotated and mirrored ones."""
    turn, size, ratio = draw(st.floats(0, 6.3)), draw(st.floats(0.1, 100)), draw(st.floats(0.3, 3))
    mirror = draw(st.sampled_from([-1, 1]))
    a, d = size * math.cos(turn), size * math.sin(turn)
    b, e = -mirror * ratio * d, mirror * ratio * a
    affine = (a, b, draw(st.floats(-1e6, 1e6)), d, e, draw(st.floats(-1e6, 1e6)))
    return Grid(draw(sizes), draw(sizes), "EPSG:32633", affine)


@given(grids(), st.data())
def test_pixel_centres_come_back_from_map_coordinates(grid, data):
    row = data.draw(st.integers(0, grid.height - 1))
    col = data.draw(st.integers(0, grid.width - 1))
    assert grid.rowcol(*grid.xy(row + 0.5, col + 0.5)) == (row, col)
    assert grid.rowcol(*grid.xy(-0.6, col + 0.5)) is None
    assert grid.rowcol(*grid.xy(row + 0.5, grid.width + 0.6)) is None


@given(grids(), st.data())
def test_a_crop_keeps_the_place_of_every_pixel(grid, data):
    row = data.draw(st.integers(0, grid.height - 1))
    col = data.draw(st.integers(0, grid.width - 1))
    window = Window(row, col, grid.height - row, grid.width - col)
    part = grid.crop(window)
    assert part.shape == (window.height, window.width)
    assert part.xy(1, 2) == pytest.approx(grid.xy(row + 1, col + 2), abs=1e-6)


@given(grids(), st.integers(1, 5))
def test_a_finer_grid_covers_the_same_ground(grid, scale):
    fine = grid.resized(grid.height * scale, grid.width * scale)
    assert fine.covers_same_ground(grid)
    assert fine.xy(scale, scale) == pytest.approx(grid.xy(1, 1), abs=1e-5)


def test_another_place_is_not_the_same_ground():
    grid = Grid(10, 10, "EPSG:32633", (10.0, 0, 0, 0, -10.0, 0))
    moved = Grid(10, 10, "EPSG:32633", (10.0, 0, 1.0, 0, -10.0, 0))
    other = Grid(10, 10, "EPSG:32632", grid.affine)
    assert not grid.covers_same_ground(moved)
    assert not grid.covers_same_ground(other)


def test_the_area_of_a_pixel_is_in_hectares():
    assert Grid(1, 1, pixel_m=(20.0, 30.0)).pixel_ha == pytest.approx(0.06)
    assert Grid(1, 1).pixel_ha is None
    assert Grid(4, 4, pixel_m=(20.0, 20.0)).resized(8, 16).pixel_m == (5.0, 10.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Grid(0, 5),
        lambda: Grid(5, 5, affine=(1.0, 2.0, 0.0, 2.0, 4.0, 0.0)),
        lambda: Grid(5, 5, affine=(math.nan, 0.0, 0.0, 0.0, 1.0, 0.0)),
        lambda: Window(-1, 0, 2, 2),
        lambda: Window(0, 0, 0, 2),
        lambda: Grid(5, 5).crop(Window(3, 0, 3, 2)),
    ],
)
def test_impossible_grids_and_windows_are_refused(make):
    with pytest.raises(SceneMismatch):
        make()
