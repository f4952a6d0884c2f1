"""Profiles along a line: half-pixel conventions, and how wide an edge of known width is."""

import numpy as np
import pytest
from scipy.special import erf

from rsviz.analysis.edges import SAMPLES, Line, profile, rise_distance
from rsviz.core.grid import Grid, Window


def ramp(grid, scene):
    """An image whose value is the column of the scene under the centre of each pixel."""
    centres = [scene.fractional(*grid.xy(0.5, col + 0.5))[1] for col in range(grid.width)]
    return np.tile(centres, (grid.height, 1))


@pytest.mark.parametrize("crs", [None, "EPSG:32632"])
def test_coarse_and_fine_images_of_the_same_ground_have_the_same_profile(crs):
    affine = (10.0, 0.0, 500.0, 0.0, -10.0, 900.0) if crs else (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    scene = Grid(12, 20, crs, affine)
    line = Line((3.0, 2.0), (9.0, 18.0))
    wanted = np.linspace(2.0, 18.0, SAMPLES)
    for grid in (scene, scene.resized(48, 80), scene.resized(3, 5)):
        found = profile(ramp(grid, scene), grid, line, scene)
        assert found == pytest.approx(wanted, abs=1e-9)


def test_an_image_of_a_part_of_the_scene_stays_where_it_is():
    scene = Grid(13, 21)
    part = scene.crop(Window(0, 4, 12, 16)).resized(48, 64)
    line = Line((6.0, 0.0), (6.0, 21.0))
    found = profile(np.stack([ramp(part, scene)] * 2), part, line, scene)
    columns = np.linspace(0.0, 21.0, SAMPLES)
    inner = (columns > 4.2) & (columns < 19.8)
    assert found[0][inner] == pytest.approx(columns[inner], abs=1e-9)
    assert np.isnan(found[:, (columns < 4) | (columns > 20)]).all()


def test_line_length_is_in_scene_pixels():
    assert Line((0.0, 0.0), (3.0, 4.0)).length_px == 5.0


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("sign", [1, -1])
def test_rise_of_a_blurred_step_is_that_of_the_normal_distribution(sigma, sign):
    x = np.linspace(-15, 15, SAMPLES)
    values = 3 + sign * 0.2 * erf(x / sigma / np.sqrt(2))
    assert rise_distance(values, 30.0) == pytest.approx(2 * 1.2816 * sigma, rel=0.01)


def test_a_perfect_step_rises_within_one_sample():
    values = np.r_[np.zeros(50), np.ones(51)]
    assert rise_distance(values, 100.0) == pytest.approx(0.8)


@pytest.mark.parametrize(
    "values",
    [
        np.ones(64),
        np.random.default_rng(0).normal(size=64),
        np.r_[np.nan, np.zeros(30), np.ones(33)],
    ],
)
def test_without_an_edge_there_is_no_distance(values):
    assert rise_distance(values, 10.0) is None
