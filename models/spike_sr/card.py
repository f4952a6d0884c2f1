"""SpikeSR, declared: what it takes, gives and can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rsviz.core.card import Accepts, ModelCard, Paper, Published, Tiling, read_weights
from rsviz.core.options import option

GROUPS, BLOCKS = 3, 2
"""Spiking attention groups of the size S, and blocks in each."""
LIVELIEST = "group3.block2.second"
"""Neurons most of which fire at some steps and rest at others: 31 % on validation images."""


def block_names(groups: int, blocks: int) -> tuple[str, ...]:
    """Spiking attention blocks by the names of their probes."""
    return tuple(f"group{g + 1}.block{b + 1}" for g in range(groups) for b in range(blocks))


def neuron_names(groups: int, blocks: int) -> tuple[str, ...]:
    """Layers of neurons by the names of their probes, in the order of the network."""
    found: list[str] = []
    for g in range(groups):
        for block in block_names(groups, blocks)[g * blocks : (g + 1) * blocks]:
            found += [f"{block}.first", f"{block}.second"]
        found.append(f"group{g + 1}.tail")
    return tuple(found)


def spoken(name: str) -> str:
    """A probe's name for people: 'group 1, block 2, first'."""
    return name.replace("group", "group ").replace("block", "block ").replace(".", ", ")


@dataclass(frozen=True)
class Options:
    """Settings of a run."""

    steps: int = option(
        4,
        "Time steps",
        "It was trained with 4. With fewer it is faster; nothing is trained again.",
        low=1,
        high=4,
    )
    ensemble: bool = option(
        False,
        "Eight views",
        "Average the results of the eight turned and mirrored copies: slower, slightly better.",
    )
    bf16: bool = option(
        True,
        "Half precision",
        "Multiply in bfloat16 where the processor can: much faster, and brightness changes by "
        "less than a grey level.",
    )
    watch: str = option(
        spoken(LIVELIEST),
        "Neurons looked at",
        "The layer whose spikes and membranes are shown in detail.",
        choices=tuple(spoken(name) for name in neuron_names(GROUPS, BLOCKS)),
    )
    pick_row: int = option(
        -1, "Row looked into", "Of the pixel; -1 is the middle.", low=-1, high=65535, hidden=True
    )
    pick_col: int = option(
        -1, "Column looked into", "See the row.", low=-1, high=65535, hidden=True
    )


CARD = ModelCard(
    id="spike_sr",
    title="SpikeSR",
    task="a four times finer image from one image",
    summary=(
        "Adds detail to an aerial image of three bands with a network part of which speaks in "
        "spikes: neurons gather current over four steps and fire when a threshold is reached. "
        "Attention weighs steps, channels and patches that resemble each other."
    ),
    paper=Paper(
        title=(
            "Spiking Meets Attention: Efficient Remote Sensing Image Super-Resolution with "
            "Attention Spiking Neural Networks"
        ),
        authors="Xiao, Yuan, Jiang, Huang, Zhang, Zheng, Lin, Zhang",
        venue="NeurIPS 38",
        year=2025,
        arxiv="2503.04223",
        published=(
            Published(
                "PSNR", 30.91, "dB", "AID, x4, brightness, full size", "notes on the paper's table"
            ),
            Published(
                "PSNR", 30.86, "dB", "AID, x4, brightness, size S", "notes on the paper's table"
            ),
            Published(
                "parameters",
                472.0,
                "thousand",
                "size S, as counted by the paper's tool",
                "notes on the paper's table",
            ),
        ),
    ),
    accepts=Accepts(bands=(3, 3), min_pixels=16),
    emits={"image": "sr_image"},
    on_request={
        "spike_rates": "spike_trace",
        "channel_rates": "tokens",
        "rate_map": "scalar_map",
        "rate_map_all": "scalar_map",
        "spike_steps": "tokens",
        "charge_steps": "tokens",
        "raster": "tokens",
        "membrane": "curve",
        "texture": "curve",
        "silent": "table",
        "attention": "tokens",
        "partner": "table",
        "similarity_map": "scalar_map",
        "offsets": "table",
        "offset_map": "scalar_map",
        "convergence": "curve",
        "step_image_1": "sr_image",
        "step_image_2": "sr_image",
        "step_image_3": "sr_image",
        "step_image_4": "sr_image",
        "branches": "table",
        "energy": "table",
        "counts": "table",
        "ensemble_spread": "uncertainty_map",
        "step_spread": "uncertainty_map",
    },
    at_pixel=("raster", "membrane", "partner", "offsets"),
    costly=("ensemble_spread",),
    factory="models.spike_sr.model:SpikeSRModel",
    trainer="models.spike_sr.train:train",
    options=Options,
    weights=read_weights(Path(__file__).parent / "weights"),
    tiling=Tiling(
        tile=65535,
        halo=14,
        note=(
            "Scenes with a side above 128 pixels are computed in tiles of up to 100 pixels with 14 "
            "more around them, blended. A patch finds its partner in its own tile, and attention "
            "over time and channels uses the mean of its own tile, so tiles change the result a "
            "little."
        ),
    ),
    limits=(
        "It takes three bands in the order red, green, blue; of a scene with more, choose three "
        "before the run.",
        "It was trained on 8-bit aerial photographs that had been compressed as JPEG, made coarser "
        "by bicubic resampling without noise; a real coarse sensor blurs otherwise.",
        "Detail that it adds is plausible, not measured; below the limit of the input it may be "
        "wrong.",
        "At most a seventh of its operations are driven by spikes; four steps cost more energy "
        "than one pass of a plain network of equal size.",
    ),
    departures=(
        "The network adds to bicubic interpolation (`global_skip`); the released one makes the "
        "whole image.",
        "Deformable convolutions exist only in the layers that use them; the released code also "
        "holds two unused ones in each block.",
        "Where more than two patches overlap, all are averaged.",
        "Membranes start at zero for every image; the released code never resets them.",
        "Training uses one time step at first, then two, then four.",
    ),
)
