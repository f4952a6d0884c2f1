"""Simulate the sample scenes and write them as GeoTIFFs.

    python sample_data/make.py                 regenerate every scene and the manifest
    python sample_data/make.py village         regenerate one scene
    python sample_data/make.py --check         compare the files with the manifest and with
                                               scenes simulated anew; writes nothing

The scenes ship ready-made; this needs the packages of requirements-dev.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))

from rsviz.core.errors import RsvizError  # noqa: E402
from rsviz.synth.farmland import farmland  # noqa: E402
from rsviz.synth.render import Simulated  # noqa: E402
from rsviz.synth.village import village  # noqa: E402
from rsviz.synth.year import BANDS, NODATA, SimulatedYear, year  # noqa: E402

GENERATOR = "rsviz.synth 1"
SCALE = 1e-4
BLOCK = 32
TOLERANCE = 1e-3
"""Share of stored values that may differ by rounding between machines or package versions."""


@dataclass(frozen=True)
class Recipe:
    """One scene of the collection.

    Attributes:
        title: name for people.
        simulate: makes the scene from its seed.
        seed: number from which everything random follows.
        origin_m: easting and northing of the upper left corner, UTM zone 32 N.
        acquired: time that the sun's position belongs to, ISO 8601; the year of a series.
        description: one sentence.
    """

    title: str
    simulate: Callable[[int], Simulated | SimulatedYear]
    seed: int
    origin_m: tuple[float, float]
    acquired: str
    description: str


RECIPES: dict[str, Recipe] = {
    "farmland": Recipe(
        title="Farmland in June (simulated)",
        simulate=farmland,
        seed=1,
        origin_m=(435200.0, 5511400.0),
        acquired="2024-06-27T09:30:00Z",
        description="Fields, an orchard, woodland and a stream at 5 m with 200 bands; crops are "
        "PROSAIL canopies, several of them hard to tell apart.",
    ),
    "village": Recipe(
        title="Edge of a village (simulated)",
        simulate=village,
        seed=7,
        origin_m=(437600.0, 5513800.0),
        acquired="2024-06-27T09:00:00Z",
        description="Roofs, streets, gardens, works, a sports ground and a river at 2 m with 100 "
        "bands; many pixels are mixed and buildings cast shadows.",
    ),
    "simulated-year": Recipe(
        title="Fields over a year (simulated)",
        simulate=year,
        seed=3,
        origin_m=(440000.0, 5511000.0),
        acquired="2023",
        description="A year of Sentinel-2: 40 irregular dates with clouds, 10 bands of 10 m, ten "
        "crops whose canopies follow their own season.",
    ),
}
CRS = "EPSG:32632"


def profile(scene: Simulated | SimulatedYear, recipe: Recipe) -> dict[str, Any]:
    """What both files of a scene share, as arguments of `rasterio.open`."""
    return {
        "driver": "GTiff",
        "height": scene.truth.shape[0],
        "width": scene.truth.shape[1],
        "crs": CRS,
        "transform": from_origin(*recipe.origin_m, scene.pixel_m, scene.pixel_m),
        "compress": "deflate",
        "zlevel": 9,
    }


def planes(scene: Simulated | SimulatedYear) -> NDArray[np.int16]:
    """The pixels as a file holds them: (C, H, W), or (T * C, H, W) date by date."""
    if isinstance(scene, SimulatedYear):
        return scene.counts.reshape(-1, *scene.truth.shape)  # (T, C, H, W) -> (T*C, H, W)
    return np.moveaxis(scene.counts, 2, 0)  # (H, W, C) -> (C, H, W)


def write_scene(path: Path, scene: Simulated | SimulatedYear, recipe: Recipe) -> None:
    """Write the pixels: int16, tiles, and what the bands are in the tags."""
    stored = planes(scene)
    bands = len(stored)
    series = isinstance(scene, SimulatedYear)
    with rasterio.open(
        path,
        "w",
        **profile(scene, recipe),
        count=bands,
        dtype="int16",
        tiled=True,
        blockxsize=BLOCK,
        blockysize=BLOCK,
        interleave="band" if series else "pixel",
        nodata=NODATA if series else None,
        predictor=2,
    ) as target:
        target.write(stored)
        target.scales = [SCALE] * bands
        target.offsets = [0.0] * bands
        target.update_tags(
            quantity="reflectance",
            simulated="yes",
            title=recipe.title,
            **({} if series else {"acquisition_date": recipe.acquired}),
            generator=GENERATOR,
            seed=recipe.seed,
            licence="CC0-1.0",
        )
        if isinstance(scene, SimulatedYear):
            centres, widths = zip(*BANDS.values(), strict=True)
            target.update_tags(
                dates=json.dumps(scene.dates),
                band_names=", ".join(BANDS),
                wavelength=", ".join(map(str, centres)),
                wavelength_units="Nanometers",
                fwhm=", ".join(map(str, widths)),
            )
            return
        sensor = scene.sensor
        for k in range(bands):
            nm, fwhm = sensor.wavelength_nm[k], sensor.fwhm_nm[k]
            target.set_band_description(k + 1, f"band {k + 1} ({nm:.1f} nm)")
            target.update_tags(
                k + 1,
                wavelength=f"{nm:.2f}",
                wavelength_units="Nanometers",
                fwhm=f"{fwhm:.2f}",
                bbl=int(sensor.good[k]),
            )


def write_truth(path: Path, scene: Simulated | SimulatedYear, recipe: Recipe) -> None:
    """Write the class labels on the same grid, with names and colours in the tags."""
    names = ["unlabelled", *scene.legend.names]
    colours = ["#ffffff", *scene.legend.colours]
    with rasterio.open(path, "w", **profile(scene, recipe), count=1, dtype="uint8") as target:
        target.write(scene.truth, 1)
        target.set_band_description(1, "class")
        target.write_colormap(
            1,
            {k: (*bytes.fromhex(colour[1:]), 255) for k, colour in enumerate(colours)},
        )
        target.update_tags(
            class_names=json.dumps(names),
            class_colours=json.dumps(colours),
            simulated="yes",
            title=f"{recipe.title}: classes",
        )


def sha256(path: Path) -> str:
    """Hash of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def manifest_entry(
    scene_id: str, recipe: Recipe, scene: Simulated | SimulatedYear, folder: Path
) -> dict[str, Any]:
    """What the manifest says about one scene that was written to a folder."""
    pixels, truth = folder / f"{scene_id}.tif", folder / f"{scene_id}_truth.tif"
    height, width = scene.truth.shape
    dates = list(scene.dates) if isinstance(scene, SimulatedYear) else []
    return {
        "id": scene_id,
        "title": recipe.title,
        "description": recipe.description,
        "file": pixels.name,
        "sha256": sha256(pixels),
        "bytes": pixels.stat().st_size,
        "truth": truth.name,
        "truth_sha256": sha256(truth),
        "truth_bytes": truth.stat().st_size,
        "height": height,
        "width": width,
        "bands": len(planes(scene)) // max(1, len(dates)),
        **({"dates": dates} if dates else {}),
        "pixel_m": scene.pixel_m,
        "crs": CRS,
        "acquired": recipe.acquired,
        "classes": list(scene.legend.names),
        "labelled_pixels": int((scene.truth > 0).sum()),
        "simulated": True,
        "licence": "CC0-1.0",
        "generator": GENERATOR,
        "seed": recipe.seed,
    }


