"""Messages between processes: a JSON header and the raw bytes of arrays, never a pickle.

A frame is `RSV1`, the length of the header (uint32, little-endian), the header as JSON, then the
bytes of each array in order. The header names the type and shape of every array, so that the
receiver can refuse a frame before it allocates anything, and receives the bytes straight into
the array. Core objects travel by `rsviz.core.packing`.
"""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import ERRORS, RsvizError
from rsviz.core.packing import Arrays, Json, pack, unpack

MAGIC = b"RSV1"
PREFIX = struct.Struct("<4sI")
MAX_HEADER = 16 * 2**20
MAX_ARRAYS = 4 * 2**30
MAX_COUNT, MAX_DIMENSIONS = 4096, 8
KINDS = "biuf"


class Broken(Exception):
    """The other end is gone, or what it sent is not a frame."""


def send(conn: socket.socket, header: dict[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> None:
    """Send one frame.

    Args:
        conn: a connected stream socket.
        header: JSON-able data; the key "arrays" belongs to the frame itself.
        arrays: arrays of booleans or real numbers.

    Raises:
        Broken: the other end is gone, or the frame exceeds the limits.
    """
    whole = [np.ascontiguousarray(array) for array in arrays]
    specs = [[array.dtype.str, list(array.shape)] for array in whole]
    _sizes(specs)
    text = json.dumps(header | {"arrays": specs}).encode()
    if len(text) > MAX_HEADER:
        raise Broken(f"the header of {len(text)} bytes is above the limit of {MAX_HEADER}")
    try:
        conn.sendall(PREFIX.pack(MAGIC, len(text)) + text)
        for array in whole:
            if array.nbytes:
                conn.sendall(array.reshape(-1).view(np.uint8).data)  # (bytes,)
    except TimeoutError:
        raise
    except OSError as error:
        raise Broken(str(error)) from error


def receive(conn: socket.socket) -> tuple[dict[str, Any], Arrays]:
    """Receive one frame.

    Returns:
        The header and the arrays, in the order in which they were sent.

    Raises:
        Broken: the other end is gone, or the bytes are not a frame within the limits.
        TimeoutError: the timeout of the socket passed.
    """
    magic, length = PREFIX.unpack(_exactly(conn, PREFIX.size))
    if magic != MAGIC or length > MAX_HEADER:
        raise Broken("the bytes are not a frame")
    try:
        header = json.loads(bytes(_exactly(conn, length)))
        specs = header.pop("arrays")
        sizes = _sizes(specs)
        arrays: Arrays = [np.empty(tuple(shape), np.dtype(kind)) for kind, shape in specs]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Broken(f"the header is damaged: {error}") from error
    for array, size in zip(arrays, sizes, strict=True):
        if size:
            _fill(conn, memoryview(array.reshape(-1).view(np.uint8).data))  # (bytes,)
    return header, arrays


def send_object(conn: socket.socket, header: dict[str, Any], value: object) -> None:
    """Send a header with one core object, or plain data, under the key "value"."""
    data, arrays = pack(value)
    send(conn, header | {"value": data}, arrays)


def value_of(header: dict[str, Any], arrays: Arrays) -> Any:
    """The object that `send_object` sent."""
    return unpack(header["value"], arrays)


def error_fields(error: RsvizError) -> Json:
    """An error as plain data: class name, message, hint."""
    return [type(error).__name__, error.message, error.hint]


def error_from(data: Json) -> RsvizError:
    """The error again; an unknown class becomes the base class."""
    name, message, hint = (str(part) for part in data)
    return ERRORS.get(name, RsvizError)(message, hint)


def _sizes(specs: Any) -> list[int]:
    """Bytes of each array, after checking types, shapes and the sum against the limits."""
    if len(specs) > MAX_COUNT:
        raise Broken(f"{len(specs)} arrays in one frame")
    sizes = []
    for kind, shape in specs:
        dtype = np.dtype(str(kind))
        if dtype.kind not in KINDS or len(shape) > MAX_DIMENSIONS or any(n < 0 for n in shape):
            raise Broken(f"an array of type {dtype} and shape {shape} cannot be sent")
        sizes.append(math.prod(shape) * dtype.itemsize)
    if sum(sizes) > MAX_ARRAYS:
        raise Broken(f"the arrays hold {sum(sizes)} bytes, above the limit of {MAX_ARRAYS}")
    return sizes


def _exactly(conn: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    _fill(conn, memoryview(buffer))
    return buffer


def _fill(conn: socket.socket, view: memoryview) -> None:
    while len(view):
        try:
            count = conn.recv_into(view)
        except TimeoutError:
            raise
        except OSError as error:
            raise Broken(str(error)) from error
        if count == 0:
            raise Broken("the other end is gone")
        view = view[count:]
