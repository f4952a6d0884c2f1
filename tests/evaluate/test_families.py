"""Families of tasks: every protocol belongs to one, and says what it is."""

import pytest

from rsviz.core import registry
from rsviz.core.errors import BadOption
from rsviz.core.metrics import METRICS, shown
from rsviz.evaluate.families import families, family_of, protocols


def test_protocols_have_names_of_their_own_and_say_what_they_are():
    names = [name for family in families() for name in family.PROTOCOLS]
    assert len(names) == len(set(names)) > 0
    for name, rule in protocols().items():
        assert rule.name == name and rule.version >= 1 and rule.about.endswith(".")
        assert family_of(name).PROTOCOLS[name] is rule


def test_recorded_weights_belong_to_a_protocol_and_hold_known_metrics():
    for card in registry.cards().values():
        for weights in card.weights:
            assert weights.protocol in protocols(), weights.id
            assert shown(weights.metrics), f"{weights.id} holds no metric that can be shown"


def test_an_unknown_protocol_is_refused_with_those_there_are():
    with pytest.raises(BadOption, match="no protocol 'mars'"):
        family_of("mars")


def test_numbers_are_shown_with_their_unit():
    assert METRICS["overall_accuracy"].text(0.9512, 0.0044) == "95.12 ± 0.44"
    assert METRICS["rmse_k"].head == "RMSE [K]"
    assert list(shown({"kappa": 0.5, "overall_accuracy": 1, "n": 3})) == [
        "overall_accuracy",
        "kappa",
    ]
