"""What the pages ask readers and the worker, remembered: the web process parses no file itself.

Arrays are kept as resources (never copied, read-only) and shared between visitors. The key of
a scene holds the time its file was last changed, so that a changed file is read again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from rsviz.core.grid import Grid, Window
from rsviz.core.layers import ScalarMap
from rsviz.core.model import Result
from rsviz.core.scene import Description, Spectrum, Truth
from rsviz.draw.colour import Limits
from rsviz.draw.warp import MapFrame
from rsviz.io.catalog import SceneEntry
from rsviz.jobs.display import Composite, GroupStats, Histogram, RegionStats
from rsviz.jobs.executor import LocalExecutor
from rsviz.jobs.pyramid import Parts, Pyramid
from rsviz.jobs.readers import Readers, RemoteSource
from rsviz.jobs.season import AreaSeries, Pictures
from rsviz.views.state import Session


@dataclass(frozen=True)
class SceneKey:
    """Which pixels are meant: the scene, the reader's choices, and when the file changed."""

    ref: str
    variable: str = ""
    axes: str = ""
    changed_ns: int = 0


def key_of(session: Session) -> SceneKey:
    """The key of the scene that a visitor has open."""
    try:
        changed = Path(session.scene).stat().st_mtime_ns
    except (OSError, ValueError):
        changed = 0
    return SceneKey(session.scene, session.variable, session.axes, changed)


@st.cache_resource(show_spinner=False, on_release=lambda client: client.close())
def readers() -> Readers:
    """The client of the processes that read files."""
    return Readers()


@st.cache_resource(show_spinner=False, on_release=lambda local: local.close())
def executor() -> LocalExecutor:
    """Where models run."""
    return LocalExecutor()


def entries() -> tuple[SceneEntry, ...]:
    """The scenes to choose from: samples, and those of the data folder."""
    return readers().scenes()


@st.cache_resource(show_spinner=False, max_entries=64)
def source(key: SceneKey) -> RemoteSource:
    """The open scene; raises what the reader says when it cannot be opened."""
    return readers().open(key.ref, key.variable, key.axes)


@st.cache_resource(show_spinner=False, max_entries=64)
def description(key: SceneKey) -> Description:
    """What the file holds."""
    return source(key).describe()


@st.cache_resource(show_spinner="Reading bands", max_entries=24)
def composite(key: SceneKey, bands: tuple[int, ...], limits: Limits | None) -> Composite:
    """Bands as an image."""
    return source(key).composite(bands, limits)


@st.cache_resource(show_spinner=False, max_entries=24)
def placed(key: SceneKey, bands: tuple[int, ...], limits: Limits | None) -> NDArray[np.uint8]:
    """Bands as an image in the raster of the map: (H, W, 4)."""
    return frame(description(key).grid).place(composite(key, bands, limits).image)


@st.cache_resource(show_spinner=False)
def parts() -> Parts:
    """Parts of large images that were made lately."""
    return Parts()


@st.cache_resource(show_spinner=False, max_entries=64)
def pyramid(key: SceneKey, bands: tuple[int, ...], limits: Limits | None) -> Pyramid:
    """Bands as an image in all sizes."""
    stretched = composite(key, bands, limits).limits
    make = partial(source(key).averaged, bands, stretched)
    return Pyramid(description(key), make, parts(), (key, bands, stretched))


@st.cache_resource(show_spinner="Comparing spectra", max_entries=8)
def angle(key: SceneKey, row: int, col: int) -> ScalarMap:
    """Spectral angle of every pixel to one of them [rad]."""
    return source(key).angle(row, col)


@st.cache_resource(show_spinner=False, max_entries=256)
def histogram(key: SceneKey, band: int) -> Histogram:
    """Distribution of the values of a band."""
    return source(key).histogram(band)


@st.cache_resource(show_spinner=False, max_entries=2048)
def spectrum(key: SceneKey, row: int, col: int) -> Spectrum:
    """All bands of one pixel."""
    return source(key).spectrum(row, col)


@st.cache_resource(show_spinner="Reading the rectangle", max_entries=64)
def rectangle(key: SceneKey, window: Window) -> RegionStats:
    """Mean and spread of the spectra in a window."""
    return source(key).rectangle(window)


@st.cache_resource(show_spinner="Averaging spectra", max_entries=64)
def groups(key: SceneKey, name: str, count: int, _codes: NDArray[np.int16]) -> GroupStats:
    """Mean and spread of the spectra of groups of pixels (H, W); `name` stands for the codes."""
    return source(key).groups(_codes, count)


@st.cache_resource(show_spinner=False, max_entries=512)
def series(key: SceneKey, row: int, col: int) -> NDArray[np.float32]:
    """All bands of one pixel at all dates: (T, C), NaN where there is no data."""
    return source(key).series(row, col)


@st.cache_resource(show_spinner="Averaging the rectangle", max_entries=32)
def area(key: SceneKey, window: Window) -> AreaSeries:
    """Mean and spread of a window at every date."""
    return source(key).area(window)


@st.cache_resource(show_spinner="Averaging series", max_entries=64)
def group_series(key: SceneKey, name: str, _members: NDArray[np.bool_]) -> AreaSeries:
    """Mean and spread of pixels (H, W) at every date; `name` stands for the members."""
    about = description(key)
    return source(key).area(about.grid.window, _members)


@st.cache_resource(show_spinner="Reading all dates", max_entries=6)
def pictures(key: SceneKey, bands: tuple[int, ...], index: str, limits: Limits | None) -> Pictures:
    """Every date as an image."""
    return source(key).pictures(bands, index, limits)


@st.cache_resource(show_spinner=False, max_entries=16)
def truth(key: SceneKey) -> Truth | None:
    """Reference labels, when the scene has them."""
    return source(key).truth()


@st.cache_resource(show_spinner=False, max_entries=32)
def frame(grid: Grid, finest: int = 1) -> MapFrame:
    """The raster in which a scene is drawn on the map, for layers up to `finest` times finer."""
    return MapFrame.of(grid, finest)


def result(run_id: str) -> Result:
    """The layers of a finished run, memory-mapped; the executor keeps the last few at hand."""
    return executor().result(run_id)


def result_key(found: Result) -> str:
    """Short hash of what was computed: equal for visitors who share an answer."""
    record = replace(found.record, seconds=0.0, peak_memory_mb=0.0)
    return hashlib.blake2b(repr(record).encode(), digest_size=12).hexdigest()
