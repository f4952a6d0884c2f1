"""Locks that a process puts on itself before it touches a stranger's file.

Limits of memory, processor time and files; no new privileges; end with the parent; and, where
the kernel has Landlock (Linux 5.13 and later), no file but those named and no network. All of
it can only be tightened afterwards, never undone.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from rsviz.jobs.process import ROOT

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
RULE_PATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
# File rights that a kernel knows, by version of its Landlock interface.
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
LATEST_RIGHTS = (1 << 16) - 1
MAX_OPEN_FILES = 64
PICKLES = frozenset(("pickle.find_class",))
PROGRAMS = frozenset(
    ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
)
"""What nobody who reads a file has to do."""


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; end now if it already has."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def limit(memory_bytes: int, file_bytes: int) -> None:
    """Limit address space, size of written files, open files, and forbid core dumps."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError):  # macOS refuses some of them
            resource.setrlimit(what, (value, value))


def allow_processor_seconds(seconds: float) -> None:
    """Raise the processor-time limit to what was used so far plus some seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    until = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (until, hard))


def landlock_version() -> int:
    """Version of the kernel's Landlock interface; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_libc().syscall(LANDLOCK_CREATE, None, 0, 1)))


def python_files() -> tuple[Path, ...]:
    """What Python and its libraries read while they run: code, shared objects, time zones."""
    names = (
        sys.prefix,
        sys.base_prefix,
        "/usr/lib",
        "/usr/share",
        "/lib",
        "/lib64",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/dev/null",
        "/dev/urandom",
        "/proc/self",
        "/proc/meminfo",
        "/proc/cpuinfo",
        "/sys/devices/system/cpu",
    )
    return (*map(Path, names), *(ROOT / folder for folder in ("rsviz", "sample_data")))


def lock_files(
    readable: Iterable[Path], writable: Iterable[Path], listable: Iterable[Path] = ()
) -> str:
    """Forbid every file but those named, and the network where the kernel can.

    Args:
        readable: files, and folders with all below them; those that do not exist are left out.
        writable: folders in which files may also be written and removed.
        listable: folders whose names may be read, but not what lies behind them.

    Returns:
        The level reached, in words.
    """
    version = landlock_version()
    if version == 0:
        return "limits only (this system has no Landlock)"
    _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    handled = RIGHTS.get(version, LATEST_RIGHTS)
    attributes = struct.pack("<Q", handled)
    if version >= 4:
        attributes += struct.pack("<Q", 0b11)  # no TCP bind, no TCP connect
    if version >= 6:
        attributes += struct.pack("<Q", 0b11)  # no abstract sockets, no signals to others
    rules = int(_libc().syscall(LANDLOCK_CREATE, attributes, len(attributes), 0))
    if rules < 0:
        return "limits only (Landlock refused)"
    try:
        for path in readable:
            _allow(rules, path, READ & handled)
        for path in writable:
            _allow(rules, path, handled & ~EXECUTE)
        for path in listable:
            _allow(rules, path, READ_DIR)
        refused = _libc().syscall(LANDLOCK_RESTRICT, rules, 0)
    finally:
        os.close(rules)
    if refused:
        return "limits only (Landlock refused)"
    return f"limits, Landlock {version}" + (", no TCP" if version >= 4 else "")


def leave_network() -> str:
    """Move this process, which must have one thread, to a network of its own without interfaces.

    Returns:
        What was reached, in words; "" where the system does not allow it.
    """
    if sys.platform != "linux":
        return ""
    for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET):
        if _libc().unshare(flags) == 0:
            return "no network"
    return ""


def forbid(events: frozenset[str]) -> None:
    """Make Python refuse to do some things from now on, by the names of its audit events."""

    def refuse(event: str, _: tuple[object, ...]) -> None:
        if event in events:
            raise PermissionError(f"{event} is forbidden in this process")

    sys.addaudithook(refuse)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = rights if path.is_dir() else rights & OF_FILES
        rule = struct.pack("<Qi", allowed, descriptor)
        _libc().syscall(LANDLOCK_ADD, rules, RULE_PATH, rule, 0)
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
