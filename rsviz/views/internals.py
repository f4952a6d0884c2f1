"""What happened inside a model, by topic: chosen from the kinds of its layers alone.

A topic gathers the layers that a card gives on request. Raster layers go on the map, one shown
and the others at hand to compare; the other kinds become charts below. A new model gets its
page for free; `TOPICS` only gives familiar layers a better place than their kind would.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from rsviz.core.card import ModelCard
from rsviz.core.layers import Curve, Layer, RasterLayer, RoutingMap, Tokens
from rsviz.core.model import Result
from rsviz.views import charts, clients, errors, films, thumbnails
from rsviz.views.bench import Bench
from rsviz.views.layers import show_layer
from rsviz.views.map import MapLayer
from rsviz.views.state import Session, bind
from rsviz.views.words import plain
from rsviz.views.workbench import overlay

ALL = "all experts"
PER_ROW = 3
SCAN_AXES, MASK_AXES = ("direction", "position"), ("epoch", "row", "column")

KINDS = {
    "routing_map": "Routing",
    "uncertainty_map": "Uncertainty",
    "class_map": "Heads",
    "probability_map": "Heads",
    "scalar_map": "Quantities",
    "sr_image": "Images",
    "spike_trace": "Spikes",
}
TOPICS = {
    "delta": "Scan",
    "disagreement": "Heads",
    "contribution": "Contribution",
    "receptive_field": "Receptive field",
    "kernel_weights": "Receptive field",
    "kept_tokens": "Tokens",
    "attention_before": "Tokens",
    "attention_after": "Tokens",
    "popularity": "Tokens",
    "temperatures": "Tokens",
    "loadings": "Components",
    "explained_variance": "Components",
}
ABOUT = {
    "Routing": "Experts are small networks; a router decides which of them work, and how much.",
    "Contribution": "How much of what was added to each pixel came from each expert.",
    "Scan": "State-space experts read the scene pixel by pixel in a fixed order, and decide at "
    "each step how much to remember.",
    "Uncertainty": "How unsure each head is; during training, more is learned where it is unsure.",
    "Receptive field": "Each channel takes from a small and a large kernel; which of them, the "
    "network decides at every pixel.",
    "Tokens": "A patch is 25 places in 4 groups of channels, 100 tokens; each attends to those "
    "alone that match it best.",
    "Components": "The network reads principal components of the spectra, not bands.",
    "Heads": "The network answers at several scales; only the finest answer is used.",
    "Training": "Pixels that corrective sampling let through while the model was trained.",
}


@dataclass(frozen=True)
class Topic:
    """Layers that belong together.

    Attributes:
        name: for people.
        rasters: raster layers by name, in the card's order.
        others: the other layers by name.
    """

    name: str
    rasters: dict[str, RasterLayer]
    others: dict[str, Layer]

    def looks_into(self, card: ModelCard) -> bool:
        """Whether layers of the picked pixel, which come by a run of their own, belong here."""
        return any(TOPICS.get(name) == self.name for name in card.at_pixel)

    def with_pixel(self, card: ModelCard, looked: Result | None) -> Topic:
        """The same with the layers of the picked pixel that belong here, in front."""
        found = looked.layers if looked else {}
        of_pixel = {n: found[n] for n in card.at_pixel if n in found and TOPICS.get(n) == self.name}
        return replace(self, others=of_pixel | self.others)


def topics(card: ModelCard, layers: Mapping[str, Layer]) -> dict[str, Topic]:
    """The layers that a card gives on request, by topic, in the card's order."""
    found: dict[str, Topic] = {}
    for name in card.on_request:
        layer = layers.get(name)
        if layer is None:
            continue
        title = topic_of(name, layer)
        topic = found.setdefault(title, Topic(title, {}, {}))
        if isinstance(layer, RasterLayer):
            topic.rasters[name] = layer
        else:
            topic.others[name] = layer
    return found


def topic_of(name: str, layer: Layer) -> str:
    """Where a layer belongs: by its name where that is known, else by its kind and axes."""
    stem = name.rstrip("0123456789").rstrip("_")
    if stem in TOPICS:
        return TOPICS[stem]
    if isinstance(layer, Tokens):
        if layer.axes == SCAN_AXES:
            return "Scan"
        if layer.axes == MASK_AXES:
            return "Training"
        return "Routing" if "expert" in layer.axes else "Charts"
    if isinstance(layer, Curve) and "expert" in stem:
        return "Routing"
    return KINDS.get(layer.kind, "Charts")


def choose_topic(session: Session, found: Mapping[str, Topic]) -> Topic:
    """A row of topics to choose from, and a sentence on the chosen one."""
    name = _choice(session, "Topic", "topic", list(found))
    if name in ABOUT:
        st.caption(ABOUT[name])
    return found[name]


