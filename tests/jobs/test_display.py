"""Images and statistics of a source, against numpy on the whole scene."""

from dataclasses import replace

import numpy as np
import pytest

from rsviz.core import run
from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Window
from rsviz.core.scene import Scene, Spectrum
from rsviz.jobs import blocks, display


class InMemory:
    """A source over a scene in memory that remembers how much was read at once."""

    def __init__(self, scene: Scene, block: tuple[int, int] = (1, 0)) -> None:
        self.scene, self.block, self.largest, self.windows = scene, block, 0, []

    def describe(self):
        return replace(run.describe(self.scene), block=self.block)

    def read(self, window=None, bands=None):
        self.windows.append(window)
        scene = self.scene.crop(window or self.scene.grid.window)
        chosen = list(range(len(scene.bands)) if bands is None else bands)
        pixels = scene.pixels[:, chosen]
        self.largest = max(self.largest, pixels.nbytes)
        return replace(scene, pixels=pixels, bands=tuple(scene.bands[b] for b in chosen))

    def spectrum(self, row, col):
        values = self.scene.pixels[0, :, row, col].copy()
        if not self.scene.valid[0, row, col]:
            values[:] = np.nan
        return Spectrum(row, col, values)

    def overviews(self):
        return {}

    def close(self):
        pass


@pytest.fixture
def source(patches, monkeypatch) -> InMemory:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 2000)
    monkeypatch.setattr(blocks, "LARGEST_BLOCK_BYTES", 8000)
    return InMemory(patches)


def test_a_composite_is_stretched_from_the_2nd_to_the_98th_percentile(source):
    scene = source.scene
    made = display.composite(source, (4, 2, 0))
    assert made.image.shape == (*scene.grid.shape, 4) and made.grid == scene.grid
    valid = scene.valid[0]
    for channel, band in enumerate((4, 2, 0)):
        low, high = np.percentile(scene.pixels[0, band][valid], (2, 98))
        assert made.limits[channel] == pytest.approx((low, high))
        wanted = np.clip((scene.pixels[0, band] - low) / (high - low), 0, 1) * 255
        assert np.abs(made.image[..., channel][valid] - wanted[valid]).max() <= 1
    assert (made.image[..., 3] == np.where(valid, 255, 0)).all()
    assert source.largest <= 4 * 3 * 30 * 6, "the scene was read in blocks of rows"


@pytest.mark.parametrize("block", [(1, 0), (7, 0), (40, 0), (8, 8), (16, 16), (8, 256)])
def test_a_tile_is_read_once_however_the_file_is_cut(patches, source, block):
    """The fixture sets small limits, as for a scene much larger than a block."""
    tiled = InMemory(patches, block)
    whole = display.composite(source, (0, 1, 2)).image
    assert np.array_equal(display.composite(tiled, (0, 1, 2)).image, whole)
    seen = np.zeros(patches.grid.shape, int)
    for window in tiled.windows:
        seen[window.rows, window.cols] += 1
        assert window.row % block[0] == 0 or 12 * block[0] * (block[1] or 30) > 8000
    assert (seen == 1).all()
    stats = display.rectangle(tiled, Window(3, 5, 30, 20))
    np.testing.assert_allclose(
        stats.std, display.rectangle(source, Window(3, 5, 30, 20)).std, rtol=1e-5
    )


def test_given_limits_are_kept_and_one_band_is_grey(source):
    made = display.composite(source, (3,), ((0.0, 0.5),))
    assert made.limits == ((0.0, 0.5),)
    assert (made.image[..., 0] == made.image[..., 2]).all()
    again = display.composite(source, (3,), ((0.2, 0.2),))
    assert np.unique(again.image[..., 0]).tolist() == [0]


def test_a_large_scene_is_thinned_over_the_same_ground(source):
    made = display.composite(source, (0, 1, 2), max_side=16)
    assert made.image.shape == (16, 12, 4)
    assert made.grid.covers_same_ground(source.scene.grid)
    limits = ((0.0, 1.0),) * 3
    fine = display.composite(source, (0, 1, 2), limits).image
    coarse = display.composite(source, (0, 1, 2), limits, max_side=16).image
    assert (coarse[0, 0] == fine[1, 1]).all() and (coarse[15, 5] == fine[38, 13]).all()


def test_a_scene_without_data_gives_an_empty_image(patches):
    nothing = np.zeros_like(patches.valid)
    source = InMemory(replace(patches, valid=nothing))
    assert display.composite(source, (0, 1, 2)).image.max() == 0
    with pytest.raises(SceneMismatch, match="no valid pixel"):
        display.histogram(source, 0)
    stats = display.rectangle(source, Window(0, 0, 5, 5))
    assert stats.count == 0 and np.isnan(stats.mean).all()


