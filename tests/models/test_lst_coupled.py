"""The coupled model of temperature: constraints, coupling, refusals, and what it is worth."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.lst_coupled.card import CARD, FROM_NUMBER, Options
from models.lst_coupled.network import (
    MOST_RESIDUAL_K,
    CoupledNetwork,
    Inputs,
    radiance_closure,
)
from models.lst_coupled.train import inputs_of, law_of, refitted, train
from rsviz.core.errors import BadOption, SceneMismatch
from rsviz.core.options import build
from rsviz.core.run import Ask, run
from rsviz.core.scene import Band
from rsviz.io import catalog
from rsviz.physics.atmospheres import Errors, measure, table, water_error
from rsviz.physics.thermal import at_sensor
from rsviz.physics.thermal_bands import BANDS

L8 = BANDS["landsat-8-b10"]


@pytest.fixture(scope="module")
def known():
    return measure(table(), np.arange(0, 6000, 40), L8, None, 5, 4)


@pytest.fixture(scope="module")
def network(known):
    torch.manual_seed(2)
    made = CoupledNetwork(L8, law_of(known, L8), members=2, hidden=8)
    made.adopt(inputs_of(known))
    return made


@pytest.fixture(scope="module")
def scene():
    source = catalog.open_scene("thermal")
    try:
        return source.read()
    finally:
        source.close()


def without(scene, *names):
    keep = [i for i, b in enumerate(scene.bands) if not b.name.startswith(names)]
    return replace(
        scene, pixels=scene.pixels[:, keep], bands=tuple(scene.bands[i] for i in keep), truth=None
    )


def asked(**values):
    return Ask("lst_coupled", options=build(Options, values))


def test_constraints_hold_by_construction_for_any_input(network):
    torch.manual_seed(0)
    n = 400
    wild = Inputs(
        *(
            low + (high - low) * torch.rand(n)
            for low, high in (
                (200, 340), (0.8, 1.0), (0.01, 12), (220, 325), (1, 2.4), (0.01, 2), (0, 5),
            )
        )
    )  # fmt: skip
    answer = network(wild)
    assert torch.all((answer.air.transmittance > 0) & (answer.air.transmittance < 1))
    assert torch.all(answer.air.path_radiance >= 0)
    assert torch.all(answer.air.sky_radiance >= 0)
    assert torch.all((answer.trust > 0) & (answer.trust < 1))
    assert torch.all(answer.residual_k.abs() <= MOST_RESIDUAL_K)
    assert torch.isfinite(answer.temperature_k).all()


def test_the_result_is_the_weighted_mean_of_both_heads_and_a_visible_residual(network, known):
    a = network(inputs_of(known))
    mixed = a.trust * a.inverted_k + (1 - a.trust) * a.direct_k + a.residual_k
    assert torch.allclose(a.temperature_k, mixed, atol=1e-3)


def test_closure_is_zero_for_the_inverted_head_and_not_for_the_direct_one(network, known):
    x = inputs_of(known)
    answer = network(x)
    inner = (answer.inverted_k - x.air_k).abs() < 35
    by_inversion = radiance_closure(L8, x, answer.inverted_k, answer.air)[inner]
    assert by_inversion.abs().max() < 2e-4
    assert radiance_closure(L8, x, answer.direct_k, answer.air).abs().mean() > 0.05


def test_the_forward_term_teaches_the_direct_head(network, known):
    x = inputs_of(known)
    for parameter in network.parameters():
        parameter.grad = None
    answer = network(x)
    closure = radiance_closure(L8, x, answer.direct_k, answer.air)
    (closure**2).mean().backward()
    assert network.members.weights[-1].grad[..., 3].abs().max() > 0


def test_training_lowers_the_objective(known):
    made = train({L8.id: known}, 0, {"epochs": "6", "members": "1"}, None, "cpu", _silent)
    losses = made.history[f"loss {L8.id}"]
    assert losses[-1] < 0.8 * losses[0]
    again = train({L8.id: known}, 0, {"epochs": "6", "members": "1"}, None, "cpu", _silent)
    assert all(made.state[name].equal(again.state[name]) for name in made.state)


def test_corrections_fade_beyond_the_inputs_of_training(known):
    made = CoupledNetwork(L8, law_of(known, L8), members=1, hidden=8)
    made.adopt(inputs_of(known))
    with torch.no_grad():
        made.members.biases[-1].fill_(3.0)
    x = inputs_of(known.where(np.arange(1)))
    wet = replace(x, water=torch.tensor([20.0]), water_error=torch.tensor([2.0]))
    assert made(x).residual_k.abs() > 1.0
    assert made(wet).residual_k.abs() < 0.05


def test_refitted_coefficients_are_least_squares(known):
    found = refitted(known)
    assert found["psi_water"].shape == (3, 3)
    assert found["psi_air"].shape == (3, 9)
    path = known.water_vapour_g_cm2 / np.cos(np.radians(known.view_angle_deg))
    terms = np.stack([path**2, path, np.ones_like(path)], 1)
    residual = 1 / known.air.transmittance - terms @ found["psi_water"][0]
    assert np.abs(terms.T @ residual).max() < 1e-6 * len(path)


def test_measurements_are_radiative_transfer_and_errors_are_those_asked_for():
    rows = np.arange(0, 6000, 3)
    exact = measure(table(), rows, L8, Errors(0, 0, 0, 0), 1, 2)
    radiance = at_sensor(L8.planck, exact.surface_temperature_k, exact.true_emissivity, exact.air)
    assert exact.brightness_temperature_k == pytest.approx(L8.planck.temperature_k(radiance))
    assert exact.water_vapour_g_cm2 == pytest.approx(np.maximum(exact.true_water_g_cm2, 0.02))
    usual = measure(table(), rows, L8, Errors(), 1, 2)
    ratio = usual.water_vapour_g_cm2 / usual.true_water_g_cm2 - 1
    assert np.std(ratio[usual.true_water_g_cm2 > 1]) == pytest.approx(0.12, abs=0.015)
    assert np.std(usual.air_temperature_k - usual.true_air_k) == pytest.approx(1.5, abs=0.1)


def test_stated_errors_tell_nothing_of_the_truth():
    known = measure(table(), np.arange(0, 6000, 3), L8, None, 1, 2)
    share = known.water_error_g_cm2 / water_error(1.0, known.water_vapour_g_cm2)
    assert share.min() >= 0
    assert share.max() <= 0.24
    usual = np.isclose(share, 0.12)
    assert 0.4 < usual.mean() < 0.6  # the same number whatever the truth


def test_no_site_is_on_both_sides_and_humid_sites_are_in_every_fold():
    from rsviz.evaluate.heat.protocols import PROTOCOLS

    atmospheres = table()
    for rule in PROTOCOLS.values():
        train_rows = rule.training(L8, 1).row
        test_rows = rule.test(L8, 1, Errors()).row
        assert not set(atmospheres.site[train_rows]) & set(atmospheres.site[test_rows])
    tested = [PROTOCOLS["rfmip-sites"].test_sites(seed) for seed in range(5)]
    assert np.all(np.sum(tested, axis=0) == 1)
    wet = [atmospheres.water_vapour_g_cm2[atmospheres.of_sites(t)].max() for t in tested]
    assert min(wet) > 5
    dry = PROTOCOLS["rfmip-humid"]
    assert dry.training(L8, 0).true_water_g_cm2.max() < 4
    assert dry.test(L8, 0, Errors()).true_water_g_cm2.min() > 5


def test_the_sample_is_answered_better_than_by_the_air_and_the_published_method(scene):
    result = run(scene, asked())
    truth = scene.pixels[0, -1]
    wrong = {
        name: float(np.sqrt(np.mean((result.layers[name].data - truth) ** 2)))
        for name in ("temperature", "single_channel")
    }
    assert wrong["temperature"] < 3.0
    assert wrong["temperature"] < wrong["single_channel"]
    error = np.abs(result.layers["temperature"].data - truth)
    assert np.mean(error < 2 * result.layers["uncertainty"].data) > 0.9


def test_the_truth_of_a_scene_does_not_change_the_answer(scene):
    with_truth = run(scene, asked()).layers["temperature"].data
    plain = run(without(scene, "true"), asked()).layers["temperature"].data
    assert np.array_equal(with_truth, plain)


def test_numbers_stand_in_for_rasters(scene):
    bare = without(scene, "water", "air", "true")
    result = run(bare, asked(water_vapour=4.4, air_temperature_k=306.7))
    with_rasters = run(scene, asked())
    gap = result.layers["temperature"].data - with_rasters.layers["temperature"].data
    assert np.abs(gap).mean() < 3.0
    assert np.isfinite(result.layers["temperature"].data).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Water vapour is not known"),
        ({"water_vapour": 2.0}, "Air temperature is not known"),
        ({"water_vapour": 2.0, "air_temperature_k": 20.0}, "20 °C are 293 K"),
    ],
)
def test_what_is_missing_or_cannot_be_gets_a_sentence(scene, values, said):
    with pytest.raises(SceneMismatch, match=said):
        run(without(scene, "water", "air", "true"), asked(**values))


@pytest.mark.parametrize(
    "values", [{"water_vapour": 12.0}, {"emissivity": 0.0}, {"emissivity": 1.2}]
)
def test_options_out_of_range_are_refused(values):
    with pytest.raises(BadOption, match="lies outside"):
        build(Options, values)


def test_scenes_without_a_thermal_band_or_with_another_meaning_are_refused(scene):
    from rsviz.core.run import describe

    cold = replace(scene, bands=tuple(replace(b, wavelength_nm=None) for b in scene.bands))
    assert any("one thermal band" in r for r in CARD.why_not(describe(cold)))
    plain = replace(scene, quantity="reflectance")
    assert any("reflectance_and_temperature" in r for r in CARD.why_not(describe(plain)))


def test_a_thermal_band_of_an_unknown_sensor_is_refused(scene):
    bands = tuple(Band(b.name, 11150.0) if b.name == "thermal" else b for b in scene.bands)
    with pytest.raises(SceneMismatch, match="centred at 11150 nm"):
        run(replace(scene, bands=bands), asked())


def test_rasters_of_emissivity_that_cannot_be_are_refused(scene):
    bands = tuple(Band("emissivity") if b.name.startswith("true") else b for b in scene.bands)
    pixels = scene.pixels.copy()
    pixels[0, -1] = 0.97
    pixels[0, -1, 4, 4] = 0.0
    with pytest.raises(SceneMismatch, match=r"Emissivity runs from 0 to 0\.97"):
        run(replace(scene, bands=bands, pixels=pixels), asked())


def test_impossible_brightness_is_no_data_and_all_of_it_is_an_error(scene):
    pixels = scene.pixels.copy()
    pixels[0, 2, :10] = 20.0
    result = run(replace(scene, pixels=pixels), asked())
    assert np.isnan(result.layers["temperature"].data[:10]).all()
    assert np.isfinite(result.layers["temperature"].data[10:]).all()
    pixels[0, 2] = 20.0
    with pytest.raises(SceneMismatch, match="No pixel can be worked out"):
        run(replace(scene, pixels=pixels), asked())


def test_one_number_for_emissivity_is_used_everywhere(scene):
    result = run(scene, asked(emissivity_from=FROM_NUMBER, emissivity=0.95))
    assert np.all(result.layers["emissivity"].data == np.float32(0.95))


@pytest.mark.parametrize("centre", [11335.0, 11450.0])
def test_older_landsat_bands_have_networks_of_their_own(scene, centre):
    bands = tuple(Band(b.name, centre) if b.name == "thermal" else b for b in scene.bands)
    other = run(replace(scene, bands=bands), asked()).layers["temperature"].data
    assert np.isfinite(other).all()
    assert np.abs(other - run(scene, asked()).layers["temperature"].data).mean() > 0.2


def _silent(done, total, what):
    """Report nothing."""
