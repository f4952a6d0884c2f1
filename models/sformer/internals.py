"""What happened inside SFormer: layers that are made only when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.sformer.network import DEPTH, LARGE, PASSES, SIDE, SMALL, SFormer
from models.sformer.patches import patches_at
from models.sformer.token_attention import GROUPS, HEADS
from rsviz.core.layers import Curve, Layer, ScalarMap, Tokens
from rsviz.core.scene import Scene
from rsviz.nn.probe import tracing

Floats = NDArray[np.float32]

SAMPLE_SIDE, SHOWN = 8, 6
CENTRE = SIDE * SIDE // 2
LAYERS = tuple(f"block {i + 1}" for i in range(PASSES * DEPTH))
PASS_NAMES = ("first", "second")
GROUP_NAMES = tuple(f"group {g + 1}" for g in range(GROUPS))
TOKEN_AXES, TOKEN_TICKS = ("block", "group", "row", "column"), (LAYERS, GROUP_NAMES, (), ())


@dataclass(frozen=True)
class Inside:
    """Everything a layer from inside is made of.

    Attributes:
        network: the network.
        image: padded principal components (k, H+9, W+9).
        scene: what was read.
        valid: (H, W) bool.
        keep: tokens that each query kept.
        pixel: row and column of the pixel looked into.
        planes: what was collected on the way, (.., H, W) by name.
    """

    network: SFormer
    image: Tensor
    scene: Scene
    valid: NDArray[np.bool_]
    keep: int
    pixel: tuple[int, int]
    planes: dict[str, Floats]

    @property
    def where(self) -> str:
        """The pixel looked into, for people."""
        return f"pixel in row {self.pixel[0]}, column {self.pixel[1]}"

    @cached_property
    def of_pixel(self) -> dict[str, Tensor]:
        """What all probes give for the pixel looked into."""
        return self._watched(torch.tensor([self.pixel]))

    @cached_property
    def of_sample(self) -> dict[str, Tensor]:
        """What the probes give for up to 64 pixels, evenly spread."""
        axes = (np.linspace(0, size - 1, min(size, SAMPLE_SIDE)) for size in self.valid.shape)
        rows, cols = (np.unique(axis.round().astype(np.int64)) for axis in axes)
        picked = [(int(r), int(c)) for r in rows for c in cols if self.valid[r, c]]
        return self._watched(torch.tensor(picked or [self.pixel]))

    def _watched(self, pixels: Tensor) -> dict[str, Tensor]:
        """What the probes of tokens and channels give for pixels (N, 2), reduced."""
        rows, cols = pixels.to(self.image.device).unbind(1)
        names = {f"token{i}.{what}" for i in range(len(LAYERS)) for what in _FOR_TOKENS}
        names |= {f"pass{turn + 1}.channels" for turn in range(PASSES)}
        with tracing(self.network, frozenset(names), _token_shares) as trace:
            self.network(patches_at(self.image, rows, cols), self.keep)
        return trace


def map_probes(wants: frozenset[str]) -> frozenset[str]:
    """Probes to listen to at every pixel."""
    return frozenset(f"pass{want[-1]}.share" for want in wants if want.startswith("receptive"))


def mapped(_: str, share: Tensor) -> Tensor:
    """Share of the large kernel (N, 25, 64) -> that of the middle token (N, 1)."""
    return share[:, CENTRE].mean(dim=1, keepdim=True).float()


_FOR_TOKENS = ("scores", "kept", "attention")


def _token_shares(name: str, value: Tensor) -> Tensor:
    """Reduce what a probe gives for patches.

    Channel weights (N, 2, 64) -> their mean (2, 64). Scores, kept and attention (N, 8, 100, 100)
    of query by key -> mean over heads: of the middle position's four queries (first row) and of
    all queries (second row), each (4, 5, 5) of group, row and column.
    """
    if name.endswith("channels"):
        return value.float().mean(dim=0).cpu()
    value = value.softmax(dim=-1) if name.endswith("scores") else value.float()
    value = value.mean(dim=(0, 1))  # (query, key)
    middle = value[CENTRE * GROUPS : (CENTRE + 1) * GROUPS].mean(dim=0)
    both = torch.stack((middle, value.mean(dim=0)))  # (2, 100)
    return both.unflatten(1, (SIDE, SIDE, GROUPS)).permute(0, 3, 1, 2).cpu()  # (2, 4, 5, 5)


def layer(name: str, inside: Inside) -> Layer:
    """The layer of that name."""
    return BUILDERS[name](inside)


def _receptive_field(turn: int) -> Callable[[Inside], Layer]:
    def build(inside: Inside) -> Layer:
        share = inside.planes[f"pass{turn}.share"][0]
        field = SMALL + (LARGE - SMALL) * np.where(inside.valid, share, np.nan)
        return ScalarMap(
            f"Receptive field, {PASS_NAMES[turn - 1]} pass",
            f"Mean of the small kernel's {SMALL} and the large kernel's {LARGE} tokens, weighed "
            "as the middle of each patch weighs them. A token is 2 x 2 pixels; the patch is "
            f"{SIDE} tokens wide, so more than that reaches beyond it.",
            inside.scene.grid,
            field.astype(np.float32),
            "receptive field",
            "tokens",
        )

    return build


def _kernel_weights(inside: Inside) -> Layer:
    curves, names = [], []
    for found, whose in ((inside.of_pixel, inside.where), (inside.of_sample, "mean of a sample")):
        for turn in range(1, PASSES + 1):
            curves.append(found[f"pass{turn}.channels"][1].numpy())
            names.append(f"pass {turn}, {whose}")
    return Curve(
        "Weight of the large kernel",
        "How much each channel takes from the large kernel; the small one has the rest. Channels "
        "are those inside the network, not bands.",
        np.arange(1, curves[0].size + 1, dtype=np.float32),
        np.stack(curves),
        tuple(names),
        "channel",
        "weight of the large kernel",
    )


def _tokens(found: dict[str, Tensor], what: str, row: int) -> Floats:
    """(block, group, row, column) of what the probes of all blocks gave."""
    planes = [found[f"token{i}.{what}"][row] for i in range(len(LAYERS))]
    return torch.stack(planes).numpy().astype(np.float32)


def _of_pixel(what: str, title: str, about: str) -> Callable[[Inside], Layer]:
    def build(inside: Inside) -> Layer:
        return Tokens(
            f"{title}: {inside.where}",
            f"{about} Mean over {HEADS} heads and the four groups' queries at the middle of the "
            "patch. A place is 2 x 2 pixels of the patch.",
            _tokens(inside.of_pixel, what, 0),
            TOKEN_AXES,
            TOKEN_TICKS,
            "share",
        )

    return build


def _popularity(inside: Inside) -> Layer:
    return Tokens(
        "Popularity of tokens",
        f"How often a token is among the {inside.keep} of 100 that a query keeps: mean over all "
        f"queries and heads, at up to {SAMPLE_SIDE**2} pixels spread over the scene.",
        _tokens(inside.of_sample, "kept", 1),
        TOKEN_AXES,
        TOKEN_TICKS,
        "share",
    )


def _temperatures(inside: Inside) -> Layer:
    planes = [block.attend.tau.detach().float().cpu() for block in inside.network.token_blocks]
    return Tokens(
        "Temperature of the heads",
        "Factor on the scores before the softmax, learned for each head: a greater one makes a "
        "head choose more sharply. It starts at 1.",
        torch.stack(planes).numpy(),
        ("block", "head"),
        (LAYERS, tuple(str(h + 1) for h in range(HEADS))),
    )


def _loadings(inside: Inside) -> Layer:
    projection = inside.network.projection
    components = projection.components[:SHOWN].float().cpu().numpy()
    shares = projection.variance[:SHOWN].float().cpu().numpy()
    centres = inside.scene.wavelengths_nm
    return Curve(
        "Loadings of the principal components",
        f"The first {len(components)} of the {len(projection.components)} components that the "
        "network reads, and the share of the scene's variance in each.",
        np.asarray(centres or range(1, components.shape[1] + 1), np.float32),
        components,
        tuple(f"component {i + 1} ({100 * s:.2g} %)" for i, s in enumerate(shares)),
        "wavelength [nm]" if centres else "band",
        "loading",
    )


def _explained_variance(inside: Inside) -> Layer:
    shares = inside.network.projection.variance.float().cpu().numpy()
    return Curve(
        "Explained variance",
        "Share of the scene's variance in the first components together, of the scene that the "
        "weights were trained on.",
        np.arange(1, shares.size + 1, dtype=np.float32),
        np.cumsum(shares)[None],
        ("cumulative",),
        "component",
        "share of variance",
    )


BUILDERS: dict[str, Callable[[Inside], Layer]] = {
    **{f"receptive_field_{turn}": _receptive_field(turn) for turn in range(1, PASSES + 1)},
    "kernel_weights": _kernel_weights,
    "kept_tokens": _of_pixel("kept", "Kept tokens", "Share of the queries that keep a token."),
    "attention_before": _of_pixel(
        "scores", "Attention before the selection", "Softmax over all 100 tokens."
    ),
    "attention_after": _of_pixel(
        "attention", "Attention after the selection", "Softmax over the kept tokens alone."
    ),
    "popularity": _popularity,
    "temperatures": _temperatures,
    "loadings": _loadings,
    "explained_variance": _explained_variance,
}
