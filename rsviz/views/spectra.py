"""Spectra that a visitor keeps: named, coloured, removed one by one, and taken home as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

import streamlit as st

from rsviz.core.palettes import class_colours
from rsviz.core.scene import Description, Spectrum
from rsviz.views import clients
from rsviz.views.bench import Bench
from rsviz.views.layers import map_layer
from rsviz.views.map import MapLayer
from rsviz.views.state import Collected, Session, bind
from rsviz.views.words import area, many, pixel_name

MOST = 12
UNITS = {
    "reflectance": "Reflectance",
    "radiance": "Radiance",
    "brightness_temperature": "Brightness temperature [K]",
    "reflectance_and_temperature": "Reflectance, temperature [K]",
    "dn": "Digital number",
}


def keep(session: Session, row: int, col: int) -> None:
    """Keep the spectrum of a pixel, once, in the next free colour."""
    if len(session.collected) >= MOST or any(
        (c.row, c.col) == (row, col) for c in session.collected
    ):
        return
    used = {kept.colour for kept in session.collected}
    colour = next(c for c in class_colours(MOST) if c not in used)
    session.collected.append(Collected(row, col, pixel_name(row, col), colour))


def keep_button(session: Session, what: str = "spectrum") -> None:
    """Keep the picked pixel, or every clicked one.

    Args:
        session: the visitor's choices.
        what: is kept of it, for people.
    """
    picked = session.picked

    def keep_clicks(on: bool) -> None:
        session.keep_clicks = on

    st.button(
        f"Keep this {what}",
        key="keep",
        icon=":material/add:",
        disabled=picked is None,
        on_click=keep,
        args=(session, *(picked or ())),
    )
    st.toggle(
        "Keep every click",
        key="keep-clicks",
        on_change=bind("keep-clicks", session.keep_clicks, keep_clicks),
        help=f"Up to {MOST}; name, colour and remove them below.",
    )


def keep_controls(bench: Bench) -> None:
    """Keep the picked spectrum, or every clicked one; draw the spectral angle to it."""
    session = bench.session

    def show_angle(on: bool) -> None:
        session.angle = on

    with st.container(horizontal=True, vertical_alignment="center"):
        keep_button(session)
        st.toggle(
            "Spectral angle",
            key="angle",
            on_change=bind("angle", session.angle, show_angle),
            disabled=session.picked is None,
            help="Draws how much each spectrum differs in shape from the picked one: the angle "
            "between them as vectors, arccos(a·b / |a||b|), 0 for the same shape at any "
            "brightness.",
        )


def angle_layer(bench: Bench) -> list[MapLayer]:
    """The spectral angle to the picked pixel as a layer, when it is wanted."""
    session = bench.session
    if not session.angle or session.picked is None:
        return []
    layer = clients.angle(bench.key, *session.picked)
    return [map_layer(bench.frame, "angle", layer, opacity=0.85)]


def panel(bench: Bench) -> None:
    """The kept spectra: names, colours, removal and download."""
    session = bench.session
    if not session.collected:
        st.markdown("No spectrum is kept yet. Pick a pixel and press *Keep this spectrum*.")
        return
    kept_list(session)
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV",
            lambda: as_csv(bench),
            file_name="spectra.csv",
            mime="text/csv",
            key="spectra-csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(
            "Remove all",
            key="keep-none",
            icon=":material/delete:",
            on_click=session.collected.clear,
        )


def rectangle_panel(bench: Bench) -> None:
    """Mean and spread of a rectangle drawn on the map."""
    window = bench.session.rectangle
    if window is None:
        st.markdown(
            "No rectangle is drawn. Press the rectangle tool on the map, or hold shift, and drag: "
            "its mean spectrum and the spread around it appear beside the map."
        )
        return
    region = clients.rectangle(bench.key, window)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"Rows {window.row} to {window.row + window.height - 1}, columns {window.col} to "
            f"{window.col + window.width - 1}: {many(region.count, 'pixel')} with data, "
            f"{area(region.count, bench.grid.pixel_ha)}.",
            width="stretch",
        )
        st.button(
            "Remove the rectangle",
            key="rectangle-none",
            icon=":material/close:",
            on_click=bench.session.draw,
            args=(None,),
        )


def kept_list(session: Session) -> None:
    """One line for each kept spectrum: colour, name, and a button that removes it."""
    for kept in list(session.collected):
        key = f"kept-{kept.row}-{kept.col}"
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-line"):
            st.color_picker(
                "Colour",
                key=f"{key}-colour",
                on_change=bind(f"{key}-colour", kept.colour, _setter(kept, "colour")),
                label_visibility="collapsed",
            )
            st.text_input(
                "Name",
                key=f"{key}-name",
                on_change=bind(f"{key}-name", kept.name, _setter(kept, "name")),
                label_visibility="collapsed",
                max_chars=60,
                width=320,
            )
            st.caption(pixel_name(kept.row, kept.col), width="content")
            st.button(
                "Remove",
                key=f"{key}-remove",
                icon=":material/close:",
                type="tertiary",
                on_click=session.collected.remove,
                args=(kept,),
            )


def as_csv(bench: Bench) -> str:
    """The kept spectra as text: band, wavelength, whether it is usable, then the values."""
    kept = bench.session.collected
    found = [clients.spectrum(bench.key, one.row, one.col) for one in kept]
    titles = [f"{one.name} (row {one.row}, col {one.col})" for one in kept]
    return table(bench.about, found, titles)


def table(about: Description, spectra: Sequence[Spectrum], titles: Sequence[str]) -> str:
    """Spectra under their titles as CSV; text that a spreadsheet would run gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    safe = [f"'{title}" if title.startswith(("=", "+", "-", "@")) else title for title in titles]
    writer.writerow(["band", "wavelength_nm", "usable", *safe])
    for i, band in enumerate(about.bands):
        centre = "" if band.wavelength_nm is None else f"{band.wavelength_nm:.2f}"
        values = [f"{float(spectrum.values[i]):.6g}" for spectrum in spectra]
        writer.writerow([band.name, centre, "yes" if band.good else "no", *values])
    return out.getvalue()


def _setter(kept: Collected, name: str) -> Callable[[str], None]:
    def store(value: str) -> None:
        setattr(kept, name, value)

    return store
