"""Combinations of bands by wavelength, and spectra as CSV."""

import csv

import numpy as np

from rsviz.core.grid import Grid
from rsviz.core.scene import Band, Description, Spectrum
from rsviz.views import bands, metadata, spectra


def scene(centres, good=None, **more) -> Description:
    flags = good or [True] * len(centres)
    found = tuple(
        Band(f"b{i + 1}", nm, None, ok)
        for i, (nm, ok) in enumerate(zip(centres, flags, strict=True))
    )
    return Description("s", "npy", (1, len(found), 8, 9), "float32", found, Grid(8, 9), **more)


def test_true_colour_takes_the_nearest_usable_bands():
    found = bands.combinations(scene([450, 465, 545, 555, 640, 645], [1, 1, 0, 1, 1, 1]))
    assert found["True colour"] == (4, 3, 1)
    assert "Infrared" not in found  # there is none beyond 645 nm
    assert len(found["One band"]) == 1


def test_scenes_without_wavelengths_are_shown_as_stored():
    assert bands.combinations(scene([None] * 3))["As stored"] == (0, 1, 2)
    assert bands.combinations(scene([None] * 9))["As stored"] == (6, 3, 0)
    assert bands.combinations(scene([None] * 2)) == {"One band": (0,)}
    assert bands.combinations(scene([None])) == {"One band": (0,)}


def test_all_bands_count_when_all_are_marked_bad():
    assert bands.usable(scene([500, 600], [False, False]).bands) == (0, 1)


def test_labels():
    about = scene([650.4, None])
    assert bands.label(about.bands, 0) == "650 nm"
    assert bands.label(about.bands, 1) == "b2"


def test_csv_holds_every_band_and_runs_nothing_in_a_spreadsheet():
    about = scene([500.0, None], [True, False])
    values = Spectrum(0, 0, np.array([0.25, np.nan]))
    rows = list(csv.reader(spectra.table(about, [values, values], ["=1+1", "a, b"]).splitlines()))
    assert rows == [
        ["band", "wavelength_nm", "usable", "'=1+1", "a, b"],
        ["b1", "500.00", "yes", "0.25", "0.25"],
        ["b2", "", "no", "nan", "nan"],
    ]


def test_facts_say_what_is_unknown():
    facts = dict(metadata.facts_of(scene([None, None])))
    assert facts["Coordinates"] == "none"
    assert facts["Pixel on the ground"] == "unknown"
    assert "unknown" in facts["Wavelengths"]
    assert facts["Size"] == "8 x 9 pixels, 2 bands"
    assert "Date" not in facts
    dated = dict(metadata.facts_of(scene([500.0], dates=("2024-06-27",))))
    assert dated["Date"] == "2024-06-27"
