"""What the file says of itself, and which of it was guessed."""

from __future__ import annotations

import streamlit as st

from rsviz.core.scene import Description
from rsviz.views import clients
from rsviz.views.bench import Bench
from rsviz.views.spectra import UNITS
from rsviz.views.words import many, number, plain, size


def panel(bench: Bench) -> None:
    """Two short columns of facts, and the bands in a table."""
    about = bench.about
    facts = [*facts_of(about), *origin_of(bench.session.scene)]
    half = -(-len(facts) // 2)
    for column, some in zip(st.columns(2), (facts[:half], facts[half:]), strict=True):
        column.markdown("\n".join(f"- {name}: **{plain(text)}**" for name, text in some))
    with st.expander("Bands", key="bands-table"):
        st.dataframe(
            {
                "Band": [band.name for band in about.bands],
                "Centre [nm]": [band.wavelength_nm for band in about.bands],
                "Width [nm]": [band.fwhm_nm for band in about.bands],
                "Usable": [band.good for band in about.bands],
            },
            hide_index=True,
            height=260,
            key="bands",
        )


def facts_of(about: Description) -> list[tuple[str, str]]:
    """The facts of a file as (name, value) for people."""
    dates, bands, height, width = about.shape
    facts = [
        ("Format", about.driver),
        ("Size", f"{height} x {width} pixels, {many(bands, 'band')}"),
        ("Stored numbers", f"{about.dtype}, {size(about.stored_bytes)} unpacked"),
        ("Meaning", UNITS[about.quantity]),
        ("Coordinates", about.grid.crs.splitlines()[0][:80] if about.grid.crs else "none"),
        ("Pixel on the ground", pixel_text(about)),
        ("Wavelengths", wavelengths_text(about)),
        ("Bands marked bad", str(sum(not band.good for band in about.bands))),
        ("No-data value", "none" if about.nodata is None else number(about.nodata)),
        (
            "Reference",
            many(len(about.truth_names), "class", "classes") if about.truth_names else "none",
        ),
        ("Reading", "by window" if about.in_parts else "unpacked once, then by window"),
    ]
    if about.variable:
        facts.insert(1, ("Variable", about.variable))
    if about.axes:
        facts.insert(2, ("Order of the axes", about.axes))
    if dates > 1 or about.dates:
        facts.append(("Date" if dates == 1 else "Dates", dates_text(about.dates, dates)))
    return facts


def origin_of(ref: str) -> list[tuple[str, str]]:
    """Where a listed scene comes from, and under which licence."""
    for entry in clients.entries():
        if entry.id == ref:
            return [("Licence", entry.licence or "see where it came from")]
    return []


def dates_text(dates: tuple[str, ...], count: int) -> str:
    """'2024-06-27', '12, from 2024-01-03 to 2024-12-20', or '12, undated'."""
    if count == 1:
        return dates[0]
    return f"{count}, from {dates[0]} to {dates[-1]}" if dates else f"{count}, undated"


def pixel_text(about: Description) -> str:
    """Ground size of a pixel: '20 x 20 m', or that it is unknown."""
    if about.grid.pixel_m is None:
        return "unknown"
    width, height = about.grid.pixel_m
    return f"{number(width)} x {number(height)} m"


def wavelengths_text(about: Description) -> str:
    """Range of the band centres, or that they are unknown."""
    centres = about.wavelengths_nm
    if centres is None:
        return "unknown; spectra are drawn over band numbers"
    return f"{min(centres):.0f} to {max(centres):.0f} nm"
