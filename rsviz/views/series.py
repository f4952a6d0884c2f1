"""Series of picked, pinned and kept pixels and of a rectangle, as chart, markers and CSV."""

from __future__ import annotations

import csv
import io

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.analysis.indices import INDICES, offered
from rsviz.analysis.phenology import Season, days_of, season
from rsviz.views import bands, charts, clients
from rsviz.views.bench import Bench
from rsviz.views.charts import SeriesLine
from rsviz.views.palettes import CHOSEN, PICKED, PINNED
from rsviz.views.season import axis, dated, dates_of, shown
from rsviz.views.spectra import UNITS, kept_list
from rsviz.views.state import Session, bind
from rsviz.views.words import plain

Floats = NDArray[np.float32]
QUANTITIES = "series-of"
SHARE = "season-share"
MOST = 3
HALF_YEAR = 183.0  # days
DASHES = ("solid", "dash", "dot")


def chosen(bench: Bench) -> tuple[str, ...]:
    """The bands or indices that the series show; at first one."""
    names = list(_quantities(bench))
    kept = [n for n in bench.session.chosen.get(QUANTITIES, "").split("|") if n in names]
    return tuple(kept or names[:1])


def choose(bench: Bench) -> tuple[str, ...]:
    """Choose which bands or indices the series show, up to three."""
    session, names = bench.session, list(_quantities(bench))
    session.chosen[QUANTITIES] = "|".join(chosen(bench))

    def store(wanted: list[str]) -> None:
        session.chosen[QUANTITIES] = "|".join(wanted)

    st.multiselect(
        "Series of",
        names,
        max_selections=MOST,
        key=QUANTITIES,
        on_change=bind(QUANTITIES, list(chosen(bench)), store),
        help="Spectral indices and bands; up to three at once.",
    )
    return chosen(bench)


def _quantities(bench: Bench) -> dict[str, tuple[int, ...]]:
    """Indices and bands by name, with the bands they take."""
    about = bench.about
    found = dict(offered(about.bands))
    return found | {bands.label(about.bands, i): (i,) for i in range(len(about.bands))}


def values_of(bench: Bench, name: str, all_bands: Floats) -> Floats:
    """An index or band (T,) from all bands of a pixel (T, C)."""
    taken = _quantities(bench)[name]
    if name in INDICES and len(taken) > 1:
        return INDICES[name].compute(*(all_bands[:, i] for i in taken))
    return all_bands[:, taken[0]]


def chart(bench: Bench, names: tuple[str, ...]) -> None:
    """The series of every pixel at hand, over dates; says so when none is picked."""
    session = bench.session
    lines = []
    pixels = [((k.row, k.col), k.name, k.colour) for k in session.collected]
    for pixel, name, colour in (
        (session.pinned, "Pinned", PINNED),
        (session.picked, "Picked", PICKED),
    ):
        if pixel is not None:
            pixels.append((pixel, name, colour))
    for pixel, title, colour in pixels:
        found = clients.series(bench.key, *pixel)
        for name, dash in zip(names, DASHES, strict=False):
            label = title if len(names) == 1 else f"{title}, {name}"
            lines.append(SeriesLine(label, values_of(bench, name, found), colour, dash))
    spread = None
    if session.rectangle is not None and names:
        area = clients.area(bench.key, session.rectangle)
        taken = _quantities(bench)[names[0]]
        if len(taken) == 1:
            spread = area.mean[:, taken[0]], area.std[:, taken[0]]
        else:
            lines.append(
                SeriesLine("Rectangle, of mean bands", values_of(bench, names[0], area.mean),
                           CHOSEN, "dash")
            )  # fmt: skip
    if not names or not (lines or spread):
        st.caption("Click pixels on the map, or draw a rectangle: their series appear here.")
        return
    figure = charts.series(axis(bench), lines, axis_title(bench, names), spread, shown(bench))
    markers = picked_season(bench, names)
    if markers is not None:
        charts.mark_season(figure, dates_of(bench), markers, dated(bench))
    st.plotly_chart(figure, key="series", config=charts.CONFIG)
    st.caption("Filled points are clear dates; hollow ones are masked and lie on the line between.")


def axis_title(bench: Bench, names: tuple[str, ...]) -> str:
    """What the vertical axis shows, with its unit."""
    if all(len(_quantities(bench)[name]) > 1 for name in names):
        return names[0] if len(names) == 1 else "Index"
    unit = UNITS[bench.about.quantity]
    if len(names) > 1:
        return unit
    return names[0] if bench.about.quantity == "dn" else f"{names[0]}, {unit.lower()}"


