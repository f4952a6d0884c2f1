"""Frames: what is sent arrives, what is no frame is refused."""

import json
import socket
import threading

import numpy as np
import pytest

from rsviz.core.errors import Cancelled, RsvizError, SceneTooLarge
from rsviz.core.grid import Window
from rsviz.core.scene import Scene
from rsviz.jobs import wire


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.settimeout(5)
        yield ours, theirs


def sent_while_received(pair, *args):
    """Send in another thread, as large frames do not fit into the socket's buffer."""
    thread = threading.Thread(target=wire.send, args=(pair[0], *args))
    thread.start()
    received = wire.receive(pair[1])
    thread.join()
    return received


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.uint16).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.array([True, False]),
        np.float32(3.5),
        np.empty((0, 7), np.int8),
        np.array([1, 2], ">i4"),
    ],
    ids=["uint16", "fortran", "bool", "scalar", "empty", "big-endian"],
)
def test_arrays_arrive_as_they_were(pair, array):
    header, (found,) = sent_while_received(pair, {"op": "x"}, [np.asarray(array)])
    assert header == {"op": "x"}
    assert found.dtype == np.asarray(array).dtype
    np.testing.assert_array_equal(found, array)


def test_a_large_frame_arrives_whole(pair):
    array = np.random.default_rng(0).integers(0, 255, (5, 1000, 1000), np.uint8)
    _, (found, second) = sent_while_received(pair, {}, [array, array[0]])
    assert np.array_equal(found, array) and np.array_equal(second, array[0])


def test_core_objects_arrive(pair, patches):
    thread = threading.Thread(
        target=wire.send_object, args=(pair[0], {}, (patches, Window(1, 2, 3, 4), None))
    )
    thread.start()
    scene, window, nothing = wire.value_of(*wire.receive(pair[1]))
    thread.join()
    assert isinstance(scene, Scene) and scene.id == patches.id
    assert window == Window(1, 2, 3, 4) and nothing is None


def test_objects_are_never_pickled(pair):
    with pytest.raises(wire.Broken, match="cannot be sent"):
        wire.send(pair[0], {}, [np.array([{"a": 1}], dtype=object)])


@pytest.mark.parametrize(
    "header",
    [
        {"arrays": [["|O", [1]]]},
        {"arrays": [["<f8", [2**40]]]},
        {"arrays": [["<f8", [-1]]]},
        {"arrays": [["<f8", [1] * 9]]},
        {"arrays": [["nonsense", [1]]]},
        {"arrays": 3},
        {"no": "arrays"},
        [1, 2],
    ],
)
def test_a_damaged_header_is_refused_before_anything_is_allocated(pair, header):
    text = json.dumps(header).encode()
    pair[0].sendall(wire.PREFIX.pack(wire.MAGIC, len(text)) + text)
    with pytest.raises(wire.Broken):
        wire.receive(pair[1])


def test_other_bytes_and_a_closed_end_are_refused(pair):
    pair[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(wire.Broken, match="not a frame"):
        wire.receive(pair[1])
    pair[0].close()
    with pytest.raises(wire.Broken):
        wire.receive(pair[1])


def test_silence_is_a_timeout(pair):
    pair[1].settimeout(0.05)
    with pytest.raises(TimeoutError):
        wire.receive(pair[1])


def test_errors_cross_with_class_message_and_hint():
    found = wire.error_from(wire.error_fields(SceneTooLarge("Too large.", "Cut it.")))
    assert type(found) is SceneTooLarge
    assert (found.message, found.hint) == ("Too large.", "Cut it.")
    assert type(wire.error_from(["Cancelled", "x", ""])) is Cancelled
    assert type(wire.error_from(["os.system", "x", ""])) is RsvizError
