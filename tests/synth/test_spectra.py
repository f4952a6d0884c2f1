"""Spectra look like what they are called."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from rsviz.core.errors import RsvizError
from rsviz.synth import materials
from rsviz.synth.spectra import WAVELENGTH_NM, SpectralTable, curve, soil, water


def at(spectrum: np.ndarray, nm: float) -> float:
    return float(spectrum[int(nm - 400)])


MADE = [
    materials.straw, materials.gravel, materials.clay_tile, materials.dark_tile,
    materials.bitumen, materials.metal_sheet, materials.solar_panel, materials.asphalt,
    materials.concrete, materials.paving, materials.artificial_turf, materials.running_track,
]  # fmt: skip


@pytest.mark.parametrize("material", MADE, ids=lambda f: f.__name__)
def test_made_materials_are_reflectances_at_every_corner(material: Any) -> None:
    for corner in np.ndindex(2, 2, 2):
        spectrum = material(*map(float, corner))
        assert spectrum.shape == WAVELENGTH_NM.shape
        assert spectrum.min() > 0.005
        assert spectrum.max() < 0.95


def test_curve_passes_through_its_points_without_overshoot() -> None:
    drawn = curve([(400, 0.1), (700, 0.1), (760, 0.5), (2500, 0.5)])
    assert at(drawn, 700) == pytest.approx(0.1)
    assert at(drawn, 760) == pytest.approx(0.5)
    assert drawn.min() >= 0.1 - 1e-12
    assert drawn.max() <= 0.5 + 1e-12


def test_wet_soil_is_darker_and_its_water_bands_deeper() -> None:
    dry, wet = soil(0.35, 0.0), soil(0.35, 0.9)
    assert (wet < dry).all()

    def depth_1930(s: np.ndarray) -> float:
        return 1.0 - at(s, 1930) / (0.5 * (at(s, 1780) + at(s, 2130)))

    assert depth_1930(wet) > depth_1930(dry) + 0.2


def test_soil_rises_through_the_visible_and_has_clay() -> None:
    dry = soil(0.35, 0.0, clay=1.0)
    assert at(dry, 450) < at(dry, 550) < at(dry, 650) < at(dry, 850)
    assert at(dry, 2207) < 0.96 * 0.5 * (at(dry, 2140) + at(dry, 2270))


def test_water_is_black_beyond_the_visible_and_green_with_algae() -> None:
    pond = water(20.0, 5.0)
    assert pond[WAVELENGTH_NM > 1000].max() < 0.02
    assert at(pond, 560) > 1.5 * at(pond, 440)
    clear = water(2.0, 5.0)
    assert at(pond, 675) / at(pond, 650) < at(clear, 675) / at(clear, 650) - 0.02  # chlorophyll


def test_only_leaves_have_a_red_edge_not_plastic_turf() -> None:
    turf = materials.artificial_turf(0.5, 0.3, 0.3)
    assert at(turf, 540) > at(turf, 660)
    assert at(turf, 740) - at(turf, 700) < 0.06


def test_table_interpolates_its_nodes_exactly_and_linearly() -> None:
    table = SpectralTable.build(lambda a, b, c: np.full(2101, a + 10 * b + 100 * c), (3, 2, 2))
    traits = np.array([[0.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.25, 0.5, 0.75], [2.0, -1.0, 1.0]])
    values = (table.weights(traits) @ table.spectra.reshape(-1, 2101))[:, 7]
    np.testing.assert_allclose(values, [0.0, 10.5, 80.25, 101.0])


def test_canopy_looks_like_a_plant() -> None:
    pytest.importorskip("prosail", reason="canopies need prosail (requirements-dev.txt)")
    from rsviz.synth.canopy import canopy
    from rsviz.synth.farmland import CROPS

    for name, crop in CROPS.items():
        thin, dense = (canopy(crop, share, 0.8, 0.5, 35.0) for share in (0.0, 1.0))
        for spectrum in (thin, dense):
            assert 0.0 < spectrum.min() < spectrum.max() < 0.8, name
        ndvi = [(at(s, 800) - at(s, 670)) / (at(s, 800) + at(s, 670)) for s in (thin, dense)]
        assert ndvi[1] > ndvi[0], name
        assert at(dense, 1450) < 0.75 * at(dense, 1650), name
        edge = WAVELENGTH_NM[300:400][np.argmax(np.diff(dense[300:401]))]
        assert 700 <= edge <= 740, name


def test_without_prosail_the_error_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    from rsviz.synth.canopy import Crop, canopy

    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "prosail":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    crop = Crop((1.0, 2.0), (30, 40), (0.0, 0.0), (0.01, 0.02), 0.005, 50, 1.5)
    with pytest.raises(RsvizError, match=r"requirements-dev\.txt"):
        canopy(crop, 0.5, 0.5, 0.5, 35.0)
