"""R6: 30 payloads of script and markup in 10 places where a stranger's text reaches the page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import h5py
import numpy as np
import seeds
from proof import ROOT, Proof, timed
from rasterio.crs import CRS

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from serving import CHROMIUM, FLAGS, start_server

files = seeds.files
HIT = "window.rsvizHit=1"
PAYLOADS = (
    f"<img src=x onerror={HIT}>", f"<svg onload={HIT}>", f"<script>{HIT}</script>",
    f"<b data-evil=1 onmouseover={HIT}>bold</b>", f"<iframe srcdoc='<script>{HIT}</script>'>",
    f"<details open ontoggle={HIT}>", f"<video><source onerror={HIT}>", f"<body onload={HIT}>",
    f"[click](javascript:{HIT})", "![x](http://203.0.113.9/x.png)", "[a](http://203.0.113.9)",
    f"<a href='javascript:{HIT}'>a</a>", "**bold-evil**", "# heading-evil", "`code-evil`",
    ":red[evil]", ":material/delete:", "$\\href{javascript:1}{x}$", "{{7*7}}", "${7*7}",
    f"'\"><img src=x onerror={HIT}>", f"';{HIT};'", f"\");{HIT};(\"", f"</title><script>{HIT}",
    "<style>@import 'http://203.0.113.9/x.css';</style>",
    "<link rel=stylesheet href=//203.0.113.9>",
    f"<math><mtext><img src=x onerror={HIT}>", f"&lt;img src=x onerror={HIT}&gt;",
    f"\u202e<img src=x onerror={HIT}>", f"%3Cimg src=x onerror={HIT}%3E",
)  # fmt: skip
SINKS = (
    "file name", "band name", "class name", "CRS name", "name of a variable", "error sentence",
    "name of a scene in the address", "name of a model in the address",
    "name of an upload", "name of a file on the server that is damaged",
)  # fmt: skip
PATIENCE_MS = 60_000
EVIL = (
    "[data-evil], img[src='x'], img[src*='203.0'], iframe[srcdoc], a[href^='javascript'], "
    "a[href*='203.0'], video source, .katex, [data-testid=stMarkdownColoredText], "
    "strong:has-text('evil'), code:has-text('evil'), h1:has-text('evil')"
)


@dataclass
class Watch:
    """What a page did that it must not."""

    found: list[str] = field(default_factory=list)

    def take(self) -> str:
        """What was found since the last time."""
        told = "; ".join(self.found)
        self.found.clear()
        return told


def prove(quick: bool, work: Path) -> Proof:
    """Let two visitors look at files whose every text is a payload."""
    proof = Proof(
        "R6",
        "injection: 30 payloads in 10 places, in Chromium, two visitors",
        "no script runs, no dialog, no element of the payload, no request to elsewhere",
    )
    from playwright.sync_api import sync_playwright

    (work / "tmp").mkdir()
    env = {"RSVIZ_DATA": "", "RSVIZ_CACHE": str(work / "cache"), "TMPDIR": str(work / "tmp")}
    server, url = start_server(ROOT / "rsviz/views/server.py", work / "log.txt", env)
    try:
        with timed(proof), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            watch = Watch()
            pages = [_page(browser, watch) for _ in range(2)]
            shown = 0
            for number, payload in list(enumerate(PAYLOADS))[:: 15 if quick else 1]:
                folder = work / f"p{number}"
                folder.mkdir()
                page = pages[number % 2]
                for sinks, act in _acts(page, url, folder, payload):
                    act()
                    told = _settled(page, watch)
                    read = page.locator("body").inner_text().replace("\N{WORD JOINER}", "")
                    shown += payload.split("=")[0][:12] in read
                    for sink in sinks:
                        proof.count(not told, f"{sink}, {payload!r}: {told}")
            proof.figures = {"pages on which the payload was read as text": str(shown)}
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
    return proof


def _page(browser: Any, watch: Watch) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)

    def asked(request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            watch.found.append(f"a request to {request.url}")

    def dialog(opened: Any) -> None:
        watch.found.append(f"a dialog: {opened.message}")
        opened.dismiss()

    page.on("request", asked)
    page.on("dialog", dialog)
    return page


def _settled(page: Any, watch: Watch) -> str:
    """What happened on a page once it is drawn."""
    page.wait_for_function(
        "() => !document.querySelector('[data-testid=stStatusWidget]')", timeout=PATIENCE_MS
    )
    page.wait_for_timeout(150)
    if page.evaluate("() => window.rsvizHit"):
        watch.found.append("a script ran")
        page.evaluate("() => { delete window.rsvizHit }")
    if page.locator(EVIL).count():
        watch.found.append(f"{page.locator(EVIL).count()} elements of the payload")
    return watch.take()


def _acts(
    page: Any, url: str, folder: Path, payload: str
) -> list[tuple[tuple[str, ...], Callable[[], None]]]:
    """Places, and what brings the payload there."""
    name = payload.replace("/", "\u2215")[:80]
    scene = _scene(folder / f"{name}.tif", payload)
    many = _variables(folder / "many.h5", payload)
    broken = folder / f"{name} broken.tif"
    broken.write_bytes(b"II*\0" + b"\xff" * 60)

    def visit(query: str, path: str = "") -> Callable[[], None]:
        def go() -> None:
            page.goto(f"{url}/{path}?{query}")
            page.locator("h1").first.wait_for()

        return go

    def look() -> None:
        visit(f"scene={quote(str(scene))}&pixel=4,5")()
        page.locator(".st-key-inspector .js-line").last.wait_for()
        page.get_by_role("tab", name="File").click()
        page.mouse.move(400, 400)

    def upload() -> None:
        visit("")()
        page.get_by_role("button", name="Open a file").click()
        page.locator("input[type=file]").set_input_files(
            {"name": f"{payload[:80]}.hdr", "mimeType": "text/plain", "buffer": b"ENVI"}
        )
        page.get_by_text("Now choose the file with the pixels").wait_for()

    return [
        (("file name", "band name", "class name", "CRS name"), look),
        (("name of a variable",), visit(f"scene={quote(str(many))}")),
        (("error sentence",), visit(f"scene={quote(str(many))}&variable={quote(payload)}")),
        (("name of a scene in the address",), visit(f"scene={quote(payload)}")),
        (
            ("name of a model in the address",),
            visit(f"scene=farmland&model={quote(payload)}&weights={quote(payload)}", "classify"),
        ),
        (("name of an upload",), upload),
        (
            ("name of a file on the server that is damaged",),
            visit(f"scene={quote(str(broken))}"),
        ),
    ]


def _scene(path: Path, payload: str) -> Path:
    """A GeoTIFF with reference labels, all of whose names are the payload."""
    cube = files.cube("u2", (4, 30, 40))
    crs = CRS.from_epsg(32633).to_wkt().replace("WGS 84 / UTM zone 33N", payload.replace('"', "'"))
    try:
        written = CRS.from_wkt(crs)
    except ValueError:
        written = CRS.from_epsg(32633)
    files.write_tif(path, cube, crs=written)
    import rasterio

    with rasterio.open(path, "r+") as file:
        for band in range(1, 5):
            file.set_band_description(band, f"{payload} {band}")
        file.update_tags(title=payload, quantity=payload)
    truth = path.with_name(f"{path.stem}_gt.tif")
    labels = (np.arange(1200).reshape(1, 30, 40) % 3).astype("u1")
    files.write_tif(truth, labels, crs=written)
    with rasterio.open(truth, "r+") as file:
        file.update_tags(class_names=json.dumps([payload, f"{payload} 2"]))
    return path


def _variables(path: Path, payload: str) -> Path:
    with h5py.File(path, "w") as file:
        file[payload.replace("/", "\u2215")] = files.cube("u2", (9, 30, 40))
        file["other"] = files.cube("u2", (9, 30, 40))
        file["other"].attrs["units"] = payload
        file["other"].attrs["long_name"] = payload
    return path
