"""The energy card: what a run costs, with the cost of an operation set by the visitor."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from rsviz.core.layers import Table
from rsviz.views import charts
from rsviz.views.layers import show_layer
from rsviz.views.spikes.inside import Inside
from rsviz.views.words import number, percent, plain

MAC_PJ, AC_PJ = 4.6, 0.9  # 45 nm, 32-bit floating point (Horowitz, ISSCC 2014)
PART, KIND, OPERATIONS, TOTAL = "Part", "Kind", "Operations [G]", "Total"


@dataclass(frozen=True)
class Share:
    """A part of a network: its operations in thousand millions, and whether spikes drive them."""

    part: str
    operations: float
    spiking: bool

    def millijoule(self, mac_pj: float, ac_pj: float) -> float:
        """Energy [mJ], with the cost of an operation in picojoule: 1e9 x 1e-12 J = 1 mJ."""
        return self.operations * (ac_pj if self.spiking else mac_pj)


def shares(table: Table) -> list[Share]:
    """The parts of a table of operations; the row of totals is left out."""
    place = {name: i for i, name in enumerate(table.columns)}
    return [
        Share(str(row[place[PART]]), float(row[place[OPERATIONS]] or 0), row[place[KIND]] == "AC")
        for row in table.rows
        if row[place[PART]] != TOTAL
    ]


def prices(key: str) -> tuple[float, float]:
    """What a multiply-accumulate and an accumulate cost [pJ], as the visitor sets it."""
    left, right = st.columns(2)
    mac = left.number_input(
        "Multiply-accumulate [pJ]", 0.0, 100.0, MAC_PJ, 0.1, key=f"{key}-mac",
        help="Energy of multiplying and adding two real numbers; 4.6 pJ in 45 nm (Horowitz 2014).",
    )  # fmt: skip
    ac = right.number_input(
        "Accumulate [pJ]", 0.0, 100.0, AC_PJ, 0.1, key=f"{key}-ac",
        help="Energy of adding alone, which is all that a spike needs; 0.9 pJ in 45 nm.",
    )  # fmt: skip
    return mac, ac


def energy(inside: Inside) -> None:
    """Energy by part, in all, and how much of the work spikes really drive."""
    table = inside.layer("energy")
    if not isinstance(table, Table):
        return
    st.markdown(f"**{plain(table.title)}**")
    st.caption(plain(table.about))
    mac, ac = prices("energy")
    parts = shares(table)
    spent = [part.millijoule(mac, ac) for part in parts]
    total = sum(spent)
    driven = sum(part.operations for part in parts if part.spiking)
    done = sum(part.operations for part in parts) or 1.0
    st.markdown(
        f"**{number(total)} mJ** for this image; {percent(driven / done)} of the operations are "
        f"driven by spikes, and cost {percent(_cost(parts, mac, ac) / (total or 1.0))} of it."
    )
    figure = charts.energy([p.part for p in parts], spent, [p.spiking for p in parts])
    st.plotly_chart(figure, key="energy-chart", config=charts.CONFIG)
    counts = inside.layer("counts")
    if counts is not None:
        st.markdown(f"**{plain(counts.title)}**")
        st.caption(plain(counts.about))
        show_layer(counts, "energy-counts")


def _cost(parts: list[Share], mac_pj: float, ac_pj: float) -> float:
    """Energy [mJ] of what spikes drive."""
    return sum(part.millijoule(mac_pj, ac_pj) for part in parts if part.spiking)
