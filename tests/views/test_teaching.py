"""What a visitor teaches: painting pixels, shelves of own models, and what stays private."""

import io
import json
import zipfile
from dataclasses import replace

import pytest

from rsviz.core import registry
from rsviz.core.run import describe
from rsviz.views import address, own
from rsviz.views.state import Second, Session
from rsviz.views.taught import Taught, Teaching


def desk(names=("a", "b", "c")) -> Teaching:
    return Teaching(names=names)


def test_a_brush_labels_a_square_within_the_scene_and_a_second_click_takes_it_back():
    one = desk()
    one.brush, one.label = 3, 2
    one.paint((0, 5), 10, 8)
    assert set(one.pixels) == {(r, c) for r in (0, 1) for c in (4, 5, 6)}
    assert set(one.pixels.values()) == {2}
    one.paint((9, 7), 10, 8)
    assert one.counts()[2] == 6 + 4
    one.paint((0, 5), 10, 8)
    assert one.counts()[2] == 4


def test_another_class_on_the_same_pixel_replaces_the_first():
    one = desk()
    one.paint((2, 2), 10, 10)
    one.label = 3
    one.paint((2, 2), 10, 10)
    assert one.pixels == {(2, 2): 3}


def test_two_classes_with_two_pixels_each_are_enough():
    one = desk()
    for col in (0, 1, 2):
        one.paint((0, col), 4, 4)
    one.label = 2
    one.paint((1, 0), 4, 4)
    assert not one.enough()
    one.paint((1, 1), 4, 4)
    assert one.enough()


def test_fewer_classes_forget_the_pixels_of_those_that_are_gone():
    one = desk()
    one.label = 3
    one.paint((0, 0), 4, 4)
    one.label = 1
    one.paint((0, 1), 4, 4)
    one.label = 3
    one.name(("a", "b"))
    assert (one.pixels, one.label) == ({(0, 1): 1}, 2)


@pytest.fixture
def shelf(tmp_path, patches):
    """A session with one model of its own, and the folder of that model."""
    folder = tmp_path / "taught-1"
    folder.mkdir()
    record = {
        "id": "mamba_moe/own",
        "file": "weights.safetensors",
        "sha256": "0" * 64,
        "scene": "",
        "protocol": "",
        "seed": 0,
        "bands": patches.shape[1],
        "recipe": "in the app",
        "data": "Patches",
        "licence": "",
        "measured_on": "",
        "parameters": 1,
        "classes": ["a", "b"],
        "metrics": {"pixels": [[0, 0, 1], [1, 1, 2]], "overall_accuracy": 0.75},
    }
    (folder / "weights.json").write_text(json.dumps([record]))
    (folder / "weights.safetensors").write_bytes(b"numbers")
    session = Session(scene="patches")
    session.teaching.taught.append(
        Taught("mamba_moe", "patches", str(folder), 2, 30, 0.75, (("svm_rbf", 0.6),))
    )
    return session, folder


def test_own_weights_fit_scenes_like_those_of_a_card(shelf, patches):
    session, folder = shelf
    card, about = registry.card("mamba_moe"), describe(patches)
    assert not card.fitting(about)
    (mine,) = own.fitting(session, card, about)
    assert (mine.id, mine.path) == (str(folder), folder / "weights.safetensors")
    assert own.label(mine) == "yours: 2 pixels, OA 75.0 %"
    fewer = replace(patches, pixels=patches.pixels[:, :5], bands=patches.bands[:5])
    assert own.fitting(session, card, describe(fewer)) == ()
    assert own.fitting(session, registry.card("sformer"), about) == ()


def test_what_is_told_and_taken_home(shelf):
    session, _ = shelf
    (one,) = session.teaching.taught
    assert own.title(one) == "MambaMoE, 2 pixels of patches, 30 epochs"
    assert "75.0 % of all other" in own.told(one)
    assert "a support vector machine 60.0 %" in own.told(one)
    with zipfile.ZipFile(io.BytesIO(own.packed(one))) as archive:
        assert archive.read("weights.safetensors") == b"numbers"
        assert json.loads(archive.read("weights.json"))[0]["classes"] == ["a", "b"]


def test_thrown_away_it_is_gone_from_disk_and_choices(shelf):
    session, folder = shelf
    (one,) = session.teaching.taught
    own.look(session, one)
    session.second.weights = str(folder)
    assert (session.model, session.weights, session.wants_run) == ("mamba_moe", str(folder), True)
    own.throw_away(session, one)
    assert not folder.exists()
    assert (session.weights, session.second.weights, session.teaching.taught) == ("", "", [])


def test_an_address_neither_names_nor_opens_a_private_folder(shelf):
    session, folder = shelf
    session.model, session.weights = "mamba_moe", str(folder)
    session.second = Second(kind="run", model="mamba_moe", weights=str(folder))
    assert str(folder) not in repr(address.to_address(session, {}))
    asked = address.from_address({"weights": [str(folder)], "against-weights": [str(folder)]})
    assert (asked.weights, asked.second.weights) == ("", "")


def test_another_scene_clears_the_desk_and_keeps_the_models(shelf):
    session, _ = shelf
    session.teaching.name(("a", "b"))
    session.teaching.paint((0, 0), 4, 4)
    session.open("village")
    assert (session.teaching.names, session.teaching.pixels) == ((), {})
    assert len(session.teaching.taught) == 1
