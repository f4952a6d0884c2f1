"""The worst parts of a scene as small pictures, each of which jumps to its place on the map."""

from __future__ import annotations

import streamlit as st

from rsviz.analysis import regions
from rsviz.core.grid import Window
from rsviz.draw.verdicts import picture
from rsviz.io.encode import data_uri, encode
from rsviz.views import bands, clients, picks
from rsviz.views.mistakes.study import Mask, Study
from rsviz.views.state import Session

KEY = "errors-regions"
FOUND, WENT = "errors-regions-found", "errors-regions-went"


def take_click(session: Session) -> None:
    """Choose the region whose picture was clicked, or let it go."""
    place = picks.happened(KEY)
    found: list[Window] = st.session_state.get(FOUND, [])
    if len(place) == 1 and 0 <= place[0] < len(found):
        window = found[place[0]]
        session.draw(None if session.rectangle == window else window)
        st.session_state[WENT] = window


def focus(session: Session) -> Window | None:
    """The region that was clicked last, for as long as it filters."""
    went: Window | None = st.session_state.get(WENT)
    return went if went is not None and went == session.rectangle else None


def panel(study: Study) -> None:
    """The squares with the most wrong pixels under everything that is chosen but the rectangle."""
    counted = study.but((), area=False)
    found = regions.worst(study.shown, counted)
    st.session_state[FOUND] = [region.window for region in found]
    if not found:
        st.markdown("No wrong pixel is lit.")
        return
    names = study.shown.labels
    look = study.bench.session.look
    bands.settle(look, study.bench.about)
    windows = tuple(region.window for region in found)
    images = _pictures(_key(study), (look.bands, look.limits), windows, study, counted)
    picks.pictures(
        [
            picks.Picture(
                image,
                f"{region.wrong} of {region.tested} wrong",
                f"{names[region.most[0]]} → {names[region.most[1]]}"
                + ("" if region.share == 1 else f" ({region.share:.0%})"),
                study.area == region.window,
            )
            for image, region in zip(images, found, strict=True)
        ],
        KEY,
    )
    side = found[0].window.height
    st.caption(
        f"The {side} x {side} pixel squares with the most wrong test pixels, and the most frequent "
        "confusion in each. A click shows the place on the map and filters all charts to it."
    )


def _key(study: Study) -> str:
    return repr((study.answer.key, study.side, study.chosen, study.shown.confident_from))


@st.cache_resource(show_spinner=False, max_entries=32)
def _pictures(
    state: str, look: object, found: tuple[Window, ...], _study: Study, _counted: Mask
) -> tuple[str, ...]:
    """Address of a picture of each window: the scene, with its wrong pixels in colour."""
    bench = _study.bench
    scene = clients.composite(bench.key, bench.session.look.bands, bench.session.look.limits).image
    pictures = (picture(scene, _study.shown, _counted, window) for window in found)
    return tuple(data_uri(*encode(image)) for image in pictures)
