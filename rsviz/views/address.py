"""The view in the address line, to be shared: scene, model, weights, options, pixels.

The names are those of the command line (`set` = name=value). Files that a visitor uploaded are
private and stay out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from rsviz.analysis.facets import Filter
from rsviz.core import registry
from rsviz.core.grid import Window
from rsviz.views import forms
from rsviz.views.state import CONFIDENT_FROM, Pixel, Second, Session, Value

KEY = "rsviz"
NAMES = (
    "scene", "variable", "axes", "model", "weights", "set", "pixel", "pin",
    "area", "filter", "confident", "against", "against-weights", "against-set", "change", "before",
)  # fmt: skip


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
        weights=_shared(last("weights")),
        picked=_pixel(last("pixel")),
        pinned=_pixel(last("pin")),
        rectangle=_window(last("area")),
        filter=Filter.from_text(query.get("filter", ())),
        confident_from=_share(last("confident")),
        second=Second(model=last("against"), weights=_shared(last("against-weights"))),
        wants_run=bool(last("model")),
    )
    session.options[session.model] = _settings(query.get("set", ()))
    second = session.second
    second.options[second.model] = _settings(query.get("against-set", ()))
    for parameter, changes in (("change", second.changes), ("before", session.before)):
        for text in query.get(parameter, ()):
            name, _, settings = text.partition(":")
            changes[name] = _settings(settings.split(","))
    second.kind = "run" if second.model else "changed" if second.changes else ""
    return session


def to_address(session: Session, defaults: Mapping[str, Value]) -> dict[str, str | list[str]]:
    """The address of what is shown.

    Args:
        session: the visitor's choices.
        defaults: values of the model's options that need no mention.
    """
    chosen, second = session.options.get(session.model, {}), session.second
    confident = session.confident_from
    run, changed = second.kind == "run", second.kind == "changed"
    parts: dict[str, str | list[str]] = {
        "scene": "" if session.upload else session.scene,
        "variable": session.variable,
        "axes": session.axes,
        "model": session.model,
        "weights": _shared(session.weights),
        "set": _pairs({k: v for k, v in chosen.items() if str(v) != str(defaults.get(k))}),
        "pixel": _text(session.picked),
        "pin": _text(session.pinned),
        "area": _corners(session.rectangle),
        "filter": session.filter.as_text(),
        "confident": "" if confident == CONFIDENT_FROM else f"{confident:g}",
        "against": second.model if run else "",
        "against-weights": _shared(second.weights) if run else "",
        "against-set": _pairs(second.options.get(second.model, {})) if run else "",
        "change": _changes(second.changes) if changed else "",
        "before": _changes(session.before),
    }
    return {name: value for name, value in parts.items() if value}


def write(session: Session) -> None:
    """Put what is shown into the browser's address line, when it has changed."""
    card = registry.cards().get(session.model)
    wanted = to_address(session, forms.defaults(card) if card else {})
    as_lists = {k: [v] if isinstance(v, str) else v for k, v in wanted.items()}
    if {name: st.query_params.get_all(name) for name in st.query_params} != as_lists:
        st.query_params.from_dict(wanted)


def _shared(weights: str) -> str:
    """Weights that an address may name: those of a card, not a visitor's own (a path)."""
    return "" if weights.startswith("/") else weights


def _settings(texts: Sequence[str]) -> dict[str, Value]:
    """`name=value` as settings."""
    pairs = [text.partition("=") for text in texts]
    return {name: value for name, _, value in pairs if name}


def _pairs(settings: Mapping[str, Value]) -> list[str]:
    return [f"{name}={value}" for name, value in settings.items()]


def _share(text: str) -> float:
    """A probability; the usual threshold when it is none."""
    try:
        value = float(text)
    except ValueError:
        return CONFIDENT_FROM
    return value if 0.0 <= value <= 1.0 else CONFIDENT_FROM


def _window(text: str) -> Window | None:
    """'10,20,30,40' as row, column, height, width; None when it is not four such numbers."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        return None
    row, col, height, width = (int(part) for part in parts)
    return Window(row, col, height, width) if height and width else None


def _corners(window: Window | None) -> str:
    if window is None:
        return ""
    return f"{window.row},{window.col},{window.height},{window.width}"


def _changes(changes: Mapping[str, Mapping[str, Value]]) -> list[str]:
    """Changes of a scene as the command line writes them: 'noise:sigma=0.01'."""
    return [f"{name}:{','.join(_pairs(settings))}" for name, settings in changes.items()]


def _pixel(text: str) -> Pixel | None:
    """'87,42' as (row, column); None when it is not two whole numbers."""
    row, _, col = text.partition(",")
    return (int(row), int(col)) if row.isdecimal() and col.isdecimal() else None


def _text(pixel: Pixel | None) -> str:
    return "" if pixel is None else f"{pixel[0]},{pixel[1]}"
