"""Every threat has a guard that exists in one place, and tests that exist."""

from __future__ import annotations

import importlib
from itertools import chain

import pytest
import run
from guards import GUARDS
from proof import ROOT
from threats import THREATS, table


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_is_where_it_is_said_to_be(name):
    module, _, path = GUARDS[name].place.partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    file = GUARDS[name].tests.split()[0].partition("::")[0]
    assert (ROOT / file).is_file()


def test_every_guard_stands_against_one_threat():
    named = list(chain.from_iterable(threat.guards for threat in THREATS))
    assert sorted(named) == sorted(GUARDS)
    assert len(THREATS) >= 12 and len(table()) == len(THREATS) + 2


def test_every_threat_is_proved_by_what_there_is():
    for threat in THREATS:
        assert threat.guards or threat.by, threat.what
        assert set(threat.proofs) <= set(run.PROOFS), threat.what
        for test in threat.tests:
            file, _, name = test.partition("::")
            assert f"def {name}" in (ROOT / file).read_text(encoding="utf8"), test
