"""Mean spectra behind a confusion: the true class against the predicted one, and what is lit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.analysis.facets import RIGHT
from rsviz.jobs.display import RegionStats
from rsviz.views import charts, clients, season, series
from rsviz.views.mistakes.study import Study
from rsviz.views.palettes import CHOSEN
from rsviz.views.spectra import UNITS
from rsviz.views.state import bind
from rsviz.views.words import many, plain

HEIGHT = 330
CHOICE, ABSOLUTE, RELATIVE = "errors-spectra-as", "Spectra", "Relative to the first"
SERIES = "Mean series over the clear pixels of each date"
RIGHT_COLOUR, WRONG_COLOUR = "#009e73", "#d55e00"


@dataclass(frozen=True, eq=False)
class Group:
    """Pixels whose mean spectrum is drawn.

    Attributes:
        name: for people.
        colour: '#rrggbb'.
        mask: (N,) which of the test pixels.
        dash: a plotly dash style.
    """

    name: str
    colour: str
    mask: NDArray[np.bool_]
    dash: str = "solid"


def groups(study: Study) -> list[Group]:
    """The groups that the filter asks for; they may share pixels.

    For a cell off the diagonal: all test pixels of the true class, all of the predicted class,
    and those of the cell. For a single class: its pixels that are right, and that are wrong.
    Else: the lit pixels that are right, and that are wrong.
    """
    judged, chosen, names = study.shown, study.chosen, study.shown.labels
    true, predicted = chosen.true, chosen.predicted
    if true >= 0 and predicted >= 0 and true != predicted:
        return [
            Group(f"All of {names[true]}", study.colours[true], judged.true == true),
            Group(f"All of {names[predicted]}", study.colours[predicted], judged.true == predicted),
            Group("The lit pixels", CHOSEN, study.lit, "dash"),
        ]
    right = study.facets["verdict"].codes == RIGHT
    about = f" of {names[true]}" if true >= 0 else f" called {names[predicted]}" * (predicted >= 0)
    return [
        Group(f"Right{about}", RIGHT_COLOUR, study.lit & right),
        Group(f"Wrong{about}", WRONG_COLOUR, study.lit & ~right, "dash"),
    ]


def panel(study: Study) -> None:
    """Mean and spread of each group over wavelength, as they are or beside the first group."""
    bench = study.bench
    members = {group: _members(study, group) for group in groups(study) if group.mask.any()}
    if not members:
        st.markdown("No pixel is lit, so there is no spectrum.")
        return
    if bench.about.shape[0] > 1:
        _over_dates(study, members)
        return
    found = {}
    for group, where in members.items():
        codes = np.where(where, 0, -1).astype(np.int16)
        found[group] = clients.groups(bench.key, f"{study.state} {group.name}", 1, codes).of(0)
    quantity = UNITS[bench.about.quantity]
    scaled = len(found) > 1 and _choose(study) == RELATIVE
    if scaled:
        first = next(iter(found.values()))
        quantity = "Standard deviations from the first"
        found = {group: _beside(first, stats) for group, stats in found.items()}
    lines = [
        charts.Line(
            f"{group.name}, {many(stats.count, 'px', 'px')}",
            stats.mean, group.colour, group.dash, stats.std,
        )
        for group, stats in found.items()
    ]  # fmt: skip
    figure = charts.spectra(bench.about.bands, lines, quantity, height=HEIGHT)
    figure.update_layout(showlegend=True, legend={"orientation": "v", "y": 1.02})
    st.plotly_chart(figure, key="errors-spectra", config=charts.CONFIG)
    st.caption(plain(_reading(study)))


def _members(study: Study, group: Group) -> NDArray[np.bool_]:
    """The pixels (H, W) of a group."""
    where = np.zeros(study.shown.shape, np.bool_)
    where.flat[study.shown.at[group.mask]] = True
    return where


def _over_dates(study: Study, members: Mapping[Group, NDArray[np.bool_]]) -> None:
    """Of a series: the mean of each group at every date, in what the inspector shows."""
    bench = study.bench
    name = series.chosen(bench)[0]
    lines = []
    for group, where in members.items():
        mean = clients.group_series(bench.key, f"{study.state} {group.name}", where).mean
        said = f"{group.name}, {many(int(group.mask.sum()), 'px', 'px')}"
        values = series.values_of(bench, name, mean)
        lines.append(charts.SeriesLine(said, values, group.colour, group.dash))
    title = series.axis_title(bench, (name,))
    figure = charts.series(season.axis(bench), lines, title, shown=season.shown(bench))
    figure.update_layout(showlegend=True, legend={"orientation": "v", "y": 1.02}, height=HEIGHT)
    st.plotly_chart(figure, key="errors-series", config=charts.CONFIG)
    st.caption(plain(_reading(study).replace("Mean spectra with one standard deviation", SERIES)))


def _choose(study: Study) -> str:
    """How the spectra are drawn; remembered when the page is left."""
    session = study.bench.session

    def store(name: str) -> None:
        session.chosen[CHOICE] = name

    st.segmented_control(
        "Spectra",
        [ABSOLUTE, RELATIVE],
        required=True,
        key=CHOICE,
        on_change=bind(CHOICE, session.chosen.setdefault(CHOICE, ABSOLUTE), store),
        label_visibility="collapsed",
        help="Relative: minus the mean of the first group, by its standard deviation in each band.",
    )
    return session.chosen[CHOICE]


def _beside(first: RegionStats, stats: RegionStats) -> RegionStats:
    """A group in standard deviations of the first one, from its mean."""
    scale = np.where(first.std > 0, first.std, np.float32(np.nan))
    mean, std = (stats.mean - first.mean) / scale, stats.std / scale
    return RegionStats(mean.astype(np.float32), std.astype(np.float32), stats.count)


def _reading(study: Study) -> str:
    chosen, names = study.chosen, study.shown.labels
    if chosen.true >= 0 and chosen.predicted >= 0 and chosen.true != chosen.predicted:
        return (
            f"Mean spectra with one standard deviation. Where the lit pixels follow "
            f"{names[chosen.predicted]} rather than {names[chosen.true]}, the reference may be "
            "wrong or the pixel mixed; where they follow neither, look at what surrounds them."
        )
    return "Mean spectra with one standard deviation. Choose a cell off the diagonal to compare."
