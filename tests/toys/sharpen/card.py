"""Card of a toy that tests run instead of a network: Lanczos interpolation and an unsharp mask."""

from dataclasses import dataclass

from rsviz.core.card import Accepts, ModelCard, Paper, Tiling
from rsviz.core.options import option


@dataclass(frozen=True)
class Options:
    """Settings of the toy."""

    scale: int = option(4, "Scale", "Times finer along each side.", low=2, high=4)
    amount: float = option(0.6, "Amount", "How much detail is exaggerated.", low=0, high=3)
    pick_row: int = option(-1, "Row", "Of the pixel to look into.", hidden=True)
    pick_col: int = option(-1, "Column", "Of the pixel to look into.", hidden=True)


CARD = ModelCard(
    id="sharpen",
    title="Sharpened Lanczos",
    task="super-resolution",
    summary="Enlarges by Lanczos interpolation and exaggerates detail. It learned nothing.",
    paper=Paper("On sharpness", "A. Author", "Journal of Toys", 1900, doi="10.0000/sharp"),
    accepts=Accepts(bands=(1, 400), min_pixels=4),
    emits={"image": "sr_image"},
    on_request={"amounts_spread": "uncertainty_map", "pixel_detail": "curve"},
    at_pixel=("pixel_detail",),
    costly=("amounts_spread",),
    factory="models.sharpen.model:Sharpen",
    options=Options,
    needs_weights=False,
    tiling=Tiling(tile=256, halo=16, tolerance=1e-3),
    limits=("It invents nothing.",),
)
