"""The bench of the pages, in Chromium: a first visit, a revisit, a click, alone and in company."""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rsviz.core.errors import RsvizError
from rsviz.evaluate.rows import Row, row
from rsviz.io.catalog import open_scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Page

ROOT = Path(__file__).resolve().parents[2]
FIRST_SECONDS, AGAIN_SECONDS, CLICK_SECONDS, CANCEL_SECONDS = 5.0, 1.0, 0.4, 1.0
START_SECONDS, PATIENCE_MS = 60.0, 120_000
SPECTRUM = ".st-key-inspector .js-line:visible"
CHANGED = (
    "old => { const all = [...document.querySelectorAll('.st-key-inspector .js-line')]"
    ".filter(line => line.getClientRects().length);"  # Streamlit keeps what it hides for a while
    " return all.length && all[all.length - 1].getAttribute('d') !== old; }"
)
UNDER_WAY = re.compile(r"about .* left")


def page_bench(quick: bool, device: str) -> list[Row]:
    """Times in Chromium, from what a visitor does to what they see.

    Raises:
        RsvizError: Chromium or playwright is not installed.
    """
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        raise RsvizError(
            "The page bench needs Chromium and the package playwright.",
            "apt-get install chromium; pip install -r requirements-dev.txt",
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            firsts = []
            for _ in range(0 if quick else 2):
                with _server() as url:
                    firsts.append(_visit(browser, url)[1])
            with _server() as url:
                page, first = _visit(browser, url)
                return _rows(browser, page, url, [*firsts, first], 4 if quick else 12)
        finally:
            browser.close()


def _rows(browser: Browser, page: Page, url: str, firsts: list[float], clicks: int) -> list[Row]:
    again = [_reload(page) for _ in range(3)]
    alone = _clicks(page, clicks)
    rows = [
        _row("first page of a fresh start", firsts, FIRST_SECONDS),
        _row("page again", again, AGAIN_SECONDS),
        _row("click to spectrum", alone, CLICK_SECONDS),
    ]
    with tempfile.TemporaryDirectory(prefix="rsviz-bench-") as folder:
        other = browser.new_page()
        other.goto(f"{url}/classify?scene={_large(Path(folder))}&model=mamba_moe&set=views=8")
        other.get_by_text(UNDER_WAY).first.wait_for(timeout=PATIENCE_MS)
        in_company = _clicks(page, min(clicks, 6))
        started = time.perf_counter()
        other.get_by_role("button", name="Cancel").click()
        other.get_by_text("was cancelled").wait_for(timeout=PATIENCE_MS)
        cancelled = time.perf_counter() - started
    return [
        *rows,
        _row("click while another visitor's run computes", in_company, CLICK_SECONDS),
        _row("cancel", [cancelled], CANCEL_SECONDS),
    ]


def _large(folder: Path) -> Path:
    """A scene on which a run takes long: Indian Pines nine times."""
    pixels = open_scene("indian-pines").read().pixels[0].astype(np.int16)  # (C, H, W)
    path = folder / "pines.npy"
    np.save(path, np.tile(np.moveaxis(pixels, 0, -1), (3, 3, 1)))
    return path


def _row(name: str, times: list[float], target: float) -> Row:
    return row(f"page/{name}", statistics.median(times), "s", "target", target)


def _visit(browser: Browser, url: str) -> tuple[Page, float]:
    """Open the front page; the seconds until the scene is drawn."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    started = time.perf_counter()
    page.goto(url)
    _drawn(page)
    return page, time.perf_counter() - started


def _reload(page: Page) -> float:
    """Open the page again; the seconds until its title is there."""
    started = time.perf_counter()
    page.reload()
    page.wait_for_selector("h1", timeout=PATIENCE_MS)
    seconds = time.perf_counter() - started
    _drawn(page)
    page.wait_for_timeout(1500)
    return seconds


def _drawn(page: Page) -> FloatRect:
    """Wait until the scene is drawn; gives its place on the screen."""
    image = page.locator(".rsviz-map .leaflet-image-layer").first
    while True:
        image.wait_for(timeout=PATIENCE_MS)
        complete = image.evaluate("i => i.complete && i.naturalWidth > 0", timeout=PATIENCE_MS)
        box = image.bounding_box()  # None where it is just replaced
        if complete and box:
            return box
        page.wait_for_timeout(20)


def _clicks(page: Page, count: int) -> list[float]:
    """Seconds from a click to another spectrum on the screen; the first is not counted."""
    box = _drawn(page)
    times = []
    for i in range(count + 1):
        lines = page.locator(SPECTRUM)
        before = lines.last.get_attribute("d") if lines.count() else ""
        x, y = box["x"] + (0.2 + 0.6 * i / count) * box["width"], box["y"] + 0.55 * box["height"]
        started = time.perf_counter()
        page.mouse.click(x, y)
        page.wait_for_function(CHANGED, arg=before, polling=10, timeout=PATIENCE_MS)
        times.append(time.perf_counter() - started)
        page.wait_for_timeout(700)
    return times[1:]


@contextmanager
def _server() -> Iterator[str]:
    """A fresh server with an empty store of results; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "streamlit", "run", "rsviz/views/server.py"]
    command += ["--server.address", "127.0.0.1", "--server.port", port, "--server.headless", "true"]
    with tempfile.TemporaryDirectory(prefix="rsviz-bench-") as folder:
        env = os.environ | {"RSVIZ_CACHE": folder}
        silent = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=silent, stderr=silent)
        try:
            _await(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _await(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RsvizError(f"The app did not start within {START_SECONDS:.0f} s.")
