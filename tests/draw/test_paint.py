"""Raster layers become pictures: colours, legends, values and opacity say what the data say."""

import numpy as np
import pytest

from rsviz.core import layers as core
from rsviz.core.grid import Grid
from rsviz.core.palettes import class_colours, expert_colours, ramp, rgb
from rsviz.core.scene import Band
from rsviz.draw.legend import class_legend, ramp_legend
from rsviz.draw.paint import PAINTERS, Style, areas, draw
from rsviz.draw.paint import strength as strength_of

SIZE = (4, 6)
GRID = Grid(*SIZE, pixel_m=(20.0, 20.0))
LABELS = ("water", "soil", "crop")


def shares(planes=3):
    rng = np.random.default_rng(1)
    data = rng.dirichlet(np.ones(planes), SIZE).astype(np.float32)
    data = np.moveaxis(data, -1, 0)
    data[:, 0, 0] = np.nan
    return data


def examples():
    classes = np.arange(24).reshape(SIZE) % 3
    classes[0, 0] = -1
    signed = np.linspace(-2, 3, 24).reshape(SIZE)
    images = tuple(Band(str(i), nm) for i, nm in enumerate((450.0, 560.0, 650.0, 860.0)))
    return {
        "class_map": core.ClassMap("Classes", "", GRID, classes, LABELS),
        "probability_map": core.ProbabilityMap("Probability", "", GRID, shares(), LABELS),
        "uncertainty_map": core.UncertaintyMap(
            "Entropy", "", GRID, np.abs(signed), "entropy", "nat", (0.0, 4.0)
        ),
        "scalar_map": core.ScalarMap("Change", "", GRID, signed, "change", "K", diverging=True),
        "routing_map": core.RoutingMap(
            "Routing", "", GRID, shares(2), ("rows", "columns"), "fine", "routing"
        ),
        "sr_image": core.SRImage(
            "x2", "", GRID.resized(8, 12), np.random.default_rng(2).random((4, 8, 12)), images, 2
        ),
    }


EXAMPLES = examples()


def test_every_kind_of_raster_has_a_painter():
    rasters = {kind for kind, cls in core.LAYERS.items() if issubclass(cls, core.RasterLayer)}
    assert set(PAINTERS) == rasters == set(EXAMPLES)


@pytest.mark.parametrize("kind", PAINTERS)
def test_a_raster_is_drawn_on_its_own_grid(kind):
    layer = EXAMPLES[kind]
    drawing = draw(layer)
    assert drawing.image.shape == (*layer.grid.shape, 4) and drawing.image.dtype == np.uint8
    assert drawing.image[..., 3].max() > 0
    assert (drawing.legend is None) == (kind == "sr_image")


def test_classes_keep_their_colour_name_and_area():
    layer = EXAMPLES["class_map"]
    drawing = draw(layer)
    colours = rgb(class_colours(3))
    assert (drawing.image[0, 1] == [*colours[1], 255]).all()
    assert drawing.image[0, 0].tolist() == [0, 0, 0, 0]
    assert [entry.name for entry in drawing.legend.entries] == list(LABELS)
    sizes, unit = areas(layer)
    assert unit == "ha" and sizes == pytest.approx((7 * 0.04, 8 * 0.04, 8 * 0.04))
    assert drawing.legend.entries[0].note == "0.28 ha"
    assert drawing.values.names == LABELS and drawing.values.data[0, 0] == 255
    without_ground = core.ClassMap("c", "", Grid(*SIZE), layer.data, LABELS, ("#ff0000",) * 3)
    assert areas(without_ground) == ((7.0, 8.0, 8.0), "px")
    assert (draw(without_ground).image[0, 1, :3] == [255, 0, 0]).all()


def test_absent_classes_are_not_in_the_legend():
    layer = core.ClassMap("c", "", GRID, np.full(SIZE, 2), LABELS)
    assert [entry.name for entry in draw(layer).legend.entries] == ["crop"]


