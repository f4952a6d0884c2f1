"""The coupled model of land surface temperature, declared: what it takes, gives, can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rsviz.core.card import Accepts, ModelCard, Need, Paper, Published, Tiling, read_weights
from rsviz.core.options import option

FROM_NDVI, FROM_NUMBER = "vegetation index", "one number"


@dataclass(frozen=True)
class Options:
    """Settings of a run. A raster of the scene goes before the number of the same name."""

    water_vapour: float = option(
        0.0,
        "Water vapour [g/cm²]",
        "Of the whole column of air; 0 means not known. Dry winter air has 0.5, the tropics 4 to "
        "6. A band 'water vapour' of the scene goes before it.",
        low=0.0,
        high=8.0,
        hidden=True,
    )
    air_temperature_k: float = option(
        0.0,
        "Air temperature [K]",
        "Near the ground at the time of the image; 0 means not known. A band 'air temperature' "
        "of the scene goes before it.",
        low=0.0,
        high=335.0,
        hidden=True,
    )
    emissivity_from: str = option(
        FROM_NDVI,
        "Emissivity from",
        "Thresholds of the vegetation index tell bare, mixed and green ground apart. A band "
        "'emissivity' of the scene goes before it.",
        choices=(FROM_NDVI, FROM_NUMBER),
    )
    emissivity: float = option(
        0.97,
        "Emissivity",
        "Of all pixels, when one number is to hold.",
        low=0.5,
        high=1.0,
    )
    water_error_percent: float = option(
        12.0,
        "Error of water vapour [%]",
        "Standard deviation; a reanalysis is 10 to 15 % off. The less it is, the more the "
        "inversion is trusted.",
        low=0.0,
        high=40.0,
    )
    air_error_k: float = option(
        1.5,
        "Error of air temperature [K]",
        "Standard deviation.",
        low=0.0,
        high=5.0,
    )
    view_angle_deg: float = option(
        0.0, "View angle [°]", "From the vertical, at the ground.", low=0.0, high=60.0
    )
    coldest_k: float = option(
        240.0, "Coldest [K]", "Temperatures below are marked as not valid.", low=150.0, high=300.0
    )
    hottest_k: float = option(
        345.0, "Hottest [K]", "Temperatures above are marked as not valid.", low=290.0, high=400.0
    )
    ensemble: bool = option(
        True,
        "Whole ensemble",
        "Four networks and their disagreement; one alone is three times faster.",
    )


CARD = ModelCard(
    id="lst_coupled",
    title="Coupled LST",
    task="land surface temperature from one thermal band",
    summary=(
        "Works out how hot the ground was from one thermal band of Landsat. A network corrects a "
        "parametric atmosphere, the equation of radiative transfer turns it into a temperature, "
        "and propagated errors decide how far that temperature is trusted."
    ),
    paper=Paper(
        title=(
            "A Mechanism-Learning Deeply Coupled Model for Remote Sensing Retrieval of Global "
            "Land Surface Temperature"
        ),
        authors="Xie, Jiang, Shen, Li, Zeng, Ma, Zhang, Zhang",
        venue="arXiv",
        year=2025,
        arxiv="2504.07481",
        published=(
            Published(
                "reduction of RMSE",
                30.0,
                "%",
                "against standalone methods, global validation",
                "abstract of arXiv:2504.07481",
            ),
            Published(
                "mean absolute error",
                2.29,
                "K",
                "extreme humidity; 4.87 K before coupling",
                "abstract of arXiv:2504.07481",
            ),
        ),
    ),
    accepts=Accepts(
        bands=(3, 64),
        quantities=("reflectance_and_temperature",),
        needs=(
            Need("red", 620.0, 690.0, 655.0),
            Need("near-infrared", 760.0, 900.0, 865.0),
            Need("thermal", 10600.0, 11600.0, 10895.0),
        ),
    ),
    emits={
        "temperature": "scalar_map",
        "uncertainty": "uncertainty_map",
        "validity": "scalar_map",
        "single_channel": "scalar_map",
        "mono_window": "scalar_map",
        "water_vapour_air_temperature": "scalar_map",
        "brightness_temperature": "scalar_map",
        "emissivity": "scalar_map",
        "vegetation_index": "scalar_map",
        "transmittance": "scalar_map",
        "path_radiance": "scalar_map",
        "sky_radiance": "scalar_map",
    },
    on_request={
        "single_channel_refit": "scalar_map",
        "inverted": "scalar_map",
        "direct": "scalar_map",
        "trust": "scalar_map",
        "residual": "scalar_map",
        "closure": "scalar_map",
        "disagreement": "uncertainty_map",
        "water_vapour": "scalar_map",
        "air_temperature": "scalar_map",
    },
    factory="models.lst_coupled.model:CoupledModel",
    trainer="models.lst_coupled.train:train",
    options=Options,
    example={"water_vapour": 2.0, "air_temperature_k": 295.0},
    weights=read_weights(Path(__file__).parent / "weights"),
    tiling=Tiling(tile=1024, halo=0, tolerance=0.0),
    limits=(
        "It learned from simulated measurements through real profiles of air (RFMIP), not from "
        "measured ground temperatures; how wrong it is outside is not known.",
        "Water vapour and air temperature must be given; their errors matter more than the method.",
        "Clouds are not masked: a cloud is given the temperature of its top, wrongly corrected.",
        "Emissivity from a vegetation index is wrong on roofs, rocks and snow.",
        "Band 10 of Landsat 9 counts as that of Landsat 8; band 11 is not used.",
        "Beyond 5 g/cm² of water vapour single pixels are off by about 4 K.",
    ),
    departures=(
        "The paper's network, inputs, loss weights and profiles are not public: this is our own "
        "coupled form with the same intent.",
        "100 profiles of RFMIP with 60 variations each stand for the paper's 5,810 profiles.",
        "LOWTRAN 7 simulated them.",
        "The two heads are joined by propagated errors instead of fixed weights.",
        "Beyond the inputs of training learned corrections fade and the parametric atmosphere "
        "remains.",
    ),
)
