"""The view in the address line, to be shared: scene, model, weights, options, pixels.

The names are those of the command line (`set` = name=value). Files that a visitor uploaded are
private and stay out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from rsviz.core import registry
from rsviz.views import forms
from rsviz.views.state import Pixel, Session, Value

KEY = "rsviz"
NAMES = ("scene", "variable", "axes", "model", "weights", "set", "pixel", "pin")


def current() -> Session:
    """This visitor's session; the first call restores it from the address."""
    if KEY not in st.session_state:
        query = {name: st.query_params.get_all(name) for name in NAMES}
        st.session_state[KEY] = from_address(query)
    session: Session = st.session_state[KEY]
    return session


def forget() -> None:
    """Forget everything that this visitor chose."""
    st.query_params.clear()
    st.session_state.clear()
    st.session_state[KEY] = Session()


def from_address(query: Mapping[str, Sequence[str]]) -> Session:
    """The session that an address asks for; parts that cannot be read are left out."""

    def last(name: str) -> str:
        return query[name][-1] if query.get(name) else ""

    session = Session(
        scene=last("scene"),
        variable=last("variable"),
        axes=last("axes"),
        model=last("model"),
        weights=last("weights"),
        picked=_pixel(last("pixel")),
        pinned=_pixel(last("pin")),
        wants_run=bool(last("model")),
    )
    pairs = [text.partition("=") for text in query.get("set", ())]
    session.options[session.model] = {name: value for name, _, value in pairs if name}
    return session


def to_address(session: Session, defaults: Mapping[str, Value]) -> dict[str, str | list[str]]:
    """The address of what is shown.

    Args:
        session: the visitor's choices.
        defaults: values of the model's options that need no mention.
    """
    chosen = session.options.get(session.model, {})
    parts: dict[str, str | list[str]] = {
        "scene": "" if session.upload else session.scene,
        "variable": session.variable,
        "axes": session.axes,
        "model": session.model,
        "weights": session.weights,
        "set": [f"{k}={v}" for k, v in chosen.items() if str(v) != str(defaults.get(k))],
        "pixel": _text(session.picked),
        "pin": _text(session.pinned),
    }
    return {name: value for name, value in parts.items() if value}


def write(session: Session) -> None:
    """Put what is shown into the browser's address line, when it has changed."""
    card = registry.cards().get(session.model)
    wanted = to_address(session, forms.defaults(card) if card else {})
    as_lists = {k: [v] if isinstance(v, str) else v for k, v in wanted.items()}
    if {name: st.query_params.get_all(name) for name in st.query_params} != as_lists:
        st.query_params.from_dict(wanted)


def _pixel(text: str) -> Pixel | None:
    """'87,42' as (row, column); None when it is not two whole numbers."""
    row, _, col = text.partition(",")
    return (int(row), int(col)) if row.isdecimal() and col.isdecimal() else None


def _text(pixel: Pixel | None) -> str:
    return "" if pixel is None else f"{pixel[0]},{pixel[1]}"