def choose_layers(bench: Bench, topic: Topic, key: str) -> list[MapLayer]:
    """The topic's layers for the map: the chosen one shown, the others hidden, to compare."""
    if not topic.rasters:
        return []
    names = list(topic.rasters)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = names[0]
        if len(names) > 1:
            titles = {name: short_title(topic, name) for name in names}
            chosen = _choice(
                bench.session, "Shown on the map", f"shown-{topic.name}", names, titles
            )
        plane = _choose_plane(topic, topic.rasters[chosen])
    layers = [
        overlay(bench, key, name, layer, plane if layer.kind == "routing_map" else None)
        for name, layer in topic.rasters.items()
        if name != chosen
    ]
    shown = topic.rasters[chosen]
    layers.append(overlay(bench, f"{key} {chosen}", "shown", shown, plane, 0.85, visible=True))
    return [layer for layer in layers if layer is not None]


def _choice(
    session: Session,
    label: str,
    key: str,
    names: list[str],
    titles: Mapping[str, str] | None = None,
) -> str:
    """One of several names in a row, remembered when the page is left."""
    if session.chosen.get(key) not in names:
        session.chosen[key] = names[0]

    def store(name: str) -> None:
        session.chosen[key] = name

    st.segmented_control(
        label,
        names,
        required=True,
        format_func=lambda name: titles[name] if titles else name,
        key=key,
        on_change=bind(key, session.chosen[key], store),
        label_visibility="collapsed",
    )
    return session.chosen[key]


def short_title(topic: Topic, name: str) -> str:
    """A title without the words with which all titles of its topic begin: 'Fine level'."""
    titles = [layer.title.split() for layer in topic.rasters.values()]
    words = topic.rasters[name].title.split()
    common = 0
    while len(titles) > 1 and all(
        len(t) > common + 1 and t[common] == words[common] for t in titles
    ):
        common += 1
    short = " ".join(words[common:])
    return short[:1].upper() + short[1:]


def _choose_plane(topic: Topic, layer: RasterLayer) -> int | None:
    """One expert of a routing map, or None for the dominant one of each pixel."""
    if not isinstance(layer, RoutingMap):
        return None
    name = st.selectbox("Expert", [ALL, *layer.experts], key=f"plane-{topic.name}", width=220)
    return None if name == ALL else layer.experts.index(name)


def panel(bench: Bench, topic: Topic, result: Result) -> None:
    """Below the map: the topic's layers side by side, and its charts."""
    key = clients.result_key(result)
    if topic.rasters:
        with errors.boundary("The small maps"):
            _side_by_side(topic, key)
    for names in in_rows(topic.others):
        for column, name in zip(st.columns(len(names), gap="medium"), names, strict=True):
            layer = topic.others[name]
            with column:
                st.markdown(f"**{plain(layer.title)}**")
                st.caption(plain(layer.about))
                with errors.boundary(f"The chart {layer.title}"):
                    _chart(bench, name, layer)


def in_rows(others: Mapping[str, Layer]) -> list[list[str]]:
    """Names of layers by row of the page: two tables of small pictures share one."""
    rows: list[list[str]] = []
    for name, layer in others.items():
        last = rows[-1] if rows else []
        if len(last) == 1 and _pictures(others[last[0]]) and _pictures(layer):
            last.append(name)
        else:
            rows.append([name])
    return rows


def _pictures(layer: Layer) -> bool:
    return isinstance(layer, Tokens) and charts.is_panels(layer)


def _side_by_side(topic: Topic, key: str) -> None:
    """Small pictures of all raster layers of a topic, with what there is to say of them."""
    items = list(topic.rasters.items())
    shared = len({layer.about for layer in topic.rasters.values()}) == 1
    for start in range(0, len(items), PER_ROW):
        for column, (name, layer) in zip(
            st.columns(PER_ROW), items[start : start + PER_ROW], strict=False
        ):
            with column:
                thumbnails.show(key, name, layer, about=not shared)
    if shared:
        st.caption(plain(items[0][1].about))


def _chart(bench: Bench, name: str, layer: Layer) -> None:
    """The chart of a layer that is no raster; scans and masks get a player."""
    if isinstance(layer, Tokens) and layer.axes == SCAN_AXES:
        figure = charts.scan_orders(layer, films.small_width(layer))
        st.plotly_chart(figure, key=f"chart-{name}", config=charts.CONFIG)
        st.markdown("**The same on the scene**")
        films.scan(bench, layer, f"film-{name}")
    elif isinstance(layer, Tokens) and layer.axes == MASK_AXES:
        films.masks(bench, layer, f"film-{name}")
    else:
        show_layer(layer, f"chart-{name}")
