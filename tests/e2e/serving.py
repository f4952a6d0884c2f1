"""Starting the app and finding Chromium, for the browser tests and the screenshots."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
START_S = 60.0

SPECTRUM = ".st-key-inspector .js-line:visible"
LINE = """() => {
    const all = [...document.querySelectorAll(".st-key-inspector .js-line")];
    const seen = all.filter((line) => line.getClientRects().length);
    return seen.length ? seen[seen.length - 1].getAttribute("d") : "";
}"""
"""The path of the last spectrum; Streamlit keeps a former chart in the page for a while, hidden."""

ANOTHER_SPECTRUM = f"old => {{ const now = ({LINE})(); return now && now !== old; }}"


def copy_with_toys(folder: Path) -> Path:
    """A copy of the app whose models are the toys of the tests, which need no weights."""
    names = ("rsviz", "pages", "sample_data")
    for name in names:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "toys", folder / "models")
    shutil.copy(ROOT / "models" / "__init__.py", folder / "models")
    shutil.copy(ROOT / "app.py", folder)
    return folder


def start_server(
    script: Path, log: Path, env: dict[str, str], root: Path = ROOT
) -> tuple[subprocess.Popen[bytes], str]:
    """Start `streamlit run SCRIPT` on a free port of 127.0.0.1; gives process and address.

    Args:
        script: what to run.
        log: where its output goes.
        env: what its environment has beside ours.
        root: folder of the project, or of a copy of it.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    command += ["--server.headless", "true"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=root, stdout=out, stderr=out, env={**os.environ, **env}
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
            return process, url
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"{script.name} did not start:\n{log.read_text()[-3000:]}")
