"""Looking inside a network: named places, and a trace that always removes its hooks.

A `Probe` stands where a paper's figure names a quantity. It does nothing, and costs nothing,
until `tracing` listens to it. Hooks are global state on a shared module: one run at a time
for a loaded model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

Reduce = Callable[[str, Tensor], Tensor]


class Probe(nn.Module):
    """An identity with a name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @property
    def listening(self) -> bool:
        """Whether somebody listens, for values that are only computed to be looked at."""
        return bool(self._forward_hooks)

    def forward(self, value: Tensor) -> Tensor:
        return value

    def extra_repr(self) -> str:
        return self.name


def probe_names(network: nn.Module) -> tuple[str, ...]:
    """Names of all probes in a network, in the order of its modules."""
    return tuple(m.name for m in network.modules() if isinstance(m, Probe))


def _detached(_: str, value: Tensor) -> Tensor:
    return value.detach()


@contextmanager
def tracing(
    network: nn.Module, names: frozenset[str], reduce: Reduce = _detached
) -> Iterator[dict[str, Tensor]]:
    """Record what passes the named probes inside a block.

    Args:
        network: any module that contains probes.
        names: probes to listen to.
        reduce: called on the device with (name, value); what it returns is kept, so that a
            trace never holds more than will be drawn.

    Yields:
        {name: reduced value}; the last pass through a probe replaces earlier ones.

    Raises:
        KeyError: the network has no probe of that name.
    """
    found = {m.name: m for m in network.modules() if isinstance(m, Probe)}
    missing = names - found.keys()
    if missing:
        raise KeyError(f"no probe named {', '.join(sorted(missing))}")
    trace: dict[str, Tensor] = {}

    def listen(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, Probe)
        trace[module.name] = reduce(module.name, output)

    handles = [found[name].register_forward_hook(listen) for name in sorted(names)]
    try:
        yield trace
    finally:
        for handle in handles:
            handle.remove()
