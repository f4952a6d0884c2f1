"""A server for others does not start while it is weak, and the doctor says why."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from proof import ROOT

linux = pytest.mark.skipif(sys.platform != "linux", reason="the jail is Linux's")
SECONDS = 90


def ended(*command, **env):
    """A command that must end by itself: its status, and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | {"RSVIZ_DATA": ""} | env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@linux
@pytest.mark.parametrize("profile", ["class", "public"])
def test_a_weak_setting_ends_the_server_with_a_sentence(profile, tmp_path):
    command = ("streamlit", "run", "rsviz/views/server.py", "--server.headless", "true")
    status, told = ended(
        *command,
        "--server.port=0",
        RSVIZ_PROFILE=profile,
        RSVIZ_CACHE=str(tmp_path),
        STREAMLIT_CLIENT_SHOW_ERROR_DETAILS="full",
    )
    assert status != 0
    assert f"The profile '{profile}' is refused: client.showErrorDetails is 'full'" in told
    assert "Traceback" not in told


@linux
@pytest.mark.parametrize("profile", ["local", "class", "public"])
def test_the_doctor_finds_nothing_weak_here(profile, tmp_path):
    status, told = ended("rsviz", "doctor", RSVIZ_PROFILE=profile, RSVIZ_CACHE=str(tmp_path))
    assert status == 0
    assert f"profile     {profile}: " in told
    assert told.count("probe ") == told.count(": refused. ") == 3
    assert "geotiff (GTiff)" in told and "HDF5 " in told and "GDAL " in told
    assert ("jpeg2000" in told) == (profile != "public")
    if "Landlock" in told:
        assert told.strip().endswith("weak        nothing")


@linux
def test_the_doctor_names_a_weak_setting(tmp_path):
    _, told = ended(
        "rsviz",
        "doctor",
        RSVIZ_PROFILE="class",
        RSVIZ_CACHE=str(tmp_path),
        STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION="false",
    )
    assert "weak        server.enableXsrfProtection is False, True is expected" in told


def test_an_unknown_profile_is_a_mistake_in_words():
    status, told = ended("rsviz", "doctor", RSVIZ_PROFILE="open")
    assert status == 2
    assert "RSVIZ_PROFILE is 'open'" in told and "local, class, public" in told
