"""Taking errors home: a report that opens anywhere, the test pixels, and layers for a GIS."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from rsviz.core.model import Result
from rsviz.jobs.error_exporter import LAYERS, PIXELS, REPORT, View
from rsviz.jobs.exporter import export_errors
from rsviz.views import clients, errors, uploads
from rsviz.views.mistakes.study import Study
from rsviz.views.words import size

READY = "errors-files-ready"
OFFERED = (
    (REPORT, "Report (HTML)", "text/html"),
    (PIXELS, "Test pixels (CSV)", "text/csv"),
    (LAYERS, "Layers (GeoTIFF)", "application/zip"),
)


def menu(study: Study, explained: Result | None) -> None:
    """What can be downloaded of the errors."""
    with st.popover("Export", icon=":material/download:", key="errors-export"):
        st.markdown(
            "A report with figures, tables and records in one HTML file that opens without "
            "internet; every test pixel as a table; errors, agreement and uncertainty as GeoTIFFs. "
            "What is lit now is what the report shows."
        )
        wanted = f"{study.state} {'' if explained is None else clients.result_key(explained)}"
        if explained is not None:
            wanted += repr(explained.layers["facts"])  # two classes of one pixel
        if st.button("Prepare the files", key="errors-make", icon=":material/inventory_2:"):
            with st.spinner("Writing files"), errors.boundary("The export"):
                folder = Path(tempfile.mkdtemp(dir=uploads.folder()))
                second = None if study.second is None else study.second.result
                results = study.first.result, second, explained
                export_errors(results, View.of(study), folder)
                st.session_state[READY] = wanted, folder
        ready, folder = st.session_state.get(READY, ("", Path()))
        if ready != wanted or not folder.is_dir():
            return
        stem = f"errors-{study.bench.about.name}".replace(" ", "-").lower()
        for name, label, kind in OFFERED:
            path = folder / name
            st.download_button(
                f"{label}, {size(path.stat().st_size)}",
                path.read_bytes,
                file_name=f"{stem}-{name}" if name != REPORT else f"{stem}.html",
                mime=kind,
                key=f"errors-file-{name}",
                on_click="ignore",
                icon=":material/download:",
                width="stretch",
            )
