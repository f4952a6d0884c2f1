"""Combinations of bands by wavelength, and values as brightness."""

import numpy as np
import pytest

from rsviz.core.scene import Band
from rsviz.draw import colour


def bands_at(centres, good=None):
    flags = good or [True] * len(centres)
    return tuple(
        Band(f"b{i + 1}", nm, None, ok)
        for i, (nm, ok) in enumerate(zip(centres, flags, strict=True))
    )


def test_true_colour_takes_the_nearest_usable_bands():
    found = colour.combinations(bands_at([450, 465, 545, 555, 640, 645], [1, 1, 0, 1, 1, 1]))
    assert found["True colour"] == (4, 3, 1)
    assert "Infrared" not in found  # there is none beyond 645 nm
    assert len(found["One band"]) == 1


def test_scenes_without_wavelengths_are_shown_as_stored():
    assert colour.combinations(bands_at([None] * 3))["As stored"] == (0, 1, 2)
    assert colour.combinations(bands_at([None] * 9))["As stored"] == (6, 3, 0)
    assert colour.combinations(bands_at([None] * 2)) == {"One band": (0,)}
    assert colour.combinations(bands_at([None])) == {"One band": (0,)}


def test_all_bands_count_when_all_are_marked_bad():
    assert colour.usable(bands_at([500, 600], [False, False])) == (0, 1)


def test_the_first_look_is_true_colour_where_wavelengths_allow_it():
    assert colour.first_look(bands_at([455, 550, 645, 860])) == (2, 1, 0)
    assert colour.first_look(bands_at([9000, 10000, 11000])) == (0, 1, 2)
    assert colour.first_look(bands_at([10000])) == (0,)


def test_planes_become_an_image_that_is_clear_where_one_lacks_a_value():
    red = np.array([[0.0, 1.0, np.nan, 4.0]], np.float32)
    green = np.array([[2.0, 2.0, 2.0, np.inf]], np.float32)
    blue = np.array([[-9.0, 9.0, 1.0, 1.0]], np.float32)
    image, limits = colour.blended([red, green, blue], ((0, 2), (0, 4), (0, 2)))
    assert limits == ((0, 2), (0, 4), (0, 2))
    assert image[0].tolist() == [[0, 128, 0, 255], [128, 128, 255, 255], [0] * 4, [0] * 4]


def test_one_plane_is_grey_and_stretched_between_its_percentiles():
    plane = np.linspace(0, 100, 101, dtype=np.float32).reshape(1, -1)
    image, limits = colour.blended([plane])
    assert limits[0] == pytest.approx((2.0, 98.0))
    assert (image[..., 0] == image[..., 2]).all()
    assert image[0, [2, 50, 98], 1].tolist() == [0, 128, 255]
    assert colour.stretch(np.full((3, 3), 5.0, np.float32)) == (5.0, 6.0)
    assert colour.stretch(np.full((3, 3), np.nan, np.float32)) == (0.0, 1.0)
