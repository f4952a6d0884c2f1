"""A fast part of every proof of RELIABILITY.md; `make reliability` runs them whole."""

import importlib
import shutil
import sys

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


@linux
@pytest.mark.parametrize("name", QUICK)
def test_a_fast_part_of(name, tmp_path, monkeypatch):
    monkeypatch.setenv("RSVIZ_DATA", "")
    proof = importlib.import_module(run.PROOFS[name]).prove(True, tmp_path)
    assert proof.passed, "\n".join(proof.faults[:10])
    assert proof.figures or proof.tried > 100


@pytest.mark.e2e
@linux
@pytest.mark.parametrize("name", IN_A_BROWSER)
def test_a_fast_part_in_a_browser_of(name, tmp_path):
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    pytest.importorskip("playwright.async_api")
    proof = importlib.import_module(run.PROOFS[name]).prove(True, tmp_path)
    assert proof.passed, "\n".join(proof.faults[:10])


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
