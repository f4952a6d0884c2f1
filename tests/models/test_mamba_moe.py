import pytest
import torch
from stripes import BANDS, HEIGHT, WIDTH, tiny

from models.mamba_moe.experts import DIRECTIONS, SharedScan, to_image, to_sequence
from models.mamba_moe.network import Config, MambaMoE, SpatialMixture
from rsviz.nn.fit import parameter_count
from rsviz.nn.probe import Probe, tracing


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_parameters_are_those_of_the_paper_for_pavia_university():
    height, width = 610, 340
    network = MambaMoE(Config(bands=103, classes=9, scene_size=(height, width)))
    spectral = sum(parameter_count(block.experts.spectral) for block in network.blocks)
    assert parameter_count(network) - spectral == 588_727
    pixels = 305 * 170 + 152 * 85 + 76 * 42
    # 8,244,924 counted in the released code, less a convolution a level that it never uses
    assert spectral == 3 * 75_136 + 118 * pixels - 3 * 1_280 == 8_244_924 - 3_840


def test_shapes_along_the_pyramid_and_into_the_scans(monkeypatch):
    seen = []
    from models.mamba_moe import experts

    scan = experts.selective_scan

    def spy(u, delta, A, B, C, *rest, **named):
        seen.append((tuple(u.shape), tuple(A.shape), tuple(B.shape)))
        return scan(u, delta, A, B, C, *rest, **named)

    monkeypatch.setattr(experts, "selective_scan", spy)
    for size in ((64, 48), None):
        seen.clear()
        network = MambaMoE(Config(bands=103, classes=9, scene_size=size)).eval()
        with torch.inference_mode():
            x = torch.randn(1, 103, 64, 48)
            assert [tuple(f.shape[1:]) for f in network.pyramid(x)] == [
                (64, 32, 24),
                (64, 16, 12),
                (64, 8, 6),
            ]
            fine, middle, coarse = network(x, top_k=4).logits
        assert fine.shape == (1, 9, 64, 48)
        assert middle.shape == (1, 9, 16, 12)
        assert coarse.shape == (1, 9, 8, 6)
        expected = []
        for pixels in (768, 192, 48):
            expected += [((1, d, pixels), (d, 16), (1, 16, pixels)) for d in (2, 4, 8, 16)]
            expected.append(((1, 2 * pixels, 128), (2 * pixels, 16), (1, 2, 16, 128)))
        assert seen == expected


def test_every_parameter_learns_when_all_experts_work():
    network = MambaMoE(tiny(top_k=4))
    prediction = network(torch.randn(1, BANDS, HEIGHT, WIDTH))
    sum(x.square().sum() for x in prediction.logits).backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("direction", range(len(DIRECTIONS)))
def test_direction_and_inverse_are_the_identity(direction):
    image = torch.randn(2, 3, 5, 7)
    sequence = to_sequence(image, direction)
    assert torch.equal(to_image(sequence, direction, (5, 7)), image)


def test_directions_are_what_they_are_called():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    orders = [to_sequence(image, d)[0, 0].int().tolist() for d in range(4)]
    assert orders == [
        [0, 1, 2, 3, 4, 5],
        [0, 3, 1, 4, 2, 5],
        [5, 4, 3, 2, 1, 0],
        [5, 2, 4, 1, 3, 0],
    ]


def test_scene_decision_is_the_mean_of_the_votes_before_the_softmax():
    mixture = SpatialMixture(tiny(top_k=4), "level1")
    x = torch.randn(1, 8, 5, 7)
    with tracing(mixture, frozenset({"level1.gates", "level1.affinity"})) as trace:
        mixture(x)
    votes = trace["level1.affinity"].log()  # logits up to a constant of each pixel
    image_logits = mixture.router.weight[:, :, 0, 0] @ x.mean((2, 3))[0]
    assert torch.allclose(trace["level1.gates"].flatten(), image_logits.softmax(0), atol=1e-6)
    logits = mixture.router(x)
    assert torch.allclose((votes - logits).std(dim=1), torch.zeros(1, 5, 7), atol=1e-5)
    assert torch.allclose(logits.mean((2, 3))[0], image_logits, atol=1e-6)


@pytest.mark.parametrize("routing", ["scene", "pixel"])
def test_two_experts_work_with_weights_that_are_not_renormalised(routing):
    mixture = SpatialMixture(tiny(routing=routing), "level1")
    with tracing(mixture, frozenset({"level1.gates"})) as trace:
        mixture(torch.randn(1, 8, 5, 7))
    gates = trace["level1.gates"]
    assert gates.shape[2:] == ((1, 1) if routing == "scene" else (5, 7))
    assert ((gates > 0).sum(1) == 2).all()
    assert (gates.sum(1) < 1).all()


def test_experts_that_were_not_chosen_get_no_gradient_and_change_nothing():
    mixture = SpatialMixture(tiny(), "level1")
    x = torch.randn(1, 8, 5, 7)
    chosen = mixture.router(x).mean((2, 3))[0].topk(2).indices.tolist()
    out, _ = mixture(x)
    out.square().sum().backward()
    for i, expert in enumerate(mixture.experts):
        assert all((p.grad is not None) == (i in chosen) for p in expert.parameters())
    with torch.no_grad():
        for i in set(range(4)) - set(chosen):
            mixture.experts[i].out_proj.weight.add_(1.0)
        assert torch.equal(mixture(x)[0], out)


def test_imbalance_is_one_when_even_and_greatest_when_one_expert_takes_all():
    mixture = SpatialMixture(tiny(top_k=1), "level1")
    torch.nn.init.zeros_(mixture.router.weight)
    x = torch.rand(1, 8, 5, 7)
    assert mixture(x, top_k=4)[1].item() == pytest.approx(1.0)
    mixture.router.weight.data[2] = 100.0
    assert mixture(x)[1].item() == pytest.approx(4.0)


def test_shared_spectral_scan_does_not_mind_the_order_of_the_pixels():
    scan, x = SharedScan(12, 3), torch.randn(1, 20, 12)
    order = torch.randperm(20)
    assert torch.allclose(scan(x)[:, order], scan(x[:, order]), atol=1e-5)


def test_a_batch_of_one_is_a_row_of_a_batch():
    for routing in ("scene", "pixel"):
        network = MambaMoE(tiny(routing=routing, top_k=4)).eval()
        x = torch.randn(2, BANDS, HEIGHT, WIDTH)
        with torch.inference_mode():
            both, alone = network(x).logits[0], network(x[1:]).logits[0]
        assert torch.allclose(both[1:], alone, atol=1e-5)


def test_probes_cost_nothing_until_listened_to():
    network = MambaMoE(tiny()).eval()
    names = {m.name for m in network.modules() if isinstance(m, Probe)}
    assert {f"level{i}.{what}" for i in (1, 2, 3) for what in ("affinity", "gates")} <= names
    x = torch.randn(1, BANDS, HEIGHT, WIDTH)
    with torch.inference_mode():
        plain = network(x).logits[0]
        with tracing(network, frozenset(names)) as trace:
            traced = network(x).logits[0]
    assert torch.equal(plain, traced)
    assert len(trace) > 3 * 4
