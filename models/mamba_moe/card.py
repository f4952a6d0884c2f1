"""MambaMoE, declared: what it takes, gives and can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rsviz.core.card import Accepts, ModelCard, Paper, Tiling, read_weights
from rsviz.core.options import option


@dataclass(frozen=True)
class Options:
    """Settings of a run."""

    views: int = option(
        4,
        "Views to average",
        "The scene is also read turned and mirrored, in up to 8 ways, and the probabilities are "
        "averaged. More is slower and a little more accurate.",
        low=1,
        high=8,
    )
    top_k: int = option(
        0,
        "Experts at once",
        "What if more or fewer spatial experts worked at once than in training? 0 is as trained.",
        low=0,
        high=4,
    )
    bf16: bool = option(
        False,
        "Half precision",
        "Compute in bfloat16 where that is safe. Faster on a GPU.",
    )


LEVELS = (1, 2, 3)

CARD = ModelCard(
    id="mamba_moe",
    title="MambaMoE",
    task="land cover from one hyperspectral image",
    summary=(
        "Labels every pixel of a hyperspectral scene at once. Narrow state-space experts read the "
        "scene row by row or column by column, a router picks two of four, and a shared expert "
        "reads along the spectrum."
    ),
    paper=Paper(
        title=(
            "MambaMoE: Mixture-of-Spectral-Spatial-Experts State Space Model for Hyperspectral "
            "Image Classification"
        ),
        authors="Xu, Wang, Jiao, Zhang, Zhang",
        venue="Information Fusion 127:103811",
        year=2026,
        arxiv="2504.20509",
    ),
    accepts=Accepts(bands=(3, 1024), min_pixels=16),
    emits={
        "classes": "class_map",
        "probabilities": "probability_map",
        "confidence": "scalar_map",
        "entropy": "uncertainty_map",
        "margin": "uncertainty_map",
    },
    on_request={
        **{f"routing_{i}": "routing_map" for i in LEVELS},
        "gates": "tokens",
        **{f"contribution_{i}": "routing_map" for i in LEVELS},
        **{f"delta_{i}": "scalar_map" for i in LEVELS},
        **{f"uncertainty_{i}": "uncertainty_map" for i in LEVELS},
        "classes_2": "class_map",
        "classes_3": "class_map",
        "disagreement": "scalar_map",
        "expert_spectra": "curve",
        "scan_orders": "tokens",
        "sampling": "tokens",
    },
    factory="models.mamba_moe.model:MambaMoEModel",
    trainer="models.mamba_moe.train:train",
    differentiable="models.mamba_moe.scores:scores_at",
    teaching={"embed": "32", "pool_first": "no", "epochs": "100"},
    options=Options,
    weights=read_weights(Path(__file__).parent / "weights"),
    tiling=Tiling(
        tile=256,
        halo=32,
        note=(
            "The router and the normalisation look at one tile at a time, so the result depends "
            "on the tiles."
        ),
    ),
    limits=(
        "It knows the classes of the scene it was trained on and gives every pixel one of them, "
        "also where the ground is something else.",
        "It was trained and tested on the same scene; on another date or place expect less.",
        "Random splits put test pixels beside training pixels; the split by blocks says how much "
        "of the accuracy that explains.",
        "Probabilities are the network's own. Where a temperature was fitted, the classify page "
        "shows what it mends.",
    ),
    departures=(
        "The spectral expert has a form for scenes of any size, used by default: what the paper "
        "stores for each pixel position is computed from the pixel's features. The paper's form, "
        "bound to one scene size, is there as a configuration.",
        "The spectral expert's weights persist and are trained; the released code draws them anew "
        "at every pass.",
        "Its convolution along the pixels does not run from the end of a row into the next row.",
        "Each spatial expert keeps one scan direction in training and use, its convolution sees "
        "the image as it lies, and its output is put back to where it came from.",
        "The prediction head, not the coarsest one, is the head that is also trained on all "
        "labels.",
        "Corrective sampling happens in training only; results repeat exactly.",
        "Bands are standardised instead of stretched to 0..1; bands marked as bad count as 0.",
        "Training turns and mirrors the scene at random, lasts 400 epochs (200 on the simulated "
        "scenes) and multiplies matrices in bfloat16.",
        "A run averages the probabilities of four views, plain and mirrored; one is the paper's.",
        "On the simulated scenes level 1 has full resolution; the paper's has half.",
        "Pixel routing, a top-2 choice for every pixel, is ours, as are the optional balance term "
        "and another number of experts at run time.",
        "No-data pixels are filled from the nearest pixel before the pass, undefined after it.",
    ),
)
