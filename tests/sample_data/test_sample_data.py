"""The shipped files are what the manifest and the generator say."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import rasterio

FOLDER = Path(__file__).resolve().parents[2] / "sample_data"
SCENES: list[dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text())["scenes"]
MADE = [entry for entry in SCENES if entry["id"] != "thermal"]  # it has a maker of its own
IMAGES = [entry for entry in MADE if "dates" not in entry]
SERIES = [entry for entry in SCENES if "dates" in entry]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_data_make", FOLDER / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_files_match_the_hashes_of_the_manifest(maker: ModuleType) -> None:
    assert [entry["id"] for entry in MADE] == list(maker.RECIPES)
    assert maker.check_files(FOLDER) == []


def test_a_changed_or_missing_file_is_named(maker: ModuleType, tmp_path: Path) -> None:
    entry = SCENES[0]
    (tmp_path / "manifest.json").write_text(json.dumps({"scenes": [entry]}))
    (tmp_path / entry["file"]).write_bytes(b"not the scene")
    faults = maker.check_files(tmp_path)
    assert faults == [
        f"{entry['file']} differs from the hash in manifest.json.",
        f"{entry['truth']} is missing.",
    ]


def test_the_collection_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 18e6


@pytest.mark.parametrize("entry", SERIES, ids=lambda entry: str(entry["id"]))
def test_a_series_tells_its_dates_and_bands(entry: dict[str, Any]) -> None:
    with (
        rasterio.open(FOLDER / entry["file"]) as scene,
        rasterio.open(FOLDER / entry["truth"]) as truth,
    ):
        tags = scene.tags()
        assert scene.count == entry["bands"] * len(entry["dates"])
        assert (scene.shape, scene.transform) == (truth.shape, truth.transform)
        assert json.loads(tags["dates"]) == entry["dates"] == sorted(set(entry["dates"]))
        assert len(tags["wavelength"].split(",")) == entry["bands"]
        assert tags["simulated"] == "yes"
        stored, labels = scene.read(), truth.read(1)
        masked = (stored == scene.nodata).reshape(len(entry["dates"]), entry["bands"], -1)
    assert entry["bytes"] < 2.5e6
    assert (masked.all(axis=1) == masked.any(axis=1)).all()  # a cloud hides all bands
    hidden = masked.all(axis=1).mean(axis=1)
    assert 0.2 < hidden.mean() < 0.45
    assert (hidden == 0).sum() >= 8
    assert np.bincount(labels.ravel(), minlength=11)[1:].min() > 400


@pytest.mark.parametrize("entry", IMAGES, ids=lambda entry: str(entry["id"]))
def test_tags_grid_and_truth(entry: dict[str, Any]) -> None:
    with (
        rasterio.open(FOLDER / entry["file"]) as scene,
        rasterio.open(FOLDER / entry["truth"]) as truth,
    ):
        assert (scene.height, scene.width, scene.count) == (
            entry["height"], entry["width"], entry["bands"],
        )  # fmt: skip
        assert scene.crs == truth.crs == rasterio.crs.CRS.from_string(entry["crs"])
        assert scene.transform == truth.transform
        assert scene.shape == truth.shape
        assert scene.transform.a == entry["pixel_m"]
        assert scene.tags()["quantity"] == "reflectance"
        assert scene.tags()["simulated"] == "yes"
        assert set(scene.scales) == {1e-4}
        tags = [scene.tags(k) for k in scene.indexes]
        names = json.loads(truth.tags()["class_names"])
        colours = json.loads(truth.tags()["class_colours"])
        labels = truth.read(1)
    nm = np.array([float(tag["wavelength"]) for tag in tags])
    assert {tag["wavelength_units"] for tag in tags} == {"Nanometers"}
    assert np.all(np.diff(nm) > 0)
    assert nm[0] >= 400 and nm[-1] <= 2500
    flagged = nm[np.array([tag["bbl"] == "0" for tag in tags])]
    assert len(flagged) >= 8
    assert all(1350 <= x <= 1430 or 1800 <= x <= 1950 for x in flagged)
    assert names == ["unlabelled", *entry["classes"]]
    assert len(colours) == len(names)
    assert int((labels > 0).sum()) == entry["labelled_pixels"]
    assert labels.max() == len(entry["classes"])


@pytest.mark.parametrize("entry", MADE, ids=lambda entry: str(entry["id"]))
def test_the_generator_still_makes_the_shipped_pixels(
    entry: dict[str, Any], maker: ModuleType
) -> None:
    pytest.importorskip("prosail", reason="canopies need prosail (requirements-dev.txt)")
    assert maker.check_scene(entry["id"], FOLDER) == []
