"""SFormer, declared: what it takes, gives and can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rsviz.core.card import Accepts, ModelCard, Paper, Published, Tiling, read_weights
from rsviz.core.options import option

DETAIL = {"every pixel": 1, "every 2nd pixel": 2, "every 4th pixel": 4}
"""Distance of the pixels that are computed; the others take the class of the nearest."""


@dataclass(frozen=True)
class Options:
    """Settings of a run."""

    detail: str = option(
        "every pixel",
        "Detail",
        "Every pixel costs a pass through the network; a coarse map comes 16 times sooner.",
        choices=tuple(DETAIL),
    )
    views: int = option(
        4,
        "Views to average",
        "Patches are also read mirrored and turned, in up to 6 ways, and the probabilities are "
        "averaged. More is slower and a little more accurate.",
        low=1,
        high=6,
    )
    top_k: int = option(
        0,
        "Tokens kept",
        "What if each token attended to more or fewer of the 100 tokens than in training? "
        "0 is as trained; nothing is trained again.",
        low=0,
        high=100,
        live=True,
    )
    pick_row: int = option(
        -1,
        "Row of the pixel looked into",
        "Kept tokens, attention and kernel weights are its own; -1 is the middle of the scene. "
        "With a pixel the rest is read coarsely, every 4th pixel in one view, to answer at once.",
        low=-1,
        high=65535,
        hidden=True,
    )
    pick_col: int = option(
        -1,
        "Column of the pixel looked into",
        "See the row; -1 is the middle.",
        low=-1,
        high=65535,
        hidden=True,
    )
    bf16: bool = option(
        False,
        "Half precision",
        "Multiply matrices in bfloat16: faster, and probabilities change by about 0.01 at most.",
    )


CARD = ModelCard(
    id="sformer",
    title="SFormer",
    task="land cover from one hyperspectral image",
    summary=(
        "Labels each pixel from the 10 x 10 pixels around it. One kind of block chooses between a "
        "small and a large receptive field, another lets each token attend only to the tokens "
        "that match it best."
    ),
    paper=Paper(
        title=(
            "Dual Selective Fusion Transformer Network for Hyperspectral Image Classification "
            "(first published as Selective Transformer, SFormer)"
        ),
        authors="Xu, Wang, Zhang, Zhang",
        venue="Neural Networks 187:107311",
        year=2025,
        arxiv="2410.03171",
        published=(
            Published(
                "overall accuracy",
                95.17,
                "%",
                "Indian Pines, 50 pixels a class, 500 epochs, mean of 10 runs",
                "abstract of arXiv:2410.03171v3",
            ),
        ),
    ),
    accepts=Accepts(bands=(3, 1024), min_pixels=10),
    emits={
        "classes": "class_map",
        "probabilities": "probability_map",
        "confidence": "scalar_map",
        "entropy": "uncertainty_map",
        "margin": "uncertainty_map",
    },
    on_request={
        "receptive_field_1": "scalar_map",
        "receptive_field_2": "scalar_map",
        "kernel_weights": "curve",
        "kept_tokens": "tokens",
        "attention_before": "tokens",
        "attention_after": "tokens",
        "popularity": "tokens",
        "temperatures": "tokens",
        "loadings": "curve",
        "explained_variance": "curve",
    },
    at_pixel=("kernel_weights", "kept_tokens", "attention_before", "attention_after"),
    factory="models.sformer.model:SFormerModel",
    trainer="models.sformer.train:train",
    differentiable="models.sformer.scores:scores_at",
    teaching={"epochs": "60"},
    options=Options,
    weights=read_weights(Path(__file__).parent / "weights"),
    patch=10,
    tiling=Tiling(
        tile=2048,
        halo=10,
        note="Up to 5 pixels from a seam, the patches of one of the two tiles are mirrored.",
    ),
    limits=(
        "It knows the classes of the scene it was trained on and gives every pixel one of them, "
        "also where the ground is something else.",
        "It was trained and tested on the same scene, and its principal components are those of "
        "the whole scene; on another date or place expect less.",
        "Test pixels lie beside training pixels and their patches overlap, which flatters it; the "
        "split by blocks says how much of the accuracy that explains.",
        "The patch has an even side, so the pixel it labels is half a pixel off its middle.",
        "Probabilities are not calibrated.",
    ),
    departures=(
        "One decomposition of the whole scene gives the principal components for training and "
        "use; the released code fits two.",
        "The share of tokens that is kept is what the setting says on every scene.",
        "The two passes through the shared kernel-selective block have normalisation statistics "
        "of their own.",
        "Components are divided by the square root of their standard deviation, so that weak "
        "ones count more.",
        "120 epochs in batches of 64 with a warm-up, a cosine schedule, label smoothing, noise and "
        "moved patches instead of 500 in batches of 256 at a constant rate.",
        "The probabilities of four views of each patch are averaged; one is an option.",
        "Parts that the released code holds but never uses are left out.",
    ),
)
