"""Taking a result home: the record of the run, and everything in one archive."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from rsviz.core.model import Result, RunRecord
from rsviz.jobs.exporter import export
from rsviz.views import clients, errors, own, uploads
from rsviz.views.bench import Bench
from rsviz.views.words import plain, seconds, size


def menu(bench: Bench, result: Result) -> None:
    """What can be downloaded of a result."""
    with st.popover("Export", icon=":material/download:", key="export"):
        st.markdown(
            "GeoTIFFs on the scene's grid, PNGs with legends, tables, a map that opens offline "
            "(`map.html`), and the record that repeats the run."
        )
        key = clients.result_key(result)
        if st.button("Prepare the files", key="export-make", icon=":material/inventory_2:"):
            with st.spinner("Writing files"), errors.boundary("The export"):
                place = Path(tempfile.mkdtemp(dir=uploads.folder())) / "result.zip"
                export(result, place)
                st.session_state["export-ready"] = (key, place)
        ready_key, place = st.session_state.get("export-ready", ("", Path()))
        if ready_key == key and place.is_file():
            st.download_button(
                f"Download {size(place.stat().st_size)}",
                place.read_bytes,
                file_name=f"{result.record.model}-{bench.about.name}.zip".replace(" ", "-").lower(),
                mime="application/zip",
                key="export-zip",
                on_click="ignore",
                type="primary",
            )
        st.download_button(
            "Record alone (JSON)",
            lambda: json.dumps(asdict(result.record), indent=1),
            file_name="record.json",
            mime="application/json",
            key="export-record",
            on_click="ignore",
        )


def record(result: Result) -> None:
    """How the result came about, in words."""
    st.markdown("\n".join(f"- {name}: **{plain(text)}**" for name, text in facts_of(result.record)))
    st.caption("Repeat it with: `python -m rsviz run --record record.json --out DIR`")


def facts_of(made: RunRecord) -> list[tuple[str, str]]:
    """A record as (name, value) for people."""
    name = "your own" if own.is_own(made.weights) else made.weights
    facts = [
        ("Model", made.model),
        ("Weights", f"{name}, SHA-256 {made.weights_sha256[:12]}…"),
        ("Scene", made.scene_name),
        ("Settings", ", ".join(f"{k} = {v}" for k, v in made.options.items()) or "none"),
        ("Device", f"{made.device}, seed {made.seed}"),
        ("Time", f"{seconds(made.seconds)}, at most {made.peak_memory_mb:.0f} MB"),
        ("Versions", ", ".join(f"{k} {v}" for k, v in made.versions.items())),
    ]
    return facts
