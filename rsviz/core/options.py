"""Options of a model: one frozen dataclass, the single source for form, flags and cache key.

A field is declared with `option(...)`, whose metadata say how people see it. Supported types:
bool, int, float and str (with or without choices).
"""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, get_type_hints

from rsviz.core.errors import BadOption


@dataclass(frozen=True)
class NoOptions:
    """For models without any setting."""


def option(
    default: bool | int | float | str,
    label: str,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    hidden: bool = False,
    live: bool = False,
) -> Any:
    """Declare one option: its default, label, explanation, and range or choices.

    A hidden one has no control in a form, because something else sets it: a click on the map. A
    live one can be tried on the picked pixel at once: what if it were so?
    """
    meta = {"label": label, "help": help, "low": low, "high": high, "choices": choices}
    meta["hidden"], meta["live"] = hidden, live
    return field(default=default, metadata=meta)


def declared(options_type: type) -> tuple[tuple[Field[Any], type], ...]:
    """The fields of an options dataclass with their types, in order."""
    hints = get_type_hints(options_type)
    return tuple((f, hints[f.name]) for f in fields(options_type))


def build(options_type: type, values: dict[str, Any]) -> Any:
    """Make an options object from values or their text forms, checked.

    Raises:
        BadOption: a name is unknown, or a value has the wrong type or lies outside its range.
    """
    known = {f.name: (f, kind) for f, kind in declared(options_type)}
    for name in values:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise BadOption(f"There is no option '{name}'.", f"Options of this model: {listed}.")
    return options_type(
        **{name: _value(known[name][0], known[name][1], value) for name, value in values.items()}
    )


def as_dict(options: Any) -> dict[str, bool | int | float | str]:
    """The options as plain data, for records and keys."""
    return asdict(options)


def _value(spec: Field[Any], kind: type, value: Any) -> bool | int | float | str:
    meta, name = spec.metadata, spec.name
    try:
        if kind is bool:
            texts = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            out: Any = texts[str(value).strip().lower()]
        elif kind is int:
            if isinstance(value, float) and not value.is_integer():
                raise ValueError
            out = int(value)
        else:
            out = kind(value)
    except (KeyError, ValueError, TypeError):
        raise BadOption(f"Option {name} = {value!r} is not of type {kind.__name__}.") from None
    low, high, choices = meta.get("low"), meta.get("high"), meta.get("choices")
    if choices and out not in choices:
        raise BadOption(f"Option {name} = {out!r}; it must be one of {', '.join(choices)}.")
    if kind in (int, float) and not ((low is None or out >= low) and (high is None or out <= high)):
        raise BadOption(f"Option {name} = {out} lies outside {low}..{high}.")
    return out  # type: ignore[no-any-return]


def default_of(spec: Field[Any]) -> Any:
    """The default of a declared option."""
    return None if spec.default is MISSING else spec.default
