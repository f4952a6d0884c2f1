"""What was measured of a model's speed: time over length as a chart, the rest as a table."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from rsviz.core import registry
from rsviz.core.card import ModelCard
from rsviz.views import charts
from rsviz.views.words import many, plain


def speed(card: ModelCard) -> None:
    """Measured speed, with its conditions, when the model has a benchmark."""
    path = registry.MODELS / card.id / "benchmark.json"
    found: dict[str, Any] = json.loads(path.read_text("utf8")) if path.is_file() else {}
    benches = {name: bench for name, bench in found.items() if "rows" in bench}
    if not benches:
        st.markdown("No benchmark is recorded for this model.")
    for name, bench in benches.items():
        st.subheader(name.capitalize(), anchor=False)
        st.caption(plain(conditions(bench)))
        series, others = split_rows(bench["rows"])
        if series:
            figure = charts.benchmark(series, "Length of the sequence", "Time [s]")
            st.plotly_chart(figure, key=f"bench-{name}", config=charts.CONFIG)
        st.dataframe(
            {
                "Measured": [row["name"] for row in others],
                "Value": [f"{row['value']:.4g} {row['unit']}" for row in others],
                "Beside": [row["baseline"] for row in others],
                "Times better": [row["ratio"] for row in others],
            },
            hide_index=True,
            key=f"bench-{name}-table",
        )
        st.code(f"python -m rsviz bench {name}", language="bash")


def conditions(bench: dict[str, Any]) -> str:
    """On what a benchmark was measured."""
    versions = ", ".join(f"{name} {value}" for name, value in bench.get("versions", {}).items())
    threads = many(int(bench.get("threads", 1)), "thread")
    return f"{bench.get('cpu', '')}, {threads}, {bench.get('date', '')}, {versions}"


def split_rows(
    rows: list[dict[str, Any]],
) -> tuple[dict[str, tuple[list[float], list[float]]], list[dict[str, Any]]]:
    """Rows 'length/NAME/SIZE' in ms as series of (sizes, seconds), and all other rows."""
    series: dict[str, tuple[list[float], list[float]]] = {}
    others = []
    for row in rows:
        kind, _, rest = row["name"].partition("/")
        name, _, size = rest.rpartition("/")
        if kind == "length" and row["unit"] == "ms":
            sizes, seconds = series.setdefault(name.replace("_", " "), ([], []))
            sizes.append(float(size))
            seconds.append(row["value"] / 1000)
        else:
            others.append(row)
    return series, others
