"""Recorded scores for people: boards of models beside baselines, classes, pairs, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rsviz.analysis import scoreboard
from rsviz.analysis.scoreboard import NAMES, Board, Row
from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.metrics import METRICS
from rsviz.views import errors
from rsviz.views.words import percent, plain

SMALL_P = 0.001


def boards() -> None:
    """Every model beside the baselines, protocol by protocol."""
    titles = {card.id: card.title for card in registry.cards().values()}
    evaluations = [one for one in scoreboard.recorded(registry.MODELS) if one["model"] in titles]
    found = scoreboard.boards(evaluations, titles)
    if not found:
        st.markdown("No evaluation has been recorded yet.")
    for index, board in enumerate(found):
        with errors.boundary("A board of scores"):
            st.markdown(f"**{board.how.name[0].upper()}{board.how.name[1:]}**")
            st.dataframe(columns_of(board), hide_index=True, key=f"board-{index}")
    if found:
        st.caption(
            "Measured here, by all methods on the same samples, none of them trained on; mean ± "
            "standard deviation over seeds. An arrow marks the best of a row. Each table: "
            "`python -m rsviz eval MODEL --protocol NAME --record`."
        )


def columns_of(board: Board) -> dict[str, list[object]]:
    """A board as columns of text."""
    columns: dict[str, list[object]] = {
        "Protocol": [row.protocol + (" (simulated)" if row.simulated else "") for row in board.rows]
    }
    unit = f" [{board.how.unit}]" if board.how.unit else ""
    for name, title in board.methods.items():
        columns[title + unit] = [_text(board, row, name) for row in board.rows]
    columns["Training"] = [row.n_train for row in board.rows]
    columns["Test"] = [row.n_test for row in board.rows]
    return columns


def _text(board: Board, row: Row, name: str) -> str:
    cell = row.cells.get(name)
    if cell is None:
        return ""
    mark = "▸ " if name == board.best(row) else ""
    return mark + board.how.text(cell.mean, cell.spread)


def details(card: ModelCard) -> None:
    """What an evaluation says beyond the headline: classes, pairs, calibration, overlap."""
    mine = [one for one in scoreboard.recorded(registry.MODELS) if one["model"] == card.id]
    if not mine:
        return
    by_name = {scoreboard.name_of(one): one for one in mine}
    name = st.selectbox("Protocol in detail", list(by_name), key="score-detail")
    one = by_name[name]
    warning = one.get("overlap", {}).get(card.id, {}).get("warning", "")
    if warning:
        st.warning(plain(warning), icon=":material/join_inner:")
    if one["metrics"].get("per_class"):
        st.dataframe(per_class(card, one), hide_index=True, key="score-classes")
        st.caption("Share of the test pixels of each class that are right [%], mean over seeds.")
    if any(one.get("paired", {}).values()):
        st.dataframe(pairs(one), hide_index=True, key="score-pairs")
        st.caption(
            "McNemar's test on the test pixels of one seed: pixels that only one of the two got "
            "right, and the probability of so large a difference if both were equally good. "
            "Neighbouring pixels are alike, so the true evidence is weaker than p says."
        )
    if one.get("calibration"):
        st.markdown(calibration(one["calibration"]))


def per_class(card: ModelCard, one: Mapping[str, Any]) -> dict[str, list[object]]:
    """Accuracy of each class, of the model and of the baselines [%]."""
    classes = next((w.classes for w in card.weights if w.protocol == one["protocol"]), ())
    columns: dict[str, list[object]] = {"Class": list(classes)}
    scored = {card.title: one["metrics"]}
    scored |= {NAMES.get(name, name): scores for name, scores in one["baselines"].items()}
    for name, scores in scored.items():
        columns[name] = [None if v is None else round(100 * v, 1) for v in scores["per_class"]]
    return columns


def pairs(one: Mapping[str, Any]) -> dict[str, list[object]]:
    """McNemar's test against each other method, of the first seed."""
    tests = {name: found[0] for name, found in one["paired"].items() if found}
    cards = registry.cards()
    titles = {name: cards[name].title if name in cards else NAMES.get(name, name) for name in tests}
    return {
        "Against": list(titles.values()),
        "Seed": [test["seed"] for test in tests.values()],
        "Right only here": [test["only_a"] for test in tests.values()],
        "Right only there": [test["only_b"] for test in tests.values()],
        "χ²": [None if t["exact"] else round(t["statistic"], 1) for t in tests.values()],
        "p": [_p(test["p"]) for test in tests.values()],
    }


def _p(value: float) -> str:
    return f"< {SMALL_P:g}" if value < SMALL_P else f"{value:.3f}"


def calibration(found: Mapping[str, Any]) -> str:
    """What probabilities are worth, in sentences."""
    lines = [
        "**Calibration.** "
        + ", ".join(f"{METRICS[k].label} {METRICS[k].text(found[k])}" for k in ("ece", "brier"))
        + f", AURC {METRICS['aurc'].text(found['aurc'])}."
    ]
    for seed, mended in found.get("calibrated", {}).items():
        sets = "; ".join(
            f"sets meant to hold the true class {percent(float(level), 0)} of the time do so "
            f"{percent(s['coverage'])} of the time with {s['mean_size']:.2f} classes on average"
            for level, s in mended["sets"].items()
        )
        lines.append(
            f"Seed {seed}: temperature {mended['temperature']:.2f}, fitted on "
            f"{mended['n_validation']} training pixels left out of a second training, brings ECE "
            f"to {METRICS['ece'].text(mended['ece'])} %; {sets}."
        )
    return "  \n".join(lines)
