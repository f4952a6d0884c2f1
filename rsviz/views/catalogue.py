"""Model cards for people: what a model is, how good it is here, and what was published of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, pstdev

import streamlit as st

from rsviz.core import registry
from rsviz.core.card import ModelCard, Weights
from rsviz.core.metrics import METRICS, shown
from rsviz.core.options import declared
from rsviz.views import errors, scores
from rsviz.views.costs import costs
from rsviz.views.speed import speed
from rsviz.views.state import Session, bind
from rsviz.views.words import many, plain

TABS = ("What it is", "Measured here", "Published", "Weights", "Speed")
WHY_SPLITS_DIFFER = (
    "Two kinds of split are shown because they answer different questions. A **random** split "
    "draws test pixels beside training pixels of the same field; neighbours look alike, so every "
    "method scores high. A split by **blocks** keeps test pixels away from all training pixels: "
    "it says what to expect a few hundred metres on, and is the harder and more honest number."
)


@dataclass(frozen=True)
class Measured:
    """Scores of one set of weights over its seeds.

    Attributes:
        name: protocol, and variant of the model if any.
        scene: id of the scene.
        seeds: how many seeds were trained and tested.
        tested: test pixels (of the first seed).
        scores: {metric: values over seeds} as fractions.
        command: what repeats the measurement.
        measured_on: device, date and versions.
    """

    name: str
    scene: str
    seeds: int
    tested: int
    scores: dict[str, list[float]]
    command: str
    measured_on: str

    @property
    def by_blocks(self) -> bool:
        """Whether test pixels lie apart from training pixels."""
        return "blocks" in self.name


def measured(card: ModelCard) -> list[Measured]:
    """What the weights' records say, seeds taken together."""
    groups: dict[str, list[Weights]] = {}
    for weights in card.weights:
        if shown(weights.metrics):
            groups.setdefault(weights.id.rpartition("/")[0], []).append(weights)
    return [_together(card, name, group) for name, group in groups.items()]


def _together(card: ModelCard, name: str, group: list[Weights]) -> Measured:
    first = group[0]
    variant = name.removeprefix(first.protocol).strip("-")
    return Measured(
        name,
        first.scene,
        len(group),
        int(first.metrics.get("n_test", 0)),
        {
            key: [float(w.metrics[key]) for w in group]
            for key in shown(first.metrics)
            if all(key in w.metrics for w in group)
        },
        f"python -m rsviz eval {card.id} --protocol {first.protocol}"
        + (f" --variant {variant}" if variant else ""),
        first.measured_on,
    )


def overview(session: Session) -> ModelCard | None:
    """All models in a table, and the choice of one; None when there is none."""
    cards = registry.cards()
    if not cards:
        st.info("No model is installed. Add a folder under models/ with a card.py.")
        return None
    st.dataframe(
        {
            "Model": [card.title for card in cards.values()],
            "Task": [card.task for card in cards.values()],
            "Measured here": [_headline(measured(card)) for card in cards.values()],
            "Weights": [sum(bool(w.file) for w in card.weights) for card in cards.values()],
            "Paper": [f"{card.paper.venue}, {card.paper.year}" for card in cards.values()],
        },
        hide_index=True,
        key="cards",
    )
    with st.expander("All models beside simple methods", key="boards", expanded=True):
        scores.boards()
    names = list(cards)
    if session.chosen.get("card") not in names:
        session.chosen["card"] = session.model if session.model in names else names[0]

    def store(name: str) -> None:
        session.chosen["card"] = name

    if len(names) > 1:
        st.selectbox(
            "Card",
            names,
            format_func=lambda name: cards[name].title,
            key="card",
            on_change=bind("card", session.chosen["card"], store),
        )
    return cards[session.chosen["card"]]


def details(card: ModelCard) -> None:
    """Everything on one model, in tabs."""
    st.header(plain(card.title), anchor=False)
    st.markdown(plain(card.summary))
    parts = (what_it_is, measured_here, published, weights_table, _speed_and_costs)
    for name, tab, part in zip(TABS, st.tabs(TABS, key="card-tabs"), parts, strict=True):
        with tab, errors.boundary(name):
            part(card)


def _speed_and_costs(card: ModelCard) -> None:
    speed(card)
    costs(card)


