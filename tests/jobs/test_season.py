"""Stacks of dates: series and areas equal plain numpy, pictures share one stretch."""

from dataclasses import replace

import numpy as np
import pytest

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.scene import Band, Description, Scene
from rsviz.jobs import season


class Memory:
    """A stack in memory as a source."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def describe(self) -> Description:
        s = self.scene
        return Description("s", "memory", s.shape, "float32", s.bands, s.grid, dates=s.dates)

    def read(self, window=None, bands=None) -> Scene:
        part = self.scene.crop(window or self.scene.grid.window)
        keep = list(range(part.shape[1]) if bands is None else bands)
        return replace(part, pixels=part.pixels[:, keep], bands=tuple(part.bands[i] for i in keep))

    def overviews(self):
        return {}


@pytest.fixture
def stack() -> Memory:
    rng = np.random.default_rng(2)
    pixels = rng.uniform(0.05, 0.6, (5, 3, 40, 30)).astype(np.float32)
    valid = rng.random((5, 40, 30)) > 0.2
    valid[3] = False
    bands = tuple(Band(f"b{nm}", float(nm)) for nm in (560, 665, 842))
    dates = tuple(f"2024-0{m}-01" for m in range(1, 6))
    masked = np.where(valid[:, None], pixels, 0)
    return Memory(Scene(masked, valid, bands, Grid(40, 30), "reflectance", dates))


def test_a_series_has_gaps_where_dates_are_masked(stack):
    found = season.series(stack, 7, 9)
    seen = stack.scene.valid[:, 7, 9]
    assert found.shape == (5, 3)
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), ~seen)
    np.testing.assert_array_equal(found[seen], stack.scene.pixels[seen, :, 7, 9])


def test_an_area_is_averaged_over_its_valid_pixels(stack):
    window = Window(5, 4, 20, 11)
    found = season.area(stack, window)
    pixels = np.where(stack.scene.valid[:, None], stack.scene.pixels, np.nan)[:, :, 5:25, 4:15]
    flat = pixels.reshape(5, 3, -1).astype(np.float64)
    clear = [0, 1, 2, 4]
    np.testing.assert_allclose(found.mean[clear], np.nanmean(flat[clear], axis=2), rtol=1e-5)
    np.testing.assert_allclose(found.std[clear], np.nanstd(flat[clear], axis=2), rtol=1e-4)
    np.testing.assert_array_equal(found.counts, stack.scene.valid[:, 5:25, 4:15].sum(axis=(1, 2)))
    assert np.isnan(found.mean[3]).all()


def test_an_area_may_be_scattered_pixels(stack):
    members = np.random.default_rng(3).random((40, 30)) > 0.7
    found = season.area(stack, stack.scene.grid.window, members)
    pixels = np.where(stack.scene.valid[:, None], stack.scene.pixels, np.nan)[:, :, members]
    clear = [0, 1, 2, 4]
    np.testing.assert_allclose(found.mean[clear], np.nanmean(pixels[clear], axis=2), rtol=1e-5)
    assert found.counts.tolist() == (stack.scene.valid & members).sum(axis=(1, 2)).tolist()
    with pytest.raises(SceneMismatch, match="Members are given for"):
        season.area(stack, stack.scene.grid.window, members[1:])


def test_all_dates_share_one_stretch_and_masked_pixels_are_clear(stack):
    found = season.pictures(stack, (2, 1, 0))
    assert found.images.shape == (5, 40, 30, 4) and len(found.limits) == 3
    np.testing.assert_array_equal(found.images[..., 3] > 0, stack.scene.valid)
    np.testing.assert_allclose(found.clear, stack.scene.valid.mean(axis=(1, 2)), rtol=1e-6)
    low, high = found.limits[0]
    value = stack.scene.pixels[1, 2, 7, 9]
    if stack.scene.valid[1, 7, 9]:
        wanted = np.clip((value - low) / (high - low) * 255, 0, 255)
        assert abs(float(found.images[1, 7, 9, 0]) - wanted) <= 1


def test_an_index_takes_the_bands_at_its_wavelengths(stack):
    found = season.pictures(stack, (), "NDVI")
    assert found.limits == ((-0.2, 0.9),)
    red, near = stack.scene.pixels[:, 1], stack.scene.pixels[:, 2]
    ndvi = (near - red) / np.maximum(near + red, 1e-6)
    seen = stack.scene.valid
    order = np.argsort(ndvi[seen])
    colours = found.images[seen][:, :3].astype(int)
    assert not np.array_equal(colours[order[0]], colours[order[-1]])
    again = season.pictures(stack, (), "NDVI", ((0.0, 0.1),))
    assert not np.array_equal(again.images, found.images)


def test_an_index_without_its_bands_is_refused(stack):
    with pytest.raises(SceneMismatch):
        season.pictures(stack, (), "NBR")


def test_large_stacks_are_thinned(stack, monkeypatch):
    monkeypatch.setattr(season, "MOST_PIXELS", 5 * 20 * 20)
    found = season.pictures(stack, (0,))
    assert max(found.grid.shape) == 20 and found.images.shape[1:3] == found.grid.shape
