import pytest
import torch
from torch import nn

from rsviz.nn.probe import Probe, tracing


def network():
    return nn.Sequential(nn.Linear(2, 2), Probe("middle"), nn.ReLU(), Probe("end"))


def hooks(net):
    return [h for m in net.modules() for h in m._forward_hooks]


def test_trace_holds_what_passed_and_leaves_no_hook():
    net, x = network(), torch.randn(3, 2)
    with tracing(net, frozenset({"middle"})) as trace:
        assert net[1].listening and not net[3].listening
        net(x)
    assert trace.keys() == {"middle"}
    assert torch.equal(trace["middle"], net[0](x).detach())
    assert not hooks(net) and not net[1].listening


def test_reduce_decides_what_is_kept():
    net, x = network(), torch.randn(3, 2)
    with tracing(net, frozenset({"end"}), lambda name, value: value.sum()) as trace:
        out = net(x)
    assert torch.equal(trace["end"], out.sum())


def test_hooks_go_away_when_the_network_or_the_reduction_fails():
    net = network()
    with pytest.raises(RuntimeError), tracing(net, frozenset({"middle", "end"})):
        net(torch.randn(3, 5))
    assert not hooks(net)

    def fails(name, value):
        raise ValueError(name)

    with pytest.raises(ValueError, match="middle"), tracing(net, frozenset({"middle"}), fails):
        net(torch.randn(3, 2))
    assert not hooks(net)


def test_unknown_probe_is_named_and_nothing_is_hooked():
    net = network()
    with pytest.raises(KeyError, match="start"), tracing(net, frozenset({"start", "end"})):
        pass
    assert not hooks(net)
