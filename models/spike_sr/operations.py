"""Parameters and operations of a network, counted twice: as the paper's tool does, and all of them.

The paper's figures (1042 K and 33.05 G; 472 K and 15.21 G) come from a tool that looks at the exact
types of layers: it sees neither spiking convolutions and their norms, nor the first convolution,
nor the kernel of the deformable convolution, nor any product of queries, keys and values, and it
ran one time step. One multiplication with its addition is one operation here; an addition alone,
which a spike needs, is one too, but costs less energy.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.spike_sr.attention import HIDDEN, QUERY, TOKENS, starts
from models.spike_sr.deformable import SHIFTS, TAPS
from models.spike_sr.network import BANDS, Config

MAC_PJ, AC_PJ = 4.6, 0.9
"""Energy of a multiply-accumulate and of an accumulate at 45 nm (Horowitz 2014), in picojoule."""

NORM_OPERATIONS = 4  # of a number, as the paper's tool counts an affine layer norm
LAYERS = 3
PAPER_SIDE = 160


@dataclass(frozen=True)
class Part:
    """A kind of work in the network.

    Attributes:
        name: for people.
        kind: "MAC" or, where the input are spikes, "AC".
        operations: of one time step of one image, as if every neuron fired.
        every_step: whether each time step costs them, or the image once.
        counted: how many of them the paper's tool sees.
        neurons: indices of the layers of neurons whose spikes are the input.
    """

    name: str
    kind: str
    operations: int
    every_step: bool = True
    counted: int = 0
    neurons: tuple[int, ...] = ()


def parts(config: Config, height: int, width: int) -> list[Part]:
    """All work of a pass over a coarse image of height x width pixels in one piece."""
    c, pixels = config.channels, height * width
    blocks = config.groups * config.blocks
    patches = len(starts(height)) * len(starts(width))
    tokens = patches * TOKENS
    square, linear = 9 * c * c, 2 * c * QUERY + c * c + 2 * c * HIDDEN
    in_group = 2 * config.blocks
    spiking = tuple(g * (in_group + 1) + i for g in range(config.groups) for i in range(in_group))
    tails = tuple(g * (in_group + 1) + in_group for g in range(config.groups))
    few = c // 8
    gates = pixels * (square + 2 * 9 * c * few)
    last = pixels * 9 * c * BANDS * config.scale**2
    seen_linear = blocks * LAYERS * tokens * linear
    norms = blocks * LAYERS * 2 * tokens * c * NORM_OPERATIONS
    places = blocks * tokens * (SHIFTS + TAPS) * 9 * c
    out = blocks * pixels * square
    return [
        Part("spiking 3 x 3 convolutions", "AC", 2 * blocks * pixels * square, neurons=spiking),
        Part("spiking 1 x 1 convolutions", "AC", config.groups * pixels * c * c, neurons=tails),
        Part("real side branches", "MAC", blocks * pixels * square),
        Part("first convolution", "MAC", pixels * 9 * BANDS * c, every_step=False),
        Part("linear layers of patches", "MAC", seen_linear, counted=seen_linear + norms),
        Part("shifts and weights of deformable taps", "MAC", places, counted=places),
        Part("deformable kernels", "MAC", blocks * tokens * square),
        Part(
            "queries with keys, shares with values",
            "MAC",
            blocks * LAYERS * tokens * TOKENS * (QUERY + c),
        ),
        Part("convolutions after patches", "MAC", out, counted=out),
        Part("attention over time and channels", "MAC", blocks * c * (c + config.steps)),
        Part("refinement", "MAC", gates, every_step=False, counted=gates),
        Part("last convolution", "MAC", last, every_step=False, counted=last),
    ]


def total(config: Config, height: int, width: int, steps: int) -> int:
    """All operations of a pass, real and spike-driven, as if every neuron fired."""
    found = parts(config, height, width)
    return sum(p.operations * (steps if p.every_step else 1) for p in found)


def paper_operations(config: Config, side: int = PAPER_SIDE) -> int:
    """What the paper's tool counts for one time step of an image of side x side pixels."""
    return sum(p.counted for p in parts(config, side, side))


def paper_parameters(config: Config) -> int:
    """What the paper's tool counts as parameters."""
    c, square = config.channels, 9 * config.channels**2
    linear = 2 * c * QUERY + c * c + (c * HIDDEN + HIDDEN) + (HIDDEN * c + c)
    places = (SHIFTS + TAPS) * (9 * c + 1)
    hybrid = config.steps**2 + c * c
    block = 2 * c + LAYERS * (linear + 4 * c) + places + square + c + hybrid
    fewer, few = c // 16, c // 8
    level = (c * fewer + fewer) + (fewer * c + c)
    gate = (square + c) + (9 * c * few + few) + (9 * few * c + c)
    last = (9 * c + 1) * BANDS * config.scale**2
    return config.groups * config.blocks * block + level + gate + last


def energy_mj(part: Part, steps: int, rate: float = 1.0) -> float:
    """Energy of a part in millijoule; `rate` is the share of neurons that fire."""
    work = part.operations * (steps if part.every_step else 1)
    picojoule = work * rate * AC_PJ if part.kind == "AC" else work * MAC_PJ
    return picojoule * 1e-9
