"""A result written as files by a process of its own."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from rsviz.core.errors import RsvizError
from rsviz.core.layers import ClassMap
from rsviz.core.model import Result, RunRecord
from rsviz.io.catalog import open_scene
from rsviz.jobs.exporter import export


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
