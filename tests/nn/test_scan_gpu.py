"""The scan on a GPU: the fused extension, and the round trip where it is not built."""

import pytest
import torch
from scan_cases import NAMES, exact, inputs, outcome, relative_error

from rsviz.nn import scan_cuda
from rsviz.nn.scan import active_backend, causal_conv1d, selective_scan

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


def ours(*t):
    return selective_scan(*t[:8], delta_softplus=True, return_last_state=True, initial_state=t[8])


def on_gpu(tensors):
    return [t.detach().cuda().requires_grad_() for t in tensors]


def test_a_scan_with_an_initial_state_equals_the_float64_loop():
    tensors = inputs(2, 32, 16, 200)
    got = outcome(ours, on_gpu(tensors))
    assert all(got[name].device.type == "cuda" for name in NAMES)
    for name, wanted in exact(tensors).items():
        assert relative_error(got[name].cpu(), wanted) < 2e-5, name


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 2e-5), (torch.bfloat16, 2e-2)])
def test_the_fused_scan_equals_the_float64_loop(monkeypatch, dtype, limit):
    if scan_cuda.extension() is None:
        pytest.skip(scan_cuda.why_not())
    monkeypatch.setenv("RSVIZ_SCAN", "cuda")
    assert active_backend("cuda") == "fused"
    *tensors, _ = inputs(2, 32, 16, 200)
    rounded = [t.detach().to(dtype).float().requires_grad_() for t in tensors]

    def gradients(tensors, scan):
        y = scan(tensors)
        y.backward(torch.cos(torch.arange(y.numel(), device=y.device)).view_as(y).to(y.dtype))
        return [y.detach(), *(t.grad for t in tensors)]

    doubles = [t.detach().double().requires_grad_() for t in rounded]
    monkeypatch.setenv("RSVIZ_SCAN", "reference")
    wanted = gradients(doubles, lambda t: selective_scan(*t, delta_softplus=True))
    monkeypatch.setenv("RSVIZ_SCAN", "cuda")
    got = gradients(on_gpu(rounded), lambda t: selective_scan(*t, delta_softplus=True))
    for name, a, b in zip(("y", *NAMES), got, wanted, strict=False):
        assert relative_error(a.cpu(), b) < limit, name


def test_the_convolution_equals_that_of_the_cpu():
    x, weight, bias = torch.randn(2, 20, 50), torch.randn(20, 4), torch.randn(20)
    wanted = causal_conv1d(x, weight, bias, "silu")
    got = causal_conv1d(x.cuda(), weight.cuda(), bias.cuda(), "silu")
    assert relative_error(got.cpu(), wanted.double()) < 1e-5
