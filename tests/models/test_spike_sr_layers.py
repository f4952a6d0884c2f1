"""What a run of SpikeSR gives: units, gaps, tiles, and layers that match what happened inside."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.spike_sr.attention import NOT_ITSELF, PatchGrid
from models.spike_sr.card import Options, neuron_names, spoken
from rsviz.core import registry
from rsviz.core.errors import Cancelled, SceneMismatch
from rsviz.core.grid import Grid
from rsviz.core.options import build
from rsviz.core.run import Ask, describe, run
from rsviz.core.scene import Band, Scene
from rsviz.nn import sr_scene
from rsviz.nn.probe import tracing
from rsviz.physics.resample import resize

CARD = registry.card("spike_sr")
NAMES = neuron_names(3, 2)
WATCHED = "group2.block1.second"


def picture(height=40, width=36, seed=0, white=255.0):
    """Smooth shapes with edges and texture, as bytes."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, height // 4 + 1, width // 4 + 1)).astype(np.float32)
    smooth = resize(coarse, height, width).clip(0, 1)
    smooth[:, height // 2 :] *= 0.6
    noise = rng.normal(0, 0.02, smooth.shape)
    pixels = (white * (smooth + noise).clip(0, 1)).astype(np.float32)
    bands = tuple(Band(name) for name in ("red", "green", "blue"))
    quantity = "dn" if white == 255 else "reflectance"
    valid = np.ones((1, height, width), bool)
    return Scene(pixels[None], valid, bands, Grid(height, width), quantity, name="picture")


def layers_of(scene, *wants, **options):
    options = {"bf16": False} | options
    return run(scene, Ask(CARD.id, options=build(CARD.options, options), wants=wants)).layers


@pytest.fixture(scope="module")
def network():
    model = registry.build(CARD)
    model.load(CARD.weights[0], "cpu")
    return model.network


@pytest.fixture(scope="module")
def inside():
    """A run with all layers but the eight views, looking into one layer and pixel."""
    wants = set(CARD.on_request) - {"ensemble_spread"}
    return layers_of(picture(), *wants, watch=spoken(WATCHED), pick_row=21, pick_col=9)


@pytest.fixture(scope="module")
def heard(network):
    """Everything that passed the probes on the same picture."""
    image = torch.from_numpy(picture().pixels / 255)
    names = frozenset(
        {f"{n}.spikes" for n in NAMES}
        | {f"{WATCHED}.charge", "group1.block1.similarity", "group1.block1.attention"}
    )
    with torch.inference_mode(), tracing(network, names) as trace:
        network(image)
    return trace


def test_firing_rates_are_those_of_the_network(inside, heard):
    rates = inside["spike_rates"]
    assert rates.layers == tuple(spoken(n) for n in NAMES)
    expected = np.stack([heard[f"{n}.spikes"].mean((1, 2, 3, 4)).numpy() for n in NAMES])
    assert rates.data == pytest.approx(expected, abs=1e-5)
    by_channel = np.stack([heard[f"{n}.spikes"].mean((0, 1, 3, 4)).numpy() for n in NAMES])
    assert inside["channel_rates"].data == pytest.approx(by_channel, abs=1e-5)


def test_maps_of_spikes_and_membranes_are_those_of_the_watched_layer(inside, heard):
    spikes, charge = heard[f"{WATCHED}.spikes"], heard[f"{WATCHED}.charge"]
    assert inside["spike_steps"].data == pytest.approx(spikes[:, 0].mean(1).numpy(), abs=1e-6)
    assert inside["charge_steps"].data == pytest.approx(charge[:, 0].mean(1).numpy(), abs=1e-5)
    assert inside["rate_map"].data == pytest.approx(spikes[:, 0].mean((0, 1)).numpy(), abs=1e-6)
    every = np.mean([heard[f"{n}.spikes"][:, 0].mean((0, 1)).numpy() for n in NAMES], axis=0)
    assert inside["rate_map_all"].data == pytest.approx(every, abs=1e-6)


def test_the_picked_pixel_shows_its_own_spikes_and_membranes(inside, heard):
    spikes = heard[f"{WATCHED}.spikes"][:, 0, :, 21, 9].numpy()
    charge = heard[f"{WATCHED}.charge"][:, 0, :, 21, 9].numpy()
    assert np.array_equal(inside["raster"].data, spikes.T)
    curve = inside["membrane"]
    assert curve.names[-1] == "threshold"
    assert (curve.data[-1] == np.float32(0.15)).all()
    shown = [int(name.split()[1]) for name in curve.names[:-1]]
    assert curve.data[:-1] == pytest.approx(charge[:, shown].T, abs=1e-5)
    assert spikes.sum(0)[shown].min() >= np.delete(spikes.sum(0), shown).max()


def test_silent_and_saturated_neurons_are_counted(inside, heard):
    for name, row in zip(NAMES, inside["silent"].rows, strict=True):
        count = heard[f"{name}.spikes"][:, 0].sum(0)  # (C, h, w)
        assert row[2] == pytest.approx(100 * float((count == 0).float().mean()), abs=0.01)
        assert row[3] == pytest.approx(100 * float((count == 4).float().mean()), abs=0.01)
        assert row[4] == int((count == 0).all(-1).all(-1).sum())
        assert (row[6] == "silent layer") == (row[1] < 1)


def test_membranes_are_set_against_texture(inside):
    curve = inside["texture"]
    assert (np.diff(curve.x) >= 0).all()
    assert curve.data.shape == (15, len(curve.x))
    assert (curve.data >= 0).all()


def test_attention_is_a_weight_for_each_block_step_and_channel(inside, heard):
    tokens = inside["attention"]
    assert tokens.data.shape == (6, 4, 44)
    expected = heard["group1.block1.attention"][:, 0].numpy()
    assert tokens.data[0] == pytest.approx(expected, abs=1e-6)


def test_the_partner_is_the_most_similar_other_patch(inside, heard):
    table = inside["partner"]
    rows = [r for r in table.rows if r[0] == "group 1, block 1"]
    assert [r[1] for r in rows] == [1, 2, 3, 4]
    corners = PatchGrid(40, 36).corners
    for row in rows:
        top, left, height, width, other_top, other_left, similarity = row[2:]
        assert top <= 21 < top + height
        assert left <= 9 < left + width
        mine = corners.index((top, left))
        scores = heard["group1.block1.similarity"][row[1] - 1, mine].clone()
        scores[mine] += NOT_ITSELF
        assert corners[int(scores.argmax())] == (other_top, other_left)
        assert similarity == pytest.approx(float(scores.max()), abs=1e-3)


def test_images_of_steps_end_with_the_image(inside):
    image = inside["image"].data
    assert np.array_equal(inside["step_image_4"].data, image)
    first = np.abs(inside["step_image_1"].data - image).mean()
    third = np.abs(inside["step_image_3"].data - image).mean()
    assert 0 < third < first
    curve = inside["convergence"]
    assert len(curve.x) == 3
    error = (inside["step_image_1"].data - image) / 255
    assert curve.data[0, 0] == pytest.approx(-10 * np.log10((error**2).mean()), abs=0.05)


def test_operations_of_the_run_follow_its_firing_rates(inside):
    parts = {row[0]: row for row in inside["energy"].rows}
    spiking = parts["spiking 3 x 3 convolutions"]
    rate = inside["spike_rates"].data[[i for i in range(15) if i % 5 != 4]].mean()
    full = 4 * 12 * 40 * 36 * 9 * 44**2 * 1e-9
    assert spiking[2] == pytest.approx(rate * full, rel=1e-3)
    assert spiking[4] == pytest.approx(0.9 * spiking[2], rel=1e-2)
    total = parts["Total"]
    assert total[4] == pytest.approx(sum(r[4] for n, r in parts.items() if n != "Total"), abs=0.01)


def test_the_result_is_the_network_in_units_of_the_scene(network):
    scene = picture()
    with torch.inference_mode():
        expected = 255 * network(torch.from_numpy(scene.pixels / 255))[0].numpy()
    layer = layers_of(scene)["image"]
    assert layer.scale == 4
    assert layer.data == pytest.approx(expected, abs=0.05)


def test_reflectance_is_scaled_to_the_range_of_pictures():
    dark = picture(white=0.2)
    bright = replace(dark, pixels=dark.pixels * 3)
    once, thrice = (layers_of(scene)["image"].data for scene in (dark, bright))
    change = np.abs(thrice - 3 * once)  # rounding lets a few neurons fire otherwise
    assert change.mean() < 1e-4
    assert change.max() < 0.01
    assert once.max() < 0.3


def test_bands_are_read_as_red_green_blue_by_their_wavelength():
    scene = picture()
    known = replace(scene, bands=tuple(Band(str(nm), nm) for nm in (640.0, 550.0, 460.0)))
    turned = replace(known, pixels=scene.pixels[:, ::-1], bands=known.bands[::-1])
    plain, other = layers_of(known)["image"], layers_of(turned)["image"]
    assert np.array_equal(other.data, plain.data[::-1])
    assert other.bands == turned.bands


def test_gaps_stay_gaps():
    scene = picture()
    valid = scene.valid.copy()
    valid[:, 5:9, 10:20] = False
    holed = replace(scene, valid=valid, pixels=np.where(valid[:, None], scene.pixels, np.nan))
    found = layers_of(holed, "rate_map", "step_spread")
    fine = valid[0].repeat(4, 0).repeat(4, 1)
    assert np.array_equal(np.isfinite(found["image"].data).all(0), fine)
    assert np.array_equal(np.isfinite(found["step_spread"].data), fine)
    assert np.array_equal(np.isfinite(found["rate_map"].data), valid[0])


def test_eight_views_make_the_result_independent_of_orientation():
    scene = picture(32, 32)
    turned = replace(scene, pixels=np.ascontiguousarray(np.rot90(scene.pixels, 1, (2, 3))))
    one = layers_of(scene, "ensemble_spread", ensemble=True)
    other = layers_of(turned, "ensemble_spread", ensemble=True)
    expected = np.rot90(one["image"].data, 1, (1, 2))
    off = np.abs(other["image"].data - expected).mean()
    plain = layers_of(scene)["image"].data
    assert off < 0.1 * np.abs(plain - one["image"].data).mean()
    spread = np.rot90(one["ensemble_spread"].data, 1)
    assert np.abs(other["ensemble_spread"].data - spread).mean() < 0.02 * spread.mean()


def test_tiles_change_little_and_leave_no_seam(monkeypatch):
    scene = picture(64, 96)
    whole = layers_of(scene)["image"].data
    monkeypatch.setattr(sr_scene, "WHOLE", 60)
    monkeypatch.setattr(sr_scene, "CORE", 48)
    found = layers_of(scene, "rate_map", "spike_rates", "energy")
    tiled = found["image"].data
    change = np.abs(tiled - whole)
    assert 0 < change.mean() < 0.5  # of 255
    step = np.abs(np.diff(tiled, axis=2) - np.diff(whole, axis=2)).mean((0, 1))
    seam = step[4 * 48 - 8 : 4 * 48 + 8].mean()  # the border of two cores
    assert seam < 3 * np.median(step) + 0.02
    rates = found["spike_rates"]
    watched = rates.data[rates.layers.index(Options().watch)]
    assert found["rate_map"].data.mean() == pytest.approx(float(watched.mean()), abs=1e-5)


def test_half_precision_changes_less_than_a_grey_level():
    exact = layers_of(picture())["image"].data
    half = layers_of(picture(), bf16=True)["image"].data
    assert np.abs(half - exact).mean() < 1.0


def test_fewer_steps_may_be_used():
    few = layers_of(picture(), "spike_rates", "step_image_4", steps=2)
    assert few["spike_rates"].data.shape == (15, 2)
    assert np.array_equal(few["step_image_4"].data, few["image"].data)
    many = layers_of(picture())["image"].data
    assert 0 < np.abs(few["image"].data - many).mean() < 3


def test_scenes_with_other_bands_are_refused_in_a_sentence():
    scene = picture()
    more = replace(
        scene,
        pixels=np.concatenate([scene.pixels, scene.pixels[:, :1]], axis=1),
        bands=(*scene.bands, Band("near infrared")),
    )
    assert CARD.why_not(describe(more)) == ["It takes exactly 3 bands; the scene has 4."]


def test_a_pixel_outside_is_refused():
    with pytest.raises(SceneMismatch, match="row 40, column 0"):
        layers_of(picture(), "raster", pick_row=40, pick_col=0)


def test_a_cancel_takes_effect_within_a_tile():
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        run(picture(), Ask(CARD.id), cancelled=cancelled)
    assert len(asked) == 3