def make(scene_ids: list[str], folder: Path) -> None:
    """Simulate and write scenes, and update the manifest of the folder."""
    listing = folder / "manifest.json"
    entries: dict[str, dict[str, Any]] = {}
    if listing.exists():
        entries = {entry["id"]: entry for entry in json.loads(listing.read_text())["scenes"]}
    for scene_id in scene_ids:
        recipe = RECIPES[scene_id]
        scene = recipe.simulate(recipe.seed)
        write_scene(folder / f"{scene_id}.tif", scene, recipe)
        write_truth(folder / f"{scene_id}_truth.tif", scene, recipe)
        entries[scene_id] = manifest_entry(scene_id, recipe, scene, folder)
        print(f"{scene_id}: {entries[scene_id]['bytes'] / 1e6:.2f} MB")
    ordered = [entries[scene_id] for scene_id in RECIPES if scene_id in entries]
    ordered += [entry for scene_id, entry in entries.items() if scene_id not in RECIPES]
    listing.write_text(json.dumps({"scenes": ordered}, indent=2) + "\n")


def check_files(folder: Path) -> list[str]:
    """Compare the files with the manifest; returns a sentence for each difference."""
    faults = []
    for entry in json.loads((folder / "manifest.json").read_text())["scenes"]:
        for file, digest in (("file", "sha256"), ("truth", "truth_sha256")):
            path = folder / entry[file]
            if not path.exists():
                faults.append(f"{path.name} is missing.")
            elif sha256(path) != entry[digest]:
                faults.append(f"{path.name} differs from the hash in manifest.json.")
    return faults


def check_scene(scene_id: str, folder: Path) -> list[str]:
    """Simulate a scene anew and compare it with its files; a sentence for each difference."""
    recipe = RECIPES[scene_id]
    scene = recipe.simulate(recipe.seed)
    with rasterio.open(folder / f"{scene_id}.tif") as source:
        stored = source.read()
    with rasterio.open(folder / f"{scene_id}_truth.tif") as source:
        truth = source.read(1)
    faults = []
    simulated = planes(scene)
    if stored.shape != simulated.shape:
        return [f"{scene_id}: the file has shape {stored.shape}, not {simulated.shape}."]
    share = float((stored != simulated).mean())
    if share > TOLERANCE:
        faults.append(f"{scene_id}: {share:.2%} of the values differ; {TOLERANCE:.1%} may.")
    changed = int((truth != scene.truth).sum())
    if changed > TOLERANCE * truth.size:
        faults.append(f"{scene_id}: {changed} labels differ; {TOLERANCE:.1%} may.")
    print(f"{scene_id}: {share:.4%} of the values and {changed} labels differ.")
    return faults


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "scenes", nargs="*", choices=[[], *RECIPES], metavar="SCENE", help="default: all"
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    chosen = arguments.scenes or list(RECIPES)
    try:
        if not arguments.check:
            make(chosen, HERE)
            return 0
        faults = check_files(HERE)
        for scene_id in chosen:
            faults += check_scene(scene_id, HERE)
    except RsvizError as error:
        print(error, file=sys.stderr)
        return 2
    for fault in faults:
        print(fault, file=sys.stderr)
    return 2 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
