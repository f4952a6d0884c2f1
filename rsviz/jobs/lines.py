"""Lines to readers: start the server that forks them, put a question, wait for the answer.

A line belongs to one open file. When its reader is gone (idle for long, killed, crashed) the
next question starts another; only the visitor whose answer was lost hears of it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from rsviz.core.errors import UnreadableScene
from rsviz.jobs import wire
from rsviz.jobs.process import Child
from rsviz.jobs.questions import Question

SERVER_SECONDS = 60.0
FORKS = 3
AGAIN = "Try again; other scenes and other visitors are not affected."
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS"), "1")
NO_PLUGINS = {
    "HDF5_PLUGIN_PRELOAD": "::",
    "HDF5_PLUGIN_PATH": "",
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_SKIP": "VRT GTI",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
}
"""What must be said before the file libraries load."""


class Forker:
    """The process that forks readers, restarted when it is gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: Child | None = _started()

    def fork(self, request: dict[str, Any]) -> tuple[socket.socket, int]:
        """A new reader for the request: our end of its socket, and its process id.

        Raises:
            UnreadableScene: the server cannot be kept alive.
        """
        for _ in range(FORKS):
            with self._lock:
                answer, server = self._call({"op": "fork"} | request)
                try:
                    _, descriptors, _, _ = socket.recv_fds(server.conn, 1, 1)
                except OSError:
                    descriptors = []
            if descriptors:
                return socket.socket(fileno=descriptors[0]), int(answer["pid"])
        raise UnreadableScene("The process that starts readers ended again and again.", AGAIN)

    def end(self, pid: int, now: bool) -> str:
        """End a reader (at once, or when it does not end by itself) and say how it ended."""
        with self._lock:
            return str(self._call({"op": "end", "pid": pid, "now": now})[0]["ending"])

    @property
    def pid(self) -> int:
        """Process id of the server; 0 when none runs."""
        return self._server.pid if self._server is not None else 0

    def close(self) -> None:
        """End the server, and with it all its readers."""
        with self._lock:
            if self._server is not None:
                self._server.close()
            self._server = None

    def _call(self, request: dict[str, Any]) -> tuple[dict[str, Any], Child]:
        """Ask the server once more when it is gone; the lock is held by the caller."""
        ending = ""
        for _ in range(2):
            server = self._server = self._server or _started()
            try:
                server.conn.settimeout(SERVER_SECONDS)
                wire.send(server.conn, request)
                return wire.receive(server.conn)[0], server
            except (wire.Broken, TimeoutError):
                server.kill()
                ending, self._server = server.ended(), None
        raise UnreadableScene(f"The process that starts readers ended: {ending}.", AGAIN)


def _started() -> Child:
    return Child("rsviz.jobs.reader_server", env=ONE_THREAD | NO_PLUGINS)


class Line:
    """A line to the reader of one file, used by one thread at a time.

    Args:
        forker: starts readers.
        request: what the reader opens.
        title: what to call the file in sentences.
        make_room: called before a reader is started.
    """

    def __init__(
        self,
        forker: Forker,
        request: dict[str, Any],
        title: str,
        make_room: Callable[[], None] = lambda: None,
    ) -> None:
        self.lock = threading.Lock()
        self.used = time.monotonic()
        self.greeting: Any = None
        self._forker, self._request, self._title = forker, request, title
        self._make_room = make_room
        self._conn: socket.socket | None = None
        self._pid = 0

    @property
    def connected(self) -> bool:
        return self._conn is not None

    def connect(self, opening: Question) -> Any:
        """Make sure that a reader lives; what it said when it opened the file.

        Raises:
            RsvizError: the file could not be opened.
        """
        with self.lock:
            self._connect(opening)
            return self.greeting

    def ask(self, opening: Question, name: str, question: Question, arguments: Any) -> Any:
        """The answer to a question.

        Raises:
            UnreadableScene: the reader ended, or took too long.
            RsvizError: what the reader itself says.
        """
        with self.lock:
            for _ in range(2):
                self._connect(opening)
                assert self._conn is not None
                try:
                    self._conn.settimeout(question.wall_seconds)
                    wire.send_object(self._conn, {"op": name}, arguments)
                except (wire.Broken, TimeoutError):
                    raise self._lost(question, now=True) from None
                header, answer = self._hear(question)
                if "bye" not in header:
                    return answer
                self.hang_up()
        raise UnreadableScene(f"The readers of {self._title} end again and again.", AGAIN)

    def hang_up(self) -> None:
        """Close the line, whose lock is held; its reader then ends by itself."""
        if self._conn is not None:
            self._conn.close()
        self._conn = None

    def interrupt(self) -> None:
        """End the reader from any thread; whoever waits for an answer is told."""
        conn = self._conn
        if conn is not None:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)

    def _connect(self, opening: Question) -> None:
        self.used = time.monotonic()
        if not self._gone():
            return
        self.hang_up()
        self._make_room()
        self._conn, self._pid = self._forker.fork(self._request)
        try:
            self.greeting = self._hear(opening)[1]
        except Exception:
            self.hang_up()
            raise

    def _gone(self) -> bool:
        """Whether the reader is gone: it says nothing unasked but farewell."""
        if self._conn is None:
            return True
        try:
            self._conn.settimeout(0)
            self._conn.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def _hear(self, question: Question) -> tuple[dict[str, Any], Any]:
        """Header and value of the next answer."""
        conn, wall = self._conn, question.wall_seconds
        assert conn is not None
        try:
            conn.settimeout(wall)
            header, arrays = wire.receive(conn)
        except TimeoutError:
            self._lost(question, now=True)
            raise UnreadableScene(
                f"The reader of {self._title} was stopped: {question.doing} for {wall:.0f} s.",
                "Choose a smaller window, or save the scene in smaller tiles.",
            ) from None
        except wire.Broken:
            raise self._lost(question, now=False) from None
        if "error" in header:
            raise wire.error_from(header["error"])
        return header, wire.value_of(header, arrays) if "value" in header else None

    def _lost(self, question: Question, now: bool) -> UnreadableScene:
        """Hang up on a reader that ended or must end, and put into words what happened."""
        self.hang_up()
        ending = self._forker.end(self._pid, now)
        return UnreadableScene(
            f"The reader of {self._title} ended while {question.doing}: {ending}.", AGAIN
        )
