"""A judged super-resolution as files: finer transforms, scores, one picture to compare."""

import csv

import numpy as np
import pytest
import rasterio
from PIL import Image
from test_sr_review import DEGRADE, judged, town

from rsviz.io import comparison
from rsviz.io.export import write_result

__all__ = ["town"]  # a fixture


def test_the_image_lies_on_its_finer_grid(town, toys, tmp_path):
    result, scene = judged(town, DEGRADE)
    write_result(result, scene, tmp_path)
    with rasterio.open(tmp_path / "image.tif") as file:
        assert file.transform[:6] == (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_800_000.0)
        assert file.crs.to_epsg() == 32632 and file.descriptions == ("r", "g", "b")
        assert np.array_equal(file.read(), result.layers["image"].data)
    with rasterio.open(tmp_path / "input.tif") as file:
        assert file.transform[:6] == (8.0, 0.0, 500_000.0, 0.0, -8.0, 4_800_000.0)


def test_scores_are_a_table(town, toys, tmp_path):
    result, scene = judged(town, DEGRADE)
    write_result(result, scene, tmp_path)
    rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
    assert [row["Image"] for row in rows] == ["Sharpened", "Bicubic", "Lanczos"]
    assert float(rows[0]["PSNR [dB]"]) == pytest.approx(result.metrics["psnr_db"], abs=0.006)


def test_one_picture_compares_all_images_in_the_same_colours(town, toys, tmp_path):
    result, scene = judged(town, DEGRADE)
    drawn = dict(comparison.panels(result))
    titles = [title.partition(":")[0] for title in drawn]
    assert titles[:5] == ["Input", "Bicubic", "Lanczos", "Result", "Truth"]
    assert f"Result: PSNR {result.metrics['psnr_db']:.2f} dB" in drawn
    low, high = np.percentile(scene.reference[0], (2, 98))  # of the truth, for every image
    shown = next(d for t, d in drawn.items() if t.startswith("Result")).image[..., 0]
    red = np.clip(255 * (result.layers["image"].data[0] - low) / (high - low), 0, 255)
    assert np.abs(shown - red).max() < 1.0
    write_result(result, scene, tmp_path)
    with Image.open(tmp_path / "comparison.png") as picture:
        assert picture.width > 4 * 400 and picture.height > 2 * 320


def test_without_truth_the_picture_tells_of_consistency(town, toys):
    result, _ = judged(town)
    titles = [title for title, _ in comparison.panels(result)]
    assert "Truth" not in titles
    assert any(title.startswith("Bicubic: Consistency") for title in titles)
