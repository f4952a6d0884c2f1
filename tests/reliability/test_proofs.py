"""A fast part of every proof of RELIABILITY.md; `make reliability` runs them whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import parsers
import pytest
import run
from fuzzing import case, targets
from mutation import MUTATORS
from one_reader import ask_reader
from seeds import CORPUS, all_seeds

IN_A_BROWSER = ("R6", "R8")
ELSEWHERE = ("R5", "R15")  # test_guards.py and tests/io/test_identity.py run all of them
QUICK = [name for name in run.PROOFS if name not in (*IN_A_BROWSER, *ELSEWHERE)]
linux = pytest.mark.skipif(sys.platform != "linux", reason="the jail is Linux's")


def shown_by(name):
    """What a fast part of a proof prints, in a process of its own: memory and time are fair."""
    command = [sys.executable, str(Path(run.__file__)), name, "--quick"]
    env = os.environ | {"RSVIZ_DATA": ""}
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return done.stdout


@linux
@pytest.mark.parametrize("name", QUICK)
def test_a_fast_part_of(name):
    assert f"{name} " in shown_by(name)


@pytest.mark.e2e
@linux
@pytest.mark.parametrize("name", IN_A_BROWSER)
def test_a_fast_part_in_a_browser_of(name):
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    pytest.importorskip("playwright.async_api")
    assert f"{name} " in shown_by(name)


def test_every_seed_is_small_and_is_read():
    found = all_seeds()
    assert len(set(found) - set(parsers.NAMES)) == 12
    for target, (seeds, _) in targets().items():
        assert seeds, target
        assert all(len(seed.content) <= 16_384 for seed in seeds)
    assert len(MUTATORS) == 12


def test_a_case_can_be_made_again():
    known = targets()["npz"][0]
    assert [case("npz", n, known) for n in range(50)] == [case("npz", n, known) for n in range(50)]
    assert len({case("npz", n, known) for n in range(50)}) > 40


@linux
@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.bin")), ids=lambda path: path.stem)
def test_earlier_finds_cost_their_visitor_one_sentence(path, tmp_path):
    """In a real reader, whatever the file library does with them."""
    assert path.with_suffix(".txt").read_text().strip()
    place = tmp_path / "find.bin"
    place.write_bytes(path.read_bytes())
    found = ask_reader(place)
    assert found.seconds < 30
    assert not found.told or found.told.isprintable()
