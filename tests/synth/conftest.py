"""Scenes that several tests look at, simulated once."""

from __future__ import annotations

import pytest

from rsviz.synth.render import Simulated


@pytest.fixture(scope="session")
def farmland_scene() -> Simulated:
    pytest.importorskip("prosail", reason="canopies need prosail (requirements-dev.txt)")
    from rsviz.synth.farmland import farmland

    return farmland()


@pytest.fixture(scope="session")
def village_scene() -> Simulated:
    pytest.importorskip("prosail", reason="canopies need prosail (requirements-dev.txt)")
    from rsviz.synth.village import village

    return village()
