"""How mamba-ssm's extension is called, with a stand-in for it that needs no GPU."""

import pytest
import torch
from scan_cases import NAMES, inputs, relative_error

from rsviz.nn import scan_cuda, scan_reference


class StandIn:
    """fwd and bwd with the extension's arguments and results, computed by the plain loop."""

    @staticmethod
    def fwd(u, delta, A, B, C, D, z, bias, softplus):
        y, last = scan_reference.scan(u, delta, A, B, C, D, None, bias, softplus, None, True, None)
        states = torch.zeros(*u.shape[:2], 1, 2 * A.shape[1])
        states[:, :, 0, 1::2] = last
        return (y, states) if z is None else (y, states, y * torch.nn.functional.silu(z))

    @staticmethod
    def bwd(u, delta, A, B, C, D, z, bias, dy, states, out, dz, softplus, recompute):
        assert (out is None) == (z is None)
        assert dz is None
        assert not recompute
        tensors = [u, delta, A, B, C, D, bias] + ([] if z is None else [z])
        with torch.enable_grad():
            leaves = [t.detach().requires_grad_() for t in tensors]
            *rest, gate = leaves if z is not None else [*leaves, None]
            y, _ = scan_reference.scan(*rest[:6], gate, rest[6], softplus, None, False, None)
        return torch.autograd.grad(y, leaves, dy)


@pytest.mark.parametrize("gated", [True, False])
def test_results_and_gradients_come_back_in_their_places(monkeypatch, gated):
    monkeypatch.setattr(scan_cuda, "extension", lambda: StandIn)
    tensors = inputs(2, 6, 5, 30, groups=2)[:8]
    wanted = [t.detach().clone().requires_grad_() for t in tensors]
    if not gated:
        tensors[6] = wanted[6] = None
    y, last = scan_cuda.scan(*tensors, True, True)
    right, right_last = scan_reference.scan(*wanted, True, None, True, None)
    assert relative_error(y.detach(), right.detach()) < 1e-6
    assert torch.equal(last, right_last)
    assert not last.requires_grad
    y.sin().sum().backward()
    right.sin().sum().backward()
    for name, a, b in zip(NAMES, tensors, wanted, strict=False):
        assert a is None or relative_error(a.grad, b.grad.double()) < 1e-6, name


def test_what_the_extension_cannot_do_is_known():
    A = torch.zeros(4, 16)
    assert scan_cuda.suits(A, None, None)
    assert not scan_cuda.suits(A.double(), None, None)
    assert not scan_cuda.suits(torch.zeros(4, 300), None, None)
    assert not scan_cuda.suits(A, torch.zeros(1, 4, 16), None)
    assert not scan_cuda.suits(A, None, torch.zeros(1, 1, 5, 4))
    assert (scan_cuda.extension() is None) == bool(scan_cuda.why_not())
