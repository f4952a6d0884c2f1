"""Every real file that the list offers is shown, or refused in words; nothing is our fault."""

from collections import Counter
from pathlib import Path

import pytest
from stand_ins import ROOT, SECONDS
from streamlit.testing.v1 import AppTest

from rsviz.core.grid import Window
from rsviz.io.catalog import scenes
from rsviz.views import address, clients, shell, state

A_FOLDER = 4


def some(entries):
    """The first few of each folder: its other files are of the same kind."""
    taken = Counter()
    for entry in entries:
        taken[Path(entry.path).parent] += 1
        if taken[Path(entry.path).parent] <= A_FOLDER:
            yield entry


@pytest.mark.data
@pytest.mark.slow
def test_every_listed_scene_is_shown_or_refused_in_words(data_folder, answering):
    entries = list(some([entry for entry in scenes() if str(data_folder) in entry.path]))
    assert len(entries) > 30
    test = AppTest.from_file(str(ROOT / "pages" / "scene.py"), default_timeout=SECONDS)
    test.session_state[shell.ROUTED] = True
    test.run()
    faults, refused = [], []
    for entry in entries:
        session = state.Session(scene=entry.path)
        session.picked, session.rectangle = (0, 0), Window(0, 0, 1, 1)
        test.session_state[address.KEY] = session
        test.run()
        told = [error.value for error in test.error]
        if test.exception or any("fault is ours" in text for text in told):
            faults.append((entry.id, told, [e.value for e in test.exception]))
        elif told:
            refused.append(entry.id)
    assert faults == []
    assert len(refused) < len(entries) / 4, refused
    clients.readers().close()
