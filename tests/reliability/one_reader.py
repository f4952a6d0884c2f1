"""A real reader in a child of the proof itself, so that its memory and its end can be measured."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsviz.jobs import reader_server, wire
from rsviz.jobs.questions import OPENING


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        told: the sentence that refused it; "" when it was opened.
        value: what the reader answered to the question put to it, if it was opened.
        peak_kib: highest memory of the reader.
        seconds: processor time of the reader.
        signal: that ended it, or 0.
    """

    told: str
    value: Any
    peak_kib: int
    seconds: float
    signal: int


def ask_reader(path: Path, question: str = "", *arguments: object) -> Outcome:
    """Open a file in a locked reader, and put one question when it opens."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            ours.close()
            reader_server.serve_file(theirs, {"ref": str(path), "variable": "", "axes": ""})
        finally:
            os._exit(0)
    theirs.close()
    told, value = "", None
    with ours:
        ours.settimeout(OPENING.wall_seconds)
        try:
            told, value = _heard(ours)
            if question and not told:
                wire.send_object(ours, {"op": question}, arguments)
                told, value = _heard(ours)
        except (wire.Broken, TimeoutError) as error:
            told = f"the reader ended: {error}"
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    seconds = used.ru_utime + used.ru_stime
    return Outcome(told, value, used.ru_maxrss, seconds, max(0, -code))


def _heard(conn: socket.socket) -> tuple[str, Any]:
    header, arrays = wire.receive(conn)
    if "error" in header:
        return wire.error_from(header["error"]).message, None
    return "", wire.value_of(header, arrays)
