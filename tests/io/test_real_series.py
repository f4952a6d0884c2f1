"""Real collections of series, where RSVIZ_DATA names a folder that holds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rsviz.core.errors import BadOption
from rsviz.io import catalog
from rsviz.io.mato_grosso import YEAR

pytestmark = pytest.mark.data


@pytest.fixture
def scene_of(data_folder: Path):
    """Opens a listed scene; skips where the folder does not hold it."""

    def read(name: str, variable: str = ""):
        if name not in {entry.id for entry in catalog.scenes()}:
            pytest.skip(f"the data folder has no {name}")
        return catalog.open_scene(name, variable).read()

    return read


def test_the_map_of_mato_grosso_has_a_year_of_labels(scene_of) -> None:
    scene = scene_of("mato-grosso-map", "2011-2012")
    assert scene.shape == (YEAR, 6, 27, 37)
    assert scene.dates[0] == "2011-09-14"
    assert list(scene.dates) == sorted(scene.dates)
    assert (scene.truth.labels > 0).sum() == 245
    red, nir, ndvi = (scene.pixels[:, k] for k in (1, 2, 5))
    both = scene.valid & (nir + red > 0.05)
    index = (nir - red) / np.maximum(nir + red, 0.05)
    assert np.abs(index - ndvi)[both].mean() < 0.02
    with pytest.raises(BadOption, match="no crop year '1999-2000'"):
        scene_of("mato-grosso-map", "1999-2000")


def test_the_missing_composite_of_the_last_year_counts_as_clouded(scene_of) -> None:
    last = scene_of("mato-grosso-map", "2012-2013")
    assert last.shape[0] == YEAR
    hidden = np.flatnonzero(~last.valid.any(axis=(1, 2)))
    assert [last.dates[t] for t in hidden] == ["2013-07-28"]


def test_samples_of_the_map_are_its_pixels(scene_of) -> None:
    samples, year = scene_of("mato-grosso-map-samples"), scene_of("mato-grosso-map", "2011-2012")
    assert samples.shape == (YEAR, 6, 1, 603)
    counts = np.bincount(samples.truth.labels[0])
    assert dict(zip(samples.truth.names, counts[1:].tolist(), strict=True)) == {
        "Cotton-fallow": 68, "Forest": 138, "Soybean-cotton": 79, "Soybean-maize": 134,
        "Soybean-millet": 184,
    }  # fmt: skip
    inside = {year.pixels[:, :, r, c].tobytes() for r, c in np.argwhere(year.truth.labels > 0)}
    found = sum(samples.pixels[:, :, 0, n].tobytes() in inside for n in range(603))
    assert found >= 245


def test_samples_close_together_are_one_group(scene_of) -> None:
    truth = scene_of("mato-grosso-points").truth
    assert len(truth.names) == 9
    assert truth.labels.shape == truth.groups.shape == (1, 425)
    assert 300 < len(np.unique(truth.groups)) < 366  # places that are farther than 500 m apart


def test_the_series_of_the_archive(scene_of) -> None:
    scene = scene_of("ucr-crop")
    assert scene.shape == (46, 1, 1, 7200)
    assert np.bincount(scene.truth.labels[0]).tolist() == [0, *[300] * 24]
    assert scene.pixels[0, 0, 0, :3].tolist() == pytest.approx([0.24, 0.219, 0.281])


def test_the_patch_of_slovenia_is_masked_and_placed(scene_of) -> None:
    scene = scene_of("slovenia")
    assert scene.shape == (68, 1, 101, 100)
    assert scene.grid.crs == "EPSG:32633"
    assert scene.grid.pixel_m == pytest.approx((10, 10), rel=0.01)
    counts = np.bincount(scene.truth.labels.ravel())
    assert counts.tolist() == [166, 7601, 1777, 358, 198]
    assert scene.valid.mean() == pytest.approx(0.6045, abs=1e-3)
