"""Card of a toy whose neurons fire on brightness; its image is bicubic interpolation."""

from dataclasses import dataclass

from rsviz.core.card import Accepts, ModelCard, Paper, Tiling
from rsviz.core.options import option


@dataclass(frozen=True)
class Options:
    """Settings of the toy."""

    scale: int = option(2, "Scale", "Times finer along each side.", low=2, high=4)
    pick_row: int = option(-1, "Row", "Of the pixel to look into.", hidden=True)
    pick_col: int = option(-1, "Column", "Of the pixel to look into.", hidden=True)


CARD = ModelCard(
    id="spark",
    title="Pulses",
    task="super-resolution",
    summary="Interpolates, and lets neurons of four sensitivities fire on brightness.",
    paper=Paper("On pulses", "A. Author", "Journal of Toys", 1900, doi="10.0000/pulse"),
    accepts=Accepts(bands=(1, 3), min_pixels=16),
    emits={"image": "sr_image"},
    on_request={
        "spike_rates": "spike_trace",
        "spike_steps": "tokens",
        "charge_steps": "tokens",
        "rate_map": "scalar_map",
        "silent": "table",
        "membrane": "curve",
        "raster": "tokens",
        "attention": "tokens",
        "partner": "table",
        "offsets": "table",
        "step_image_1": "sr_image",
        "step_image_2": "sr_image",
        "convergence": "curve",
        "energy": "table",
    },
    at_pixel=("membrane", "raster", "partner", "offsets"),
    factory="models.spark.model:Pulse",
    options=Options,
    needs_weights=False,
    tiling=Tiling(tile=512),
)
