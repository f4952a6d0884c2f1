"""Layers find their topic by kind and axes, so that a new model gets its page for free."""

import numpy as np
import pytest

from rsviz.core import registry
from rsviz.core.grid import Grid
from rsviz.core.layers import RoutingMap, ScalarMap, SpikeTrace, Tokens, UncertaintyMap
from rsviz.core.model import Result, RunRecord
from rsviz.views import internals

RECORD = RunRecord("m", "", "", {}, "", "", "", "cpu", 0, (), 0.0, 0.0, {})
GRID = Grid(2, 2)
PLANE = np.zeros((2, 2), np.float32)


def routing(title: str, role: str) -> RoutingMap:
    return RoutingMap(title, "", GRID, np.full((2, 2, 2), 0.5), ("a", "b"), "level", role)


LAYERS = {
    "routing_1": routing("Routing, fine level", "affinity"),
    "routing_2": routing("Routing, coarse level", "affinity"),
    "contribution_1": routing("Contribution, fine level", "contribution"),
    "delta_1": ScalarMap("Step size", "", GRID, PLANE, "step size", "1"),
    "surprise": ScalarMap("Surprise", "", GRID, PLANE, "surprise", "nat"),
    "doubt_1": UncertaintyMap("Doubt", "", GRID, PLANE, "entropy", "nat"),
    "gates": Tokens("Gates", "", np.ones((3, 2)), ("stage", "expert")),
    "orders": Tokens("Orders", "", np.ones((4, 6)), ("direction", "position")),
    "masks": Tokens("Masks", "", np.ones((2, 2, 2)), ("epoch", "row", "column")),
    "attention": Tokens("Attention", "", np.ones((2, 2)), ("query", "key")),
    "spikes": SpikeTrace("Spikes", "", np.ones((1, 3)), ("first",), (1.0,)),
}
TOPICS = {
    "routing_1": "Routing",
    "routing_2": "Routing",
    "contribution_1": "Contribution",
    "delta_1": "Scan",
    "surprise": "Quantities",
    "doubt_1": "Uncertainty",
    "gates": "Routing",
    "orders": "Scan",
    "masks": "Training",
    "attention": "Charts",
    "spikes": "Spikes",
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_a_topic(name):
    assert internals.topic_of(name, LAYERS[name]) == TOPICS[name]


def test_topics_hold_all_layers_that_a_result_has():
    from dataclasses import replace

    card = replace(
        registry.card("mamba_moe"), on_request={n: layer.kind for n, layer in LAYERS.items()}
    )
    found = internals.topics(card, {n: LAYERS[n] for n in ("routing_1", "gates", "orders")})
    assert list(found) == ["Routing", "Scan"]
    assert list(found["Routing"].rasters) == ["routing_1"]
    assert list(found["Routing"].others) == ["gates"]


def test_titles_lose_what_they_have_in_common():
    topic = internals.Topic("Routing", {n: LAYERS[n] for n in ("routing_1", "routing_2")}, {})
    assert internals.short_title(topic, "routing_1") == "Fine level"
    alone = internals.Topic("Routing", {"routing_1": LAYERS["routing_1"]}, {})
    assert internals.short_title(alone, "routing_1") == "Routing, fine level"


def test_layers_of_the_picked_pixel_join_their_topic():
    from dataclasses import replace

    card = replace(registry.card("sformer"), at_pixel=("kept_tokens", "kernel_weights"))
    topic = internals.Topic("Tokens", {}, {"popularity": LAYERS["attention"]})
    other = internals.Topic("Components", {}, {})
    assert topic.looks_into(card) and not other.looks_into(card)
    looked = Result(dict.fromkeys(("kept_tokens", "kernel_weights"), LAYERS["attention"]), RECORD)
    assert list(topic.with_pixel(card, looked).others) == ["kept_tokens", "popularity"]
    assert topic.with_pixel(card, None).others == topic.others


def test_two_tables_of_pictures_share_a_row():
    pictures = Tokens("Kept", "", np.ones((2, 2, 5, 5)), ("block", "group", "row", "column"))
    others = {"a": pictures, "b": pictures, "c": pictures, "d": LAYERS["attention"], "e": pictures}
    assert internals.in_rows(others) == [["a", "b"], ["c"], ["d"], ["e"]]
