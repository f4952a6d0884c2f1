"""The family of temperatures: scores, baselines, tables from elsewhere."""

import json

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.errors import BadOption
from rsviz.evaluate import temperature
from rsviz.evaluate.families import family_of
from rsviz.evaluate.heat import baselines
from rsviz.evaluate.heat.protocols import PROTOCOLS, region_names, regions
from rsviz.evaluate.heat.scores import mean_scores, scores, spread_of
from rsviz.evaluate.heat.tables import read_table
from rsviz.physics.atmospheres import Errors, measure, table
from rsviz.physics.thermal_bands import BANDS

L8 = BANDS["landsat-8-b10"]
WANTED = {
    "single_channel",
    "single_channel_refit",
    "mono_window",
    "water_vapour_air_temperature",
    "rte_true_atmosphere",
    "gradient_boosting",
    "mlp",
}


@pytest.fixture(scope="module")
def known():
    return measure(table(), np.arange(0, 6000, 20), L8, Errors(), 3, 4)


@pytest.fixture(scope="module")
def methods(known):
    return {name: fit(known, 0) for name, fit in baselines.BASELINES.items()}


def put(path, count=300, **changes):
    looked = measure(table(), np.arange(count), L8, Errors(), 7, 1)
    arrays = {
        "brightness_temperature_k": looked.brightness_temperature_k,
        "emissivity": looked.emissivity,
        "water_vapour_g_cm2": looked.water_vapour_g_cm2,
        "air_temperature_k": looked.air_temperature_k,
        "view_angle_deg": looked.view_angle_deg,
        "surface_temperature_k": looked.surface_temperature_k,
    } | changes
    np.savez(path, **{name: a for name, a in arrays.items() if a is not None})
    return path


def test_scores_are_the_errors_in_kelvin(known):
    wrong = np.where(np.arange(len(known)) % 2, 3.0, -1.0)
    found = scores(known.surface_temperature_k + wrong, known)
    assert found["rmse_k"] == pytest.approx(np.sqrt(5.0))
    assert found["mae_k"] == pytest.approx(2.0)
    assert found["bias_k"] == pytest.approx(1.0)
    assert sum(row[-1] for row in found["by_water"]) <= len(known)
    assert {row[0] for row in found["by_site"]} == set(table().site[known.row].tolist())


def test_humid_scores_are_those_above_5_g_cm2(known):
    wrong = np.where(known.true_water_g_cm2 > 5, 4.0, 0.0)
    found = scores(known.surface_temperature_k + wrong, known)
    assert found["humid_rmse_k"] == pytest.approx(4.0)
    assert found["rmse_k"] < 4.0


def test_means_over_seeds_weigh_classes_of_water_by_their_number():
    one = {"rmse_k": 1.0, "mae_k": 1.0, "bias_k": 0.0, "by_water": [[0, 1, 1.0, 1.0, 0.0, 30]]}
    two = {"rmse_k": 3.0, "mae_k": 3.0, "bias_k": 1.0, "by_water": [[0, 1, 3.0, 3.0, 1.0, 10]]}
    found = mean_scores([one, two])
    assert found["rmse_k"] == 2.0
    assert found["by_water"] == [[0, 1, pytest.approx(np.sqrt(3.0)), 1.5, 0.25, 40]]
    assert spread_of([one, two])["rmse_k"] == 1.0


def test_all_methods_are_there_and_the_bound_is_best(known, methods):
    assert set(methods) == WANTED == set(baselines.BASELINES)
    rmse = {
        name: scores(method(known, Errors()), known)["rmse_k"] for name, method in methods.items()
    }
    assert min(rmse, key=rmse.get) == "rte_true_atmosphere"
    assert rmse["rte_true_atmosphere"] < 0.6
    assert rmse["water_vapour_air_temperature"] < rmse["single_channel_refit"]
    assert rmse["single_channel_refit"] < rmse["single_channel"]
    assert rmse["mlp"] < rmse["single_channel_refit"]


