"""A form for the options of a model, generated from the dataclass that declares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field
from typing import Any

import streamlit as st

from rsviz.core.card import ModelCard
from rsviz.core.errors import BadOption
from rsviz.core.options import as_dict, build, declared
from rsviz.views.state import Value, bind

FEW = 3


def defaults(card: ModelCard) -> dict[str, Value]:
    """The options of a model as they are when nobody touches them."""
    return as_dict(build(card.options, {}))


def checked(options: type, values: Mapping[str, Value]) -> dict[str, Value]:
    """All options of a model or a change: the given ones where they are valid, else defaults.

    Values come from an address that anybody may have edited, and a model may have lost an
    option since; what does not fit is left out.
    """
    good: dict[str, Value] = {}
    for name, value in values.items():
        try:
            build(options, {name: value})
        except BadOption:
            continue
        good[name] = value
    return as_dict(build(options, good))


def options_form(key: str, options: type, values: dict[str, Value]) -> None:
    """Draw one control for each option; what the visitor changes is written into `values`.

    Args:
        key: with which the keys of the controls begin.
        options: the dataclass that declares them.
        values: those that differ from the defaults.
    """
    now = checked(options, values)
    for spec, kind in declared(options):
        if spec.metadata["hidden"]:
            continue
        changed = bind(f"{key}-{spec.name}", now[spec.name], _store(values, spec.name))
        _control(f"{key}-{spec.name}", spec, kind, changed)


def _store(values: dict[str, Value], name: str) -> Callable[[Value], None]:
    def store(value: Value) -> None:
        values[name] = value

    return store


def _control(key: str, spec: Field[Any], kind: type, changed: Callable[[], None]) -> None:
    """The control that suits the type: switch, choice, slider, number or text."""
    meta = spec.metadata
    label, text = meta["label"], meta["help"]
    low, high, choices = meta["low"], meta["high"], meta["choices"]
    if choices and len(choices) <= FEW:
        st.segmented_control(
            label,
            choices,
            required=True,
            key=key,
            help=text,
            on_change=changed,
            width="stretch",
        )
    elif choices:
        st.selectbox(label, choices, key=key, help=text, on_change=changed)
    elif kind is bool:
        st.toggle(label, key=key, help=text, on_change=changed)
    elif kind is str:
        st.text_input(label, key=key, help=text, on_change=changed)
    elif low is not None and high is not None:
        step = 1 if kind is int else (high - low) / 100
        st.slider(label, kind(low), kind(high), step=step, key=key, help=text, on_change=changed)
    else:
        least, most = (None if bound is None else kind(bound) for bound in (low, high))
        st.number_input(label, least, most, key=key, help=text, on_change=changed)
