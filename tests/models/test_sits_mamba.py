"""SITSMamba's network: sizes of the paper, dates that are left out, losses, days."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from seasons import C, K, T, a_year

from models.sits_mamba.holdout import held_out
from models.sits_mamba.network import (
    Config,
    GroupNorm,
    Reading,
    SITSMamba,
    harmonics,
    reconstruction_loss,
    strongest,
)
from models.sits_mamba.season import days_of, elapsed_of
from models.sits_mamba.survey import shares_of
from models.sits_mamba.train import PUBLISHED
from rsviz.core.scene import Truth
from rsviz.nn.fit import parameter_count


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def network(**changes) -> SITSMamba:
    return SITSMamba(Config(C, K, **{"width": 16, "head": 8, "kernel": 1} | changes)).eval()


def inputs(scene, net):
    valid = torch.from_numpy(scene.valid.copy())[None]
    x = net.scaled(torch.from_numpy(scene.pixels.copy())[None], valid)
    return x, valid, torch.from_numpy(days_of(scene.dates, T))


def test_the_published_form_has_the_parameters_of_the_paper():
    published = SITSMamba(Config(13, 18, width=128, **PUBLISHED))
    assert parameter_count(published) == 323_555  # 0.324 M, of which 1,677 reconstruct
    assert parameter_count(published.temporal) == 116_480
    scores = published.eval()(
        torch.randn(1, 4, 13, 8, 8), torch.ones(1, 4, 8, 8, dtype=bool), torch.zeros(4)
    ).scores
    assert scores.shape == (1, 18, 8, 8)
    assert scores.min() == 0  # cut by the last ReLU


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_clouded_date_counts_as_if_it_were_not_there(kernel):
    net, scene = network(kernel=kernel), a_year(clouds=0)
    x, valid, days = inputs(scene, net)
    hidden = valid.clone()
    hidden[:, 2] = hidden[:, 5] = False
    keep = [0, 1, 3, 4, 6]
    with torch.inference_mode():
        masked = net(x.where(hidden[:, :, None], 0), hidden, days)
        without = net(x[:, keep], valid[:, keep], days[keep])
    assert torch.allclose(masked.scores, without.scores, atol=1e-5)
    assert (masked.reading.features[:, [2, 5]] == 0).all()
    assert torch.allclose(masked.reading.features[:, keep], without.reading.features, atol=1e-5)
    assert masked.reading.place[0].tolist() == [1, 2, 2, 3, 4, 4, 5]


def test_clouds_of_one_pixel_leave_its_neighbours_alone():
    net, scene = network(), a_year(clouds=0)
    x, valid, days = inputs(scene, net)
    hidden = valid.clone()
    hidden[0, 3:, 2, 1] = False
    with torch.inference_mode():
        whole, part = net(x, valid, days).scores, net(x, hidden, days).scores
    changed = (whole != part).any(1)[0]
    assert changed[2, 1]
    assert (whole - part).abs().amax(1)[0][~changed].max() == 0
    assert changed.sum() == 1


def test_the_scan_looks_only_backward():
    net, scene = network(), a_year(clouds=0)
    x, valid, days = inputs(scene, net)
    other = x.clone()
    other[:, 4:] = 9.0
    with torch.inference_mode():
        a, b = net(x, valid, days).reading.features, net(other, valid, days).reading.features
    assert torch.equal(a[:, :4], b[:, :4])
    assert not torch.allclose(a[:, 4:], b[:, 4:])


def test_images_in_which_nothing_is_known_are_skipped_in_the_published_form():
    net, scene = network(kernel=3, **PUBLISHED), a_year(clouds=0)
    x, valid, _ = inputs(scene, net)
    valid = valid.clone()
    valid[:, 3] = False
    sequences = net.sequences(x, valid)
    assert (sequences[:, 3] == 0).all()
    assert sequences[:, [0, 1, 2, 4, 5, 6]].abs().sum(2).min() > 0


def test_group_norm_over_pixels_does_not_look_at_neighbours():
    norm = GroupNorm(16, "pixel")
    x = torch.randn(2, 16, 4, 5)
    alone = norm(x[:, :, 1:2, 2:3])
    assert torch.allclose(norm(x)[:, :, 1:2, 2:3], alone, atol=1e-6)
    assert torch.allclose(alone, torch.nn.functional.group_norm(x[:, :, 1:2, 2:3], 4), atol=1e-6)


def test_a_pixel_that_is_never_seen_has_no_strongest_feature():
    seen = torch.tensor([[True, False], [False, False]])
    reading = Reading(torch.tensor([[[-3.0], [5.0]], [[1.0], [2.0]]]), seen, seen.cumsum(1), None)
    assert strongest(reading).tolist() == [[-3.0], [0.0]]


def test_later_dates_weigh_more_in_the_reconstruction():
    seen = torch.tensor([[True, True, False, True]])
    reading = Reading(torch.zeros(1, 4, 2), seen, seen.cumsum(1), None)
    restored = torch.zeros(1, 4, 1)
    truth = torch.tensor([3.0, 0.0, 100.0, 6.0])[None, :, None]
    plain = reconstruction_loss(restored, truth, reading, positional=False)
    weighted = reconstruction_loss(restored, truth, reading, positional=True)
    assert plain.item() == pytest.approx((9 + 36) / 3)
    assert weighted.item() == pytest.approx((9 / 3 + 36) / 3)


def test_shares_of_the_maxima_sum_to_one_over_clear_dates():
    features = torch.tensor([[[0.0, 9.0], [5.0, 1.0], [8.0, 8.0]]])
    assert shares_of(features, torch.tensor([[True, True, True]])).tolist() == [[0.5, 0.0, 0.5]]
    assert shares_of(features, torch.tensor([[True, True, False]])).tolist() == [[0.5, 0.5, 0.0]]


def test_days():
    assert days_of(("2023-01-01", "2024-12-31"), 2).tolist() == [1, 366]
    assert days_of((), 4).tolist() == [0, 91.3125, 182.625, 273.9375]
    assert elapsed_of(("2022-12-31", "2023-01-05"), 2).tolist() == [0, 5]
    assert elapsed_of((), 3).tolist() == [1, 2, 3]
    same = harmonics(torch.tensor([10.0, 375.25]))
    assert torch.allclose(same[0], same[1], atol=1e-5)


def test_whole_fields_are_held_out():
    labels = np.array([[1, 1, 0, 1, 1, 2, 2]], np.int16)
    groups = np.array([[5, 5, 9, 6, 6, 7, 7]], np.int32)
    out = held_out(Truth(labels, ("a", "b"), groups=groups), labels, 0.4, seed=0)
    assert out[0, :2].tolist() in ([True, True], [False, False])
    assert out[0, 0] != out[0, 3]
    assert not out[0, 5:].any()  # the only field of its class stays


def test_the_configuration_survives_the_record():
    config = Config(C, K, kernel=1, **PUBLISHED)
    assert Config.from_record(asdict(config)) == config