def what_it_is(card: ModelCard) -> None:
    """Paper, inputs, outputs, options, departures and limits."""
    paper = card.paper
    st.markdown(
        f"**{plain(paper.title)}**  \n{plain(paper.authors)}. {plain(paper.venue)}, {paper.year}. "
        f"`{paper.reference}`"
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Takes", anchor=False)
        st.markdown(_bullets(takes(card)))
        st.subheader("Gives", anchor=False)
        st.markdown(_bullets(f"{name}: {_kind(kind)}" for name, kind in card.emits.items()))
        if card.on_request:
            names = ", ".join(card.on_request)
            st.caption(f"On request, for the internals: {plain(names)}.")
    with right:
        st.subheader("Limits", anchor=False)
        st.markdown(_bullets(card.limits))
        options = [
            f"{f.metadata['label']}: {f.metadata['help']}"
            for f, _ in declared(card.options)
            if not f.metadata["hidden"]
        ]
        if options:
            st.subheader("Settings", anchor=False)
            st.markdown(_bullets(options))
    if card.departures:
        st.subheader("Departures from the paper", anchor=False)
        st.markdown(_bullets(card.departures))


def takes(card: ModelCard) -> list[str]:
    """What a scene must be like, in words."""
    accepts = card.accepts
    low, high = accepts.bands
    facts = [
        f"{low} to {high} bands" if low != high else many(low, "band"),
        "one date"
        if accepts.dates == (1, 1)
        else f"{accepts.dates[0]} to {accepts.dates[1]} dates",
        f"at least {accepts.min_pixels} x {accepts.min_pixels} pixels",
    ]
    if accepts.quantities:
        facts.append(" or ".join(accepts.quantities).replace("_", " "))
    if accepts.needs_wavelengths:
        facts.append("the wavelength of every band")
    facts += [
        f"a {need.name} band ({need.low_nm:g} to {need.high_nm:g} nm)" for need in accepts.needs
    ]
    if card.needs_weights and not accepts.needs:
        facts.append("bands like those of one of its weights")
    tile = f"scenes above {card.tiling.tile} pixels a side run in tiles; halo {card.tiling.halo}"
    return [*facts, tile + (f". {card.tiling.note}" if card.tiling.note else "")]


def measured_here(card: ModelCard) -> None:
    """Scores measured with this code, each with the command that repeats it."""
    found = measured(card)
    if not found:
        st.markdown("Nothing has been measured yet.")
        return
    st.dataframe(
        {
            "Protocol": [m.name for m in found],
            "Split": ["blocks" if m.by_blocks else "random" for m in found],
            "Scene": [m.scene for m in found],
        }
        | {
            metric.head: [_spread(m, key) for m in found]
            for key, metric in METRICS.items()
            if any(key in m.scores for m in found)
        }
        | {
            "Seeds": [m.seeds for m in found],
            "Test samples": [m.tested for m in found],
        },
        hide_index=True,
        key="measured",
    )
    st.caption("Mean ± standard deviation over seeds. Each seed draws its own training samples.")
    if any(m.by_blocks for m in found) and not all(m.by_blocks for m in found):
        st.markdown(WHY_SPLITS_DIFFER)
    st.markdown("Measure it again with:")
    st.code("\n".join(dict.fromkeys(m.command for m in found)), language="bash")
    st.caption(plain(f"Measured on {found[0].measured_on}."))
    scores.details(card)


def published(card: ModelCard) -> None:
    """Figures of the paper, in grey, each with its condition and source."""
    if not card.paper.published:
        st.markdown(":gray[No figure of the paper is quoted here: none could be verified.]")
        return
    st.markdown(
        ":gray[Figures from the literature, not measured here; their training pixels, seeds and "
        "hardware are others.]"
    )
    for figure in card.paper.published:
        st.markdown(
            f":gray[{plain(figure.metric)} {figure.value:g} {plain(figure.unit)}, "
            f"{plain(figure.condition)} ({plain(figure.source)})]"
        )


def weights_table(card: ModelCard) -> None:
    """The records of all trained states."""
    if not card.weights:
        st.markdown("There are no trained weights yet.")
        return
    st.dataframe(
        {
            "Weights": [w.id for w in card.weights],
            "Scene": [w.scene for w in card.weights],
            "Score": [_score(w) for w in card.weights],
            "Parameters": [w.parameters for w in card.weights],
            "File": [w.file or "figures only" for w in card.weights],
            "SHA-256": [w.sha256[:12] for w in card.weights],
            "Trained with": [w.recipe for w in card.weights],
            "Data": [w.data for w in card.weights],
            "Licence": [w.licence for w in card.weights],
        },
        hide_index=True,
        key="weights-table",
    )


def _kind(kind: str) -> str:
    return kind.replace("_", " ")


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)


def _headline(found: list[Measured]) -> str:
    """The first score under the first protocol, and its name; never the best of several."""
    key = next(iter(found[0].scores), "") if found else ""
    if not key:
        return "not measured"
    metric = METRICS[key]
    return f"{metric.label} {_spread(found[0], key)} {metric.unit}".rstrip() + f" ({found[0].name})"


def _spread(one: Measured, key: str) -> str:
    values = one.scores.get(key)
    if not values:
        return ""
    return METRICS[key].text(mean(values), pstdev(values) if len(values) > 1 else None)


def _score(weights: Weights) -> str:
    key, metric = next(iter(shown(weights.metrics).items()), ("", None))
    if metric is None:
        return ""
    return f"{metric.label} {metric.text(weights.metrics[key])} {metric.unit}".rstrip()