def test_nan_and_infinity_are_transparent(patches):
    pixels = patches.pixels.copy()
    pixels[0, 1, 5, 5], pixels[0, 2, 6, 6] = np.nan, np.inf
    made = display.composite(InMemory(replace(patches, pixels=pixels)), (0, 1, 2))
    assert made.image[5, 5, 3] == 0 and made.image[6, 6, 3] == 0 and made.image[7, 7, 3] == 255
    assert np.isfinite(made.limits).all()


@pytest.mark.parametrize("bands", [(), (0, 1), (0, 1, 6), (-1,)])
def test_impossible_bands_are_refused_with_their_number(source, bands):
    with pytest.raises(SceneMismatch, match="band"):
        display.composite(source, bands)


def test_a_histogram_counts_every_valid_pixel(source):
    found = display.histogram(source, 2)
    values = source.scene.pixels[0, 2][source.scene.valid[0]]
    assert found.counts.sum() == values.size
    assert found.edges[0] == pytest.approx(values.min())
    assert found.edges[-1] == pytest.approx(values.max())
    assert (found.low2, found.high98) == pytest.approx(tuple(np.percentile(values, (2, 98))))


def test_a_rectangle_gives_mean_and_spread_of_its_valid_pixels(source):
    window = Window(3, 20, 25, 10)
    found = display.rectangle(source, window)
    scene = source.scene.crop(window)
    pixels = scene.pixels[0][:, scene.valid[0]].astype(np.float64)
    assert found.count == pixels.shape[1] == 25 * 9
    np.testing.assert_allclose(found.mean, pixels.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(found.std, pixels.std(axis=1), rtol=1e-5)
    with pytest.raises(SceneMismatch, match="beyond the grid"):
        display.rectangle(source, Window(30, 0, 20, 5))


def test_groups_give_mean_and_spread_of_their_valid_pixels(source):
    scene = source.scene
    rng = np.random.default_rng(3)
    codes = rng.integers(-1, 3, scene.grid.shape).astype(np.int16)
    codes[codes == 1] = 0  # the second group is empty
    found = display.groups(source, codes, 3)
    for group in (0, 2):
        member = (codes == group) & scene.valid[0]
        pixels = scene.pixels[0][:, member].astype(np.float64)
        assert found.counts[group] == member.sum() > 0
        np.testing.assert_allclose(found.mean[group], pixels.mean(axis=1), rtol=1e-5)
        np.testing.assert_allclose(found.std[group], pixels.std(axis=1), rtol=1e-4, atol=1e-6)
    assert found.counts[1] == 0 and np.isnan(found.of(1).mean).all()
    with pytest.raises(SceneMismatch, match="Groups are given for"):
        display.groups(source, codes[1:], 3)


def test_spread_survives_a_large_offset(patches):
    shifted = InMemory(replace(patches, pixels=patches.pixels + np.float32(10_000)))
    found = display.rectangle(shifted, Window(0, 0, 40, 29))
    exact = shifted.scene.pixels[0, :, :, :29].astype(np.float64).std(axis=(1, 2))
    np.testing.assert_allclose(found.std, exact, rtol=1e-4)


def test_the_spectral_angle_leaves_bad_bands_out(patches):
    bands = list(patches.bands)
    bands[1] = replace(bands[1], good=False)
    pixels = patches.pixels.copy()
    pixels[0, 1] *= 100 * np.arange(30)
    scene = replace(patches, bands=tuple(bands), pixels=pixels)
    found = display.angle(InMemory(scene), 10, 10)
    kept = np.delete(scene.pixels[0], 1, axis=0).astype(np.float64)
    one = kept[:, 10, 10]
    cosine = np.einsum("c,chw->hw", one, kept) / (
        np.linalg.norm(one) * np.linalg.norm(kept, axis=0) + 1e-30
    )
    valid = scene.valid[0]
    np.testing.assert_allclose(found.data[valid], np.arccos(cosine[valid].clip(-1, 1)), atol=2e-3)
    assert found.data[10, 10] < 1e-3 and np.isnan(found.data[~valid]).all()
    with pytest.raises(SceneMismatch, match="holds no data"):
        display.angle(InMemory(scene), 0, 29)


def test_truth_is_read_only_where_there_is_some(source, patches):
    assert np.array_equal(display.truth(source).labels, patches.truth.labels)
    assert display.truth(InMemory(replace(patches, truth=None))) is None
