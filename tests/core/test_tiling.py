"""Tiles: the cores cover once, and stitched local operators equal the whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap, ProbabilityMap, ScalarMap
from rsviz.core.tiling import Stitcher, tiles

sizes, halos = st.integers(1, 60), st.integers(0, 9)


@given(sizes, sizes, st.integers(4, 40), halos)
def test_the_cores_cover_every_pixel_once(height, width, tile, halo):
    count = np.zeros((height, width), int)
    for piece in tiles(height, width, tile, halo):
        count[piece.core.rows, piece.core.cols] += 1
        assert max(piece.core.height, piece.core.width) <= tile
        assert piece.window.row == max(0, piece.core.row - halo)
        assert piece.window.row + piece.window.height == min(
            height, piece.core.row + piece.core.height + halo
        )
    assert (count == 1).all()


def test_no_sliver_is_left_over():
    widths = {piece.core.width for piece in tiles(10, 101, 50, 0)}
    assert widths <= {33, 34}


@given(st.integers(20, 50), st.integers(20, 50), st.integers(9, 25), st.integers(1, 3))
def test_an_operator_that_sees_half_the_halo_is_the_same_in_tiles(height, width, tile, radius):
    data = np.random.default_rng(height * width).random((height, width)).astype(np.float32)
    grid, halo = Grid(height, width), 2 * radius
    numbers, classes = Stitcher(grid, halo), Stitcher(grid, halo)
    for piece in tiles(height, width, tile, halo):
        local = uniform_filter(
            data[piece.window.rows, piece.window.cols], 2 * radius + 1, mode="constant"
        )
        part = grid.crop(piece.window)
        numbers.add(piece, ScalarMap("t", "a", part, local, "q", "u"))
        classes.add(piece, ClassMap("t", "a", part, (local * 100).astype(int), ("x",) * 101))
    whole = uniform_filter(data, 2 * radius + 1, mode="constant")
    np.testing.assert_allclose(numbers.layer().data, whole, rtol=1e-4)
    differing = np.abs(classes.layer().data - whole * 100 + 0.5) > 0.5 + 1e-2
    assert not differing.any()


def test_blending_is_smooth_and_keeps_sums():
    """A step between two tiles becomes a ramp; shares still sum to one."""
    grid = Grid(8, 40)
    stitcher = Stitcher(grid, 4)
    for piece in tiles(8, 40, 20, 4):
        share = 0.2 if piece.core.col == 0 else 0.8
        shape = (piece.window.height, piece.window.width)
        data = np.stack([np.full(shape, share), np.full(shape, 1 - share)])
        part = grid.crop(piece.window)
        stitcher.add(piece, ProbabilityMap("t", "a", part, data, ("x", "y")))
    first = stitcher.layer().data[0, 3]
    assert first[:16] == pytest.approx(0.2)
    assert first[24:] == pytest.approx(0.8)
    assert 0 < np.diff(first[15:25]).max() < 0.16


def test_undefined_pixels_stay_undefined_and_spread_nowhere():
    grid = Grid(4, 20)
    stitcher = Stitcher(grid, 4)
    for piece in tiles(4, 20, 10, 4):
        data = np.ones((4, piece.window.width), np.float32)
        if piece.window.col == 0:
            data[0, 0] = data[1, 8] = np.nan
        else:
            data[1, 8 - piece.window.col] = np.nan
        stitcher.add(piece, ScalarMap("t", "a", grid.crop(piece.window), data, "q", "u"))
    out = stitcher.layer().data
    assert np.argwhere(np.isnan(out)).tolist() == [[0, 0], [1, 8]]
    assert (out[np.isfinite(out)] == 1).all()


def test_finer_layers_are_placed_by_their_scale():
    grid = Grid(12, 30, "EPSG:32633", (10.0, 0, 0, 0, -10.0, 0))
    fine = np.random.default_rng(0).random((24, 60)).astype(np.float32)
    stitcher = Stitcher(grid, 3)
    for piece in tiles(12, 30, 10, 3):
        window = piece.window
        part = grid.crop(window).resized(window.height * 2, window.width * 2)
        data = fine[2 * window.row :, 2 * window.col :][: part.height, : part.width]
        stitcher.add(piece, ScalarMap("t", "a", part, data, "q", "u"))
    layer = stitcher.layer()
    assert layer.grid == grid.resized(24, 60)
    np.testing.assert_allclose(layer.data, fine, rtol=1e-6)
    assert replace(layer, title="other").title == "other"
