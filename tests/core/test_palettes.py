"""Palettes: stable, told apart, and the same quantity in the same colours."""

import subprocess
import sys

import numpy as np
import pytest

from rsviz.core.layers import LAYERS
from rsviz.core.palettes import (
    class_colours,
    colours_of,
    expert_colours,
    limits_for,
    paint_classes,
    paint_ramp,
    ramp,
    ramp_for,
    rgb,
)


def test_first_colours_stay_when_more_are_asked_for():
    assert class_colours(40)[:16] == class_colours(16)
    assert class_colours(2) == ("#e69f00", "#56b4e9")
    assert class_colours(0) == ()


@pytest.mark.parametrize("count", [8, 16, 30])
def test_no_two_class_colours_are_alike(count):
    colours = rgb(class_colours(count)).astype(int)
    gaps = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert gaps[~np.eye(count, dtype=bool)].min() > 30


def test_experts_have_colours_apart_from_classes():
    assert not set(expert_colours(4)) & set(class_colours(16))
    assert len(expert_colours(12)) == 12


def test_own_colours_win_when_they_are_complete():
    assert colours_of(("#000001", "#000002"), 2) == ("#000001", "#000002")
    assert colours_of((), 2) == class_colours(2)


def test_ramps_are_read_without_matplotlib():
    code = (
        "import sys; from rsviz.core.palettes import ramp; ramp('vik'); "
        "print([m for m in ('matplotlib', 'cmcrameri') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    assert ramp("batlow").shape == (256, 3)
    with pytest.raises(KeyError, match="jet"):
        ramp("jet")


@pytest.mark.parametrize(
    ("kind", "quantity", "diverging", "name"),
    [
        ("scalar_map", "Surface temperature", False, "lajolla"),
        ("scalar_map", "temperature difference", True, "vik"),
        ("scalar_map", "aspect", False, "romaO"),
        ("scalar_map", "spectral angle", False, "batlow"),
        ("uncertainty_map", "entropy", False, "lapaz"),
        ("probability_map", "", False, "batlow"),
    ],
)
def test_the_same_quantity_has_the_same_ramp(kind, quantity, diverging, name):
    assert kind in LAYERS
    assert ramp_for(kind, quantity, diverging) == name
    assert ramp(name).dtype == np.uint8


def test_limits_are_fixed_or_those_of_the_defined_data():
    data = np.array([[1.0, np.nan], [-3.0, 2.0]])
    assert limits_for(data) == (-3.0, 2.0)
    assert limits_for(data, diverging=True) == (-3.0, 3.0)
    assert limits_for(data, (0.0, 5.0)) == (0.0, 5.0)
    assert limits_for(np.full((2, 2), 4.0)) == (3.5, 4.5)
    assert limits_for(np.full((2, 2), np.nan)) == (0.0, 1.0)


def test_images_have_the_colours_and_gaps_of_the_data():
    classes = paint_classes(np.array([[0, 1, -1, 7]]), ("#0a0b0c", "#ffffff"))
    assert classes.tolist() == [[[10, 11, 12, 255], [255, 255, 255, 255], [0] * 4, [0] * 4]]
    numbers = paint_ramp(np.array([[0.0, 2.0, 9.0, np.nan]]), "batlow", (0.0, 2.0))
    table = ramp("batlow")
    assert (numbers[0, 0, :3] == table[0]).all()
    assert (numbers[0, 1, :3] == table[255]).all()
    assert (numbers[0, 2] == numbers[0, 1]).all()
    assert numbers[0, :, 3].tolist() == [255, 255, 255, 0]
