"""Image measures against numbers worked out by hand and against other implementations."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import (
    error_relative_global_dimensionless_synthesis,
    spectral_angle_mapper,
    structural_similarity_index_measure,
)

from rsviz.evaluate import image_quality as quality


@pytest.fixture
def pair():
    """An image (5, 48, 40) between 0 and 1, and a worse copy."""
    rng = np.random.default_rng(0)
    truth = rng.random((5, 12, 10)).repeat(4, 1).repeat(4, 2) * 0.8 + 0.1
    worse = truth + rng.normal(0, 0.05, truth.shape)
    return worse.astype(np.float32), truth.astype(np.float32)


def tensor(image):
    return torch.from_numpy(image)[None].double()


def test_psnr_of_a_known_error():
    truth = np.zeros((3, 8, 8), np.float32)
    assert quality.psnr_db(truth + 0.1, truth, 1.0) == pytest.approx(20.0, abs=1e-5)
    assert quality.psnr_db(truth + 25.5, truth, 255.0) == pytest.approx(20.0, abs=1e-5)
    assert quality.psnr_db(truth, truth, 1.0) == np.inf


def test_luma_of_black_white_and_green():
    rgb = np.array([[0, 1, 0], [0, 1, 1], [0, 1, 0]], np.float32)[:, None]
    assert quality.luma(rgb, 1.0)[0] * 255 == pytest.approx([16, 235, 144.553], abs=1e-3)
    assert quality.luma(rgb * 255, 255.0)[0] == pytest.approx([16, 235, 144.553], abs=1e-3)


def test_ssim_is_that_of_torchmetrics(pair):
    image, truth = pair
    _, theirs = structural_similarity_index_measure(
        tensor(image), tensor(truth), data_range=1.0, return_full_image=True
    )
    ours = np.stack([quality.ssim_map(*planes, 1.0) for planes in zip(image, truth, strict=True)])
    inner = (..., slice(6, -6), slice(6, -6))  # at the border they reflect differently
    assert ours[inner] == pytest.approx(theirs[0].numpy()[inner], abs=1e-6)
    assert quality.ssim(truth, truth, 1.0) == pytest.approx(1.0)
    assert quality.ssim(image[0], truth[0], 1.0) < 0.95


def test_spectral_angle_and_ergas_are_those_of_torchmetrics(pair):
    image, truth = pair
    angle = np.degrees(float(spectral_angle_mapper(tensor(image), tensor(truth))))
    assert quality.sam_deg(image, truth) == pytest.approx(angle, rel=1e-4)
    theirs = error_relative_global_dimensionless_synthesis(tensor(image), tensor(truth), ratio=4)
    assert quality.ergas(image, truth, 4) == pytest.approx(float(theirs), rel=1e-4)
    assert quality.sam_deg(truth * 3, truth) == pytest.approx(0.0, abs=0.05)


def test_gmsd_is_zero_for_equal_images_and_grows_with_blur(pair):
    _, truth = pair
    plane = truth[0]
    blurred = [quality.ndimage.gaussian_filter(plane, sigma) for sigma in (0.0, 0.8, 2.0)]
    found = [quality.gmsd(b, plane, 1.0) for b in blurred]
    assert found[0] == 0.0
    assert found[0] < found[1] < found[2] < 0.6


def test_gmsd_of_one_step_edge_by_hand():
    """A vertical edge of height 1 that is there in one image only."""
    truth = np.zeros((16, 16), np.float32)
    truth[:, 8:] = 1.0
    similar = np.ones((8, 8))
    c = 170 / 255**2
    similar[:, 3:5] = c / (1.0 + c)  # Prewitt/3 of a step of the halved image is 1 on both sides
    found = quality.gmsd(np.zeros_like(truth), truth, 1.0)
    assert found == pytest.approx(similar.std(), abs=1e-6)


def test_pixels_without_data_count_nowhere(pair):
    image, truth = pair
    holed = truth.copy()
    holed[:, :10] = np.nan
    assert quality.psnr_db(image, holed, 1.0) == pytest.approx(
        quality.psnr_db(image[:, 10:], truth[:, 10:], 1.0)
    )
    assert quality.sam_deg(image, holed) == pytest.approx(
        quality.sam_deg(image[:, 10:], truth[:, 10:]), rel=1e-6
    )
    assert quality.ergas(image, holed, 4) == pytest.approx(
        quality.ergas(image[:, 10:], truth[:, 10:], 4), rel=1e-5
    )
    assert np.isnan(quality.ssim_map(image[0], holed[0], 1.0)[:10]).all()
    assert np.isfinite(quality.gmsd(image[0], holed[0], 1.0))
