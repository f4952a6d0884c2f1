"""EDSR, declared: the plain network with which others are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rsviz.core.card import Accepts, ModelCard, Paper, Published, Tiling, read_weights
from rsviz.core.options import option


@dataclass(frozen=True)
class Options:
    """Settings of a run."""

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


CARD = ModelCard(
    id="edsr",
    title="EDSR",
    task="a four times finer image from one image",
    summary=(
        "Adds detail to an aerial image of three bands with plain convolutions and nothing else. "
        "It is the yardstick: as many parameters as SpikeSR, trained on as many crops."
    ),
    paper=Paper(
        title="Enhanced Deep Residual Networks for Single Image Super-Resolution",
        authors="Lim, Son, Kim, Nah, Lee",
        venue="CVPR Workshops",
        year=2017,
        arxiv="1707.02921",
        published=(
            Published(
                "PSNR",
                30.65,
                "dB",
                "AID, x4, brightness, a version of 1518 thousand parameters",
                "notes on the table of arXiv:2503.04223",
            ),
        ),
    ),
    accepts=Accepts(bands=(3, 3), min_pixels=16),
    emits={"image": "sr_image"},
    on_request={"ensemble_spread": "uncertainty_map"},
    factory="models.edsr.model:EDSRModel",
    trainer="models.edsr.train:train",
    options=Options,
    weights=read_weights(Path(__file__).parent / "weights"),
    tiling=Tiling(
        tile=65535,
        halo=14,
        note=(
            "Scenes with a side above 128 pixels are computed in tiles of up to 100 pixels with 14 "
            "more around them, blended; the network sees up to 25 pixels far, with little weight "
            "beyond 14."
        ),
    ),
    limits=(
        "It takes three bands in the order red, green, blue; of a scene with more, choose three "
        "before the run.",
        "It was trained on 8-bit aerial photographs that had been compressed as JPEG, made coarser "
        "by bicubic resampling without noise; a real coarse sensor blurs otherwise.",
        "Detail that it adds is plausible, not measured; below the limit of the input it may be "
        "wrong.",
    ),
    departures=(
        "11 blocks of 64 channels, so that it has as many parameters as SpikeSR of size S; the "
        "paper's has 32 blocks of 256 channels.",
        "It adds to bicubic interpolation, and one convolution before a single pixel shuffle makes "
        "the fine image.",
    ),
)
