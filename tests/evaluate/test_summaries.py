"""Evaluations that are kept: whole for the boards, in short beside the measured speed."""

import json
from dataclasses import replace

import pytest

from rsviz.core import registry
from rsviz.evaluate.records import rounded
from rsviz.evaluate.summaries import in_short, keep

SCORES = {"overall_accuracy": 0.8, "kappa": 0.7, "per_class": [0.9, 0.7]}
SPREAD = {"overall_accuracy": 0.02, "kappa": 0.03, "per_class": [0.1, 0.0]}
FOUND = {
    "model": "sits_mamba",
    "protocol": "slovenia",
    "variant": "",
    "metrics": SCORES,
    "spread": SPREAD,
    "seeds": [0, 1],
    "baselines": {"tempcnn": SCORES | {"overall_accuracy": 0.812345678, "spread": SPREAD}},
    "runs": [SCORES],
    "device": "cpu",
}


@pytest.fixture
def card(monkeypatch, tmp_path):
    """SITSMamba's card with three weights of its own, in a folder of models of its own."""
    real = registry.card("sits_mamba")
    blank = next(w for w in real.weights if w.protocol == "slovenia")

    def weights(name, seed, accuracy):
        metrics = {"overall_accuracy": accuracy, "per_class": [accuracy]}
        return replace(blank, id=f"{name}/seed-{seed}", seed=seed, metrics=metrics)

    made = replace(
        real,
        weights=(
            weights("slovenia", 0, 0.8),
            weights("slovenia-published", 0, 0.6),
            weights("slovenia-published", 2, 0.7),
            replace(weights("slovenia-published", 3, 0.0), measured_on="", metrics={}),
        ),
    )
    monkeypatch.setattr(registry, "card", lambda name: made)
    monkeypatch.setattr(registry, "MODELS", tmp_path)
    (tmp_path / "sits_mamba").mkdir()
    return made


def test_scores_in_short_tell_of_baselines_and_of_other_settings(card):
    short = in_short(card, [FOUND, FOUND | {"variant": "published"}])["slovenia"]
    assert short["metrics"] == {"overall_accuracy": 0.8, "kappa": 0.7}
    assert short["spread"] == {"overall_accuracy": 0.02, "kappa": 0.03}
    tempcnn = short["baselines"]["tempcnn"]
    assert (tempcnn["kappa"], tempcnn["spread"]["kappa"]) == (0.7, 0.03)
    assert list(short["variants"]) == ["published"]
    other = short["variants"]["published"]
    assert other["seeds"] == [0, 2]
    assert other["metrics"]["overall_accuracy"] == pytest.approx(0.65)
    assert other["spread"]["overall_accuracy"] == pytest.approx(0.05)


def test_an_evaluation_is_kept_in_both_files_and_speed_stays(card, tmp_path):
    speed = tmp_path / "sits_mamba" / "benchmark.json"
    speed.write_text('{"sits_mamba": {"rows": [{"value": 0.1234567}]}}')
    path = keep(FOUND)
    kept = json.loads(path.read_text())
    assert "runs" not in kept["slovenia"]
    assert kept["slovenia"]["baselines"]["tempcnn"]["overall_accuracy"] == 0.81235
    found = json.loads(speed.read_text())
    assert found["sits_mamba"] == {"rows": [{"value": 0.1234567}]}
    assert found["protocols"] == rounded(in_short(card, [kept["slovenia"]]))
    keep(FOUND | {"metrics": SCORES | {"kappa": 0.1}})
    again = json.loads(speed.read_text())["protocols"]["slovenia"]
    assert again["metrics"]["kappa"] == 0.1


def test_recorded_scores_in_short_are_those_of_the_evaluations():
    seen = []
    for name, card in registry.cards().items():
        speed = registry.MODELS / name / "benchmark.json"
        bench = json.loads(speed.read_text("utf8")) if speed.is_file() else {}
        evaluations = speed.with_name("evaluations.json")
        if "protocols" in bench and evaluations.is_file():
            kept = json.loads(evaluations.read_text("utf8"))
            expected = rounded(in_short(card, kept.values()))
            for protocol, short in bench["protocols"].items():
                assert short == expected[protocol], f"{name}, {protocol}: eval --record again"
            assert set(bench["protocols"]) == set(expected)
            seen.append(name)
    assert "sits_mamba" in seen
