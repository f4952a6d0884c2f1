"""Training of finer images: crops that belong together, resuming, averaged weights, validation."""

import numpy as np
import pytest
import torch
from torch import nn

from rsviz.core.errors import SceneMismatch
from rsviz.nn.sr_fit import Pairs, Schedule, SRTraining
from rsviz.physics.enlarge import enlarged
from rsviz.physics.resample import resize

SCALE = 2


class Toy(nn.Module):
    """Bicubic interpolation times a gain for each band."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.full((3, 1, 1), 0.5))

    def forward(self, image):
        return self.gain * enlarged(image, SCALE)


def pairs(count=3):
    rng = np.random.default_rng(0)
    coarse = tuple(rng.random((3, 24, 20)).astype(np.float32) for _ in range(count))
    fine = tuple(resize(image, 48, 40) for image in coarse)
    return Pairs(fine, coarse, fine[:1], coarse[:1])


def training(**settings):
    torch.manual_seed(0)
    defaults = {"steps": 40, "batch": 2, "crop": 16, "lr": 0.05, "warmup": 2, "validate": 10}
    return SRTraining(Toy(), Schedule(**defaults | settings), pairs(), 0, "cpu")


def quiet(done, total, what):
    """Report nothing."""


def test_it_learns_what_there_is_to_learn():
    run = training()
    run.run(None, quiet)
    assert run.network.gain.detach().numpy() == pytest.approx(1.0, abs=0.05)
    held = run.history["held_psnr_db"]
    assert len(held) == 4
    assert held[-1] > held[0] + 5


def test_crops_of_a_batch_show_the_same_ground():
    """Interpolation of a coarse crop is the fine crop, away from its edges, however turned."""
    run = training(bf16=False)
    for step in range(12):
        run.step = step
        coarse, fine = run._batch()
        made = enlarged(coarse, SCALE)
        inner = (..., slice(6, -6), slice(6, -6))
        assert made[inner].numpy() == pytest.approx(fine[inner].numpy(), abs=1e-5)


def test_batches_are_turned_and_mirrored():
    run, seen = training(), set()
    blank = np.zeros((3, 16, 16), np.float32)
    blank[:, 0, 1] = 1.0
    run.pairs = Pairs((blank.repeat(2, 1).repeat(2, 2),), (blank,), (), ())
    for step in range(60):
        run.step = step
        for crop in run._batch()[0]:
            seen.add(tuple(int(i) for i in np.argwhere(crop[0].numpy() == 1)[0]))
    assert seen == {(0, 1), (1, 0), (0, 14), (14, 0), (15, 1), (1, 15), (15, 14), (14, 15)}


def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch):
    monkeypatch.setattr("rsviz.nn.sr_fit.CHECKPOINT_STEPS", 10)
    whole = training()
    whole.run(None, quiet)
    cut = training()

    def stop(step):
        if step == 25:
            raise KeyboardInterrupt

    cut.before_step = stop
    with pytest.raises(KeyboardInterrupt):
        cut.run(tmp_path / "state", quiet)
    again = training()
    again.run(tmp_path / "state", quiet)
    assert torch.equal(again.average.state["gain"], whole.average.state["gain"])
    assert again.history["held_psnr_db"] == whole.history["held_psnr_db"]


def test_images_smaller_than_a_crop_are_refused():
    with pytest.raises(SceneMismatch, match="side of 20 pixels"):
        training(crop=30)


def test_interpolation_in_torch_is_that_of_numpy_and_can_be_learnt_through():
    image = torch.rand(1, 3, 9, 7, requires_grad=True)
    made = enlarged(image, 4)
    assert made[0].detach().numpy() == pytest.approx(
        resize(image[0].detach().numpy(), 36, 28), abs=1e-5
    )
    made.sum().backward()
    assert image.grad.mean() == pytest.approx(16.0, rel=1e-4)  # weights of an output sum to 1
