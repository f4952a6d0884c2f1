"""A result written as files by a process of its own."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from rsviz.core.errors import RsvizError, SceneMismatch
from rsviz.core.layers import ClassMap
from rsviz.core.model import Result, RunRecord
from rsviz.io.catalog import open_scene
from rsviz.jobs.error_exporter import View
from rsviz.jobs.exporter import export, export_errors

NEAR_INFRARED = "B08"


def result_on(ref: str) -> Result:
    grid = open_scene("farmland").describe().grid
    data = np.arange(grid.height * grid.width).reshape(grid.shape) % 2
    record = RunRecord(
        model="mamba_moe",
        weights="w",
        weights_sha256="0" * 64,
        options={},
        scene_id="0" * 32,
        scene_ref=ref,
        scene_name="Farmland",
        device="cpu",
        seed=0,
        wants=(),
        seconds=1.0,
        peak_memory_mb=1.0,
        versions={},
    )
    layer = ClassMap("Classes", "Every other.", grid, data.astype(np.int16), ("even", "odd"))
    return Result({"classes": layer}, record)


@pytest.mark.slow
def test_the_archive_holds_georeferenced_files_and_the_record(tmp_path):
    archive = tmp_path / "result.zip"
    export(result_on("farmland"), archive)
    with zipfile.ZipFile(archive) as found:
        assert {"classes.tif", "classes.png", "map.html", "record.json"} <= set(found.namelist())
        record = json.loads(found.read("record.json"))
        assert found.read("map.html").count(b"L.imageOverlay(") == 2  # the scene and the classes
        found.extract("classes.tif", tmp_path)
    assert record["scene_ref"] == "farmland"
    assert open_scene(str(tmp_path / "classes.tif")).describe().grid.crs is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classes.tif", "result.zip"]


def test_a_scene_that_is_gone_is_said(tmp_path):
    with pytest.raises(RsvizError, match=r"gone\.tif"):
        export(result_on(str(tmp_path / "gone.tif")), tmp_path / "result.zip")
    assert not list(tmp_path.iterdir())


def test_the_web_process_needs_no_file_library_for_it():
    code = "import sys, rsviz.jobs.exporter; print(sorted({'rasterio', 'h5py'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_report_on_a_stack_tells_the_series_behind_a_confusion(tmp_path):
    source = open_scene("simulated-year")
    about, truth = source.describe(), source.read(bands=(0,)).truth
    source.close()
    known = truth.labels > 0
    said = np.where(truth.labels == 2, 0, np.maximum(truth.labels - 1, 0)).astype(np.int16)
    layer = ClassMap("Classes", "", about.grid, said, truth.names)
    split = ClassMap("Split", "", about.grid, 2 * known.astype(np.int16), ("no", "train", "test"))
    metrics = {"overall_accuracy": 0.9, "average_accuracy": 0.9, "kappa": 0.9, "n_test": 1}
    made = Result({"classes": layer}, result_on("simulated-year").record, metrics, split)
    export_errors((made, None, None), View(), tmp_path)
    report = (tmp_path / "errors.html").read_text()
    assert "Series behind the confusions" in report
    count = int((truth.labels == 2).sum())
    assert f"{truth.names[1]} taken for {truth.names[0]}: {count} pixels" in report
    axis = f"Number of the date, {about.dates[0]} to {about.dates[-1]}; series of {NEAR_INFRARED}"
    assert axis in report


@pytest.mark.slow
def test_a_report_of_errors_is_written_with_pixels_and_layers(tmp_path):
    source = open_scene("farmland")
    truth = source.read(bands=(0,)).truth
    source.close()
    grid = source.describe().grid
    split = np.where(truth.labels > 0, 2, 0).astype(np.int16)
    split[:20] = np.where(truth.labels[:20] > 0, 1, 0)
    said = np.where(truth.labels > 0, truth.labels - 1, 0).astype(np.int16)
    said[60:80, 60:80] = 0
    plain = result_on("farmland")
    layer = ClassMap("Classes", "", grid, said, truth.names)
    metrics = {"overall_accuracy": 0.9, "average_accuracy": 0.9, "kappa": 0.9, "n_test": 1}
    split_map = ClassMap("Split", "", grid, split, ("ignored", "train", "test"))
    made = Result({"classes": layer}, plain.record, metrics, split_map)
    export_errors((made, None, None), View(("true=1",), (50, 50, 40, 40)), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["errors.html", "layers.zip", "pixels.csv"]
    lines = (tmp_path / "pixels.csv").read_text().splitlines()
    assert len(lines) == 1 + int((split == 2).sum())
    inside = np.zeros(split.shape, bool)
    inside[50:90, 50:90] = True
    lit = int((inside & (truth.labels == 2) & (split == 2)).sum())
    assert f"Shown are {lit:,} of" in (tmp_path / "errors.html").read_text()
    with zipfile.ZipFile(tmp_path / "layers.zip") as found:
        assert "errors_a.tif" in found.namelist()


def test_errors_without_labels_are_refused(tmp_path):
    with pytest.raises(SceneMismatch, match="Without reference labels"):
        export_errors((result_on("farmland"), None, None), View(), tmp_path)
    assert not list(tmp_path.iterdir())
