"""A form for the options of a model, generated from the dataclass that declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field
from typing import Any

import streamlit as st

from rsviz.core.card import ModelCard
from rsviz.core.errors import BadOption
from rsviz.core.options import as_dict, build, declared
from rsviz.views.state import Value

FEW = 3


def defaults(card: ModelCard) -> dict[str, Value]:
    """The options of a model as they are when nobody touches them."""
    return as_dict(build(card.options, {}))


def checked(card: ModelCard, values: Mapping[str, Value]) -> dict[str, Value]:
    """All options of a model: the given ones where they are valid, else its defaults.

    Values come from an address that anybody may have edited, and a model may have lost an
    option since; what does not fit is left out.
    """
    good: dict[str, Value] = {}
    for name, value in values.items():
        try:
            build(card.options, {name: value})
        except BadOption:
            continue
        good[name] = value
    return as_dict(build(card.options, good))


def options_form(card: ModelCard, values: Mapping[str, Value]) -> dict[str, Value]:
    """Draw one control for each option and return the values that it now has."""
    now = checked(card, values)
    return {
        spec.name: _control(f"{card.id}-{spec.name}", spec, kind, now[spec.name])
        for spec, kind in declared(card.options)
    }


def _control(key: str, spec: Field[Any], kind: type, value: Any) -> Value:
    """The control that suits the type: switch, choice, slider, number or text."""
    meta = spec.metadata
    label, text = meta["label"], meta["help"]
    low, high, choices = meta["low"], meta["high"], meta["choices"]
    chosen: Value
    if choices:
        if len(choices) <= FEW:
            chosen = st.segmented_control(
                label, choices, default=value, required=True, key=key, help=text, width="stretch"
            )
        else:
            chosen = st.selectbox(label, choices, choices.index(value), key=key, help=text)
    elif kind is bool:
        chosen = st.toggle(label, value, key=key, help=text)
    elif kind is str:
        chosen = st.text_input(label, value, key=key, help=text)
    elif low is not None and high is not None:
        step = 1 if kind is int else (high - low) / 100
        chosen = st.slider(label, kind(low), kind(high), kind(value), step, key=key, help=text)
    else:
        limits = [None if bound is None else kind(bound) for bound in (low, high)]
        chosen = st.number_input(label, limits[0], limits[1], kind(value), key=key, help=text)
    return chosen
