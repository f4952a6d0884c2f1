"""The frame that every page shares: title, two sentences, badge, scene chooser, error boundary.

`app.py` only routes; a page draws its own frame and is therefore whole however it is entered.
On a fresh server Streamlit answers a deep link by running the page without `app.py`; `page`
notices and goes through the router once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from rsviz.io import profiles
from rsviz.views import address, chooser, errors, machine, tiles
from rsviz.views.state import Session

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

ROUTED = "rsviz-routed"
WANTED = "rsviz-wanted"
ICON = Path(__file__).with_name("icon.svg")
LOGO = Path(__file__).with_name("logo.svg")
STYLE = Path(__file__).with_name("shell.css")


class Wanted(NamedTuple):
    """A page that was entered without the router, and its query."""

    file: str
    query: dict[str, list[str]]


def route(sections: Mapping[str, Sequence[Page]]) -> None:
    """Offer the pages and run the chosen one; to be called by `app.py` alone."""
    st.session_state[ROUTED] = True
    _configure("rsviz")  # first, for Streamlit fetches the icons of `st.Page` as favicons from afar
    st.logo(LOGO)
    chosen = st.navigation(sections)
    if profiles.current().checked and not tiles.tile_sets().served:
        st.error(
            "This profile needs the server of `make run`, which checks itself before it starts; "
            "plain `streamlit run app.py` is for one's own machine."
        )
        st.stop()
    wanted: Wanted | None = st.session_state.pop(WANTED, None)
    if wanted is not None:
        st.switch_page(wanted.file, query_params=wanted.query)
    chosen.run()


@contextmanager
def page(title: str, intro: str, file: str, uses_scene: bool = True) -> Iterator[Session]:
    """The frame of a page; its content goes inside.

    Args:
        title: the question that the page answers.
        intro: two sentences: what you are looking at, what to try.
        file: the page's `__file__`.
        uses_scene: whether the page looks at a scene, and so offers the chooser.
    """
    _configure(f"{title} · rsviz")
    st.html(STYLE)
    if ROUTED not in st.session_state:
        _through_the_router(file)
    session = address.current()
    with errors.boundary("The list of scenes"):
        if uses_scene:
            with st.sidebar:
                chooser.choose_scene(session)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="stretch")
        corner = st.container(width="content")
    st.markdown(intro)
    with errors.boundary("This page"):
        yield session
    with corner, errors.boundary("The badge"):
        machine.badge()  # last, for it starts the worker, which must not delay a first page
    with st.sidebar, errors.boundary("The diagnostics"):
        machine.diagnostics(session)
        st.button(
            "Start over",
            key="start-over",
            icon=":material/restart_alt:",
            type="tertiary",
            help="Forget scene, model, settings and pixels, as on a first visit.",
            on_click=address.forget,
        )
    address.write(session)


def _configure(title: str) -> None:
    st.set_page_config(page_title=title, page_icon=ICON, layout="wide")


def _through_the_router(file: str) -> None:
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    st.session_state[WANTED] = Wanted(f"pages/{Path(file).name}", query)
    st.switch_page("app.py", query_params=query)
