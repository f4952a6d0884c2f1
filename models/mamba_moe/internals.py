"""What happened inside MambaMoE: layers that are made only when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.mamba_moe.experts import DIRECTIONS, to_sequence
from models.mamba_moe.network import EXPERTS, enlarge
from models.mamba_moe.ugcl import uncertainty
from rsviz.core.layers import (
    ClassMap,
    Curve,
    Layer,
    RoutingMap,
    ScalarMap,
    Tokens,
    UncertaintyMap,
)
from rsviz.core.scene import Scene

Floats = NDArray[np.float32]
NAMES = tuple(f"{direction}, width {2 ** (i + 1)}" for i, direction in enumerate(DIRECTIONS))
RESOLUTION = {1: "fine", 2: "middle", 3: "coarse"}
SMALL_GRID = (5, 8)


@dataclass(frozen=True)
class Replay:
    """Corrective-sampling masks kept from training.

    Attributes:
        masks: (M, H, W) bool: pixels that the draw let through.
        epochs: the M epochs they belong to.
    """

    masks: NDArray[np.bool_]
    epochs: tuple[int, ...]

    @staticmethod
    def packed(masks: list[Tensor], epochs: Iterable[int]) -> dict[str, Tensor]:
        """Tensors to store beside the weights, eight pixels a byte, from masks (H, W) bool."""
        bits = np.packbits(torch.stack(masks).numpy(), axis=2)
        return {
            "sampling.bits": torch.from_numpy(bits),
            "sampling.epochs": torch.tensor(list(epochs)),
            "sampling.width": torch.tensor(masks[0].shape[1]),
        }

    @staticmethod
    def taken_from(state: dict[str, Tensor]) -> Replay:
        """Take the stored masks out of the tensors of a weights file."""
        if "sampling.bits" not in state:
            return Replay(np.zeros((0, 1, 1), bool), ())
        bits, width = state.pop("sampling.bits").numpy(), int(state.pop("sampling.width"))
        epochs = tuple(int(e) for e in state.pop("sampling.epochs"))
        return Replay(np.unpackbits(bits, axis=2, count=width).astype(bool), epochs)


@dataclass(frozen=True)
class Inside:
    """Everything a layer from inside is made of.

    Attributes:
        scene: what was read.
        valid: (H, W) bool.
        logits: of heads 1, 2 and 3 for the plain view, (1, K, h, w) each.
        trace: what the probes gave, reduced.
        pixelwise: whether the router decides for each pixel.
        labels, colours: of the classes.
        replay: masks kept from training.
    """

    scene: Scene
    valid: NDArray[np.bool_]
    logits: tuple[Tensor, ...]
    trace: dict[str, Tensor]
    pixelwise: bool
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    replay: Replay

    def on_scene(self, planes: Tensor) -> Floats:
        """Enlarge (N, h, w) to the scene: (N, H, W), NaN where there is no data."""
        image = enlarge(planes[None], self.scene.grid.shape)[0].numpy()
        return np.where(self.valid, image, np.nan).astype(np.float32)


STOPS = frozenset(
    f"level{level}.{what}" for level in RESOLUTION for what in ("gates", "mixed", "sum")
)
"""Places all along a pass; listening to them lets a cancel take effect there."""


def probes_for(wants: frozenset[str], pixelwise: bool) -> frozenset[str]:
    """Probes that the wanted layers need, the gates included."""
    names = {f"level{level}.gates" for level in RESOLUTION}
    for want in wants:
        stem, level = _level_of(want)
        if stem == "expert_spectra":
            stem, level = "routing", 1
        if stem == "routing" and not pixelwise:
            names.add(f"level{level}.affinity")
        if stem in ("contribution", "delta"):
            what = "output" if stem == "contribution" else "step"
            names |= {f"level{level}.expert{e}.{what}" for e in range(EXPERTS)}
    return frozenset(names)


def reduced(name: str, value: Tensor) -> Tensor:
    """Keep of a traced quantity what is drawn: (N, h, w) on the CPU."""
    if name.endswith((".mixed", ".sum")):
        return value.new_empty(0)  # only a place to stop
    value = value[0].float()
    if name.endswith(".output"):
        value = value.abs().mean(0, keepdim=True)
    elif name.endswith(".step"):
        value = value.mean(0, keepdim=True)
    return value.cpu()


def layer(name: str, inside: Inside) -> Layer:
    """The layer of that name, as the card declares it."""
    stem, level = _level_of(name)
    return BUILDERS[stem](inside, level)


def _level_of(name: str) -> tuple[str, int]:
    """Split 'routing_2' into ('routing', 2); names without a level have level 0."""
    stem, _, last = name.rpartition("_")
    return (stem, int(last)) if last.isdigit() else (name, 0)


def _routing(inside: Inside, level: int) -> Layer:
    what = "gates" if inside.pixelwise else "affinity"
    planes = inside.trace[f"level{level}.{what}"]
    about = (
        "Which of the four spatial experts worked at each pixel, and with what share."
        if inside.pixelwise
        else "Which experts each pixel votes for. The decision itself is taken once for the "
        "whole scene, from the mean of the votes before the softmax."
    )
    return RoutingMap(
        f"{'Routing' if inside.pixelwise else 'Affinity'}, {RESOLUTION[level]} level",
        about,
        inside.scene.grid,
        inside.on_scene(planes / planes.sum(0)),
        NAMES,
        f"level {level}",
        "routing" if inside.pixelwise else "affinity",
    )


def _gates(inside: Inside, _: int) -> Layer:
    planes = [inside.trace[f"level{level}.gates"].mean((1, 2)) for level in RESOLUTION]
    what = "mean over the pixels" if inside.pixelwise else "one decision for the scene"
    return Tokens(
        "Weights of the experts",
        f"Weight given to each spatial expert at each level ({what}); 0 is not used.",
        torch.stack(planes).numpy(),
        ("stage", "expert"),
        (tuple(RESOLUTION.values()), NAMES),
    )


def _contribution(inside: Inside, level: int) -> Layer:
    found = _traced(inside, level, "output")
    nothing = torch.zeros_like(next(iter(found.values())))
    planes = torch.cat([found.get(e, nothing) for e in range(EXPERTS)])  # (E, h, w)
    return RoutingMap(
        f"Contribution of the experts, {RESOLUTION[level]} level",
        "Share of each expert in the mean magnitude of what the experts added.",
        inside.scene.grid,
        inside.on_scene(planes / planes.sum(0).clamp(min=1e-20)),
        NAMES,
        f"level {level}",
        "contribution",
    )


def _delta(inside: Inside, level: int) -> Layer:
    steps = torch.stack(list(_traced(inside, level, "step").values())).mean(0)
    return ScalarMap(
        f"Step size, {RESOLUTION[level]} level",
        "How strongly the experts at work write a pixel into their state; small steps pass over "
        "it. Mean over experts and channels.",
        inside.scene.grid,
        inside.on_scene(steps)[0],
        "step size",
        "1",
    )


def _traced(inside: Inside, level: int, what: str) -> dict[int, Tensor]:
    """Traced planes (1, h, w) of the experts that worked at a level."""
    names = {e: f"level{level}.expert{e}.{what}" for e in range(EXPERTS)}
    return {e: inside.trace[name] for e, name in names.items() if name in inside.trace}


def _uncertainty(inside: Inside, level: int) -> Layer:
    return UncertaintyMap(
        f"Uncertainty of the {RESOLUTION[level]} head",
        "-p ln p of the most probable class, the measure that training samples by. It is "
        "greatest at p = 0.37 and small again for an utterly confused pixel.",
        inside.scene.grid,
        inside.on_scene(uncertainty(inside.logits[level - 1])[0]).clip(min=0)[0],
        "-p ln p",
        "nat",
        (0.0, math.exp(-1.0)),
    )


def _classes(inside: Inside, level: int) -> Layer:
    logits = enlarge(inside.logits[level - 1], inside.scene.grid.shape)[0]
    return ClassMap(
        f"Classes of the {RESOLUTION[level]} head",
        "What the network would say from this level on alone.",
        inside.scene.grid,
        np.where(inside.valid, logits.argmax(0).numpy(), -1).astype(np.int16),
        inside.labels,
        inside.colours,
    )


def _disagreement(inside: Inside, _: int) -> Layer:
    size = inside.scene.grid.shape
    p = torch.stack([enlarge(x, size)[0].softmax(0) for x in inside.logits])
    spread = _entropy(p.mean(0)) - _entropy(p.transpose(0, 1)).mean(0)
    return ScalarMap(
        "Disagreement of the heads",
        "Jensen-Shannon divergence of the three heads' probabilities: 0 when they agree.",
        inside.scene.grid,
        inside.on_scene(spread.clamp(min=0)[None])[0],
        "Jensen-Shannon divergence",
        "nat",
        limits=(0.0, math.log(3.0)),
    )


def _entropy(p: Tensor) -> Tensor:
    """Entropy over the first axis [nat]."""
    return torch.special.entr(p).sum(0)


def _expert_spectra(inside: Inside, _: int) -> Layer:
    routing = _routing(inside, 1)
    assert isinstance(routing, RoutingMap)
    dominant = np.where(inside.valid, np.nan_to_num(routing.data).argmax(0), -1)
    found = [e for e in range(EXPERTS) if (dominant == e).any()]
    pixels = inside.scene.pixels[0]
    means = np.empty((len(found), pixels.shape[0]), np.float32)
    for row, e in enumerate(found):
        means[row] = pixels[:, dominant == e].mean(1)
    centres = inside.scene.wavelengths_nm
    counts = [int((dominant == e).sum()) for e in found]
    return Curve(
        "Mean spectrum of each expert's pixels",
        "Pixels are grouped by the expert they prefer at the fine level.",
        np.asarray(centres or range(pixels.shape[0]), np.float32),
        means,
        tuple(f"{NAMES[e]} ({n} pixels)" for e, n in zip(found, counts, strict=True)),
        "wavelength [nm]" if centres else "band",
        inside.scene.quantity.replace("_", " "),
    )


def _scan_orders(_: Inside, __: int) -> Layer:
    height, width = SMALL_GRID
    index = torch.arange(float(height * width)).reshape(1, 1, height, width)
    orders = torch.stack([to_sequence(index, d)[0, 0] for d in range(EXPERTS)])
    return Tokens(
        "Scan orders",
        f"The order in which each expert visits the pixels of a grid of {height} rows and "
        f"{width} columns; pixels are numbered row by row from 0.",
        orders.numpy(),
        ("direction", "position"),
        (DIRECTIONS, ()),
        f"pixel of {height} x {width}",
    )


def _sampling(inside: Inside, _: int) -> Layer:
    replay = inside.replay
    return Tokens(
        "Corrective sampling in training",
        "Pixels (1) that the draw of the prediction head let through, where they carry a "
        "training label, in some epochs of the training; on the scene it was trained on.",
        replay.masks.astype(np.float32),
        ("epoch", "row", "column"),
        (tuple(str(e) for e in replay.epochs), (), ()),
    )


BUILDERS: dict[str, Callable[[Inside, int], Layer]] = {
    "routing": _routing,
    "gates": _gates,
    "contribution": _contribution,
    "delta": _delta,
    "uncertainty": _uncertainty,
    "classes": _classes,
    "disagreement": _disagreement,
    "expert_spectra": _expert_spectra,
    "scan_orders": _scan_orders,
    "sampling": _sampling,
}
