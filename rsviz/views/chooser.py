"""Choosing what to look at: a sample, real data, a file of the server, or one's own file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rsviz.core.errors import RsvizError
from rsviz.io import profiles
from rsviz.io.budget import MIB
from rsviz.io.catalog import SceneEntry
from rsviz.views import clients, errors, uploads
from rsviz.views.room import room
from rsviz.views.state import Session, bind, short_name
from rsviz.views.words import plain

KEY = "scene-choice"
STARTED = "scene-first"
UPLOADS = "upload-count"
WAITING = "upload-waiting"
AXES = {
    2: ("HW",),
    3: ("HWC", "CHW", "WHC", "HCW", "CWH", "WCH"),
    4: ("THWC", "TCHW", "HWCT", "CHWT"),
}


def choose_scene(session: Session) -> None:
    """The list of scenes, and a place to open another file."""
    known = {entry.id: entry for entry in clients.entries()}
    if STARTED not in st.session_state:
        st.session_state[STARTED] = True
        if not session.scene and known:
            session.open(next(iter(known)))
    refs = list(known)
    if session.scene and session.scene not in known:
        refs.append(session.scene)
    st.selectbox(
        "Scene",
        refs,
        format_func=lambda ref: _label(known.get(ref), ref),
        placeholder="Choose a scene",
        key=KEY,
        on_change=bind(KEY, session.scene or None, lambda ref: session.open(ref or "")),
        help="Real scenes first, then simulated samples that come with rsviz.",
    )
    entry = known.get(session.scene)
    if entry is not None:
        st.caption(plain(entry.about))
    with st.popover(
        "Open a file", icon=":material/folder_open:", width="stretch", key="open-a-file"
    ):
        _open_file(session)


def open_button(session: Session) -> None:
    """What to do when no scene is open: one sentence, one button."""
    entries = clients.entries()
    st.info("No scene is open. Choose one at the left, or start with real data.")
    if entries and st.button(
        f"Open {plain(entries[0].title)}",
        type="primary",
        key="open-first",
        icon=":material/public:",
    ):
        session.open(entries[0].id)
        st.rerun()


def choose_variable(session: Session) -> None:
    """The reader's choice among several variables and axis orders, where the file offers any."""
    about = clients.description(clients.key_of(session))
    if len(about.choices) > 1:
        st.selectbox(
            "Variable",
            about.choices,
            key="variable",
            on_change=bind("variable", about.variable, lambda name: session.choose(name, "")),
            help="The file holds several arrays; the one read is guessed from size and name.",
        )
    if about.axes:
        orders = AXES[len(about.axes)]
        st.selectbox(
            "Order of the axes",
            orders,
            key="axes",
            on_change=bind("axes", about.axes, lambda axes: session.choose(session.variable, axes)),
            help="H rows, W columns, C bands, T dates; the file does not say which is which.",
        )


def _open_file(session: Session) -> None:
    """A path on the server, or an upload."""
    if profiles.current().server_paths != "none":
        path = st.text_input(
            "File on this server",
            key="server-path",
            placeholder="/data/scene.tif",
            help="Opened where it lies and read in parts; nothing is copied.",
        )
        if st.button("Open this file", key="server-open", disabled=not path, width="stretch"):
            session.open(str(Path(path).expanduser()))
            st.rerun()
    _queue()
    limit = profiles.current().upload_bytes // MIB
    count = st.session_state.setdefault(UPLOADS, 0)
    files = st.file_uploader(
        "Or upload one",
        accept_multiple_files=True,
        key=f"upload-{count}",
        max_upload_size=limit,
        help=f"Up to {limit} MB. An ENVI scene is two files, data and .hdr; a world file may come "
        "with a picture. Choose them at once or one after the other. Your files go to a folder of "
        "your own, and are deleted when you leave.",
    )
    if files:
        with errors.boundary("The upload"):
            try:
                scene = uploads.spool(files)
            except RsvizError as error:
                errors.show(error)
                return
            st.session_state[UPLOADS] = count + 1  # a new uploader: the old one's buffer goes
            st.session_state[WAITING] = "" if scene else ", ".join(f.name for f in files)
            if scene is not None:
                session.open(str(scene), upload=True)
            st.rerun()
    if waiting := st.session_state.get(WAITING):
        st.info(f"{plain(waiting)} is here. Now choose the file with the pixels it describes.")


def _queue() -> None:
    """Where an upload of this visitor stands while others fill the room; looks again by itself."""
    context = get_script_run_ctx()
    if context is None or not room().place(context.session_id):
        return

    @st.fragment(run_every=2.0)
    def told() -> None:
        place = room().place(context.session_id)
        if place:
            st.info(
                f"Other uploads are under way; yours is number {place} in the queue and goes on "
                "by itself."
            )

    told()


def _label(entry: SceneEntry | None, ref: str) -> str:
    if entry is None:
        return short_name(ref)
    told = not entry.simulated or "simulated" in entry.title
    return entry.title if told else f"{entry.title} (simulated)"
