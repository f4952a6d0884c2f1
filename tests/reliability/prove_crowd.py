"""R8 and R9 in a first form: twelve visitors over the protocol and one in Chromium, for minutes.

A protocol visitor connects, asks for its own scene with a pixel picked, reads the whole page, and
leaves; then comes again. Its scene is painted with a number of its own, which alone may be seen
in the spectra of its page. Sessions of those who left are kept for 5 s here.
"""

from __future__ import annotations

import asyncio
import base64
import random
import re
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from proof import ROOT, Proof, timed

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from serving import ANOTHER_SPECTRUM, CHROMIUM, FLAGS, LINE, SPECTRUM, start_server

CLIENTS, PAINT, STEP = 12, 5000.5, 37.0
SECONDS, WARM_SECONDS, QUICK_SECONDS, QUICK_WARM = 300.0, 90.0, 14.0, 6.0
REST_SECONDS = (3.0, 9.0)
FLAT_MIB, CLICK_SECONDS = 20.0, 1.0
PACKED = re.compile(rb'"dtype":"([fiu]\d)","bdata":"([^"]*)"|"bdata":"([^"]*)","dtype":"([fiu]\d)"')


@dataclass
class Seen:
    """What all visitors saw.

    Attributes:
        visits, clicks: seconds of each.
        pixels: spectra that were looked at.
        foreign: numbers of other visitors.
        errors: what went wrong.
        memory: (seconds since the start, MiB of the server, MiB of its children).
    """

    visits: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    pixels: int = 0
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)


def prove(quick: bool, work: Path) -> Proof:
    """Let visitors come and go, and look at times, memory and numbers."""
    seconds, warm = (QUICK_SECONDS, QUICK_WARM) if quick else (SECONDS, WARM_SECONDS)
    clients = 3 if quick else CLIENTS
    proof = Proof(
        "R8",
        f"crowd and soak: {clients} visitors over the protocol and one in Chromium, "
        f"{seconds:.0f} s",
        f"no number of another visitor, no error, clicks in Chromium 95 % below {CLICK_SECONDS} s, "
        f"memory flat within {FLAT_MIB:.0f} MiB after {warm:.0f} s",
    )
    (work / "tmp").mkdir()
    env = {
        "RSVIZ_DATA": "",
        "RSVIZ_CACHE": str(work / "cache"),
        "TMPDIR": str(work / "tmp"),
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "5",
    }
    server, url = start_server(ROOT / "rsviz/views/server.py", work / "log.txt", env)
    try:
        with timed(proof):
            seen = asyncio.run(_all(url, server.pid, work, clients, seconds))
    finally:
        server.terminate()
        server.wait(20)
    grown = _growth(seen, warm)
    answers = len(seen.visits) + len(seen.clicks)
    proof.tried = answers
    proof.held = answers - len(seen.foreign) - len(seen.errors)
    proof.faults = [*seen.foreign[:10], *seen.errors[:10]]
    late = _p95(seen.clicks)
    if not quick:
        if late > CLICK_SECONDS:
            proof.faults.append(f"95 % of clicks within {late:.2f} s")
        if grown > FLAT_MIB:
            proof.faults.append(f"memory grew by {grown:.0f} MiB")
    proof.figures = {
        "visits": f"{len(seen.visits)}, 95 % within {_p95(seen.visits):.2f} s",
        "clicks in Chromium": f"{len(seen.clicks)}, 95 % within {late:.2f} s",
        "spectra looked at": str(seen.pixels),
        "growth of memory": f"{grown:.1f} MiB",
        "memory": f"{seen.memory[-1][1]:.0f} MiB the server, {seen.memory[-1][2]:.0f} MiB readers "
        "and worker",
        "left over": str(len(list((work / "tmp").glob("rsviz-upload-*")))),
    }
    return proof


async def _all(url: str, pid: int, work: Path, clients: int, seconds: float) -> Seen:
    seen, started = Seen(), time.monotonic()
    end = started + seconds
    paths = []
    for number in range(clients):
        paths.append(work / f"painted{number}.npy")
        paint = np.float32(PAINT + STEP * number)
        np.save(paths[-1], np.full((40, 50, 12), paint, np.float32))
    visitors = [_visitor(url, str(path), n, clients, end, seen) for n, path in enumerate(paths)]
    await asyncio.gather(*visitors, _browser(url, end, seen), _watch(pid, started, end, seen))
    return seen


