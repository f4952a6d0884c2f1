"""How bands become colours: combinations by wavelength, a picker, and the stretch."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from rsviz.core.scene import Band, Description
from rsviz.draw.colour import PRESETS, combinations, usable
from rsviz.jobs.display import Composite
from rsviz.views import charts, clients
from rsviz.views.bench import Bench
from rsviz.views.clients import SceneKey
from rsviz.views.state import Look, bind
from rsviz.views.words import number, plain

OWN = "Own"
CHANNELS = ("Red", "Green", "Blue")


def label(bands: tuple[Band, ...], index: int) -> str:
    """A band for people: '650 nm', or its name."""
    band = bands[index]
    return f"{band.wavelength_nm:.0f} nm" if band.wavelength_nm is not None else band.name


def settle(look: Look, scene: Description) -> None:
    """Give a look its bands when it has none yet."""
    if not look.bands:
        look.preset, look.bands = next(iter(combinations(scene.bands).items()))


def choose_preset(bench: Bench) -> None:
    """One row of combinations to choose from."""
    session, scene = bench.session, bench.about
    settle(session.look, scene)
    offered = combinations(scene.bands)
    names = [*offered, OWN] if session.look.preset == OWN else list(offered)

    def chosen(name: str) -> None:
        session.look = Look(name, offered.get(name, session.look.bands))

    st.segmented_control(
        "Colours",
        names,
        required=True,
        key="look-preset",
        on_change=bind("look-preset", session.look.preset, chosen),
        help=" ".join(f"{p.name}: {p.about}" for p in PRESETS if p.name in offered) or None,
        label_visibility="collapsed",
    )


def picker(bench: Bench) -> None:
    """A wavelength for each colour, with the histogram of its band and the stretch on it."""
    look = bench.session.look
    settle(look, bench.about)
    composite = clients.composite(bench.key, look.bands, look.limits)
    columns = st.columns(3)
    for channel, column in enumerate(columns[: len(look.bands)]):
        with column:
            _one_channel(bench, composite, channel)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Stretch 2 to 98 %",
            key="look-reset",
            disabled=look.limits is None,
            on_click=look.reset,
        )
        st.caption(
            "Values below the left end are drawn black, above the right end at full brightness."
        )


def _one_channel(bench: Bench, composite: Composite, channel: int) -> None:
    session, scene = bench.session, bench.about
    look = session.look
    name = CHANNELS[channel] if len(look.bands) == 3 else "Band"
    choices = tuple(sorted({*usable(scene.bands), look.bands[channel]}))

    def band_chosen(band: int) -> None:
        bands = (*look.bands[:channel], band, *look.bands[channel + 1 :])
        session.look = Look(OWN if len(bands) == 3 else look.preset, bands)

    def limits_chosen(limits: tuple[float, float]) -> None:
        all_limits = list(composite.limits)
        all_limits[channel] = limits
        look.limits = tuple(all_limits)

    if len(choices) > 1:
        widget = f"look-band-{channel}"
        st.select_slider(
            name,
            choices,
            format_func=lambda i: plain(label(scene.bands, i)),
            key=widget,
            on_change=bind(widget, look.bands[channel], band_chosen),
        )
    counts = clients.histogram(bench.key, look.bands[channel])
    low, high = composite.limits[channel]
    figure = _histogram_chart(bench.key, look.bands[channel], (low, high), name)
    st.plotly_chart(figure, key=f"look-histogram-{channel}", config=charts.CONFIG)
    least, most = float(min(counts.edges[0], low)), float(max(counts.edges[-1], high))
    if most > least:
        widget = f"look-limits-{channel}"
        st.slider(
            f"Stretch of {name.lower()}, {number(low)} to {number(high)}",
            least,
            most,
            step=(most - least) / 200,
            key=widget,
            on_change=bind(widget, (low, high), limits_chosen),
            label_visibility="collapsed",
        )


@st.cache_resource(show_spinner=False, max_entries=64)
def _histogram_chart(key: SceneKey, band: int, limits: tuple[float, float], name: str) -> go.Figure:
    """Drawn once: making a chart takes longer than the rest of a click."""
    return charts.histogram(clients.histogram(key, band), limits, name)
