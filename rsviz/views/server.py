"""The web server: the app with tiles and security headers; `streamlit run` on this file starts it.

Plain `streamlit run app.py` works as well, without the two.
"""

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # so that it can be started from any folder

from rsviz.core.errors import RsvizError  # noqa: E402
from rsviz.jobs import doctor, jail  # noqa: E402
from rsviz.jobs.display import Histogram  # noqa: E402
from rsviz.views import clients, tiles  # noqa: E402
from rsviz.views.room import UploadGate  # noqa: E402

try:
    doctor.refuse_weak({name: st.get_option(name) for name in doctor.ASKED})
except RsvizError as refused:
    raise SystemExit(str(refused)) from None
jail.forbid(jail.PICKLES)

OWN = "'self' data: blob:"
BASEMAPS = "https://tile.openstreetmap.org https://server.arcgisonline.com"  # off until asked for
HEADERS = {
    # Streamlit mounts components from blobs and sets inline styles; plotly compiles functions.
    "Content-Security-Policy": (
        f"default-src {OWN}; script-src {OWN} 'unsafe-inline' 'unsafe-eval'; "
        f"style-src {OWN} 'unsafe-inline'; img-src {OWN} {BASEMAPS}; connect-src 'self' "
        "data: blob:; font-src 'self' data:; object-src 'none'; base-uri 'self'; "
        "frame-ancestors 'self'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the headers to every answer; those that an answer brings along stay."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


def warm_up() -> None:
    """Import what a first page needs, while nobody waits for it: a second of its time."""
    import pandas  # noqa: F401  (Streamlit's, for whatever a component is given)

    from rsviz.views import charts

    band = Histogram(np.array([0.0, 1.0, 2.0]), np.array([1, 1]), 0.0, 2.0)
    charts.histogram(band, (0.0, 2.0)).to_json()


@asynccontextmanager
async def helpers(_: st.App) -> AsyncIterator[None]:
    """Start the readers before the first visitor comes; end readers and worker with the server."""
    clients.readers()
    threading.Thread(target=warm_up, daemon=True).start()
    yield
    clients.readers.clear()
    clients.executor.clear()


app = st.App(
    ROOT / "app.py",
    lifespan=helpers,
    routes=[tiles.route(st.get_option("server.baseUrlPath"))],
    middleware=[Middleware(SecurityHeaders), Middleware(UploadGate)],
)
