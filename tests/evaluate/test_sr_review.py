"""Judging a super-resolved image: against the truth of a scene made coarser, and without one."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from rsviz.core import changes, registry
from rsviz.core.errors import BadOption, SceneMismatch
from rsviz.core.grid import Grid
from rsviz.core.layers import ScalarMap
from rsviz.core.model import Change
from rsviz.core.options import build
from rsviz.core.run import Ask, describe, run
from rsviz.core.scene import Band, Scene
from rsviz.evaluate import image_quality as quality
from rsviz.evaluate.changes import apply
from rsviz.evaluate.judge import judge
from rsviz.evaluate.power_spectrum import radial_power
from rsviz.physics.degradation import Degradation
from rsviz.physics.resample import resize

DEGRADE = Change("degrade", {"scale": 4, "blur": 0.0, "noise": 0.0})


@pytest.fixture
def town() -> Scene:
    """Blocks with sharp edges, three bands, 66 x 83 pixels: not a multiple of four."""
    rng = np.random.default_rng(0)
    blocks = rng.random((3, 14, 17)).repeat(5, 1).repeat(5, 2)[:, :66, :83]
    pixels = (0.1 + 0.5 * ndimage.gaussian_filter(blocks, (0, 0.6, 0.6))).astype(np.float32)
    affine = (2.0, 0.0, 500_000.0, 0.0, -2.0, 4_800_000.0)
    return Scene(
        pixels[None],
        np.ones((1, 66, 83), bool),
        tuple(Band(name, nm) for name, nm in (("r", 650.0), ("g", 550.0), ("b", 460.0))),
        Grid(66, 83, "EPSG:32632", affine, (2.0, 2.0)),
        "reflectance",
        name="Town",
    )


def judged(scene, *wanted, amount=0.6, wants=()):
    coarse = apply(scene, wanted, 0)
    options = build(registry.card("sharpen").options, {"amount": amount})
    ask = Ask("sharpen", options=options, changes=wanted, wants=wants)
    return judge(run(coarse, ask), coarse), coarse


def test_a_degraded_scene_keeps_its_ground_and_knows_the_truth(town):
    coarse = apply(town, (DEGRADE,), 0)
    assert coarse.shape == (1, 3, 16, 20)
    assert coarse.grid.affine == (8.0, 0.0, 500_000.0, 0.0, -8.0, 4_800_000.0)
    assert coarse.grid.pixel_m == (8.0, 8.0)
    assert np.array_equal(coarse.reference, town.pixels[0][:, :64, :80])
    assert coarse.pixels[0] == pytest.approx(resize(coarse.reference, 16, 20), abs=1e-6)
    assert changes.after(describe(town), (DEGRADE,)).grid == coarse.grid
    assert "4 times coarser" in coarse.notes[-1]


def test_blur_and_noise_do_what_they_say(town):
    soft = apply(town, (Change("degrade", {"scale": 2, "blur": 2.0}),), 0)
    sharp = apply(town, (Change("degrade", {"scale": 2}),), 0)
    noisy = apply(town, (Change("degrade", {"scale": 2, "noise": 0.1}),), 7)
    assert np.abs(np.diff(soft.pixels)).mean() < 0.6 * np.abs(np.diff(sharp.pixels)).mean()
    added = (noisy.pixels - sharp.pixels).std() / sharp.pixels.std()
    assert added == pytest.approx(0.1, rel=0.05)
    again = apply(town, (Change("degrade", {"scale": 2, "noise": 0.1}),), 7)
    assert np.array_equal(again.pixels, noisy.pixels)


def test_a_coarse_pixel_needs_all_that_it_covers(town):
    valid = town.valid.copy()
    valid[0, 5, 9] = False
    pixels = np.where(valid[:, None], town.pixels, 0)
    coarse = apply(replace(town, pixels=pixels, valid=valid), (DEGRADE,), 0)
    assert (~coarse.valid).sum() == 1 and not coarse.valid[0, 1, 2]
    assert np.isnan(coarse.reference[:, 5, 9]).all()


def test_a_scene_smaller_than_two_coarse_pixels_is_refused(town):
    with pytest.raises(SceneMismatch, match="at least 16 a side"):
        apply(town.crop(Grid(12, 40).window), (Change("degrade", {"scale": 8}),), 0)


def test_bands_are_kept_in_the_order_given(town):
    kept = apply(town, (Change("keep_bands", {"bands": "3, 1"}),), 0)
    assert [band.name for band in kept.bands] == ["b", "r"]
    assert np.array_equal(kept.pixels[0, 1], town.pixels[0, 0])
    about = changes.after(describe(town), (Change("keep_bands", {"bands": "3,1"}),))
    assert about.shape == (1, 2, 66, 83) and about.bands == kept.bands
    with pytest.raises(BadOption, match="no bands of a scene with 3"):
        apply(town, (Change("keep_bands", {"bands": "4"}),), 0)


def test_scores_against_the_truth(town, toys):
    result, coarse = judged(town, Change("degrade", {"scale": 4}))
    image, truth = result.layers["image"], coarse.reference
    assert np.array_equal(image.reference, truth)
    brightness = [quality.luma(x, 1.0) for x in (image.data, truth)]
    assert result.metrics["psnr_db"] == pytest.approx(quality.psnr_db(*brightness, 1.0))
    assert result.metrics["ssim"] == pytest.approx(quality.ssim(*brightness, 1.0))
    bicubic = result.metrics["baselines"]["bicubic"]
    plain = resize(coarse.pixels[0], 64, 80)
    assert bicubic["psnr_bands"][1] == pytest.approx(quality.psnr_db(plain[1], truth[1], 1.0))
    assert result.metrics["psnr_db"] > bicubic["psnr_db"]  # sharpening helps on sharp edges
    assert bicubic["consistency_db"] > 30 and result.metrics["has_truth"]
    table = result.layers["scores"]
    assert [row[0] for row in table.rows] == ["Sharpened", "Bicubic", "Lanczos"]
    assert table.columns[:3] == ("Image", "PSNR [dB]", "SSIM")


def test_the_blur_of_the_input_belongs_to_what_the_result_is_held_against(town, toys):
    """With the blur in the operator, a sharp image is consistent with its blurred copy."""
    blurred, coarse = judged(town, Change("degrade", {"scale": 4, "blur": 3.0}))
    make = Degradation.of((64, 80), 4, 3.0)
    again = make.forward(blurred.layers["image"].data)
    assert blurred.metrics["consistency_db"] == pytest.approx(
        quality.psnr_db(again, coarse.pixels[0], 1.0), abs=1e-3
    )


def test_maps_of_error_and_detail(town, toys):
    result, coarse = judged(town, DEGRADE)
    error = result.layers["difference"]
    wanted = [quality.luma(x, 1.0) for x in (result.layers["image"].data, coarse.reference)]
    assert error.data == pytest.approx(wanted[0] - wanted[1], abs=1e-6)
    assert np.nanmin(result.layers["local_ssim"].data) < 0.9
    for name in ("difference", "local_psnr", "local_ssim", "hallucination"):
        layer = result.layers[name]
        assert isinstance(layer, ScalarMap) and layer.grid == result.layers["image"].grid
    assert result.layers["inconsistency"].grid == coarse.grid
    weak, _ = judged(town, DEGRADE, amount=0.0)
    beyond, less = (r.layers["hallucination"].data.mean() for r in (result, weak))
    assert beyond > 1.2 * less  # exaggerated detail is beyond the input
    again = resize(result.layers["image"].data, 16, 20)
    off = np.abs(again - coarse.pixels[0]).mean(axis=0)
    assert result.layers["inconsistency"].data == pytest.approx(off, abs=1e-6)


def test_without_truth_there_is_consistency_alone(town, toys):
    result, _ = judged(town)
    assert not result.metrics["has_truth"] and "psnr_db" not in result.metrics
    assert result.layers["image"].reference is None
    assert result.layers["scores"].columns == ("Image", "Consistency [dB]")
    assert "not accuracy" in result.layers["scores"].about
    assert "local_ssim" not in result.layers
    plain = resize(town.pixels[0], 264, 332)
    added = [quality.luma(x, 1.0) for x in (result.layers["image"].data, plain)]
    assert result.layers["difference"].data == pytest.approx(added[0] - added[1], abs=1e-5)


def test_more_than_three_bands_have_spectral_scores(town, toys):
    four = replace(
        town,
        pixels=np.concatenate([town.pixels, town.pixels[:, :1] * 1.3], axis=1),
        bands=(*town.bands, Band("nir", 860.0)),
    )
    result, coarse = judged(four, DEGRADE)
    data = result.layers["image"].data
    assert result.metrics["sam_deg"] == pytest.approx(quality.sam_deg(data, coarse.reference))
    assert result.metrics["ergas"] == pytest.approx(quality.ergas(data, coarse.reference, 4))
    assert len(result.metrics["ssim_bands"]) == 4


def test_detail_agrees_when_it_is_the_right_one(town, toys):
    result, _ = judged(town, DEGRADE)
    assert 0.1 < result.metrics["detail_agreement"] < 1.0


def test_gaps_stay_gaps(town, toys):
    valid = town.valid.copy()
    valid[0, :9, :9] = False
    holed = replace(town, pixels=np.where(valid[:, None], town.pixels, 0), valid=valid)
    result, _ = judged(holed, DEGRADE)
    assert np.isnan(result.layers["bicubic"].data[:, :12, :12]).all()
    assert np.isfinite(result.layers["bicubic"].data[:, 12:, 12:]).all()
    assert np.isfinite(result.metrics["psnr_db"])


def test_radial_power_of_a_wave_lies_in_its_ring():
    x = (np.arange(128) + 0.5) / 4  # 32 input pixels, four fine ones in each
    plane = np.tile(np.sin(2 * np.pi * 0.75 * x), (128, 1))
    power = radial_power(plane, 4, 40)
    frequency = (np.arange(40) + 0.5) / 20
    assert frequency[np.argmax(power)] == pytest.approx(0.75, abs=0.03)
    assert power[np.abs(frequency - 0.75) > 0.1].max() < 1e-4 * power.max()


def test_power_density_does_not_depend_on_the_sampling():
    rng = np.random.default_rng(0)
    coarse = ndimage.gaussian_filter(rng.normal(size=(96, 80)), 2.0)
    fine = resize(coarse, 384, 320)
    one, other = radial_power(coarse, 1, 24), radial_power(fine, 4, 96)[:24]
    low = slice(1, 8)
    assert one[low] == pytest.approx(other[low], rel=0.05)


def test_the_power_spectrum_of_the_input_ends_at_nyquist(town, toys):
    curve = judged(town, DEGRADE)[0].layers["power_spectrum"]
    assert curve.names == ("Input", "Result", "Bicubic", "Lanczos", "Truth")
    given = np.isfinite(curve.data[0])
    assert curve.x[given].max() < 0.5 < curve.x[~given].min()
    below = (curve.x > 0.3) & (curve.x < 0.5)  # what sharpening raises, and bicubic lowers
    assert curve.data[1][below].mean() > curve.data[2][below].mean() + 1.0
