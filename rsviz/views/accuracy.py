"""How good a classification is where the truth is known: headline, classes, confusion."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core import registry
from rsviz.core.layers import ClassMap
from rsviz.core.model import Result
from rsviz.core.scene import Truth
from rsviz.views import charts
from rsviz.views.classes import TEST, Classified
from rsviz.views.words import many, percent, plain


def headline(result: Result) -> None:
    """Overall and average accuracy and kappa, where they were measured."""
    scores = result.metrics
    if result.record.partial:
        st.markdown("**Unfinished**: sharper as the run goes on.", width="stretch")
    elif not scores:
        st.markdown("No accuracy: these labels did not test the weights.", width="stretch")
    else:
        st.markdown(
            f"**OA {percent(scores['overall_accuracy'])}** · "
            f"AA {percent(scores['average_accuracy'])} · κ {scores['kappa']:.3f}",
            help=f"Measured on {many(scores['n_test'], 'test pixel')}, none of them trained on "
            f"({plain(protocol_of(result))}). OA is the share of right pixels, AA the mean over "
            "classes, κ the agreement beyond chance.",
            width="stretch",
        )


def protocol_of(result: Result) -> str:
    """The protocol and seed that drew the training pixels of the weights."""
    weights = registry.card(result.record.model).named(result.record.weights)
    if weights is None:
        return "protocol unknown"
    if not weights.protocol:
        return "pixels that you chose"
    return f"protocol {weights.protocol}, seed {weights.seed}"


def panel(found: Classified) -> None:
    """Scores, accuracy of each class, and which classes are taken for which."""
    truth, split = found.scored_truth, found.result.split
    if truth is None or split is None:
        st.markdown(
            "The scene has no reference labels that these weights were tested on, so there is "
            "nothing to measure."
        )
        return
    scores = found.result.metrics
    st.markdown(
        f"Measured on **{many(scores['n_test'], 'test pixel')}**; the weights learned from "
        f"{scores['n_train']} others ({plain(protocol_of(found.result))})."
    )
    warning = scores.get("overlap", {}).get("warning", "")
    if warning:
        st.warning(plain(warning), icon=":material/join_inner:")
    matrix = confusion(found.classes, truth, split)
    table, chart = st.columns([2, 3], gap="medium")
    with table:
        st.dataframe(_rows(found, matrix), hide_index=True, key="per-class", height=420)
    with chart:
        st.plotly_chart(
            charts.confusion(matrix, truth.names, "test pixels"),
            key="confusion",
            config=charts.CONFIG,
        )


def confusion(classes: ClassMap, truth: Truth, split: ClassMap) -> NDArray[np.int64]:
    """Counts (K, K) of test pixels: rows are the true classes, columns the predicted ones."""
    count = len(truth.names)
    test = (split.data == TEST) & (classes.data != classes.ignore)
    pairs = (truth.labels[test].astype(np.int64) - 1) * count + classes.data[test]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)  # (K*K,) -> (K, K)


def _rows(found: Classified, matrix: NDArray[np.int64]) -> dict[str, list[object]]:
    per_class = found.result.metrics["per_class"]
    return {
        "Class": list(found.classes.labels),
        "Right [%]": [None if share is None else round(100 * share, 1) for share in per_class],
        "Test pixels": [int(total) for total in matrix.sum(axis=1)],
    }
