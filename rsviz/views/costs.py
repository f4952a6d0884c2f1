"""What a model computes: counted as its paper does and in full, at a price that can be set."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.views.spikes.energy import prices
from rsviz.views.words import plain

FILE = "costs.json"


def costs(card: ModelCard) -> None:
    """Parameters, operations and computed energy by way of counting; nothing without a record."""
    path = registry.MODELS / card.id / FILE
    if not path.is_file():
        return
    found: dict[str, Any] = json.loads(path.read_text("utf8"))
    st.subheader("Operations and energy", anchor=False)
    st.caption(plain(found["about"]))
    mac_pj, ac_pj = prices("costs")
    rows = found["rows"]
    st.dataframe(
        {
            "Count": [row["name"] for row in rows],
            "Parameters": [row["parameters"] for row in rows],
            "Multiply-accumulate [G]": [row["mac_g"] for row in rows],
            "Accumulate alone [G]": [row["ac_g"] for row in rows],
            "Energy [mJ]": [row["mac_g"] * mac_pj + row["ac_g"] * ac_pj for row in rows],
            "What it counts": [row["what"] for row in rows],
        },
        hide_index=True,
        key="costs-table",
        column_config={
            name: st.column_config.NumberColumn(format="%.2f")
            for name in ("Multiply-accumulate [G]", "Accumulate alone [G]", "Energy [mJ]")
        },
    )
