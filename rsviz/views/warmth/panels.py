"""What stands below the map of temperatures: methods, classes, errors, places, the air."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.analysis.scoreboard import FILE, NAMES
from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.core.layers import ScalarMap
from rsviz.physics.atmospheres import standard, table
from rsviz.physics.thermal_bands import BANDS
from rsviz.views import charts
from rsviz.views.charts.temperature import air_profiles, error_bars, error_by_water, sites
from rsviz.views.warmth import given
from rsviz.views.warmth.review import Review
from rsviz.views.words import many, plain

Floats = NDArray[np.float32]
SITES, HUMID, CONTINENTS = "rfmip-sites", "rfmip-humid", "rfmip-continents"
DRAWN = ("mlp", "water_vapour_air_temperature", "single_channel_refit", "rte_true_atmosphere")
COVERS, COVER_EDGES = ("Water", "Bare ground", "Mixed", "Plants"), (0.0, 0.2, 0.5)


def headline(review: Review) -> None:
    """Mean and range of the temperature, and how wrong it is where the truth is known."""
    session = review.bench.session
    layer = next(iter(review.methods.values()))
    data = layer.data[np.isfinite(layer.data)]
    low, mean, high = (
        given.in_unit(session, float(v)) for v in (data.min(), data.mean(), data.max())
    )
    unit = given.unit(session)
    text = f"Mean **{mean:.1f} {unit}**, {low:.1f} to {high:.1f} {unit}"
    if review.truth_k is not None:
        wrong = (layer.data - review.truth_k)[np.isfinite(layer.data)]
        text += f" · RMSE here **{float(np.sqrt(np.mean(wrong**2))):.2f} K** (simulated truth)"
    st.markdown(text, width="stretch")


def methods(review: Review) -> None:
    """All methods over the whole scene."""
    session = review.bench.session
    unit = given.unit(session)
    first = next(iter(review.methods.values())).data
    rows: dict[str, list[Any]] = {"Method": [], f"Mean [{unit}]": [], "Spread [K]": []}
    rows |= {f"Coldest [{unit}]": [], f"Hottest [{unit}]": [], "Minus the first [K]": []}
    if review.truth_k is not None:
        rows |= {"RMSE [K]": [], "Bias [K]": []}
    for layer in review.methods.values():
        data = layer.data[np.isfinite(layer.data)].astype(np.float64)
        values: list[Any] = [layer.title, given.in_unit(session, float(data.mean()))]
        values += [float(data.std())]
        values += [given.in_unit(session, float(v)) for v in (data.min(), data.max())]
        values += [float(np.nanmean(layer.data - first))]
        if review.truth_k is not None:
            wrong = (layer.data - review.truth_k)[np.isfinite(layer.data)]
            values += [float(np.sqrt(np.mean(wrong**2))), float(wrong.mean())]
        for column, value in zip(rows.values(), values, strict=True):
            column.append(value)
    _numbers("heat-table", rows)
    note = "Measured here against the simulated truth." if review.truth_k is not None else (
        "The truth is not known here: differences between methods say how far they disagree, not "
        "which one is right."
    )  # fmt: skip
    st.caption(note)


def zones(review: Review) -> None:
    """Mean, spread, coldest and hottest of each class of the ground."""
    session = review.bench.session
    truth = review.bench.truth()
    layer = next(iter(review.methods.values()))
    if truth is not None and truth.labels.shape == layer.data.shape:
        codes, names = truth.labels.astype(np.int16) - 1, truth.names
        st.caption("Classes of the reference labels that came with the scene.")
    else:
        codes, names = _covers(review), COVERS
        st.caption(
            "The scene brings no class map; these are kinds of ground by NDVI: water below 0, "
            "bare below 0.2, mixed below 0.5, plants."
        )
    unit = given.unit(session)
    rows: dict[str, list[Any]] = {"Class": [], "Pixels": [], f"Mean [{unit}]": []}
    rows |= {"Spread [K]": [], f"Coldest [{unit}]": [], f"Hottest [{unit}]": []}
    for code, name in enumerate(names):
        data = layer.data[(codes == code) & np.isfinite(layer.data)].astype(np.float64)
        if data.size:
            ends = [given.in_unit(session, float(v)) for v in (data.min(), data.max())]
            mean = given.in_unit(session, float(data.mean()))
            for column, value in zip(
                rows.values(), (name, data.size, mean, float(data.std()), *ends), strict=True
            ):
                column.append(value)
    order = np.argsort(rows[f"Mean [{unit}]"])[::-1]
    _numbers("heat-zones", {name: [column[i] for i in order] for name, column in rows.items()})


def errors_by_water(card: ModelCard) -> None:
    """RMSE against water vapour, with and without coupling, and after training in dry air."""
    found = _evaluations(card)
    board = found.get(SITES)
    if board is None:
        st.info("No evaluation of this model is recorded.")
        return
    kinds = {card.title: board["metrics"]} | {
        NAMES[name]: board["baselines"][name] for name in DRAWN if name in board["baselines"]
    }
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**At sites that no method was fitted to**")
        curves = {name: scores["by_water"] for name, scores in kinds.items()}
        st.plotly_chart(error_by_water(curves), key="heat-by-water", config=charts.CONFIG)
    with right:
        st.markdown("**Error of the inputs**")
        st.dataframe(
            _levels({card.title: board["metrics"], **_named(board)}),
            hide_index=True,
            key="heat-levels",
            column_config={
                name: st.column_config.NumberColumn(format="%.2f")
                for name in ("none", "good", "usual", "poor")
            },
        )
        st.caption(
            "RMSE in K. Good: water vapour 4 %, air 1 K, emissivity 0.004; usual: 12 %, 1.5 K, "
            "0.008; poor: 20 %, 3 K, 0.015."
        )
    humid = found.get(HUMID)
    if humid is not None:
        st.markdown("**Trained below 4 g/cm², tested above 5 g/cm²**")
        st.plotly_chart(_bars(card, humid), key="heat-humid", config=charts.CONFIG)
    seeds = many(len(board["seeds"]), "seed")
    st.caption(
        f"Measured here over {seeds} on simulated measurements through real profiles of air "
        f"(RFMIP), each seed at other sites: `python -m rsviz eval {card.id} --protocol {SITES}`."
    )


def places(card: ModelCard) -> None:
    """RMSE of every site on a map of the world, and of every continent when it was left out."""
    found = _evaluations(card)
    board, apart = found.get(SITES), found.get(CONTINENTS)
    if board is None:
        st.info("No evaluation of this model is recorded.")
        return
    rows = np.array(board["metrics"]["by_site"])
    atmospheres = table()
    site = rows[:, 0].astype(int)
    east = (atmospheres.longitude[site] + 180) % 360 - 180
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Each site, tested by the seed that did not train on it**")
        st.plotly_chart(
            sites(atmospheres.latitude[site], east, rows[:, 1], atmospheres.land[site].tolist()),
            key="heat-sites",
            config=charts.CONFIG,
        )
        st.caption("Squares are sites on land, circles at sea.")
    with right:
        st.markdown("**Each continent, left out of the training**")
        if apart is None:
            st.caption("Not measured yet.")
            return
        names = apart.get("regions", [])
        values: dict[str, tuple[float, float | None]] = {
            plain(name): (run[0], None) for name, run in zip(names, apart["by_seed"], strict=True)
        }
        st.plotly_chart(error_bars(values), key="heat-continents", config=charts.CONFIG)


def air(review: Review | None) -> None:
    """Temperature and humidity of standard atmospheres against pressure, and what they do."""
    about = None if review is None else given.thermal_band(review.bench.about)
    band = about or BANDS["landsat-8-b10"]
    found = standard(band)
    left, right = st.columns(2, gap="large")
    with left:
        lines = {a.name: (a.temperature_k, a.pressure_hpa) for a in found}
        st.plotly_chart(
            air_profiles(lines, "Air temperature [K]"), key="heat-air", config=charts.CONFIG
        )
    with right:
        lines = {a.name: (a.humidity_g_kg, a.pressure_hpa) for a in found}
        st.plotly_chart(
            air_profiles(lines, "Water vapour [g/kg]"), key="heat-water", config=charts.CONFIG
        )
    _numbers(
        "heat-standard",
        {
            "Atmosphere": [a.name for a in found],
            "Water vapour [g/cm²]": [a.water_vapour_g_cm2 for a in found],
            "Air at the ground [K]": [float(a.temperature_k[0]) for a in found],
            "Transmittance": [float(a.air.transmittance) for a in found],
            "Path radiance": [float(a.air.path_radiance) for a in found],
            "Sky radiance": [float(a.air.sky_radiance) for a in found],
        },
    )
    st.caption(
        f"The six standard atmospheres (AFGL-TR-86-0110), simulated by LOWTRAN 7 for "
        f"{band.title}; radiances in W/(m² sr µm). Choose the nearest one when nothing else is "
        "known of the air."
    )


def _evaluations(card: ModelCard) -> dict[str, dict[str, Any]]:
    """What `eval --record` kept of a model, by protocol."""
    path = registry.MODELS / card.id / FILE
    if not path.is_file():
        return {}
    kept: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf8"))
    return {found["protocol"]: found for found in kept.values()}


def _covers(review: Review) -> NDArray[np.int16]:
    """Kinds of ground by NDVI, -1 where it is not known."""
    index = review.maps["vegetation_index"]
    assert isinstance(index, ScalarMap)
    codes = np.digitize(index.data, COVER_EDGES).astype(np.int16)
    codes[~np.isfinite(index.data)] = -1
    return codes


def _named(board: dict[str, Any]) -> dict[str, Any]:
    return {NAMES[name]: scores for name, scores in board["baselines"].items()}


def _levels(kinds: dict[str, Any]) -> dict[str, list[Any]]:
    """RMSE by level of input error, a row a method."""
    names = list(next(iter(kinds.values()))["levels"])
    rows: dict[str, list[Any]] = {"Method": list(kinds)}
    for name in names:
        rows[name] = [scores["levels"][name]["rmse_k"] for scores in kinds.values()]
    return rows


def _bars(card: ModelCard, board: dict[str, Any]) -> Any:
    own = (board["metrics"]["rmse_k"], board["spread"].get("rmse_k"))
    others = {
        name: (scores["rmse_k"], scores["spread"].get("rmse_k"))
        for name, scores in _named(board).items()
    }
    ranked = sorted(others.items(), key=lambda item: item[1][0])
    return error_bars({card.title: own, **dict(ranked)}, card.title)


def _numbers(key: str, columns: dict[str, list[Any]]) -> None:
    """A table whose numbers have the digits that their columns deserve."""
    config = {
        name: st.column_config.NumberColumn(format=_format(name))
        for name, values in columns.items()
        if values and isinstance(values[0], float)
    }
    st.dataframe(columns, hide_index=True, key=key, column_config=config)


def _format(column: str) -> str:
    """Temperatures have one digit after the point, differences and shares two."""
    level = any(word in column for word in ("Mean", "Coldest", "Hottest", "Air at"))
    return "%.1f" if level else "%.2f"
