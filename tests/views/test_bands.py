"""Names of bands, spectra as CSV, and what is told of a file."""

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
