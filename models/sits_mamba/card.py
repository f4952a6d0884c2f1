"""SITSMamba, declared: what it takes, gives and can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rsviz.core.card import Accepts, ModelCard, Paper, Published, Tiling, read_weights
from rsviz.core.options import option


@dataclass(frozen=True)
class Options:
    """Settings of a run."""

    pick_row: int = option(
        -1, "Row", "Of the pixel that is looked into; -1 is the middle.", low=-1, hidden=True
    )
    pick_col: int = option(
        -1, "Column", "Of the pixel that is looked into; -1 is the middle.", low=-1, hidden=True
    )


AT_PIXEL = {
    "pixel_series": "time_series",
    "pixel_reconstruction": "time_series",
    "pixel_residual": "time_series",
    "occlusion": "time_series",
    "season_probability": "time_series",
    "deciding_dates": "time_series",
    "step_size": "time_series",
    "state_norm": "time_series",
}

CARD = ModelCard(
    id="sits_mamba",
    title="SITSMamba",
    task="crops and land cover from a series of images",
    summary=(
        "Labels every pixel from all its dates. Small convolutions encode each date, a state-space "
        "model reads the year from its beginning to its end, and the strongest response over time "
        "decides; giving the dates back as they were is a second task in training."
    ),
    paper=Paper(
        title="SITSMamba for Crop Classification based on Satellite Image Time Series",
        authors="Qin, Su, Zhang",
        venue="IGARSS",
        year=2025,
        doi="10.1109/IGARSS55030.2025.11243832",
        arxiv="2409.09673",
        published=(
            Published(
                "overall_accuracy",
                0.7416,
                "",
                "PASTIS32, all 20 classes, void and background counted",
                "abstract, v2",
            ),
            Published("overall_accuracy", 0.9104, "", "MTLCC", "abstract, v2"),
        ),
    ),
    accepts=Accepts(bands=(1, 256), dates=(2, 4096)),
    emits={
        "classes": "class_map",
        "probabilities": "probability_map",
        "confidence": "scalar_map",
        "entropy": "uncertainty_map",
        "margin": "uncertainty_map",
    },
    on_request={
        **AT_PIXEL,
        "earliest_decision": "scalar_map",
        "deciding_day": "scalar_map",
        "reconstruction_error": "time_series",
        "dropped_dates": "curve",
    },
    at_pixel=tuple(AT_PIXEL),
    factory="models.sits_mamba.model:SITSMambaModel",
    trainer="models.sits_mamba.train:train",
    differentiable="models.sits_mamba.scores:scores_at",
    options=Options,
    weights=read_weights(Path(__file__).parent / "weights"),
    tiling=Tiling(
        tile=1 << 16,
        halo=8,
        tolerance=1e-4,
        note="It cuts large scenes itself, so that what is said of a whole scene is so.",
    ),
    patch=9,
    patches={1: 1},
    limits=(
        "It knows the classes it was trained on and gives every pixel one of them, also where "
        "something else grew.",
        "It was trained on one year and one place; another year has another weather.",
        "It reads dates in their order and looks only backward: what it says in May does not know "
        "of June.",
        "Where no date is clear it says nothing; where few are, its probabilities do not say so.",
        "Probabilities are not calibrated.",
    ),
    departures=(
        "Dates that are clouded or missing at a pixel are left out, of the scan, the maximum and "
        "the reconstruction; the paper skips only images in which nothing is known.",
        "The encoder is told the day of the year; the paper's is not.",
        "Scores are not cut at 0; the paper ends in batch normalisation and ReLU.",
        "Group normalisation works on every pixel alone, so that results do not depend on tiles; "
        "the paper's works on whole images.",
        "The network has 64 channels instead of 128, and series without neighbours are read with "
        "1 x 1 convolutions.",
        "Only labelled training pixels are reconstructed in training, so that no test pixel is "
        "ever a target.",
        "AdamW with a cosine schedule, dates left out at random, and no choice of an epoch; the "
        "paper uses Adam at a constant rate and keeps the epoch that is best on its test fold.",
        "All dates are read in use; the released code draws 30 at random.",
    ),
)
