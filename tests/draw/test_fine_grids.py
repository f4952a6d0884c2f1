"""Finer images over a part of a scene: every pixel over the right ground, on and off the map."""

import numpy as np
import pytest

from rsviz.core.grid import Grid, Window
from rsviz.draw.warp import MapFrame

UTM = Grid(50, 70, "EPSG:32632", (10.0, 0.0, 600_000.0, 0.0, -10.0, 4_800_000.0))
ROTATED = Grid(50, 70, "EPSG:32632", (7.0, 4.0, 600_000.0, 4.0, -7.0, 4_800_000.0))
PLAIN = Grid(50, 70)
PART = Window(2, 3, 40, 60)


def named(grid, scene):
    """An image on a grid, coloured by the row and column of the scene under each pixel's centre."""
    image = np.zeros((*grid.shape, 4), np.uint8)
    for row in range(grid.height):
        for col in range(grid.width):
            under = scene.fractional(*grid.xy(row + 0.5, col + 0.5))
            image[row, col] = (*(int(v) for v in under), 0, 255)
    return image


@pytest.mark.parametrize("scene", [UTM, ROTATED, PLAIN], ids=["utm", "rotated", "no map"])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_finer_image_of_a_part_lies_on_the_pixels_that_it_shows(scene, scale):
    frame = MapFrame.of(scene, finest=scale)
    part = scene.crop(PART)
    fine = part.resized(PART.height * scale, PART.width * scale)
    placed = frame.place(named(fine, scene), fine)
    whole = frame.place(named(scene, scene))
    if frame.nodes is None:
        whole = whole.repeat(scale, 0).repeat(scale, 1)
    inside = whole[..., 3] > 0
    rows, cols = whole[..., 0].astype(int), whole[..., 1].astype(int)
    covered = inside & (rows >= 2) & (rows < 42) & (cols >= 3) & (cols < 63)
    assert covered.any() and placed.shape == whole.shape
    agree = (placed == whole).all(-1)
    edge = (
        0.002 if scene.crs else 0.0
    )  # pixels whose centre lies on an edge may fall on either side
    assert (~agree[covered]).mean() <= edge
    assert placed[inside & ~covered][..., 3].astype(bool).mean() <= edge
    assert not placed[~inside].any()


@pytest.mark.parametrize("scene", [UTM, PLAIN], ids=["utm", "no map"])
def test_the_second_fine_pixel_of_four_is_half_a_coarse_one_from_the_next(scene):
    """The half-pixel convention: fine centres lie at 1/8, 3/8, 5/8, 7/8 of a coarse pixel."""
    fine = scene.resized(scene.height * 4, scene.width * 4)
    found = [scene.fractional(*fine.xy(0.5, col + 0.5))[1] for col in range(4)]
    assert found == pytest.approx([0.125, 0.375, 0.625, 0.875])
