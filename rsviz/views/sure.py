"""How sure a classification is, and whether it may be: calibration, coverage, prediction sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.analysis import calibration
from rsviz.core.layers import ProbabilityMap, ScalarMap
from rsviz.core.metrics import METRICS
from rsviz.core.scene import Truth
from rsviz.views import certainty, charts
from rsviz.views.bench import Bench
from rsviz.views.charts.calibration import reliability, set_sizes
from rsviz.views.classes import TEST, Classified
from rsviz.views.map import MapLayer
from rsviz.views.state import Session, bind
from rsviz.views.words import percent
from rsviz.views.workbench import overlay

LEVEL = "0.9"
NOTHING = (
    "Accuracy cannot be measured here: these weights were not tested on labels of this scene. The "
    "maps of entropy and margin still say where the model hesitates."
)


def panel(session: Session, found: Classified) -> None:
    """Confidence against accuracy, accuracy against coverage, and prediction sets."""
    truth, split = found.scored_truth, found.result.split
    curve = None
    if truth is not None and split is not None:
        curve = certainty.risk_coverage(found.classes, found.certain, truth, split)
    if truth is None or curve is None:
        st.markdown(NOTHING)
        return
    mended = found.result.metrics.get("calibrated")
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Is its confidence true?**")
        plain, tempered = diagrams(found, truth, mended)
        figure = reliability(plain, tempered)
        st.plotly_chart(figure, key="reliability", config=charts.CONFIG)
        st.caption(told(plain.ece, found.result.metrics))
    with right:
        st.markdown("**Does it know where it is wrong?**")
        st.plotly_chart(
            charts.coverage(curve, session.least_certain), key="coverage", config=charts.CONFIG
        )
        st.caption(
            "Test pixels are let in from the most certain to the least. A model that knows when it "
            "is wrong keeps the curve high as long as possible; its area above the curve (AURC) is "
            f"{100 * curve.area:.2f} %."
        )
    if mended:
        _sets(session, found, mended)


def diagrams(
    found: Classified, truth: Truth, mended: Mapping[str, Any] | None
) -> tuple[calibration.Reliability, calibration.Reliability | None]:
    """Confidence against accuracy on the test pixels, as it is and at the fitted temperature."""
    assert found.result.split is not None
    test = (found.result.split.data == TEST) & np.isfinite(found.certain)
    right = certainty.right(found.classes, truth)[test]
    plain = calibration.reliability(found.certain[test], right)
    if not mended:
        return plain, None
    p = calibration.tempered(found.probabilities.data[:, test], mended["temperature"], axis=0)
    return plain, calibration.reliability(p.max(axis=0), right)


def told(ece: float, scores: Mapping[str, Any]) -> str:
    """Calibration error and Brier score, and what a temperature makes of them."""
    brier = METRICS["brier"]
    score = f"; Brier score {brier.text(scores['brier'])}" if "brier" in scores else ""
    text = (
        f"On the test pixels confidence and accuracy differ by {percent(ece)} on average "
        f"(ECE){score}."
    )
    mended = scores.get("calibrated")
    if not mended:
        return text + " No temperature has been fitted for these weights."
    return text + (
        f" At temperature {mended['temperature']:.2f}, fitted on {mended['n_validation']} training "
        "pixels that a second training left out, they differ by "
        f"{percent(mended['ece'])}; Brier score {brier.text(mended['brier'])}."
    )


def _sets(session: Session, found: Classified, mended: Mapping[str, Any]) -> None:
    """Prediction sets at a chosen level: promised and measured coverage, and sizes."""
    levels = list(mended["sets"])
    chosen = level_of(session, mended)

    def store(level: str) -> None:
        session.chosen["set-level"] = level

    st.markdown("**Which classes cannot be ruled out?**")
    left, right = st.columns(2, gap="medium", vertical_alignment="center")
    with left:
        st.segmented_control(
            "The set shall hold the true class",
            levels,
            format_func=lambda level: f"{percent(float(level), 0)} of the time",
            required=True,
            key="set-level",
            on_change=bind("set-level", chosen, store),
        )
        sets = mended["sets"][chosen]
        st.markdown(
            f"Promised {percent(float(chosen), 0)}, measured **{percent(sets['coverage'])}** on "
            f"the test pixels, with {sets['mean_size']:.2f} classes a pixel on average and none "
            f"at all for {percent(sets['empty'])}."
        )
        st.caption(
            "Conformal prediction: a class joins a pixel's set when its probability is at least "
            f"{sets['least']:.3f}. The promise holds for pixels like the validation pixels, which "
            "were drawn evenly over the classes; the test pixels are not. The map has the sizes "
            "as the layer 'Set size'."
        )
    with right:
        layer = size_map(found.probabilities, mended["temperature"], sets["least"])
        known = layer.data[np.isfinite(layer.data)].astype(np.int64)
        shares = np.bincount(known) / max(1, known.size)
        st.plotly_chart(set_sizes(shares.tolist()), key="sizes", config=charts.CONFIG)


def on_map(bench: Bench, found: Classified) -> list[MapLayer]:
    """The sizes of the prediction sets, where the weights have been calibrated."""
    mended = found.result.metrics.get("calibrated")
    if not mended or found.scored_truth is None:
        return []
    sets = mended["sets"][level_of(bench.session, mended)]
    layer = size_map(found.probabilities, mended["temperature"], sets["least"])
    shown = overlay(bench, f"{found.key}-{sets['least']}", "set-size", layer)
    return [] if shown is None else [shown]


def level_of(session: Session, mended: Mapping[str, Any]) -> str:
    """The chosen level of the prediction sets."""
    levels = mended["sets"]
    wanted = session.chosen.get("set-level", LEVEL)
    return wanted if wanted in levels else next(iter(levels))


def size_map(probabilities: ProbabilityMap, temperature: float, least: float) -> ScalarMap:
    """How many classes cannot be ruled out, pixel by pixel."""
    p = calibration.tempered(probabilities.data, temperature, axis=0)
    sizes: NDArray[np.float32] = calibration.set_sizes(p, least, axis=0).astype(np.float32)
    sizes[~np.isfinite(probabilities.data).all(axis=0)] = np.nan
    return ScalarMap(
        "Set size",
        "How many classes cannot be ruled out at the chosen level.",
        probabilities.grid,
        sizes,
        "classes in the prediction set",
        "",
        limits=(0.0, float(min(len(probabilities.labels), 5))),
    )