def picked_season(bench: Bench, names: tuple[str, ...]) -> Season | None:
    """The season of the picked pixel in the first quantity, if markers are wanted."""
    session = bench.session
    if session.picked is None or not names or session.chosen.get("markers", "on") == "off":
        return None
    found = clients.series(bench.key, *session.picked)
    days = days_of(bench.session.dates or bench.about.dates, found.shape[0])
    values = values_of(bench, names[0], found)
    if dated(bench):  # of several years, the one around the date on the map
        latest = max(days[0] + HALF_YEAR, days[-1] - HALF_YEAR)
        middle = np.clip(days[shown(bench)], days[0] + HALF_YEAR, latest)
        near = np.abs(days - middle) <= HALF_YEAR
        days, values = days[near], values[near]
    return season(days, values, float(session.chosen.get(SHARE, "0.5")))


def season_panel(bench: Bench, names: tuple[str, ...]) -> None:
    """Start, peak and end of the season at the picked pixel, and how they are found."""
    session = bench.session

    def share_chosen(value: float) -> None:
        session.chosen[SHARE] = f"{value:g}"

    def markers_chosen(on: bool) -> None:
        session.chosen["markers"] = "on" if on else "off"

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.slider(
            "Share of the amplitude at start and end",
            0.1,
            0.9,
            step=0.05,
            key=SHARE,
            on_change=bind(SHARE, float(session.chosen.get(SHARE, "0.5")), share_chosen),
            width=320,
        )
        st.toggle(
            "Mark them in the chart",
            key="markers",
            on_change=bind("markers", session.chosen.get("markers", "on") == "on", markers_chosen),
        )
    if session.picked is None:
        st.markdown("Pick a pixel on the map to see its season.")
        return
    found = picked_season(bench, names)
    if found is None:
        st.markdown(
            "No season is found here: fewer than five clear dates, an amplitude below 0.1, or the "
            "markers are switched off."
        )
        return
    days = [("Start", found.start), ("Peak", found.peak), ("End", found.end)]
    columns = st.columns(5)
    for column, (name, day) in zip(columns, days, strict=False):
        column.metric(name, "not reached" if day is None else _day(bench, day))
    length = found.end - found.start if None not in (found.start, found.end) else None  # type: ignore[operator]
    columns[3].metric("Length", "unknown" if length is None else f"{length:.0f} days")
    columns[4].metric("Amplitude", f"{found.amplitude:.2f}")
    st.caption(
        f"Of {plain(names[0])}, smoothed with a Gaussian kernel of 16 days; start and end are "
        "where it crosses the chosen share of its amplitude (Jönsson and Eklundh 2004)."
    )


def _day(bench: Bench, day: float) -> str:
    if not dated(bench):
        return f"step {day + 1:.1f}"
    first = np.datetime64(dates_of(bench)[0][:10])
    return str(first + np.timedelta64(round(day), "D"))


def download(bench: Bench, names: tuple[str, ...]) -> None:
    """The series at hand as CSV."""
    session = bench.session
    if session.picked is None and session.pinned is None and not session.collected:
        return
    st.download_button(
        "Series as CSV",
        lambda: as_csv(bench, names),
        file_name="series.csv",
        mime="text/csv",
        key="series-csv",
        icon=":material/download:",
        on_click="ignore",
    )


def kept_panel(session: Session) -> None:
    """The kept pixels: names, colours, removal."""
    if not session.collected:
        st.markdown("No pixel is kept yet. Pick one and press *Keep this series*.")
        return
    kept_list(session)
    st.button(
        "Remove all",
        key="keep-none",
        icon=":material/delete:",
        on_click=session.collected.clear,
    )


def as_csv(bench: Bench, names: tuple[str, ...]) -> str:
    """Series as text: one line a date; empty where a date is masked."""
    session = bench.session
    pixels = {(k.row, k.col): k.name for k in session.collected}
    for pixel, name in ((session.pinned, "Pinned"), (session.picked, "Picked")):
        if pixel is not None:
            pixels.setdefault(pixel, name)
    columns: dict[str, Floats] = {}
    for pixel, title in pixels.items():
        found = clients.series(bench.key, *pixel)
        for name in names:
            head = f"{title} (row {pixel[0]}, col {pixel[1]}) {name}"
            safe = f"'{head}" if head.startswith(("=", "+", "-", "@")) else head
            columns[safe] = values_of(bench, name, found)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", *columns])
    for i, day in enumerate(dates_of(bench)):
        cells = [f"{v[i]:.6g}" if np.isfinite(v[i]) else "" for v in columns.values()]
        writer.writerow([day, *cells])
    return out.getvalue()
