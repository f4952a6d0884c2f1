"""Scenes check themselves, cannot be changed, and are known by their content."""

from dataclasses import replace

import numpy as np
import pytest

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window
from rsviz.core.scene import Band, Truth, wavelengths_of


def test_pixels_are_read_only_and_not_copied(patches):
    again = replace(patches)
    assert np.shares_memory(again.pixels, patches.pixels)
    with pytest.raises(ValueError, match="read-only"):
        patches.pixels[0, 0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        patches.truth.labels[0, 0] = 1


@pytest.mark.parametrize("changed", ["pixels", "valid", "bands", "truth", "quantity", "grid"])
def test_the_id_changes_with_everything_that_matters(patches, changed):
    pixels, valid, labels = (
        a.copy() for a in (patches.pixels, patches.valid, patches.truth.labels)
    )
    pixels[0, 1, 2, 3] += 1
    valid[0, 3, 3] = False
    labels[5, 5] = 0
    new = {
        "pixels": pixels,
        "valid": valid,
        "bands": (Band("other"), *patches.bands[1:]),
        "truth": Truth(labels, patches.truth.names),
        "quantity": "radiance",
        "grid": Grid(*patches.grid.shape),
    }[changed]
    assert replace(patches, **{changed: new}).id != patches.id
    assert replace(patches, name="another title", notes=("a note",)).id == patches.id


def test_a_crop_shares_pixels_and_cuts_truth_and_grid(patches):
    part = patches.crop(Window(3, 4, 10, 12))
    assert part.shape == (1, 6, 10, 12)
    assert np.shares_memory(part.pixels, patches.pixels)
    assert (part.truth.labels == patches.truth.labels[3:13, 4:16]).all()
    assert part.grid.xy(0, 0) == patches.grid.xy(3, 4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixels": np.zeros((6, 40, 30))},
        {"valid": np.ones((1, 40, 29), bool)},
        {"bands": (Band("only"),)},
        {"grid": Grid(30, 40)},
        {"dates": ("2024-01-01", "2024-02-01")},
        {"quantity": "counts"},
        {"truth": Truth(np.zeros((4, 4), np.int16), ("a",))},
    ],
)
def test_parts_that_do_not_fit_are_refused_with_their_sizes(patches, wrong):
    with pytest.raises(SceneMismatch):
        replace(patches, **wrong)


def test_labels_beyond_their_names_are_refused():
    with pytest.raises(SceneMismatch, match="0 to 3"):
        Truth(np.array([[0, 3]]), ("a", "b"))
    with pytest.raises(SceneMismatch, match="colours"):
        Truth(np.array([[0, 1]]), ("a", "b"), ("#000000",))


def test_wavelengths_are_known_only_when_all_are():
    assert wavelengths_of((Band("a", 450.0), Band("b", 550.0))) == (450.0, 550.0)
    assert wavelengths_of((Band("a", 450.0), Band("b"))) is None
    assert wavelengths_of(()) is None
