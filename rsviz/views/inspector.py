"""One pixel, everything that is known of it: spectrum, classes, doubt, routing, truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.grid import Grid
from rsviz.core.layers import (
    Layer,
    ProbabilityMap,
    RasterLayer,
    RoutingMap,
    UncertaintyMap,
    pixel_values,
)
from rsviz.core.model import Result
from rsviz.core.palettes import colours_of, expert_colours
from rsviz.core.scene import Truth
from rsviz.jobs.display import RegionStats
from rsviz.views import charts, clients, errors
from rsviz.views.bench import Bench
from rsviz.views.palettes import PICKED, PINNED
from rsviz.views.spectra import UNITS
from rsviz.views.state import Pixel
from rsviz.views.words import pixel_name, plain

SPECTRUM_HEIGHT = 250
THERMAL_NM = 3000.0
USE = {1: "used for training", 2: "a test pixel"}


def header(bench: Bench) -> None:
    """Which pixel is picked, where it lies, and the pin that keeps it for comparison."""
    session = bench.session
    if session.picked is None:
        st.markdown("**No pixel is picked.** Click one on the map to look into it.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        where = bench.spot(session.picked)
        st.markdown(
            f"**Pixel {pixel_name(*session.picked)}**" + (f" · {where}" if where else ""),
            width="stretch",
        )
        if session.pinned is None:
            st.button(
                "Pin",
                key="pin",
                icon=":material/keep:",
                help="Keep it here, and compare the next pixel with it.",
                on_click=session.pin,
                args=(session.picked,),
            )
        else:
            st.button(
                "Unpin",
                key="unpin",
                icon=":material/keep_off:",
                on_click=session.pin,
                args=(None,),
            )
    if session.pinned is not None:
        where = bench.spot(session.pinned)
        st.caption(f"Pinned: {pixel_name(*session.pinned)}" + (f" · {where}" if where else ""))


def spectrum(bench: Bench, region: RegionStats | None = None, kept: bool = False) -> None:
    """Spectra of the picked and the pinned pixel, of kept ones, and of a rectangle.

    Args:
        bench: the open scene.
        region: mean and spread of a rectangle.
        kept: whether to draw the spectra that the visitor keeps.
    """
    lines = []
    shown, quantity = _comparable(bench)
    for one in bench.session.collected if kept else ():
        values = clients.spectrum(bench.key, one.row, one.col).values[shown]
        lines.append(charts.Line(one.name, values, one.colour))
    for pixel, name, colour in (
        (bench.session.pinned, "Pinned", PINNED),
        (bench.session.picked, "Picked", PICKED),
    ):
        if pixel is not None:
            values = clients.spectrum(bench.key, *pixel).values[shown]
            lines.append(charts.Line(name, values, colour, "solid" if name == "Picked" else "dash"))
    if lines or region is not None:
        bands = tuple(bench.about.bands[i] for i in shown)
        if region is not None:
            region = replace(region, mean=region.mean[shown], std=region.std[shown])
        figure = charts.spectra(bands, lines, UNITS[quantity], region, SPECTRUM_HEIGHT)
        st.plotly_chart(figure, key="spectrum", config=charts.CONFIG)


def _comparable(bench: Bench) -> tuple[list[int], str]:
    """The bands that share one axis, and their quantity: temperatures are no reflectances."""
    about = bench.about
    if about.quantity != "reflectance_and_temperature":
        return list(range(len(about.bands))), about.quantity
    light = [i for i, b in enumerate(about.bands) if 0 < (b.wavelength_nm or 0) < THERMAL_NM]
    return light, "reflectance"


def answer(bench: Bench, result: Result, truth: Truth | None, layers: Mapping[str, Layer]) -> None:
    """What a model said of the picked pixel, beside the pinned one.

    Args:
        bench: the open scene.
        result: what the model gave.
        truth: reference labels, if any.
        layers: those to tell of.
    """
    if bench.session.picked is None:
        return
    reference = _true_class(bench, result, truth)
    for name, layer in layers.items():
        if isinstance(layer, ProbabilityMap):
            with errors.boundary("The class probabilities"):
                _probabilities(bench, name, layer, reference)
    doubts = [layer for layer in layers.values() if isinstance(layer, UncertaintyMap)]
    if doubts:
        with errors.boundary("The measures of uncertainty"):
            _doubts(bench, doubts)
    for role, title in (
        ("routing", "Routing"),
        ("affinity", "Affinity"),
        ("contribution", "Contribution"),
    ):
        stages = [
            layer
            for layer in layers.values()
            if isinstance(layer, RoutingMap) and layer.role == role
        ]
        if stages:
            with errors.boundary(f"The {role} of experts"):
                _experts(bench, title, stages)


def at(layer: RasterLayer, scene: Grid, pixel: Pixel) -> NDArray[np.float32]:
    """The value of a layer, or one a plane, over the centre of a pixel of the scene."""
    row = int((pixel[0] + 0.5) * layer.grid.height / scene.height)
    col = int((pixel[1] + 0.5) * layer.grid.width / scene.width)
    return np.asarray(pixel_values(layer, row, col), np.float32)


def _pinned(bench: Bench, layer: RasterLayer) -> NDArray[np.float32] | None:
    pixel = bench.session.pinned
    return None if pixel is None else at(layer, bench.grid, pixel)


def _picked(bench: Bench, layer: RasterLayer) -> NDArray[np.float32]:
    assert bench.session.picked is not None
    return at(layer, bench.grid, bench.session.picked)


def _true_class(bench: Bench, result: Result, truth: Truth | None) -> str:
    """Say what the reference says of the picked pixel; its class name, or ""."""
    pixel = bench.session.picked
    if truth is None or pixel is None:
        return ""
    label = int(truth.labels[pixel])
    if label == 0:
        st.caption("Reference: unlabelled")
        return ""
    name = truth.names[label - 1]
    use = USE.get(int(result.split.data[pixel]), "") if result.split is not None else ""
    st.caption(f"Reference: **{plain(name)}**" + (f", {use}" if use else ""))
    return name


def _probabilities(bench: Bench, name: str, layer: ProbabilityMap, reference: str) -> None:
    picked = _picked(bench, layer)
    if not np.isfinite(picked).all():
        st.caption("The model says nothing here: there is no data.")
        return
    figure = charts.probabilities(
        layer.labels,
        colours_of(layer.colours, len(layer.labels)),
        picked,
        _pinned(bench, layer),
        layer.labels.index(reference) if reference in layer.labels else None,
        most=6,
    )
    st.plotly_chart(figure, key=f"inspect-{name}", config=charts.CONFIG)


def _doubts(bench: Bench, layers: Sequence[UncertaintyMap]) -> None:
    entries = []
    for layer in layers:
        pinned = _pinned(bench, layer)
        entries.append(
            charts.Measure(
                layer.title,
                layer.unit,
                _number(_picked(bench, layer)),
                None if pinned is None else _number(pinned),
                layer.limits[1] if layer.limits else float(np.nanmax(layer.data, initial=0)) or 1.0,
            )
        )
    st.plotly_chart(charts.measures(entries), key="inspect-doubt", config=charts.CONFIG)


def _experts(bench: Bench, title: str, layers: Sequence[RoutingMap]) -> None:
    stages = [
        charts.Stage(layer.stage, _picked(bench, layer), _pinned(bench, layer)) for layer in layers
    ]
    experts = layers[0].experts
    st.caption(f"{title}: {plain(layers[0].about)}")
    figure = charts.routing(experts, expert_colours(len(experts)), stages)
    st.plotly_chart(figure, key=f"inspect-{title.lower()}", config=charts.CONFIG)


def _number(value: NDArray[np.float32]) -> float | None:
    return float(value) if np.isfinite(value) else None
