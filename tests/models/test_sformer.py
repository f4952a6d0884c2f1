import pytest
import torch
from torch import nn

from models.sformer import plain
from models.sformer.mapping import TokenTable, lattices
from models.sformer.network import Config, Projection, SFormer
from models.sformer.patches import VIEWS, augmented, padded, patches_at
from models.sformer.token_attention import TokenAttention
from rsviz.nn.fit import parameter_count
from rsviz.nn.probe import probe_names, tracing


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def network(**changes) -> SFormer:
    """A network whose every number differs from its start."""
    made = SFormer(Config(**{"bands": 12, "classes": 5, "components": 7} | changes)).eval()
    for p in made.parameters():
        p.data.add_(0.05 * torch.randn_like(p))
    for m in made.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2.0)
    return made.requires_grad_(False)


@pytest.mark.parametrize(("classes", "count"), [(9, 596_383), (16, 597_286), (15, 597_157)])
def test_parameters_are_those_that_work_in_the_published_network(classes, count):
    assert parameter_count(SFormer(Config(bands=200, classes=classes))) == count


def test_options_change_the_parameters_they_should():
    count = {
        name: parameter_count(SFormer(Config(200, 16, **{name: value})))
        for name, value in (
            ("share_kernel_block", False),
            ("spatial_select", "legacy"),
            ("pass_statistics", False),
        )
    }
    assert count["share_kernel_block"] == 597_286 + 105_798
    assert count["spatial_select"] == 597_286 - 6
    assert count["pass_statistics"] == 597_286


def test_every_parameter_learns():
    made = network().train().requires_grad_(True)
    made(torch.randn(4, 7, 10, 10)).square().sum().backward()
    assert [n for n, p in made.named_parameters() if p.grad is None or not p.grad.any()] == []


OPTIONS = ({}, {"share_kernel_block": False}, {"spatial_select": "legacy"}, {"components": 30})


@pytest.mark.parametrize("changes", OPTIONS)
def test_fast_form_is_the_published_form(changes):
    made = network(**changes)
    patches = torch.randn(6, made.config.components, 10, 10)
    for keep, tolerance in ((100, 1e-5), (80, 5e-3)):  # rounding may swap the 80th and 81st
        assert torch.allclose(
            made(patches, keep), plain.scores(made, patches, keep), atol=tolerance
        )


def test_tokens_of_overlapping_patches_are_shared_exactly():
    made, image = network(), padded(torch.randn(7, 4, 6))
    rows, cols = (
        t.flatten() for t in torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij")
    )
    embedded = made.embed(made.stem(patches_at(image, rows, cols)))  # (24, 128, 5, 5)
    expected = made.norm(embedded.flatten(2).transpose(1, 2))
    assert torch.allclose(TokenTable(made, image).tokens(rows, cols), expected, atol=1e-5)


@pytest.mark.parametrize("keep", [1, 40, 80, 100])
def test_compiled_attention_and_its_gradients_are_those_of_the_reference(keep):
    attend, x = TokenAttention("a"), torch.randn(3, 25, 128, requires_grad=True)
    attend.tau.data.uniform_(0.5, 3.0)
    weight, inputs = torch.randn(3, 25, 128), (x, attend.mix, attend.taps, attend.tau)
    fast, slow = attend(x, keep), attend.reference(x, keep)
    assert torch.allclose(fast, slow, atol=1e-5)
    gradients = (torch.autograd.grad((y * weight).sum(), inputs) for y in (fast, slow))
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, atol=1e-5 + 1e-4 * float(b.abs().max()))


def test_equal_scores_are_kept_together_and_give_a_number():
    attend = TokenAttention("a")
    flat = attend(torch.zeros(2, 25, 128), 80)
    assert torch.equal(flat, torch.zeros(2, 25, 128))


@pytest.mark.parametrize("keep", [1, 40, 80, 100])
def test_each_query_keeps_as_many_tokens_as_the_option_says(keep):
    attend = TokenAttention("a")
    with tracing(attend, frozenset(probe_names(attend))) as trace:
        attend(torch.randn(2, 25, 128), keep)
    assert trace["a.kept"].shape == (2, 8, 100, 100)
    assert (trace["a.kept"].sum(-1) == keep).all()
    least = trace["a.scores"].masked_fill(~trace["a.kept"], torch.inf).amin(-1)
    most = trace["a.scores"].masked_fill(trace["a.kept"], -torch.inf).amax(-1)
    assert (least >= most).all()
    assert torch.equal(trace["a.attention"] > 0, trace["a.kept"])


