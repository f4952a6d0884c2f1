"""Files for the browser: encoded once, named by their content, and given an address."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit import runtime

from rsviz.io.encode import encode

HERE = Path(__file__).parent / "leaflet"
PARTS = (
    "base",
    "tiles",
    "frames",
    "stack",
    "swipe",
    "marks",
    "legend",
    "cursor",
    "view",
)  # one module, in this order


class Publisher:
    """Gives files an address for as long as this visitor's page shows them."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._base = str(st.get_option("server.baseUrlPath") or "").strip("/")

    def __call__(self, name: str, data: bytes, media_type: str) -> str:
        # Streamlit identifies large files by samples of their bytes; the name carries the rest.
        digest = hashlib.blake2b(data, digest_size=12).hexdigest()
        url: str = runtime.get_instance().media_file_mgr.add(
            data, media_type, f"rsviz-{self._key}-{name}", file_name=digest
        )
        return f"/{self._base}{url}" if self._base else url


def assets(place: Publisher) -> dict[str, str | list[str]]:
    """Addresses of Leaflet, of both style sheets and of our module."""
    names = ("leaflet", "leaflet-style", "style", "code")
    urls = [place(name, data, kind) for name, (data, kind) in zip(names, _code(), strict=True)]
    return {"leaflet": urls[0], "css": urls[1:3], "code": urls[3]}


@cache
def _code() -> tuple[tuple[bytes, str], ...]:
    """Leaflet, its style, our style and our module, as files with their media types."""
    leaflet = find_spec("xstatic.pkg.leaflet")
    assert leaflet is not None and leaflet.origin is not None
    package = Path(leaflet.origin).parent / "data"
    module = "\n".join((HERE / f"{part}.js").read_text() for part in PARTS)
    return (
        ((package / "leaflet.js").read_bytes(), "text/javascript"),
        ((package / "leaflet.css").read_bytes(), "text/css"),
        ((HERE / "map.css").read_bytes(), "text/css"),
        (module.encode(), "text/javascript"),
    )


def encoded(image: NDArray[np.uint8], photo: bool) -> tuple[bytes, str]:
    """An image as a file, remembered by its content."""
    content = np.ascontiguousarray(image)
    digest = hashlib.blake2b(content.data, digest_size=16).hexdigest()
    return _encoded(digest, content.shape, content, photo)


@st.cache_resource(max_entries=64, show_spinner=False)
def _encoded(
    digest: str, shape: tuple[int, ...], _image: NDArray[np.uint8], photo: bool
) -> tuple[bytes, str]:
    return encode(_image, photo)