async def _visitor(url: str, scene: str, number: int, count: int, end: float, seen: Seen) -> None:
    rng = random.Random(number)
    await asyncio.sleep(rng.random() * 5)
    while time.monotonic() < end:
        query = f"scene={scene}&pixel={rng.randrange(40)},{rng.randrange(50)}"
        began = time.monotonic()
        try:
            page = await _visit(url, query)
        except (OSError, TimeoutError, ValueError) as error:
            seen.errors.append(f"visitor {number}: {type(error).__name__} {error}")
            continue
        seen.visits.append(time.monotonic() - began)
        found = _painted(page)
        seen.pixels += len(found)
        own = PAINT + STEP * number
        others = {PAINT + STEP * n for n in range(count)} - {own}
        if others & found or own not in found:
            seen.foreign.append(f"visitor {number} saw {sorted(found)[:5]}, not {own} alone")
        await asyncio.sleep(rng.uniform(*REST_SECONDS))


async def _visit(url: str, query: str) -> bytes:
    """All messages of one run of the page."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.asyncio.client import connect

    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        ask = BackMsg()
        ask.rerun_script.query_string = query
        await socket.send(ask.SerializeToString())
        page, finished = b"", 0
        while not finished:
            raw = await asyncio.wait_for(socket.recv(), 60)
            message = ForwardMsg()
            message.ParseFromString(raw)  # type: ignore[arg-type]
            page += raw  # type: ignore[operator]
            if message.WhichOneof("type") == "script_finished":
                finished = message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    return page


def _painted(page: bytes) -> set[float]:
    """All numbers like those that scenes are painted with, in the charts of a page."""
    found: set[float] = set()
    text = page.replace(b'\\"', b'"').replace(b" ", b"")
    for first in PACKED.finditer(text):
        kind = (first[1] or first[4]).decode()
        content = (first[2] or first[3]).replace(b"\\u002f", b"/").replace(b"\\/", b"/")
        try:
            numbers = np.frombuffer(base64.b64decode(content), kind).astype(float)
        except ValueError:
            continue
        found |= {float(v) for v in numbers if v >= PAINT and (v - PAINT) % STEP == 0}
    return found


async def _browser(url: str, end: float, seen: Seen) -> None:
    if not shutil.which("chromium") and not Path(CHROMIUM).exists():
        return
    from playwright.async_api import TimeoutError, async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("pageerror", lambda error: seen.errors.append(f"in the page: {error}"))
        await page.goto(f"{url}/?scene=farmland&pixel=40,60")
        await page.locator(SPECTRUM).last.wait_for(timeout=60_000)
        image = page.locator(".rsviz-map .leaflet-image-layer").first
        count = 0
        while time.monotonic() < end:
            box = await image.bounding_box()
            before = await page.evaluate(LINE)
            assert box is not None
            began = time.monotonic()
            await page.mouse.click(
                box["x"] + (0.15 + 0.7 * (count * 37 % 101) / 101) * box["width"],
                box["y"] + (0.2 + 0.6 * (count * 61 % 103) / 103) * box["height"],
            )
            count += 1
            try:
                await page.wait_for_function(
                    ANOTHER_SPECTRUM, arg=before, polling=10, timeout=20_000
                )
            except TimeoutError:
                seen.errors.append(f"click {count} was not answered in 20 s")
                continue
            seen.clicks.append(time.monotonic() - began)
            await asyncio.sleep(1.0)
        await browser.close()


async def _watch(pid: int, started: float, end: float, seen: Seen) -> None:
    while time.monotonic() < end:
        children = _descendants(pid)
        seen.memory.append(
            (time.monotonic() - started, _proportional(pid), sum(map(_proportional, children)))
        )
        await asyncio.sleep(2.0)


def _growth(seen: Seen, warm: float) -> float:
    """By how much the median of the last fifth exceeds that of the first fifth after warming up."""
    later = [own + others for when, own, others in seen.memory if when > warm]
    fifth = max(1, len(later) // 5)
    if not later:
        return 0.0
    return statistics.median(later[-fifth:]) - statistics.median(later[:fifth])


def _descendants(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            found += children
            todo += children
    return found


def _proportional(pid: int) -> float:
    """Memory of a process in MiB, shared pages counted in parts; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def _p95(times: list[float]) -> float:
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0.0
