"""Starting a child process with a socket to it, and ending it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rsviz.io.profiles import uploads_root

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """A fresh Python process that runs one module, with a socket between it and us.

    The child is spawned, not forked, gets no descriptor but its socket, and never imports the
    main script of this process. It must end when its socket closes, which also happens when
    this process dies in any way.
    """

    def __init__(
        self, module: str, arguments: Sequence[str] = (), env: dict[str, str] | None = None
    ) -> None:
        ours, theirs = socket.socketpair()
        paths = [path for path in (str(ROOT), os.environ.get("PYTHONPATH")) if path]
        ours_too = {
            "PYTHONPATH": os.pathsep.join(paths),
            "RSVIZ_UPLOADS": str(uploads_root()),  # children have temporary folders of their own
        }
        command = [sys.executable, "-P", "-m", module, str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self._process = subprocess.Popen(
                [*command, *arguments],
                env=os.environ | ours_too | (env or {}),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.conn = ours

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End the process at once if it still runs."""
        self._process.kill()

    def close(self) -> None:
        """Close the socket, upon which the process ends by itself; kill it if it does not."""
        with contextlib.suppress(OSError):
            self.conn.shutdown(socket.SHUT_RDWR)  # also wakes a thread of ours that listens
        self.conn.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait(10)

    def ended(self) -> str:
        """How the process ended, in words; waits for its end, which must be near."""
        self.conn.close()
        return ending(self._process.wait(10))


def ending(status: int) -> str:
    """An exit status in words; negative is a signal."""
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
    meanings = {
        "SIGKILL": "it was killed, perhaps because memory ran out",
        "SIGXCPU": "it used up its processor time",
        "SIGSEGV": "a library crashed",
        "SIGABRT": "a library gave up",
        "SIGBUS": "a file changed while it was read",
        "SIGXFSZ": "it wrote more than it may",
    }
    return f"{meanings[name]} ({name})" if name in meanings else name


def arguments() -> tuple[socket.socket, int, list[str]]:
    """In a child: its socket, the process that started it, and the further arguments."""
    descriptor, parent, *rest = sys.argv[1:]
    return socket.socket(fileno=int(descriptor)), int(parent), rest


def cores() -> int:
    """Processor cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resident_mb() -> float:
    """Resident memory of this process in megabytes; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as numbers:
            pages = int(numbers.read().split()[1])
    except OSError:
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