def test_fixed_ranges_and_signed_quantities_get_the_right_colours():
    entropy = draw(EXAMPLES["uncertainty_map"])
    assert (entropy.legend.low, entropy.legend.high, entropy.legend.unit) == (0.0, 4.0, "nat")
    change = draw(EXAMPLES["scalar_map"])
    assert (change.legend.low, change.legend.high) == (-3.0, 3.0)
    assert (change.image[-1, -1, :3] == ramp("vik")[255]).all()


def test_one_class_or_expert_is_drawn_from_0_to_1():
    layer = EXAMPLES["probability_map"]
    drawing = draw(layer, Style(plane=1))
    assert (drawing.legend.low, drawing.legend.high) == (0.0, 1.0)
    assert "soil" in drawing.legend.title
    expected = ramp("batlow")[int(np.rint(layer.data[1, 2, 3] * 255))]
    assert (drawing.image[2, 3, :3] == expected).all()
    assert drawing.image[0, 0, 3] == 0
    assert "columns" in draw(EXAMPLES["routing_map"], Style(plane=1)).legend.title


def test_the_dominant_expert_is_the_fainter_the_smaller_its_share():
    layer = EXAMPLES["routing_map"]
    image = draw(layer).image
    best = layer.data.argmax(0)
    colours = rgb(expert_colours(2))
    assert image[0, 0, 3] == 0
    assert (image[1:, :, :3] == colours[best[1:]]).all()
    share, alpha = layer.data.max(0)[1:].ravel(), image[1:, :, 3].ravel()
    assert (np.diff(alpha[np.argsort(share)].astype(int)) >= 0).all()
    assert alpha.max() > alpha.min() >= 30


def test_certainty_fades_and_hides():
    certain = np.array([[1.0, 0.5, 0.26, np.nan]], np.float32)
    assert strength_of(certain).tolist() == [[1, 1, 1, 0]]
    assert strength_of(certain, least=0.4).tolist() == [[1, 1, 0, 0]]
    faint = strength_of(certain, fade=True, classes=4)
    assert faint[0, 0] == 1.0 and 0.3 < faint[0, 1] < 0.6 and faint[0, 3] == 0
    layer = EXAMPLES["class_map"]
    image = draw(layer, Style(strength=np.full(SIZE, 0.5, np.float32))).image
    assert image[0, 1, 3] == 128 and image[0, 0, 3] == 0


def test_an_image_is_stretched_in_true_colour():
    layer = EXAMPLES["sr_image"]
    drawing = draw(layer)
    red = layer.data[2]
    low, high = np.percentile(red, (2, 98))
    expected = np.rint(np.clip((red - low) / (high - low), 0, 1) * 255)
    assert np.abs(drawing.image[..., 0] - expected).max() <= 1
    other = draw(layer, Style(bands=(3, 3, 3))).image
    assert (other[..., 0] == other[..., 2]).all()


def test_an_image_without_three_bands_is_grey():
    layer = EXAMPLES["sr_image"]
    two = core.SRImage("x2", "", layer.grid, layer.data[:2], layer.bands[:2], 2)
    image = draw(two).image
    assert (image[..., 0] == image[..., 1]).all() and (image[..., 0] == image[..., 2]).all()
    assert image[..., 0].min() == 0 and image[..., 0].max() == 255


def test_legends_hold_their_entries():
    legend = class_legend("c", ("a", "b"), ("#000000", "#ffffff"), ("1 ha", "2 ha"))
    assert [(e.name, e.colour, e.note) for e in legend.entries][1] == ("b", "#ffffff", "2 ha")
    bar = ramp_legend("t", "K", "lajolla", (280.0, 320.0))
    first, last = ramp("lajolla")[0], ramp("lajolla")[255]
    assert bar.ramp[0] == "#{:02x}{:02x}{:02x}".format(*first)
    assert bar.ramp[-1] == "#{:02x}{:02x}{:02x}".format(*last)
