"""A view that is written into an address is restored from it."""

from rsviz.analysis.facets import Filter
from rsviz.core.grid import Window
from rsviz.views.address import from_address, to_address
from rsviz.views.state import CONFIDENT_FROM, Collected, Session

VIEW = {
    "scene": "farmland",
    "model": "mamba_moe",
    "weights": "farmland-50/seed-0",
    "set": ["views=2", "bf16=True"],
    "pixel": "57,42",
    "pin": "3,4",
    "area": "10,20,30,40",
    "filter": ["true=3", "predicted=5"],
    "confident": "0.8",
    "against": "sformer",
    "against-weights": "farmland-50/seed-1",
    "against-set": ["views=1"],
}
DEFAULTS = {"views": 4, "bf16": False}


def as_query(address):
    return {name: [value] if isinstance(value, str) else value for name, value in address.items()}


def test_a_view_survives_the_way_through_an_address():
    session = from_address(as_query(VIEW))
    assert (session.scene, session.picked, session.pinned) == ("farmland", (57, 42), (3, 4))
    assert session.options["mamba_moe"] == {"views": "2", "bf16": "True"}
    assert session.wants_run
    assert session.rectangle == Window(10, 20, 30, 40)
    assert session.filter.chosen == {"true": 3, "predicted": 5}
    assert (session.second.kind, session.second.options["sformer"]) == ("run", {"views": "1"})
    assert to_address(session, DEFAULTS) == VIEW


def test_changed_spectra_survive_the_way_through_an_address():
    address = {"scene": "farmland", "change": ["noise:sigma=0.05", "shift_wavelengths:nm=2.0"]}
    session = from_address(as_query(address))
    assert session.second.kind == "changed"
    assert session.second.changes["shift_wavelengths"] == {"nm": "2.0"}
    assert to_address(session, DEFAULTS) == address


def test_defaults_and_uploads_stay_out_of_the_address():
    session = Session(scene="/tmp/secret/mine.tif", upload=True, model="mamba_moe")
    session.options["mamba_moe"] = {"views": 4}
    assert to_address(session, DEFAULTS) == {"model": "mamba_moe"}


def test_nonsense_in_an_address_is_left_out():
    query = {"pixel": ["57"], "pin": ["a,b"], "set": ["=1", "views"], "area": ["1,2,0,4"]}
    query |= {"filter": ["true=x", "colour=3", "edge"], "confident": ["7"]}
    session = from_address(query)
    assert session.rectangle is None and session.filter == Filter()
    assert session.confident_from == CONFIDENT_FROM
    assert session.picked is None and session.pinned is None
    assert not session.wants_run
    assert session.options[""] == {"views": ""}


def test_another_scene_forgets_what_belonged_to_the_old_one():
    session = Session(scene="farmland", picked=(1, 2), weights="farmland-50/seed-0")
    session.collected.append(Collected(1, 2, "wheat", "#000000"))
    session.look.bands = (3, 2, 1)
    session.open("village")
    assert session == Session(scene="village")
