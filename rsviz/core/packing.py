"""Core objects as JSON plus raw arrays, and back: how they cross a process or reach a disk.

Nothing is ever pickled. `pack` walks a frozen dataclass of the vocabulary below and replaces
each array by its place in a list; `unpack` builds the object again, which validates itself.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core import grid, layers, model, scene
from rsviz.core.errors import ModelFailed

Json = Any
Arrays = list[NDArray[np.generic]]

VOCABULARY: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        grid.Grid,
        grid.Window,
        scene.Band,
        scene.Truth,
        scene.Description,
        scene.Spectrum,
        scene.Scene,
        model.Change,
        model.RunRecord,
        model.Result,
        *layers.LAYERS.values(),
    )
}


def pack(value: object) -> tuple[Json, Arrays]:
    """Split an object into JSON-able data and the list of its arrays."""
    arrays: Arrays = []
    return _pack(value, arrays), arrays


def unpack(data: Json, arrays: Arrays) -> Any:
    """Build the object again from what `pack` gave.

    Raises:
        ModelFailed: the data name a type that is not in the vocabulary.
    """
    if isinstance(data, dict):
        if "__array__" in data:
            return arrays[data["__array__"]]
        if "__type__" not in data:
            return {key: unpack(value, arrays) for key, value in data.items()}
        cls = VOCABULARY.get(data["__type__"])
        if cls is None:
            raise ModelFailed(f"The message holds an unknown object '{data['__type__']}'.")
        return cls(**{k: unpack(v, arrays) for k, v in data.items() if k != "__type__"})
    if isinstance(data, list):
        return tuple(unpack(item, arrays) for item in data)
    return data


def _pack(value: object, arrays: Arrays) -> Json:
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"__array__": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        if name not in VOCABULARY:
            raise ModelFailed(f"'{name}' cannot be sent: it is not in the vocabulary.")
        inner = {f.name: _pack(getattr(value, f.name), arrays) for f in fields(value)}
        return {"__type__": name, **inner}
    if isinstance(value, dict):
        return {str(key): _pack(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_pack(item, arrays) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise ModelFailed(f"A value of type {type(value).__name__} cannot be sent.")
