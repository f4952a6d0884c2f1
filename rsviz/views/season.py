"""A stack of dates on the map: what is shown of it, which date, and which dates there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import streamlit as st

from rsviz.analysis.indices import INDICES, offered
from rsviz.core.palettes import ramp_for
from rsviz.draw.colour import combinations
from rsviz.draw.legend import Legend, ramp_legend
from rsviz.draw.warp import MapFrame
from rsviz.jobs.season import Pictures
from rsviz.views import bands, clients
from rsviz.views.bench import Bench
from rsviz.views.clients import SceneKey
from rsviz.views.map import MapFrames, MapLayer, happened
from rsviz.views.state import bind
from rsviz.views.words import many, percent, plain

LAYER = "dates"
LOOK = "season-look"


def dated(bench: Bench) -> bool:
    """Whether the dates of the scene are known."""
    return bool(_known(bench))


def dates_of(bench: Bench) -> tuple[str, ...]:
    """The dates as the visitor corrected them or the file gives them; else numbers from 1."""
    count = bench.about.shape[0]
    return _known(bench) or tuple(str(i + 1) for i in range(count))


def axis(bench: Bench) -> Sequence[str | int]:
    """The dates for the axis of a chart."""
    dates = dates_of(bench)
    return dates if dated(bench) else [int(d) for d in dates]


def _known(bench: Bench) -> tuple[str, ...]:
    found = bench.session.dates or bench.about.dates
    return found if len(found) == bench.about.shape[0] else ()


def looks(bench: Bench) -> dict[str, tuple[tuple[int, ...], str]]:
    """What can be shown of each date: name to (bands, index)."""
    about = bench.about
    found: dict[str, tuple[tuple[int, ...], str]] = {
        name: (chosen, "") for name, chosen in combinations(about.bands).items() if len(chosen) == 3
    }
    found |= {name: ((), name) for name in offered(about.bands)}
    found |= {bands.label(about.bands, i): ((i,), "") for i in range(len(about.bands))}
    return found


def choice(bench: Bench) -> str:
    """How every date is drawn: as the visitor chose, at first the first of `looks`."""
    found, chosen = looks(bench), bench.session.chosen.get(LOOK, "")
    return chosen if chosen in found else next(iter(found))


def choose_look(bench: Bench) -> str:
    """The combination, index or band that every date is drawn in."""
    session, found = bench.session, looks(bench)
    session.chosen[LOOK] = choice(bench)

    def store(name: str) -> None:
        session.chosen[LOOK] = name

    st.selectbox(
        "Drawn as",
        list(found),
        key=LOOK,
        on_change=bind(LOOK, session.chosen[LOOK], store),
        help=" ".join(INDICES[name].about for _, name in found.values() if name) or None,
        width=260,
    )
    return session.chosen[LOOK]


def take_step(bench: Bench, map_key: str) -> None:
    """Note at which date the visitor stopped the map; call this before drawing anything."""
    step = happened(bench.frame, map_key).frame
    if step is not None and step[0] == LAYER and 0 <= step[1] < bench.about.shape[0]:
        bench.session.date = step[1]


def shown(bench: Bench) -> int:
    """Which date is shown, from 0: at first the clearest, and of equals the first."""
    if bench.session.date is None:
        bench.session.date = int(_pictures(bench, choice(bench)).clear.argmax())
    return min(bench.session.date, bench.about.shape[0] - 1)


def film(bench: Bench, look: str) -> MapLayer:
    """All dates as steps of one layer, the chosen date shown."""
    chosen, index = looks(bench)[look]
    found, step = _pictures(bench, look), shown(bench)
    labels = tuple(
        f"{day} · {percent(share, 0)} clear"
        for day, share in zip(dates_of(bench), found.clear, strict=True)
    )
    frames = _frames(bench.key, look, labels, found, bench.frame)
    legend = None
    if index:
        legend = ramp_legend(index, "", ramp_for("scalar_map", index), found.limits[0])
    elif len(chosen) == 1:
        low, high = found.limits[0]
        legend = Legend(look, ramp=("#000000", "#ffffff"), low=low, high=high)
    return MapLayer(
        LAYER,
        f"Dates ({look})",
        frames.images[step],
        legend=legend,
        photo=not index,
        frames=MapFrames(labels, frames.images, step, frames.photo),
    )


def _pictures(bench: Bench, look: str) -> Pictures:
    chosen, index = looks(bench)[look]
    return clients.pictures(bench.key, chosen, index, None)


@st.cache_resource(show_spinner=False, max_entries=6)
def _frames(
    key: SceneKey, look: str, labels: tuple[str, ...], _found: Pictures, _frame: MapFrame
) -> MapFrames:
    images = tuple(_frame.place(image, _found.grid) for image in _found.images)
    return MapFrames(labels, images, photo=len(_found.limits) == 3)


def clouded(bench: Bench) -> None:
    """Say on how many dates nothing is clear, where there are such."""
    clear = _pictures(bench, choice(bench)).clear
    hidden = int((clear == 0).sum())
    if hidden == clear.size:
        st.warning(
            f"All {hidden} dates are clouded or without data everywhere, so there is no season to "
            "see. Check the mask and the no-data value of the file.",
            icon=":material/cloud:",
        )
    elif hidden:
        st.caption(f"On {hidden} of {clear.size} dates no pixel is clear.")


def dates_panel(bench: Bench) -> None:
    """Every date with its share of clear pixels; dates can be corrected here."""
    session, count = bench.session, bench.about.shape[0]
    clear = _pictures(bench, choice(bench)).clear
    if not dated(bench):
        st.markdown("The file does not say its dates. Type them here, and the axes follow.")
    else:
        st.markdown(
            f"{many(count, 'date')}. Wrong ones can be corrected here; charts and models take the "
            "corrected dates, the file stays as it is."
        )
    edited: dict[str, list[object]] = st.data_editor(
        {
            "Step": list(range(1, count + 1)),
            "Date": [d if dated(bench) else "" for d in dates_of(bench)],
            "Clear pixels [%]": [round(100 * float(share), 1) for share in clear],
        },
        key=f"dates-{len(session.dates)}",
        hide_index=True,
        disabled=["Step", "Clear pixels [%]"],
        height=320,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Use these dates", key="dates-use", icon=":material/check:"):
            typed = [str(text) for text in edited["Date"]]
            wrong = _problem(typed)
            if wrong:
                st.warning(plain(wrong))
            else:
                session.dates = tuple(text.strip() for text in typed)
                st.rerun()
        if session.dates and st.button("As in the file", key="dates-undo"):
            session.dates = ()
            st.rerun()


def _problem(dates: Sequence[str]) -> str:
    """What is wrong with dates that were typed, in a sentence; "" when nothing is."""
    before = None
    for number, text in enumerate(dates, start=1):
        try:
            day = date.fromisoformat(text.strip())
        except (ValueError, AttributeError):
            return f"Step {number}: '{text}' is no date. Write it as 2024-06-27."
        if before is not None and day <= before:
            return (
                f"Step {number}: {day} does not come after {before}. Dates must increase, for the "
                "images keep their order."
            )
        before = day
    return ""
