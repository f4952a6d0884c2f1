"""What stands below the map of a super-resolution: scores, sharpness, detail, doubt."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.analysis.edges import SAMPLES, profile, rise_distance
from rsviz.core.layers import Curve, RasterLayer, Table
from rsviz.core.metrics import METRICS, shown
from rsviz.views import ask, charts, clients, thumbnails
from rsviz.views.ask import Question
from rsviz.views.sharper import given
from rsviz.views.sharper.review import COLOURS, Review
from rsviz.views.spectra import UNITS
from rsviz.views.words import number, plain

HEADLINE = ("psnr_db", "ssim")


def headline(review: Review) -> None:
    """How good the result is beside bicubic interpolation, or that nobody knows."""
    found = review.result.metrics
    bicubic = found["baselines"]["bicubic"]
    if not review.has_truth:
        st.markdown(
            f"Consistency **{text_of('consistency_db', found)}** (bicubic "
            f"{text_of('consistency_db', bicubic)}). The truth is not known: this is not accuracy.",
            width="stretch",
        )
        return
    words = [
        f"{METRICS[key].label} **{text_of(key, found)}** (bicubic {text_of(key, bicubic)})"
        for key in HEADLINE
        if key in found
    ]
    st.markdown(" · ".join(words), width="stretch")


def scores(review: Review) -> None:
    """The table of scores, what each of them means, and scores by band."""
    table = cast(Table, review.result.layers["scores"])
    st.markdown(plain(table.about))
    decimals = {metric.head: metric.decimals for metric in METRICS.values()}
    st.dataframe(
        {name: [row[i] for row in table.rows] for i, name in enumerate(table.columns)},
        key="sr-scores",
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format=f"%.{decimals[name]}f")
            for name in table.columns[1:]
        },
    )
    found = review.result.metrics
    meaning = [
        f"**{metric.label}**: {plain(metric.name)}, {_better(metric.higher)} is better"
        for metric in shown(found).values()
    ]
    st.caption(
        " · ".join(meaning) + f". The peak of PSNR and SSIM is {number(found['peak'])}; measured "
        "here, on this scene."
    )
    if review.has_truth and len(review.image.bands) > 1:
        st.markdown("**By band**")
        _by_band(review)


def _better(higher: bool) -> str:
    return "higher" if higher else "lower"


def _by_band(review: Review) -> None:
    """PSNR of every band, of the result and of bicubic interpolation."""
    found = review.result.metrics
    bands = review.image.bands
    known = all(band.wavelength_nm is not None for band in bands)
    x = [band.wavelength_nm if known else i + 1 for i, band in enumerate(bands)]
    rows = {"Result": found} | {"Bicubic": found["baselines"]["bicubic"]}
    both = (("psnr_bands", "PSNR [dB]"), ("ssim_bands", "SSIM"))
    for column, (key, quantity) in zip(st.columns(2), both, strict=True):
        curve = Curve(
            quantity, "", np.array(x, np.float32),
            np.array([[np.nan if v is None else v for v in row[key]] for row in rows.values()]),
            tuple(rows), "Wavelength [nm]" if known else "Band", quantity,
        )  # fmt: skip
        figure = charts.curve(curve, tuple(COLOURS[name] for name in rows))
        figure.update_traces(mode="lines+markers" if len(x) <= charts.FEW_BANDS else "lines")
        column.plotly_chart(figure, key=f"sr-{key}", config=charts.CONFIG)


def sharpness(review: Review) -> None:
    """Power by frequency, and the edge along the drawn line."""
    left, right = st.columns(2, gap="medium")
    with left:
        spectrum = cast(Curve, review.result.layers["power_spectrum"])
        st.markdown("**Power by spatial frequency**")
        st.caption(plain(spectrum.about))
        st.plotly_chart(charts.power(spectrum, COLOURS), key="sr-power", config=charts.CONFIG)
    with right:
        st.markdown("**An edge along a line**")
        _edge(review)


def _edge(review: Review) -> None:
    line = review.bench.session.line
    if line is None:
        st.markdown(
            "Press **Line** above the map and drag across an edge: a roof, a field boundary. Here "
            "you will see how steeply each image rises there."
        )
        return
    bench = review.bench
    pixel_m = bench.grid.pixel_m
    length = line.length_px * pixel_m[0] if pixel_m else line.length_px
    unit = "m" if pixel_m else "px of the scene"
    profiles: dict[str, NDArray[np.float64]] = {}
    rises: list[tuple[str, float | None]] = []
    for title, image in review.images.items():
        plane = image.data[list(review.planes(image))].mean(axis=0)
        values = profile(plane, image.grid, line, bench.grid)
        profiles[title] = values
        rises.append((title, rise_distance(values, length)))
    distance = np.linspace(0.0, length, SAMPLES)
    quantity = f"Mean of the bands shown, {UNITS[bench.about.quantity]}"
    st.plotly_chart(
        charts.edge(profiles, distance, COLOURS, unit, quantity),
        key="sr-edge",
        config=charts.CONFIG,
    )
    st.dataframe(
        {
            "Image": [title for title, _ in rises],
            f"10-90 % rise [{unit}]": [
                "no clear edge" if v is None else number(v) for _, v in rises
            ],
        },
        key="sr-rises",
        hide_index=True,
    )
    st.caption(
        "The levels are the medians of the first and last 15 % of the line; let it cross one edge. "
        "A short rise is sharp, and right only where the truth rises as steeply."
    )


def detail(review: Review) -> None:
    """Small maps of what is wrong, what contradicts the input, what it cannot vouch for."""
    found = review.result.metrics
    agreement = found.get("detail_agreement")
    if agreement is not None:
        st.markdown(
            "Of the detail that the input can neither confirm nor refute, the result's correlates "
            f"with that of the truth by **{agreement:.2f}** (bicubic "
            f"{text_of('detail_agreement', found['baselines']['bicubic'])}; 1 would be all "
            "right, 0 all invented)."
        )
    else:
        st.markdown(
            "Without the truth nobody can say whether added detail is right. The maps show where "
            "the result goes beyond its input, and where it contradicts it."
        )
    key = clients.result_key(review.result)
    columns = st.columns(3)
    for i, (name, layer) in enumerate(review.maps.items()):
        with columns[i % 3]:
            thumbnails.show(key, name, layer)
    st.caption("All of them can be laid over the map with its button Layers.")


def uncertainty(review: Review, question: Question) -> None:
    """Spread of the result over several ways to ask the model, computed on demand."""
    more = given.spread_question(question)
    session = review.bench.session
    if more is None:
        st.markdown(f"{plain(question.card.title)} gives no measure of uncertainty.")
        return
    found = ask.answer(session, more)
    if found is None and not ask.waiting(session, more, "cancel-spread"):
        st.markdown(
            "The same image is asked for in several ways; where the answers differ, detail is "
            "doubtful. This takes several times as long as the run."
        )
        if st.button("Compute the spread", key="sr-spread", icon=":material/blur_on:"):
            ask.submit(session, more)
            st.rerun()
    if found is None:
        return
    key = clients.result_key(found)
    columns = st.columns(3)
    for i, name in enumerate(more.job.wants):
        with columns[i % 3]:
            thumbnails.show(key, name, cast(RasterLayer, found.layers[name]))


def text_of(key: str, found: dict[str, Any]) -> str:
    """A score with its unit."""
    value = found.get(key)
    if value is None:
        return "equal" if key in ("psnr_db", "consistency_db") else "–"
    return f"{METRICS[key].text(value)} {METRICS[key].unit}".strip()
