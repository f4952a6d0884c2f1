"""A gate for uploads: so many bytes at once in memory, the others wait in order and are told.

Streamlit keeps an upload in memory until the page has taken it, and needs it three times over
while it arrives. The gate lets uploads in while their announced sizes fit; whoever has to wait
sees the place in the queue, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections import deque
from functools import cache

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime

from rsviz.io import profiles

ROUTE = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
COPIES = 3
SHARE = 0.25
LINGER_SECONDS = 3.0
PATIENCE_SECONDS = 300.0


class Room:
    """Bytes of uploads that may be in memory at once, and who waits for them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self._queue: deque[str] = deque()
        self._changed = asyncio.Condition()

    def place(self, session: str) -> int:
        """The place of a visitor in the queue, from 1; 0 when nothing waits."""
        waiting = list(self._queue)
        return waiting.index(session) + 1 if session in waiting else 0

    async def enter(self, session: str, needed: int) -> bool:
        """Wait until so many bytes fit, in order of arrival; whether they did in time."""
        async with self._changed:
            if self._fits(needed) and not self._queue:
                self.used += needed
                return True
            self._queue.append(session)
            _tell(session)
            try:
                await asyncio.wait_for(
                    self._changed.wait_for(
                        lambda: self._queue[0] == session and self._fits(needed)
                    ),
                    PATIENCE_SECONDS,
                )
                self.used += needed
            except TimeoutError:
                return False
            finally:
                self._queue.remove(session)
                self._changed.notify_all()
            return True

    async def leave(self, needed: int) -> None:
        """Give bytes back."""
        async with self._changed:
            self.used -= needed
            self._changed.notify_all()

    def _fits(self, needed: int) -> bool:
        return self.used == 0 or self.used + needed <= self.most


@cache
def room() -> Room:
    """The room of this process: a quarter of the machine's memory, three copies an upload."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Room(int(SHARE * pages / COPIES))


class UploadGate:
    """Lets uploads in while they fit; refuses those that announce more than the profile allows."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = ROUTE.search(scope.get("path", "")) if scope["type"] == "http" else None
        if found is None or scope["method"] not in ("PUT", "POST"):
            await self.app(scope, receive, send)
            return
        most = profiles.current().upload_bytes
        announced = next((v for k, v in scope["headers"] if k == b"content-length"), b"")
        needed = int(announced) if announced.isdigit() else most
        if needed > most + (1 << 20):  # the form around the file takes some bytes
            await PlainTextResponse("The file is too large.", 413)(scope, receive, send)
            return
        if not await room().enter(found[1], needed):
            await PlainTextResponse("Too many uploads; try again later.", 503)(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            asyncio.get_running_loop().create_task(_leave_soon(needed))


async def _leave_soon(needed: int) -> None:
    """The page takes the upload after the answer; until then it is still in memory."""
    await asyncio.sleep(LINGER_SECONDS)
    await room().leave(needed)


def _tell(session: str) -> None:
    """Draw the page of a visitor who waits again, so that it says so."""
    with contextlib.suppress(RuntimeError, AttributeError):
        found = runtime.get_instance().get_app_session(session)
        if found is not None:
            found.request_rerun(None)
