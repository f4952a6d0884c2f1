"""Protocols of super-resolution: which images, how they become coarse, how results are scored."""

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.errors import BadOption, UnreadableScene, WeightsMissing
from rsviz.evaluate import aerial_images, super_resolution
from rsviz.evaluate.families import family_of
from rsviz.evaluate.super_resolution import PROTOCOLS, Case, image_scores
from rsviz.physics.resample import resize

PARTS = ("train", "validation", "test")


def test_every_image_belongs_to_one_part_together_with_those_of_the_same_ground():
    ground = {}
    for part in PARTS:
        for name in aerial_images.names(part):
            key = name[:-7] + name[-6:-4]  # without the hundreds, which stand for the map scale
            assert ground.setdefault(key, part) == part, name
    assert [len(aerial_images.names(part)) for part in PARTS] == [119, 14, 35]
    assert len({name for part in PARTS for name in aerial_images.names(part)}) == 168


def test_all_seven_kinds_are_in_every_part():
    for part in PARTS:
        assert len({name.split("/")[0] for name in aerial_images.names(part)}) == 7


def test_the_protocol_is_found_in_its_family():
    assert family_of("rsscn7-x4") is super_resolution
    assert PROTOCOLS["rsscn7-x4"].scale == 4


def test_without_the_images_the_error_says_where_they_are_expected(monkeypatch):
    monkeypatch.setenv("RSVIZ_DATA", "/nowhere")
    with pytest.raises(UnreadableScene, match="RSVIZ_DATA/rgb_sr/RSSCN7/fResident"):
        aerial_images.image("fResident/f011.jpg")


def test_a_coarse_image_consists_of_bytes():
    fine = np.random.default_rng(0).random((3, 40, 40)).astype(np.float32)
    coarse = aerial_images.coarser(fine, 4)
    assert coarse.shape == (3, 10, 10)
    assert coarse * 255 == pytest.approx(np.round(coarse * 255), abs=1e-4)
    assert np.abs(coarse - resize(fine, 10, 10)).max() <= 0.5 / 255 + 1e-6


def case(seed=0):
    rng = np.random.default_rng(seed)
    fine = np.round(255 * resize(rng.random((3, 12, 12)).astype(np.float32), 48, 48).clip(0, 1))
    fine = (fine / 255).astype(np.float32)
    return Case("aGrass/a001.jpg", fine, aerial_images.coarser(fine, 4))


def test_a_known_error_has_a_known_score():
    """All bands two grey levels too bright: Y differs by 2 (65.5 + 128.6 + 25.0) / 255."""
    known = case()
    brighter = image_scores(known.fine * (250 / 255) + 2 / 255, known)
    same = image_scores(known.fine, known)
    assert same["psnr_db"] == np.inf
    assert same["ssim"] == pytest.approx(1.0)
    assert same["gmsd"] == pytest.approx(0.0, abs=1e-6)
    level = Case(known.name, np.full((3, 48, 48), 0.4, np.float32), known.coarse)
    off = image_scores(level.fine + np.float32(2 / 255), level)
    error = 2 / 255 * (65.481 + 128.553 + 24.966) / 255
    assert off["psnr_db"] == pytest.approx(-20 * np.log10(error), abs=0.01)
    assert off["psnr_rgb_db"] == pytest.approx(-20 * np.log10(2 / 255), abs=0.01)
    assert brighter["psnr_db"] < 60


def test_results_are_rounded_to_bytes_before_they_are_scored():
    known = case()
    assert image_scores(known.fine + np.float32(0.4 / 255), known)["psnr_db"] == np.inf


def test_unknown_names_are_refused():
    with pytest.raises(BadOption, match="no protocol"):
        super_resolution.evaluate("spike_sr", "rsscn7-x9", "cpu", lambda *a: None)
    with pytest.raises(WeightsMissing, match="train spike_sr --protocol rsscn7-x4 --seed 1"):
        super_resolution.evaluate("spike_sr", "rsscn7-x4", "cpu", lambda *a: None, seeds=8)


@pytest.mark.data
def test_our_coarse_images_are_those_of_matlab(data_folder):
    """The authors of TTST made airport_285 coarser with imresize."""
    from PIL import Image

    def read(kind):
        path = data_folder / "rgb_sr" / "AID" / kind / "airport_285.png"
        with Image.open(path) as image:
            return np.moveaxis(np.asarray(image.convert("RGB"), np.float32), -1, 0) / 255

    fine, coarse = read("GT"), read("LR")
    ours = aerial_images.coarser(fine, 4)
    assert np.array_equal(np.round(ours * 255), np.round(coarse * 255))
    large = np.round(resize(coarse, 512, 512).clip(0, 1) * 255)
    assert np.abs(large - np.round(read("Bicubic") * 255)).max() <= 1  # theirs came from floats


@pytest.mark.data
def test_evaluation_reports_the_recorded_scores(data_folder):
    """On one test image of each kind the network beats interpolation clearly."""
    found = super_resolution.evaluate("spike_sr", "rsscn7-x4", "cpu", lambda *a: None, quick=True)
    assert set(found["baselines"]) == {"bicubic", "lanczos", "cnn"}
    assert found["n_test"] == 7
    gain = found["metrics"]["psnr_db"] - found["baselines"]["bicubic"]["psnr_db"]
    assert gain == pytest.approx(found["differences"]["bicubic"]["mean_db"])
    assert gain > 0.4
    assert found["metrics"]["ssim"] > found["baselines"]["bicubic"]["ssim"]
    weights = registry.card("spike_sr").weights[0]
    assert weights.metrics["truth"] == PROTOCOLS["rsscn7-x4"].fingerprint()
