"""The web process's side of the readers: open a scene by name and ask about it.

Every file is parsed in a process of its own (`reader_server`), which may crash, hang or run out
of memory without harm to anybody else: the visitor who asked gets one sentence, the next
question starts a new reader.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rsviz.core.grid import Window
from rsviz.core.layers import ScalarMap
from rsviz.core.scene import Description, Scene, Source, Spectrum, Truth
from rsviz.draw.colour import Limits
from rsviz.io import catalog
from rsviz.io.catalog import SceneEntry
from rsviz.jobs.display import Composite, GroupStats, Histogram, RegionStats
from rsviz.jobs.identity import listed, stamp
from rsviz.jobs.lines import Forker, Line
from rsviz.jobs.questions import LINES, OPENING, QUESTIONS
from rsviz.jobs.season import AreaSeries, Pictures

MAX_LIVE, MAX_SOURCES = 16, 256


@contextmanager
def opened(ref: str, variable: str = "", axes: str = "") -> Iterator[Source | RemoteSource]:
    """A scene for a process that does other things as well: it parses listed scenes alone.

    A file named by its path may come from a stranger; a locked reader of its own opens it.

    Raises:
        UnreadableScene: it is damaged, of no known format, or the reader ended.
        SceneTooLarge: it exceeds the byte budget.
    """
    if catalog.find_scene(ref) is not None:
        source = catalog.open_scene(ref, variable, axes)
        try:
            yield source
        finally:
            source.close()
        return
    readers = Readers(max_live=LINES)
    try:
        yield readers.open(ref, variable, axes)
    finally:
        readers.close()


class Readers:
    """All readers of this process; safe to use from many threads."""

    def __init__(self, max_live: int = MAX_LIVE) -> None:
        self._max_live = max_live
        self._forker = Forker()
        self._lock = threading.Lock()
        self._sources: dict[tuple[str, str, str], RemoteSource] = {}

    def open(self, ref: str, variable: str = "", axes: str = "") -> RemoteSource:
        """Open a scene, given by its short id or path, in a reader of its own.

        Visitors who open the same scene share its readers.

        Raises:
            UnreadableScene: it is damaged, of no known format, or the reader ended.
            SceneTooLarge: it exceeds the byte budget.
        """
        key, now = (ref, variable, axes), stamp(ref)
        with self._lock:
            source = self._sources.get(key)
            if source is None or source.stamp != now:
                if source is not None:
                    source.close()
                request = {"ref": ref, "variable": variable, "axes": axes}
                source = RemoteSource(self._forker, request, now, self._make_room)
                self._sources[key] = source
                while len(self._sources) > MAX_SOURCES:
                    self._sources.pop(next(iter(self._sources))).close()
        try:
            source.describe()
        except Exception:
            with self._lock:
                self._sources.pop(key, None)
            raise
        return source

    def scenes(self) -> tuple[SceneEntry, ...]:
        """The scenes that can be opened by a short id; looked up at most every ten seconds."""
        return listed()

    def diagnostics(self) -> dict[str, Any]:
        """What is known of the readers: how many live, how many work, how they are locked."""
        with self._lock:
            lines = [line for s in self._sources.values() for line in s.lines if line.connected]
            levels = {line.greeting["jail"] for line in lines if line.greeting}
        return {
            "readers": len(lines),
            "busy": sum(line.lock.locked() for line in lines),
            "jail": ", ".join(sorted(levels)) or "not known before a scene is open",
            "server": self._forker.pid,
        }

    def close(self) -> None:
        """End all readers."""
        with self._lock:
            for source in self._sources.values():
                source.close()
            self._sources.clear()
        self._forker.close()

    def _make_room(self) -> None:
        """Hang up on the reader that was idle longest when there are too many."""
        with self._lock:
            lines = [line for s in self._sources.values() for line in s.lines if line.connected]
            for line in sorted(lines, key=lambda line: line.used):
                if len(lines) < self._max_live:
                    return
                if line.lock.acquire(blocking=False):
                    line.hang_up()
                    line.lock.release()
                    lines.remove(line)


class RemoteSource:
    """A scene opened in a reader: the same questions as a local `Source`, and those of the map.

    Three readers at most serve a file: one answers clicks and images, one what takes longer,
    one makes the parts of large images. Every method raises what the reader raises, and
    UnreadableScene when it ended.
    """

    def __init__(
        self,
        forker: Forker,
        request: dict[str, str],
        stamp: str,
        make_room: Callable[[], None],
    ) -> None:
        title = Path(request["ref"]).name
        self.stamp = stamp
        self.lines = tuple(Line(forker, request, f"'{title}'", make_room) for _ in range(LINES))
        self._description: Description | None = None

    def describe(self) -> Description:
        """What the file holds; asked once."""
        if self._description is None:
            self._description = self.lines[0].connect(OPENING)["description"]
        return self._description

    def read(self, window: Window | None = None, bands: tuple[int, ...] | None = None) -> Scene:
        """Read a window (the whole grid by default) of some bands (all by default)."""
        return cast(Scene, self._ask("read", window, bands))

    def spectrum(self, row: int, col: int) -> Spectrum:
        """One pixel in all bands."""
        return cast(Spectrum, self._ask("spectrum", row, col))

    def composite(
        self, bands: tuple[int, ...], limits: Limits | None = None, max_side: int = 2048
    ) -> Composite:
        """One or three bands as an image; see `display.composite`."""
        return Composite(*self._ask("composite", bands, limits, max_side))

    def averaged(
        self, bands: tuple[int, ...], limits: Limits, level: int, window: Window
    ) -> NDArray[np.uint8]:
        """Part of the scene as an image at a level of its pyramid; see `pyramid.averaged`."""
        return cast("NDArray[np.uint8]", self._ask("averaged", bands, limits, level, window))

    def histogram(self, band: int) -> Histogram:
        """Distribution of one band; see `display.histogram`."""
        return Histogram(*self._ask("histogram", band))

    def rectangle(self, window: Window) -> RegionStats:
        """Mean and spread of the spectra in a window; see `display.rectangle`."""
        return RegionStats(*self._ask("rectangle", window))

    def groups(self, codes: NDArray[np.int16], count: int) -> GroupStats:
        """Mean and spread of the spectra of groups of pixels; see `display.groups`."""
        return GroupStats(*self._ask("groups", codes, count))

    def angle(self, row: int, col: int) -> ScalarMap:
        """Spectral angle of every pixel to one; see `display.angle`."""
        return cast(ScalarMap, self._ask("angle", row, col))

    def series(self, row: int, col: int) -> NDArray[np.float32]:
        """All bands of one pixel at all dates; see `season.series`."""
        return cast("NDArray[np.float32]", self._ask("series", row, col))

    def area(self, window: Window, members: NDArray[np.bool_] | None = None) -> AreaSeries:
        """Mean and spread of pixels of a window at every date; see `season.area`."""
        return AreaSeries(*self._ask("area", window, members))

    def pictures(
        self, bands: tuple[int, ...], index: str = "", limits: Limits | None = None
    ) -> Pictures:
        """Every date as an image; see `season.pictures`."""
        return Pictures(*self._ask("pictures", bands, index, limits))

    def truth(self) -> Truth | None:
        """The reference labels that came with the scene, or None."""
        return cast("Truth | None", self._ask("truth"))

    def close(self) -> None:
        """End the readers of this file; a later question starts them again."""
        for line in self.lines:
            line.interrupt()

    def _ask(self, name: str, *arguments: object) -> Any:
        question = QUESTIONS[name]
        return self.lines[question.line].ask(OPENING, name, question, arguments)
