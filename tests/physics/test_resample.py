"""Resampling against hand-computed weights, and the properties that make it right."""

import numpy as np
import pytest

from rsviz.physics.resample import resize, weights


def dense(*how):
    return weights(*how).toarray()


def test_bicubic_weights_of_twice_as_many_pixels_are_keys():
    """Fine centres lie a quarter of a pixel beside coarse ones: cubic convolution at 1/4."""
    row = dense(16, 32)[15]  # centre at 7.25
    assert row[6:10] == pytest.approx([-0.0703125, 0.8671875, 0.2265625, -0.0234375])
    assert np.count_nonzero(row) == 4


def test_bicubic_half_uses_the_stretched_kernel_of_matlab():
    """imresize([0 0 0 1 0 0 0 0], 0.5): eight taps of cubic(x / 2) / 2 at quarters."""
    taps = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
    assert dense(16, 8)[4][5:13] == pytest.approx(taps)


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos"])
@pytest.mark.parametrize("sizes", [(12, 48), (48, 12), (37, 50), (20, 20)])
def test_levels_stay_and_the_mirror_image_is_treated_alike(kernel, sizes):
    matrix = dense(*sizes, kernel)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(sizes[1]))
    assert matrix[::-1, ::-1] == pytest.approx(matrix)
    if sizes[0] == sizes[1]:
        assert matrix == pytest.approx(np.eye(sizes[0]), abs=1e-12)


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_half_pixel_convention(kernel, scale):
    """A ramp by the position of pixel centres is the same ramp on the other grid."""
    coarse = np.arange(20) + 0.5
    fine = (np.arange(20 * scale) + 0.5) / scale
    inner = slice(6 * scale, -6 * scale)
    tolerance = 1e-9 if kernel == "bicubic" else 0.02
    assert (dense(20, 20 * scale, kernel) @ coarse)[inner] == pytest.approx(
        fine[inner], abs=tolerance
    )
    back = dense(20 * scale, 20, kernel) @ fine
    assert back[6:-6] == pytest.approx(coarse[6:-6], abs=1e-9)


def test_antialiasing_removes_what_the_coarse_grid_cannot_hold():
    stripes = np.tile([0.0, 1.0], 32)  # one line a pixel: nothing but aliasing at a quarter
    assert np.abs(dense(64, 16) @ stripes - 0.5)[3:-3].max() < 0.01


def test_images_are_resampled_along_both_axes():
    rng = np.random.default_rng(0)
    image = rng.random((2, 8, 12)).astype(np.float32)
    wanted = np.einsum("ij,cjk,lk->cil", dense(8, 16), image, dense(12, 6))
    assert resize(image, 16, 6) == pytest.approx(wanted, abs=1e-6)


def test_lanczos_interpolates_a_wave_better_than_bicubic():
    coarse, fine = np.arange(64) + 0.5, (np.arange(256) + 0.5) / 4
    wave = np.sin(2 * np.pi * 0.2 * coarse)
    error = {
        kernel: np.abs(dense(64, 256, kernel) @ wave - np.sin(2 * np.pi * 0.2 * fine))[32:-32].max()
        for kernel in ("bicubic", "lanczos")
    }
    assert error["lanczos"] < 0.5 * error["bicubic"]
