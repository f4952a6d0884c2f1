"""A server and a browser for the tests that drive Chromium; both stop by themselves.

Every visit is watched: an error in the page, or a request to another machine, fails its test.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from serving import CHROMIUM, FLAGS, ROOT, start_server

Serve = Callable[..., str]
Visit = Callable[..., "Page"]  # noqa: F821  (playwright is imported only where Chromium is)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, and run them last: Playwright keeps an event loop open once it has begun."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
    items.sort(key=lambda item: here in item.path.parents)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, without a window."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=30_000)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start `streamlit run SCRIPT` on a free port of 127.0.0.1 once; gives its address."""
    running: dict[Path, tuple[subprocess.Popen[bytes], str]] = {}

    def start(script: Path | str, env: dict[str, str] | None = None) -> str:
        script = (ROOT / script).resolve()
        if script not in running:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            running[script] = start_server(script, log, env or {})
        return running[script][1]

    yield start
    for process, _ in running.values():
        process.terminate()
    for process, _ in running.values():
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture
def visit(browser) -> Iterator[Visit]:
    """Open an address in a fresh visit; checks at the end that nothing went wrong in it."""
    contexts, complaints = [], []

    def go(
        url: str,
        size: tuple[int, int] = (1280, 800),
        theme: str = "light",
        touch: bool = False,
        may_ask: tuple[str, ...] = (),
    ):
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, has_touch=touch
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(f"error in the page: {error}"))

        def watch(request) -> None:
            address = request.url
            allowed = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", *may_ask)
            if not address.startswith(allowed):
                complaints.append(f"a request left for {address}")

        page.on("request", watch)
        page.goto(url)
        return page

    yield go
    for context in contexts:
        for page in context.pages:
            shown = page.get_by_test_id("stException").all_inner_texts()
            complaints.extend(f"an exception on the page: {text}" for text in shown)
        context.close()
    assert not complaints, "\n".join(complaints)
