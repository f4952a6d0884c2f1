"""The process that forks readers, and the readers: one file each, locked before it is parsed.

Run as `python -m rsviz.jobs.reader_server FD PARENT`. The server imports the file libraries,
stays single-threaded and opens nothing; for every file it forks a reader, which limits and locks
itself, opens the file, and answers questions over a socket of its own until that closes or
nobody asks for five minutes.
"""

from __future__ import annotations

import importlib
import logging
import os
import pkgutil
import secrets
import select
import signal
import socket
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import rsviz.io
from rsviz.core.errors import RsvizError, SceneTooLarge, UnreadableScene
from rsviz.core.scene import Source
from rsviz.io import catalog
from rsviz.io.paths import belonging
from rsviz.jobs import jail, process, wire
from rsviz.jobs.display import parts
from rsviz.jobs.questions import OPENING, QUESTIONS

IDLE_SECONDS = float(os.environ.get("RSVIZ_READER_IDLE", "300"))
MEMORY_BYTES = int(os.environ.get("RSVIZ_READER_MB", "2048")) * 2**20
FILE_BYTES = 4 * 2**30
log = logging.getLogger("rsviz.reader")


class Server:
    """Forks readers on request and remembers how they ended."""

    def __init__(self, conn: socket.socket) -> None:
        self._conn = conn
        self._live: set[int] = set()
        self._exits: dict[int, int] = {}

    def serve(self) -> None:
        """Answer requests until the socket closes; ended readers are collected on the way."""
        while True:
            readable = select.select([self._conn], [], [], 2.0)[0]
            self._reap()
            if not readable:
                continue
            try:
                request, _ = wire.receive(self._conn)
                if request["op"] == "fork":
                    self._fork(request)
                else:
                    ending = self._end(int(request["pid"]), bool(request["now"]))
                    wire.send(self._conn, {"ending": ending})
            except wire.Broken:
                return

    def _fork(self, request: dict[str, Any]) -> None:
        """Fork a reader and pass one end of its socket to the client."""
        ours, theirs = socket.socketpair()
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._conn.close()
                ours.close()
                jail.die_with_parent(server)
                serve_file(theirs, request)
                status = 0
            except wire.Broken:
                status = 0
            except BaseException:
                log.exception("a reader failed")
            finally:
                os._exit(status)
        self._live.add(pid)
        theirs.close()
        with ours:
            wire.send(self._conn, {"pid": pid})
            socket.send_fds(self._conn, [b"F"], [ours.fileno()])

    def _reap(self) -> None:
        """Collect ended readers; remember how the last few ended."""
        while self._live:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            self._live.discard(pid)
            self._exits[pid] = os.waitstatus_to_exitcode(status)
        while len(self._exits) > 64:
            self._exits.pop(next(iter(self._exits)))

    def _end(self, pid: int, now: bool) -> str:
        """End a reader (at once, or soon if it does not end by itself) and say how it ended."""
        patience = time.monotonic() + (0.0 if now else 0.5)
        while pid in self._live and time.monotonic() < patience:
            time.sleep(0.005)
            self._reap()
        if pid in self._live:
            os.kill(pid, signal.SIGKILL)
            return "it was stopped"
        return process.ending(self._exits[pid]) if pid in self._exits else "it is gone"


def serve_file(conn: socket.socket, request: dict[str, Any]) -> None:
    """Lock this process, open one file, and answer questions about it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ref, variable, axes = (str(request[name]) for name in ("ref", "variable", "axes"))
    jail.limit(MEMORY_BYTES, FILE_BYTES)
    jail.allow_processor_seconds(OPENING.seconds)
    try:
        entry = catalog.find_scene(ref) or catalog.SceneEntry("", "", "real", ref)
    except RsvizError as error:
        wire.send(conn, {"error": wire.error_fields(error)})
        return
    path = Path(entry.path)
    files = belonging(path)
    network = jail.leave_network()
    level = jail.lock_files(
        readable=(*jail.python_files(), *files),
        writable=[Path(tempfile.gettempdir())],
        listable={file.parent for file in files} if len(files) > 1 else (),
    )
    level = ", ".join(filter(None, (level, network)))
    jail.forbid(jail.PICKLES | jail.PROGRAMS)
    source: Source | None = None

    def opened() -> Any:
        nonlocal source
        source = catalog.open_entry(entry, variable, axes)
        return {"description": source.describe(), "jail": level}

    if not _answer(conn, opened) or source is None:
        return
    while select.select([conn], [], [], IDLE_SECONDS)[0]:
        question, arrays = wire.receive(conn)
        asked = QUESTIONS[question["op"]]
        jail.allow_processor_seconds(asked.seconds)
        _answer(conn, partial(asked.answer, source, *wire.value_of(question, arrays)))
    wire.send(conn, {"bye": True})


def _answer(conn: socket.socket, work: Callable[[], Any]) -> bool:
    """Do the work and send its result, or its error as text; whether it went well."""
    try:
        value = work()
    except Exception as error:
        wire.send(conn, {"error": wire.error_fields(_told(error))})
        return False
    wire.send_object(conn, {}, parts(value))
    return True


def _told(error: Exception) -> RsvizError:
    """What the visitor is told of an error; what we did not foresee is logged."""
    if isinstance(error, RsvizError):
        return error
    if isinstance(error, MemoryError):
        return SceneTooLarge(
            f"This needs more memory than a reader may use ({MEMORY_BYTES / 2**20:.0f} MB).",
            "Choose a smaller window or fewer bands, or set RSVIZ_READER_MB.",
        )
    reference = secrets.token_hex(4)
    log.error("reference %s", reference, exc_info=error)
    return UnreadableScene(
        f"Reading failed in a way that we did not foresee (reference {reference}).",
        "Please report it with this reference; the log holds the details.",
    )


def preload() -> None:
    """Import all readers and their libraries, so that a fork finds them in memory."""
    for module in pkgutil.iter_modules(rsviz.io.__path__, "rsviz.io."):
        if not module.name.endswith(".export"):
            importlib.import_module(module.name)


def main() -> None:
    """Serve until the process that started this one is gone."""
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("rasterio").setLevel(logging.ERROR)  # what matters is among the notes
    warnings.simplefilter("ignore")
    conn, parent, _ = process.arguments()
    with tempfile.TemporaryDirectory(prefix="rsviz-readers-") as folder:
        tempfile.tempdir = folder
        preload()
        if os.getppid() == parent:
            Server(conn).serve()


if __name__ == "__main__":
    main()
