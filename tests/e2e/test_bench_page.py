"""The bench of the pages gives its rows, or says what it lacks."""

import json
import shutil
import subprocess
import sys

import pytest
from serving import ROOT

from rsviz.cli.bench_page import page_bench
from rsviz.core.errors import RsvizError


def test_without_chromium_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RsvizError, match="Chromium") as told:
        page_bench(True, "cpu")
    assert "apt-get install chromium" in told.value.hint


@pytest.mark.slow
def test_it_times_visits_and_clicks():
    command = [sys.executable, "-m", "rsviz", "bench", "page", "--quick", "--json"]
    out = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr[-4000:]
    rows = json.loads(out.stdout)
    assert [row["name"] for row in rows] == [
        "page/first page of a fresh start",
        "page/page again",
        "page/click to spectrum",
        "page/click while another visitor's run computes",
        "page/cancel",
    ]
    assert all(0 < row["value"] < 60 and row["baseline"] == "target" for row in rows)
