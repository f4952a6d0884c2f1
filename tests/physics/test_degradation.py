"""The degradation operator: adjoint, projection, blur, and where coarse pixels lie."""

import numpy as np
import pytest
from scipy import ndimage

from rsviz.physics.degradation import Degradation
from rsviz.physics.resample import resize

CASES = [((24, 36), 4, 0.0), ((24, 36), 3, 1.2), ((32, 16), 2, 0.7)]


@pytest.mark.parametrize("case", CASES)
def test_forward_and_adjoint_match(case):
    shape, scale, _ = case
    make = Degradation.of(*case)
    rng = np.random.default_rng(0)
    fine = rng.normal(size=shape).astype(np.float32)
    coarse = rng.normal(size=(shape[0] // scale, shape[1] // scale)).astype(np.float32)
    one = np.vdot(make.forward(fine), coarse)
    assert np.vdot(fine, make.adjoint(coarse)) == pytest.approx(one, rel=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_the_determined_part_is_a_projection_with_the_same_coarse_copy(case):
    make = Degradation.of(*case)
    fine = np.random.default_rng(1).random((2, *case[0])).astype(np.float32)
    part = make.determined(fine)
    assert make.forward(part) == pytest.approx(make.forward(fine), abs=2e-3)
    assert make.determined(part) == pytest.approx(part, abs=4e-3)
    lost = fine - part
    assert abs(np.vdot(lost, part)) < 2e-3 * np.vdot(fine, fine)
    assert np.abs(make.forward(lost)).max() < 2e-3
    assert np.abs(lost).max() > 0.05  # noise holds detail that no coarse copy keeps


def test_without_blur_it_is_bicubic_resampling():
    fine = np.random.default_rng(2).random((3, 24, 36)).astype(np.float32)
    made = Degradation.of((24, 36), 4).forward(fine)
    assert made == pytest.approx(resize(fine, 6, 9), abs=1e-6)


def test_blur_is_that_of_scipy():
    fine = np.random.default_rng(3).random((24, 36)).astype(np.float32)
    blurred = ndimage.gaussian_filter(fine, 1.5, mode="reflect", truncate=4.0)
    made = Degradation.of((24, 36), 2, 1.5).forward(fine)
    assert made == pytest.approx(resize(blurred, 12, 18), abs=1e-4)


def test_what_was_interpolated_is_almost_wholly_determined_and_noise_is_not():
    rng = np.random.default_rng(4)
    coarse = ndimage.gaussian_filter(rng.random((24, 24)), 1).astype(np.float32)
    smooth = resize(coarse, 96, 96)
    noisy = smooth + rng.normal(0, 0.05, smooth.shape).astype(np.float32)
    make = Degradation.of((96, 96), 4)
    lost = [np.sqrt(((x - make.determined(x)) ** 2).mean()) for x in (smooth, noisy)]
    assert lost[0] < 0.1 * lost[1]
    assert lost[1] == pytest.approx(0.05 * np.sqrt(15 / 16), rel=0.05)
