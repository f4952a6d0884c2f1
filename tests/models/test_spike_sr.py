"""SpikeSR's neurons, attentions and counts against closed forms, other code and each other."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.spike_sr import neurons, operations
from models.spike_sr.account import costs
from models.spike_sr.attention import (
    HybridAttention,
    PatchGrid,
    SimilarityAttention,
    divide,
    put_together,
    starts,
)
from models.spike_sr.deformable import DeformableConv, reference_samples, sampled
from models.spike_sr.network import SIZES, Config, FusionBlock, SpikeSR
from models.spike_sr.neurons import THRESHOLD, integrate, reference_lif
from models.spike_sr.train import Recipe, steps_at
from rsviz.core import registry
from rsviz.nn.fit import parameter_count
from rsviz.nn.probe import tracing

SMALL = Config(channels=16, groups=1, blocks=1)


def currents(*shape, seed=0):
    torch.manual_seed(seed)
    return 0.3 * torch.randn(shape)


def small_network(seed=0, **changes):
    torch.manual_seed(seed)
    network = SpikeSR(Config(**{"channels": 16, "groups": 1, "blocks": 2} | changes))
    network.train()
    with torch.no_grad():
        network(torch.rand(2, 3, 20, 24))  # norms get statistics of their own
    return network.eval().requires_grad_(False)


def test_a_constant_current_charges_a_silent_neuron_in_closed_form():
    """H[t] = I (1 - 2^-t) / (1 - 1/2) as long as it stays below the threshold."""
    current = torch.full((6, 20), 0.07)
    spikes, charge = integrate(current)
    expected = 0.14 * (1 - 0.5 ** torch.arange(1, 7))
    assert not spikes.any()
    assert charge[:, 3] == pytest.approx(expected.numpy(), rel=1e-6)


def test_a_strong_current_makes_a_neuron_fire_in_its_own_rhythm():
    """0.1, 0.15 fires, reset, 0.1, 0.15 fires: every second step."""
    spikes, charge = integrate(torch.full((6, 16), 0.1))
    assert spikes[:, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert charge[:, 0] == pytest.approx([0.1, 0.15, 0.1, 0.15, 0.1, 0.15])


def test_the_threshold_itself_fires():
    spikes, _ = integrate(torch.full((1, 16), THRESHOLD))
    assert spikes.all()


@pytest.mark.parametrize("shape", [(4, 2, 5, 7, 9), (3, 17), (1, 16), (4, 3)])
def test_neurons_spike_and_learn_as_those_of_spikingjelly(shape):
    """(4, 3) is too small for the compiled loop, so both forms are compared."""
    pytest.importorskip("spikingjelly")
    mine = currents(*shape).requires_grad_()
    theirs = mine.detach().clone().requires_grad_()
    weight = currents(*shape, seed=1)
    spikes, _ = integrate(mine)
    (spikes * weight).sum().backward()
    expected = reference_lif()(theirs)
    (expected * weight).sum().backward()
    assert torch.equal(spikes, expected)
    assert mine.grad.numpy() == pytest.approx(theirs.grad.numpy(), abs=1e-6)


def test_memory_layouts_give_the_same_spikes():
    plain = currents(8, 5, 6, 7)
    last = plain.to(memory_format=torch.channels_last)
    other = plain.transpose(2, 3).contiguous().transpose(2, 3)
    expected = integrate(plain.unflatten(0, (4, 2)))[0]
    for layout in (last, other):
        assert torch.equal(integrate(layout.unflatten(0, (4, 2)))[0], expected)


def test_no_state_outlives_an_image():
    network = small_network()
    one, other = torch.rand(2, 1, 3, 20, 24)
    alone = network(one)
    network(other)
    assert torch.equal(network(one), alone)


def test_images_of_a_batch_do_not_see_each_other():
    network = small_network()
    images = torch.rand(3, 3, 20, 24)
    together = network(images)
    for i in range(3):
        assert together[i].numpy() == pytest.approx(network(images[i : i + 1])[0].numpy(), abs=2e-5)


def test_compiled_samples_are_those_of_torch():
    torch.manual_seed(0)
    tokens = torch.randn(3, 256, 20)
    place = torch.cat([3 * torch.randn(3, 256, 18), torch.rand(3, 256, 9)], dim=-1)
    weight = torch.randn(3, 256, 9 * 32)
    found = []
    for function in (sampled, lambda t, p: reference_samples(F.pad(t, (0, 12)), p)):
        t, p = tokens.clone().requires_grad_(), place.clone().requires_grad_()
        columns = function(t, p)
        (columns * weight).sum().backward()
        found.append((columns.detach(), t.grad, p.grad))
    for mine, theirs in zip(*found, strict=True):
        assert mine.numpy() == pytest.approx(theirs.numpy(), abs=2e-3)


def test_a_deformable_convolution_starts_as_an_ordinary_one():
    torch.manual_seed(0)
    layer = DeformableConv("block", 12)
    tokens = torch.randn(2, 256, 12)
    image = tokens.reshape(2, 16, 16, 12).permute(0, 3, 1, 2)
    expected = layer.conv(image).permute(0, 2, 3, 1).reshape(2, 256, 12)
    assert layer(tokens).detach().numpy() == pytest.approx(expected.detach().numpy(), abs=1e-5)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(16, [0]), (17, [0, 1]), (30, [0, 14]), (44, [0, 14, 28]), (32, [0, 14, 16])],
)
def test_patches_reach_both_edges(length, expected):
    assert starts(length) == expected


def test_patches_are_put_together_again():
    image = torch.randn(2, 33, 45, 3, dtype=torch.float64)
    grid = PatchGrid(33, 45)
    patches = divide(image, grid)
    assert put_together(patches, grid).numpy() == pytest.approx(image.numpy(), abs=1e-6)
    other = torch.randn_like(patches)
    pair = torch.autograd.grad(divide(image.requires_grad_(), grid), image, other)[0]
    inner = float((pair * image.detach()).sum())
    assert inner == pytest.approx(float((patches.detach() * other).sum()))


def test_attention_over_time_and_channels_is_the_product_of_two_mixes():
    torch.manual_seed(0)
    layer = HybridAttention("block", 5, 4)
    a = torch.randn(4 * 2, 5, 3, 6)
    mean = a.mean((2, 3)).reshape(4, 2, 5)
    over_time = torch.stack(
        [sum(layer.over_time[s, t] * mean[t] for t in range(4)) for s in range(4)]
    )
    weights = torch.sigmoid(over_time * (mean @ layer.over_channels.T)).reshape(8, 5, 1, 1)
    assert layer(a, 4).detach().numpy() == pytest.approx((a * weights).detach().numpy(), abs=1e-6)


def test_more_steps_begin_as_copies():
    """With equal steps the grown mix over time weighs channels as the former one did."""
    torch.manual_seed(0)
    layer = HybridAttention("block", 5, 4)
    a = torch.randn(2, 5, 3, 6)
    before = layer(a, 1)
    layer.grow(1)
    after = layer(a.repeat(4, 1, 1, 1), 4).reshape(4, 2, 5, 3, 6)
    for step in after:
        assert step.detach().numpy() == pytest.approx(before.detach().numpy(), abs=1e-6)


def similarity(scales=(1.0,)):
    torch.manual_seed(0)
    return SimilarityAttention("block", 8, scales).eval()


def test_a_patch_takes_the_partner_that_resembles_it_most_but_never_itself():
    layer, image = similarity(), torch.randn(1, 44, 44, 8)
    patches = divide(image, PatchGrid(44, 44))
    means = layer.match_norm(patches.mean(2))
    scores = (means @ means.transpose(1, 2))[0].detach()
    scores.fill_diagonal_(-np.inf)
    expected = patches[0, scores.argmax(1)]
    assert torch.equal(layer._partner(image, patches)[0], expected)


def test_a_single_patch_is_its_own_partner():
    layer, image = similarity(), torch.randn(1, 16, 16, 8)
    patches = divide(image, PatchGrid(16, 16))
    assert torch.equal(layer._partner(image, patches), patches)


def test_a_pyramid_adds_partners_of_the_coarser_image():
    flat, pyramid = similarity(), similarity((1.0, 0.5))
    image = torch.randn(1, 44, 44, 8)
    patches = divide(image, PatchGrid(44, 44))
    assert flat._candidates(image, patches).shape[1] == 9
    candidates = pyramid._candidates(image, patches)
    assert candidates.shape[1] == 9 + 4
    small = F.interpolate(image.permute(0, 3, 1, 2), size=(22, 22), mode="bilinear")
    assert torch.equal(candidates[0, 9], small[0, :, :16, :16].permute(1, 2, 0).reshape(256, 8))


@pytest.mark.parametrize("shape", [(16, 16), (17, 40), (31, 16)])
def test_any_size_from_sixteen_pixels_on_works(shape):
    assert small_network()(torch.rand(1, 3, *shape)).shape == (1, 3, 4 * shape[0], 4 * shape[1])


def test_the_orders_of_attention_differ_as_the_paper_and_the_release_do():
    parallel, serial = (small_network(attn_order=o) for o in ("parallel", "serial"))
    x = torch.randn(4, 16, 20, 20)
    a = {}
    for network in (parallel, serial):
        block = network.groups[0].blocks[0]
        with torch.no_grad():
            a = block.second(block.first(x, 4), 4) + block.side_norm(block.side(x))
            if network is parallel:
                expected = x + F.gelu(block.hybrid(a, 4) + block.similarity(a))
            else:
                expected = x + block.similarity(block.hybrid(a, 4))
            assert block(x, 4).numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_the_fusion_block_is_that_of_the_paper():
    torch.manual_seed(0)
    fusion, y = FusionBlock(4), torch.randn(4, 2, 6, 5, 5)
    out = torch.zeros(2, 6, 5, 5)
    pooled = [y.mean((2, 3, 4)), y.amax((2, 3, 4))]
    gate = sum(fusion.spread @ torch.relu(fusion.squeeze @ p) for p in pooled)
    for t in range(4):
        first = torch.sigmoid(gate[t])[:, None, None, None] * y[t]
        place = torch.sigmoid(fusion.place(torch.stack([y[t].mean(1), y[t].amax(1)], 1)))
        out = out + (first + place * (1 - first)) / 4
    assert fusion(y).detach().numpy() == pytest.approx(out.detach().numpy(), abs=1e-5)


def test_every_parameter_learns():
    """The released network holds a quarter of parameters that nothing uses."""
    torch.manual_seed(0)
    network = SpikeSR(Config(channels=16, groups=1, blocks=2, fusion="block")).train()
    network(torch.rand(2, 3, 30, 30)).square().mean().backward()
    network(torch.rand(2, 3, 30, 30)).square().mean().backward()  # and a second step can follow
    dead = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


def test_the_skip_adds_bicubic_interpolation():
    with_skip = small_network()
    without = small_network(global_skip=False)
    image = torch.rand(1, 3, 20, 24)
    from rsviz.physics.resample import resize

    added = with_skip(image) - without(image)
    expected = resize(image[0].numpy(), 80, 96)
    assert added[0].numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("size", "parameters", "counted", "giga", "honest"),
    [("S", 899_229, 471_813, 15.30, 40.0), ("full", 2_244_468, 1_042_356, 33.05, 88.3)],
)
def test_counts_are_those_of_the_paper_and_the_honest_ones(size, parameters, counted, giga, honest):
    """Published: 472 K, 15.21 G and 1042 K, 33.05 G, at 160 x 160 pixels and one step."""
    config = SIZES[size]
    assert parameter_count(SpikeSR(config)) == parameters
    assert operations.paper_parameters(config) == counted
    assert operations.paper_operations(config) / 1e9 == pytest.approx(giga, abs=0.01)
    assert operations.total(config, 160, 160, 1) / 1e9 == pytest.approx(honest, abs=0.1)


def test_the_record_of_costs_is_what_is_counted():
    counted = {size: parameter_count(SpikeSR(config)) for size, config in SIZES.items()}
    path = registry.MODELS / "spike_sr" / "costs.json"
    kept = json.loads(path.read_text(encoding="utf8"))
    assert kept == costs(counted)
    by_paper, once, whole = kept["rows"][:3]
    assert (by_paper["parameters"], by_paper["mac_g"]) == (471_813, 15.3)
    assert once["mac_g"] + once["ac_g"] == pytest.approx(40.0, abs=0.1)
    assert whole["ac_g"] == pytest.approx(4 * once["ac_g"], abs=0.03)


def test_operations_follow_the_shapes_of_the_convolutions_that_really_run():
    """Every convolution and linear layer is watched while a real pass runs."""
    network = small_network(channels=16, groups=1, blocks=1)
    config, steps = SMALL, 4
    done = []

    def count(module, inputs, output):
        if isinstance(module, torch.nn.Conv2d):
            work = output.numel() * module.weight[0].numel()
        else:
            work = output.numel() * module.in_features
        done.append(work)

    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    network(torch.rand(1, 3, 30, 44), steps)
    for hook in hooks:
        hook.remove()
    parts = {p.name: p for p in operations.parts(config, 30, 44)}
    unseen = {"deformable kernels", "queries with keys, shares with values"}
    unseen |= {"attention over time and channels"}
    expected = sum(
        p.operations * (steps if p.every_step else 1)
        for p in parts.values()
        if p.name not in unseen
    )
    small = 2 * 16 * 1  # the two 1 x 1 convolutions of the refinement's level
    assert sum(done) - small == expected


def test_energy_counts_spikes_and_multiplications_at_their_price():
    parts = {p.name: p for p in operations.parts(SIZES["full"], 160, 160)}
    spiking, side = parts["spiking 3 x 3 convolutions"], parts["real side branches"]
    assert operations.energy_mj(spiking, 4, 0.2) == pytest.approx(4 * 0.2 * 15.0995 * 0.9, rel=1e-4)
    assert operations.energy_mj(side, 4) == pytest.approx(4 * 7.54975 * 4.6, rel=1e-4)


def test_training_takes_more_time_steps_as_it_goes_on():
    recipe = Recipe(steps=1000, one_step=0.5, two_steps=0.8)
    assert [steps_at(s, recipe, 4) for s in (0, 499, 500, 799, 800, 999)] == [1, 1, 2, 2, 4, 4]


def test_probes_hear_spikes_of_zero_and_one():
    network = small_network()
    names = frozenset({"group1.block1.first.spikes", "group1.block1.first.charge"})
    with tracing(network, names) as trace:
        network(torch.rand(1, 3, 20, 24))
    spikes, charge = (trace[n] for n in sorted(names, reverse=True))
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(spikes.bool(), charge >= neurons.THRESHOLD)
