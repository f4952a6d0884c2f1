"""Card of a toy that tests run instead of a network: the nearest mean spectrum."""

from dataclasses import dataclass
from pathlib import Path

from rsviz.core.card import Accepts, ModelCard, Paper, Tiling, read_weights
from rsviz.core.options import option


@dataclass(frozen=True)
class Options:
    """Settings of the toy."""

    sharpness: float = option(1.0, "Sharpness", "Factor on the distances.", low=0.01, high=100)
    fits: int = option(0, "Largest side that fits", "0 for any; larger tiles run out of memory.")


CARD = ModelCard(
    id="nearest",
    title="Nearest mean",
    task="classification",
    summary="Gives each pixel the class of the nearest mean spectrum. It looks at no neighbour.",
    paper=Paper("On means", "A. Author", "Journal of Toys", 1900, doi="10.0000/toy"),
    accepts=Accepts(bands=(2, 400), quantities=("reflectance", "dn"), min_pixels=4),
    emits={"classes": "class_map", "probabilities": "probability_map"},
    on_request={"distance": "scalar_map", "means": "curve"},
    factory="models.nearest.model:Nearest",
    options=Options,
    trainer="models.nearest.train:train",
    weights=read_weights(Path(__file__).parent / "weights"),
    patch=1,
    tiling=Tiling(tile=64, halo=0, tolerance=1e-6),
    limits=("It knows no neighbourhood.",),
)