def test_the_bound_is_exact_without_errors():
    exact = measure(table(), np.arange(200), L8, Errors(0, 0, 0, 0), 1, 1)
    found = baselines.rte_true_atmosphere(exact, 0)(exact, Errors())
    assert np.abs(found - exact.surface_temperature_k).max() < 1e-6


def test_learners_forget_the_split_of_another_seed_and_repeat_with_the_same(known):
    few = known.where(np.arange(0, len(known), 3))
    one, two = (baselines.mlp(few, 0)(few, Errors()) for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, baselines.mlp(few, 1)(few, Errors()))


def test_every_site_has_a_region_and_regions_are_left_out_whole():
    assert len(regions()) == 100
    rule = PROTOCOLS["rfmip-continents"]
    for seed, name in enumerate(region_names()):
        tested = {regions()[site] for site in np.flatnonzero(rule.test_sites(seed))}
        assert tested == {name}


def test_the_family_is_found_by_its_protocols():
    assert family_of("rfmip-sites") is temperature


def test_a_table_from_elsewhere_is_read_as_it_is(tmp_path):
    path = put(tmp_path / "table.npz")
    found = read_table(path)
    with np.load(path) as file:
        assert np.array_equal(found.surface_temperature_k, file["surface_temperature_k"])
        assert np.array_equal(found.water_vapour_g_cm2, file["water_vapour_g_cm2"])
    assert (found.row == -1).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"emissivity": None}, "has no array emissivity"),
        ({"emissivity": np.ones(3)}, "one length"),
        ({"emissivity": np.full(300, np.nan)}, "what is not a number"),
        ({"emissivity": np.array(["a"] * 300)}, "holds no arrays of numbers"),
        ({"emissivity": np.array([{}] * 300, object)}, "holds no arrays of numbers"),
    ],
)
def test_tables_that_cannot_be_get_a_sentence(tmp_path, changes, said):
    with pytest.raises(BadOption, match=said):
        read_table(put(tmp_path / "table.npz", **changes))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut short", None])
def test_files_that_are_no_table_get_a_sentence(tmp_path, content):
    path = tmp_path / "table.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadOption, match=r"no arrays of numbers|no file") as caught:
        read_table(path)
    assert "surface_temperature_k" in caught.value.hint


def test_a_table_is_scored_from_the_command_line(tmp_path, capsys):
    from rsviz.cli.parser import main

    path = put(tmp_path / "table.npz")
    assert main(["eval", "lst_coupled", "--table", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n_test"] == 300
    assert 0.3 < found["metrics"]["rmse_k"] < found["baselines"]["single_channel"]["rmse_k"]
    assert set(found["baselines"]) == WANTED - {"rte_true_atmosphere"}


def test_records_say_what_the_readme_tells():
    card = registry.card("lst_coupled")
    seeds = {w.seed: w.metrics for w in card.weights if w.protocol == "rfmip-sites"}
    assert set(seeds) >= {0, 1, 2, 3, 4}
    mean = np.mean([m["rmse_k"] for m in seeds.values()])
    assert mean < 2.0
    assert f"{mean:.2f}" in (registry.MODELS / card.id / "README.md").read_text(encoding="utf8")


@pytest.mark.parametrize("protocol", ["rfmip-sites", "rfmip-humid"])
def test_the_readme_tells_the_scores_of_every_method(protocol):
    folder = registry.MODELS / "lst_coupled"
    board = json.loads((folder / "evaluations.json").read_text(encoding="utf8"))[protocol]
    told = (folder / "README.md").read_text(encoding="utf8")
    ours = board["metrics"] | {"spread": board["spread"]}
    assert set(board["baselines"]) == WANTED
    for row in (ours, *board["baselines"].values()):
        for key in ("rmse_k", "humid_rmse_k"):
            assert f"{row[key]:.2f} ± {row['spread'][key]:.2f}" in told
