"""The list of scenes, short names, and the scene that opens first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scene_files as files

from rsviz.core.errors import BadOption, UnreadableScene
from rsviz.core.grid import Window
from rsviz.io import catalog, indian_pines
from rsviz.io.catalog import open_scene, scenes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RSVIZ_DATA", str(tmp_path))
    return tmp_path


def real_ids() -> list[str]:
    found = [e.id for e in scenes() if e.origin == "real"]
    assert found[0] == "indian-pines"
    return found[1:]


def test_indian_pines_is_first_and_samples_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RSVIZ_DATA", raising=False)
    listed = scenes()
    samples = ["farmland", "village", "simulated-year", "thermal"]
    assert [e.id for e in listed] == ["indian-pines", *samples]
    assert [e.origin for e in listed] == ["real", *(["sample"] * len(samples))]
    assert [e.simulated for e in listed] == [False, *([True] * len(samples))]
    assert all(e.title and e.about and e.licence for e in listed)


def test_indian_pines_is_complete() -> None:
    source = open_scene("indian-pines")
    d = source.describe()
    assert d.shape == (1, 200, 145, 145)
    assert (d.dtype, d.quantity, d.grid.crs, d.simulated) == ("uint16", "dn", None, False)
    assert len(d.truth_names) == 16
    assert not d.axes, "their order is known"
    assert any("no map coordinates" in note for note in d.notes)
    scene = source.read()
    assert scene.pixels.min() == 955
    assert scene.pixels.max() == 9604
    assert scene.truth is not None
    counts = [46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93]
    assert np.bincount(scene.truth.labels.ravel())[1:].tolist() == counts


def test_indian_pines_bands_are_those_of_the_sensor() -> None:
    """220 bands less those in water vapour; two steps back where spectrometers overlap."""
    centres, widths = indian_pines.band_table()
    assert (len(centres), centres[0], centres[-1]) == (200, 400.02, 2489.11)
    assert (np.diff(centres) < 0).sum() == 2
    assert not any(1360 < c < 1410 or 1825 < c < 1925 for c in centres)
    assert 8 < min(widths) < max(widths) < 16


def test_labels_of_indian_pines_fit_the_cube_as_it_is_turned() -> None:
    """Nearest class means explain the labels far better than with the labels transposed."""
    scene = open_scene("indian-pines").read()
    assert scene.truth is not None

    def accuracy(labels: np.ndarray) -> float:
        spectra = scene.pixels[0].reshape(200, -1).T[labels.ravel() > 0]
        wanted = labels.ravel()[labels.ravel() > 0]
        means = np.stack([spectra[wanted == k].mean(axis=0) for k in range(1, 17)])
        distances = np.stack([((spectra - mean) ** 2).sum(axis=1) for mean in means])
        return float((distances.argmin(axis=0) + 1 == wanted).mean())

    assert accuracy(scene.truth.labels) > 0.38
    assert accuracy(scene.truth.labels.T) < 0.2


@pytest.mark.parametrize("name", ["farmland", "village"])
def test_samples_open_with_all_they_promise(name: str) -> None:
    manifest = json.loads((catalog.SAMPLES / "manifest.json").read_text())["scenes"]
    told = next(item for item in manifest if item["id"] == name)
    source = open_scene(name)
    d = source.describe()
    assert d.shape == (1, told["bands"], told["height"], told["width"])
    assert (d.grid.crs, d.quantity, d.simulated) == (told["crs"], "reflectance", True)
    assert d.grid.pixel_m == pytest.approx((told["pixel_m"], told["pixel_m"]))
    assert d.wavelengths_nm is not None
    assert d.truth_names == tuple(told["classes"])
    assert d.name == told["title"]
    truth = source.read(Window(0, 0, 8, 8), (0,)).truth
    assert truth is not None
    assert len(truth.colours) == len(truth.names)


def test_files_of_the_data_folder_get_short_stable_names(folder: Path) -> None:
    for place in ("potsdam/images", "potsdam/labels", "spaces and Ünicode"):
        (folder / place).mkdir(parents=True)
    files.write_tif(folder / "potsdam/images/potsdam_tile_1.tif", files.cube())
    files.write_tif(folder / "potsdam/labels/potsdam_tile_1.tif", files.cube()[:1])
    files.write_npy(folder / "spaces and Ünicode/a b.npy", files.cube())
    files.write_envi(folder / "flight.img", files.cube())
    (folder / "notes.txt").write_text("no scene")
    assert real_ids() == ["flight", "potsdam-tile-1", "spaces-and-nicode-a-b"]
    files.write_npy(folder / "other.npy", files.cube())
    assert set(real_ids()) > {"flight", "potsdam-tile-1", "spaces-and-nicode-a-b"}
    source = open_scene("potsdam-tile-1")
    assert source.describe().shape == (1, 5, 17, 23)


def test_names_never_clash_and_are_never_long(folder: Path) -> None:
    for name in ("a.tif", "a.npy", "A.png", "indian-pines.npy", "x" * 200 + ".npy", "---.npy"):
        (folder / name).write_bytes(b"?")
    ids = real_ids()
    assert len(ids) == len(set(ids)) == 6
    assert all(len(i) <= 64 for i in ids)
    assert "indian-pines" not in ids


def test_odd_files_do_not_stop_the_list(folder: Path) -> None:
    (folder / "empty.tif").touch()
    (folder / "loop.tif").symlink_to(folder / "loop.tif")
    (folder / "outside.tif").symlink_to("/etc/passwd")
    (folder / "dir.tif").mkdir()
    (folder / "dir.tif" / "garbage.nc").write_bytes(b"\0" * 10)
    (folder / "library.hdr").write_text("ENVI\nfile type = ENVI Spectral Library\n")
    (folder / "library.sli").write_bytes(b"\0" * 10)
    (folder / "alone.hdr").write_text("ENVI\n")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "a.tif").touch()
    assert set(real_ids()) == {"empty", "dir-tif-garbage"}
    with pytest.raises(UnreadableScene, match="is empty"):
        open_scene("empty")


def test_no_folder_no_scenes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RSVIZ_DATA", str(tmp_path / "gone"))
    assert real_ids() == []


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(UnreadableScene, match="no scene 'atlantis'"):
        open_scene("atlantis")
    with pytest.raises(BadOption):
        open_scene("farmland", variable="x")


def test_listing_imports_no_library_for_files() -> None:
    code = (
        "import sys; from rsviz.io import catalog; catalog.scenes();"
        "print([m for m in ('rasterio', 'h5py', 'scipy', 'pyproj', 'tensorly', 'torch')"
        " if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