def test_kernel_weights_sum_to_one_and_watching_changes_nothing():
    made, patches = network(), torch.randn(3, 7, 10, 10)
    with tracing(made, frozenset({"pass1.channels", "pass2.channels", "pass1.share"})) as trace:
        watched = made(patches)
    assert torch.allclose(trace["pass1.channels"].sum(1), torch.ones(3, 64))
    assert not torch.allclose(trace["pass1.channels"], trace["pass2.channels"])
    assert ((trace["pass1.share"] >= 0) & (trace["pass1.share"] <= 1)).all()
    assert torch.equal(watched, made(patches))


def test_a_batch_of_one_is_a_row_of_a_batch():
    made, patches = network(), torch.randn(3, 7, 10, 10)
    assert torch.allclose(made(patches)[1:2], made(patches[1:2]), atol=5e-3)


def test_projection_is_the_principal_components_of_the_whole_scene():
    basis = torch.linalg.qr(torch.randn(12, 3)).Q
    scene = 500 + 100 * torch.einsum("bk,khw->bhw", basis, torch.randn(3, 20, 30).mul(
        torch.tensor([4.0, 2.0, 1.0])[:, None, None]))  # fmt: skip
    projection = Projection(12, 3)
    projection.fit(scene)
    planes = projection(scene).flatten(1)
    covariance = planes @ planes.T / planes.shape[1]
    spread = covariance.diagonal().sqrt()
    assert (spread[:-1] > spread[1:]).all()
    assert torch.allclose(covariance / (spread[:, None] * spread), torch.eye(3), atol=0.02)
    assert projection.variance.sum() == pytest.approx(1.0, abs=2e-3)
    again = (projection.components.T @ planes + projection.mean[:, None]).unflatten(1, (20, 30))
    assert torch.allclose(again * projection.span + projection.offset, scene, atol=5.0)


def test_patches_reach_over_the_edge_by_reflection():
    image = torch.arange(12.0 * 11).reshape(1, 12, 11)
    around = patches_at(padded(image), torch.tensor([0, 6]), torch.tensor([0, 5]))
    assert around.shape == (2, 1, 10, 10)
    assert (around[:, 0, 5, 5] == image[0, [0, 6], [0, 5]]).all()
    assert torch.equal(around[0, 0, 5:, 5:], image[0, :5, :5])
    assert torch.equal(around[0, 0, 5, :5], image[0, 0, 1:6].flip(0))
    assert torch.equal(around[1, 0], image[0, 1:11, :10])


def test_augmentation_turns_whole_patches_alike():
    patches = torch.arange(100.0).reshape(1, 1, 10, 10).repeat(200, 2, 1, 1)
    assert torch.equal(augmented(patches, 0.0), patches)
    allowed = [view.turn(patches[:1])[0] for view in VIEWS]
    found = {
        next(i for i, a in enumerate(allowed) if torch.equal(a, p)) for p in augmented(patches, 0.5)
    }
    assert found == set(range(6))


def test_lattices_go_from_coarse_to_fine_and_cover_each_pixel_once():
    wanted = torch.rand(9, 13) < 0.8
    plan = list(lattices(wanted, 1))
    assert torch.equal(sum(now.int() for _, now in plan), wanted.int())
    assert plan[0][1].sum() < plan[1][1].sum() < plan[2][1].sum()
    assert torch.equal(plan[0][1][::4, ::4], wanted[::4, ::4])
    assert [what for what, _ in lattices(wanted, 2)] == ["every 4th pixel", "every 2nd pixel"]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_finds_the_patch_of_each_pixel(view):
    image = padded(torch.rand(2, 3, 5))
    rows, cols = torch.tensor([0, 1, 2]), torch.tensor([4, 0, 3])
    moved = patches_at(view.turn(image), *view.place(rows, cols, 3, 5))
    assert torch.equal(moved, view.turn(patches_at(image, rows, cols)))
