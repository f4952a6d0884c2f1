"""Indian Pines, the scene that opens first: real data that come with the library tensorly.

AVIRIS, 12 June 1992, north-west Indiana, 145 x 145 pixels of about 20 m, 200 of 220 bands
(those in water vapour are left out: 104-108, 150-163 and 220). Baumgardner, Biehl and
Landgrebe 2015, doi:10.4231/R7RX991C, CC BY 3.0.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Grid
from rsviz.io.budget import Budget
from rsviz.io.meaning import bands_of
from rsviz.io.source import Classes, Labels, Request, SceneSource

ABOUT = (
    "Two thirds crops, one third forest, seen by AVIRIS on 12 June 1992 in Indiana: 145 x 145 "
    "pixels, 200 bands, 16 classes of very unequal size."
)
LICENCE = "CC BY 3.0, doi:10.4231/R7RX991C, shipped by tensorly (BSD-3)"

CLASSES = Classes(
    (
        "Alfalfa",
        "Corn-notill",
        "Corn-mintill",
        "Corn",
        "Grass-pasture",
        "Grass-trees",
        "Grass-pasture-mowed",
        "Hay-windrowed",
        "Oats",
        "Soybean-notill",
        "Soybean-mintill",
        "Soybean-clean",
        "Wheat",
        "Woods",
        "Buildings-Grass-Trees-Drives",
        "Stone-Steel-Towers",
    ),
)

WAVELENGTHS_FILE = Path(__file__).with_name("aviris_1992.txt")
"""Centre and width (nm) of the 220 bands; source: AVIRIS calibration 92AV3C.spc of 1992."""

LEFT_OUT = frozenset((*range(104, 109), *range(150, 164), 220))
"""Water-vapour bands, counted from 1, that the 200-band version leaves out."""

PIXEL_M = 20.0


def data_folder() -> Path | None:
    """Where tensorly keeps the scene; None when it is not installed. Does not import it."""
    spec = find_spec("tensorly")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


def open_indian_pines(budget: Budget) -> SceneSource:
    """Open the scene with its band centres, class names and reference labels.

    Raises:
        UnreadableScene: tensorly is not installed.
    """
    from rsviz.io.npy import open_npy

    folder = data_folder()
    cube = None if folder is None else folder / "Indian_pines_corrected.npy"
    if folder is None or cube is None or not cube.is_file():
        raise UnreadableScene(
            "Indian Pines comes with the library tensorly, which is not installed here.",
            "Install the requirements again: pip install -r requirements.txt",
        )
    source = open_npy(cube, Request(budget, axes="HWC"))
    labels = open_npy(folder / "Indian_pines_gt.npy", Request(budget, axes="HW"))
    centres, widths = band_table()
    bands, _ = bands_of(len(centres), wavelengths=centres, unit="nm", widths=widths)
    plain = source.describe()
    described = replace(
        plain,
        name="Indian Pines",
        axes="",
        bands=bands,
        grid=Grid(plain.grid.height, plain.grid.width, pixel_m=(PIXEL_M, PIXEL_M)),
        notes=(
            "Indian Pines has no map coordinates: it is shown in pixel coordinates. Areas use "
            "the nominal pixel of 20 m.",
            "The numbers are the sensor's original 16-bit values, not reflectance.",
            "20 of 220 bands, those in water vapour, are left out by those who published it; "
            "where two spectrometers overlap, wavelengths step back twice.",
        ),
    )
    return source.described(described).paired(Labels(labels, CLASSES), ())


def band_table() -> tuple[list[float], list[float]]:
    """Centres and widths in nm of the 200 bands."""
    lines = WAVELENGTHS_FILE.read_text("ascii").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    kept = [row for number, row in enumerate(rows, start=1) if number not in LEFT_OUT]
    return [float(row[0]) for row in kept], [float(row[1]) for row in kept]
