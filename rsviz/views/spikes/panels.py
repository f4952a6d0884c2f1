"""What stands below the map of a spiking network, by topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import streamlit as st

from rsviz.core.layers import Curve, RasterLayer, SRImage, Table, Tokens
from rsviz.core.palettes import expert_colours
from rsviz.views import charts, errors, thumbnails
from rsviz.views.charts import Tap
from rsviz.views.layers import show_layer
from rsviz.views.palettes import GREY, MEASURED
from rsviz.views.spikes.energy import energy
from rsviz.views.spikes.inside import TOPICS, Inside, partners, step_images
from rsviz.views.state import Session, bind
from rsviz.views.words import plain

NOTE = "Note"
NEURON = r"""
\begin{aligned}
H_t &= \tfrac{1}{2}\,V_{t-1} + I_t \\
S_t &= 1 \text{ if } H_t \ge \theta, \text{ else } 0 \\
V_t &= H_t\,(1 - S_t)
\end{aligned}
"""
MEANING = (
    "Charge: half of the membrane V is forgotten, the input I is added. Fire: a spike S where H "
    "reaches the threshold θ. Reset: after a spike V is 0."
)
WAITS = "Click a pixel on the map to look into its neurons."


def show(inside: Inside, topic: str) -> None:
    """The charts of a topic."""
    with errors.boundary(topic):
        PANELS[topic](inside)


def _spikes(inside: Inside) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        _chart(inside, "spike_rates")
    with right:
        _chart(inside, "channel_rates")
    table = inside.layer("silent")
    if isinstance(table, Table):
        _flagged(table)
    _small_maps(inside, "Spikes")


def _flagged(table: Table) -> None:
    """Silent and saturated neurons, with a warning where a layer hardly works."""
    notes = [str(row[table.columns.index(NOTE)] or "") for row in table.rows]
    flagged = [(str(row[0]), note) for row, note in zip(table.rows, notes, strict=True) if note]
    st.markdown(f"**{plain(table.title)}**")
    st.caption(plain(table.about))
    if flagged:
        lines = [f"- {plain(name)}: {plain(note)}" for name, note in flagged]
        st.warning(
            "Layers that hardly take part:\n\n" + "\n".join(lines), icon=":material/bedtime:"
        )
    else:
        st.caption("No layer is flagged: every one fires now and then, and none always.")
    show_layer(table, "spikes-silent")


def _membrane(inside: Inside) -> None:
    left, right = st.columns([3, 2], gap="medium")
    membrane, raster = inside.layer("membrane"), inside.layer("raster")
    with left:
        if isinstance(membrane, Curve) and charts.THRESHOLD in membrane.names:
            _head(membrane.title, membrane.about)
            st.plotly_chart(charts.membrane(membrane), key="spikes-membrane", config=charts.CONFIG)
        else:
            st.markdown(WAITS)
    with right:
        st.markdown("**The neuron**")
        st.latex(NEURON)
        st.caption(MEANING)
        if isinstance(membrane, Curve) and charts.THRESHOLD in membrane.names:
            threshold = float(membrane.data[membrane.names.index(charts.THRESHOLD)][0])
            st.caption(f"Here the threshold θ is {threshold:g}, and V starts at 0.")
    left, right = st.columns(2, gap="medium")
    with left:
        if isinstance(raster, Tokens) and raster.data.ndim == 2:
            _head(raster.title, raster.about)
            st.plotly_chart(charts.raster(raster), key="spikes-raster", config=charts.CONFIG)
    with right:
        texture = inside.layer("texture")
        if isinstance(texture, Curve):
            _head(texture.title, texture.about)
            st.plotly_chart(charts.by_depth(texture), key="spikes-texture", config=charts.CONFIG)


def _attention(inside: Inside) -> None:
    layer = inside.layer("attention")
    if isinstance(layer, Tokens) and layer.data.ndim == 3:
        blocks = list(layer.ticks[0]) if layer.ticks else [str(i) for i in range(len(layer.data))]
        _head(layer.title, layer.about)
        name = _choice(inside.bench.session, "Block", "spikes-block", blocks)
        shown = Tokens(
            layer.title, layer.about, layer.data[blocks.index(name)], layer.axes[1:],
            layer.ticks[1:] if layer.ticks else (), layer.unit or "weight",
        )  # fmt: skip
        st.plotly_chart(charts.tokens(shown), key="spikes-attention", config=charts.CONFIG)
    elif layer is not None:
        _chart(inside, "attention")
    _chart(inside, "branches")


def chosen_partner(inside: Inside) -> dict[str, float | str] | None:
    """The row of the table of partners that the visitor looks at, drawn as two choices."""
    table = partners(inside)
    if table is None:
        return None
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    with st.container(horizontal=True):
        for column in ("block", "step"):
            if column in table.columns:
                values = list(dict.fromkeys(str(row[column]) for row in rows))
                wanted = _choice(
                    inside.bench.session, column.capitalize(), f"spikes-partner-{column}", values
                )
                rows = [row for row in rows if str(row[column]) == wanted]
    return cast(dict[str, float | str], rows[0]) if rows else None


def _partner(inside: Inside) -> None:
    if partners(inside) is None:
        st.markdown("Click a pixel on the map to see which patch its own looks at.")
    else:
        st.caption(
            "On the map: the patch of the picked pixel, its partner, and an arrow with their "
            "similarity."
        )
    left, right = st.columns([2, 3], gap="medium")
    offsets = inside.layer("offsets")
    with left:
        if isinstance(offsets, Table) and offsets.rows:
            _head(offsets.title, offsets.about)
            _taps(inside.bench.session, offsets)
    with right:
        _small_maps(inside, "Partner", columns=2)


def _taps(session: Session, table: Table) -> None:
    """The deformable kernel at the picked pixel, of one block."""
    place = {name: i for i, name in enumerate(table.columns)}
    blocks = list(dict.fromkeys(str(row[place["block"]]) for row in table.rows))
    wanted = _choice(session, "Block of the kernel", "spikes-taps", blocks)
    rows = [row for row in table.rows if str(row[place["block"]]) == wanted]

    def number(row: tuple[str | float | int | None, ...], name: str) -> float:
        return float(row[place[name]] or 0.0)

    found = [
        Tap(
            i // 3 - 1,
            i % 3 - 1,
            number(row, "shift down [px]"),
            number(row, "shift right [px]"),
            number(row, "weight"),
        )
        for i, row in enumerate(rows)
    ]
    st.plotly_chart(charts.taps(found), key="spikes-taps-chart", config=charts.CONFIG)


def _steps(inside: Inside) -> None:
    images = step_images(inside.result)
    left, right = st.columns(2, gap="medium")
    with left, errors.boundary("Convergence"):
        curve = inside.layer("convergence")
        if isinstance(curve, Curve):
            _head(curve.title, curve.about)
            colours = ("#e69f00", *expert_colours(len(curve.names)))
            named = zip(curve.names, curve.data.astype(np.float64), colours, strict=False)
            figure = charts.psnr_by_steps(curve.x.astype(np.int64), list(named))
            st.plotly_chart(figure, key="spikes-steps", config=charts.CONFIG)
    with right, errors.boundary("Truth over time steps"):
        _against_truth(inside, list(images))
    columns = st.columns(4)
    for i, (step, image) in enumerate(images.items()):
        with columns[i % 4]:
            thumbnails.show(inside.key, f"step_image_{step}", image, about=False)


def _against_truth(inside: Inside, steps: list[int]) -> None:
    """PSNR of the images of the first steps, beside bicubic interpolation, where it is known."""
    metrics = inside.result.metrics
    others = metrics.get("others", {})
    known = [others.get(f"step_image_{step}", {}).get("psnr_db") for step in steps]
    _head("Truth over time steps", "How well the image of the first steps agrees with the truth.")
    if not steps or None in known:
        st.markdown("Make the scene coarser first (in the sidebar): then the truth is known.")
        return
    lines = [(plain(inside.card.title), np.array(known, np.float64), MEASURED)]
    bicubic = metrics["baselines"]["bicubic"].get("psnr_db")
    if bicubic is not None:
        lines.append(("Bicubic", np.full(len(steps), bicubic), GREY))
    figure = charts.psnr_by_steps(np.array(steps, np.int64), lines)
    st.plotly_chart(figure, key="spikes-truth", config=charts.CONFIG)


def _small_maps(inside: Inside, topic: str, columns: int = 3) -> None:
    """The maps of a topic, small, with their ranges."""
    places = st.columns(columns)
    maps = [(name, inside.layer(name)) for name in TOPICS[topic]]
    rasters = [(n, x) for n, x in maps if isinstance(x, RasterLayer) and not isinstance(x, SRImage)]
    for i, (name, layer) in enumerate(rasters):
        with places[i % columns]:
            thumbnails.show(inside.key, name, layer)


def _chart(inside: Inside, name: str) -> None:
    layer = inside.layer(name)
    if layer is not None:
        _head(layer.title, layer.about)
        show_layer(layer, f"spikes-{name}")


def _head(title: str, about: str) -> None:
    st.markdown(f"**{plain(title)}**")
    st.caption(plain(about))


def _choice(session: Session, label: str, key: str, names: list[str]) -> str:
    """One of several names, remembered when the page is left."""
    if session.chosen.get(key) not in names:
        session.chosen[key] = names[0]

    def store(name: str) -> None:
        session.chosen[key] = name

    st.selectbox(label, names, key=key, on_change=bind(key, session.chosen[key], store), width=220)
    return session.chosen[key]


PANELS: dict[str, Callable[[Inside], None]] = {
    "Spikes": _spikes,
    "Membrane": _membrane,
    "Attention": _attention,
    "Partner": _partner,
    "Steps": _steps,
    "Energy": energy,
}
"""What is shown of each topic."""
