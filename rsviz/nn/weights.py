"""The one door to trained weights: safetensors alone, checked before torch sees a number.

A file must have the hash of its record. Whatever the hash says, its header must be small and
describe exactly the bytes that follow, and every number must be one.
Pickles (.pt, .pth, .ckpt) are never read, because they can run code. What the loaded model then
computes is compared with its record by `rsviz.core.reference`.
"""

from __future__ import annotations

import json
import math
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from rsviz.core.card import Weights
from rsviz.core.errors import WeightsMissing

LARGEST_FILE = 64 << 20
LARGEST_HEADER = 1 << 20
MOST_TENSORS = 10_000
MOST_AXES = 8
LENGTH_BYTES = 8
ABOUT = "__metadata__"
ITEM_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "F32": 4,
    "I64": 8,
    "F64": 8,
}
"""Types of numbers that weights may have, and their sizes."""


def read_state(weights: Weights) -> dict[str, Tensor]:
    """The tensors of a record's file, on the CPU.

    Raises:
        WeightsMissing: the file is absent, changed, malformed, or holds what is not a number.
    """
    content = weights.content()
    check_header(content, weights.file)
    try:
        state: dict[str, Tensor] = load(content)
    except SafetensorError as error:
        raise _refused(weights.file, "its header is not that of safetensors") from error
    for name, tensor in state.items():
        if tensor.is_floating_point() and bool(torch.isnan(tensor).any()):
            raise _refused(weights.file, f"{name[:80]!a} holds what is not a number")
    return state


def check_header(content: bytes, file: str) -> None:
    """Make sure that a header describes exactly the bytes that follow it.

    The layout is that of safetensors: the length of the header (uint64, little-endian), the
    header as JSON, and the tensors without gaps.

    Raises:
        WeightsMissing: it does not.
    """
    if len(content) > LARGEST_FILE:
        raise _refused(file, f"it has {len(content)} bytes, at most {LARGEST_FILE} are allowed")
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    body = len(content) - LENGTH_BYTES - length
    if length > LARGEST_HEADER or body < 0:
        raise _refused(file, f"its header announces {length} bytes")
    try:
        header = json.loads(content[LENGTH_BYTES : LENGTH_BYTES + length])
        header.pop(ABOUT, None)
        spans = sorted(_span(entry) for entry in header.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused(file, "its header is not that of safetensors") from error
    if not 0 < len(spans) <= MOST_TENSORS:
        raise _refused(file, f"it lists {len(spans)} tensors, 1 to {MOST_TENSORS} are expected")
    end = 0
    for start, stop in spans:
        if start != end:
            raise _refused(file, f"its tensors overlap or leave a gap at byte {start}")
        end = stop
    if end != body:
        raise _refused(file, f"its tensors need {end} bytes, {body} are there")


def _span(entry: dict[str, Any]) -> tuple[int, int]:
    """First and last byte (exclusive) of a tensor.

    Raises:
        ValueError: type, shape and bytes do not match.
    """
    shape, (start, stop) = entry["shape"], entry["data_offsets"]
    whole = all(type(n) is int and n >= 0 for n in (*shape, start, stop))
    if not whole or len(shape) > MOST_AXES:
        raise ValueError("sizes and offsets must be whole numbers")
    if stop - start != math.prod(shape) * ITEM_BYTES[entry["dtype"]]:
        raise ValueError("the bytes do not match type and shape")
    return start, stop


def _refused(file: str, why: str) -> WeightsMissing:
    return WeightsMissing(
        f"The weights file {file} is refused: {why}.", "Restore the file from the repository."
    )
