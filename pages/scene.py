"""What is in this file? Bands, composites, spectra at a click, metadata."""

import streamlit as st

from rsviz.views import (
    bands,
    chooser,
    clients,
    errors,
    inspector,
    metadata,
    shell,
    spectra,
    workbench,
)
from rsviz.views.bench import Bench, opened

MAP = "scene-map"
TABS = ("Bands and stretch", "Spectra", "Rectangle", "File")


@errors.fragment
def content(bench: Bench) -> None:
    """Map and inspector, and below them what this page adds; a click reruns only this."""
    session = bench.session
    clicked = workbench.take_clicks(bench, MAP)
    if clicked is not None and session.keep_clicks:
        spectra.keep(session, *clicked)
    region = clients.rectangle(bench.key, session.rectangle) if session.rectangle else None
    left, right = st.columns([3, 2], gap="medium")
    with left:
        bands.choose_preset(bench)
        workbench.show(bench, [workbench.base(bench), *spectra.angle_layer(bench)], MAP)
    with right, workbench.beside_map(), errors.boundary("The inspector"):
        inspector.header(bench)
        inspector.spectrum(bench, region, kept=True)
        spectra.keep_controls(bench)
    tabs = st.tabs(TABS, key="scene-tabs", on_change="rerun")
    parts = (bands.picker, spectra.panel, spectra.rectangle_panel, metadata.panel)
    for name, tab, part in zip(TABS, tabs, parts, strict=True):
        if tab.open:
            with tab, errors.boundary(name):
                part(bench)


with shell.page(
    "What is in this file?",
    "Each pixel holds a whole spectrum; three of its bands are drawn as colours. Click pixels to "
    "compare what fields, water and roofs reflect, and choose other wavelengths to bring out "
    "what the eye cannot see.",
    __file__,
) as session:
    bench = opened(session)
    if bench is not None:
        with st.sidebar:
            chooser.choose_variable(session)
        content(bench)
        workbench.notes(bench)
