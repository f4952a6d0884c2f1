"""Simulate the thermal sample scene from the farmland, and write it beside the others.

    python sample_data/make_thermal.py            write thermal.tif, and its entry in the manifest
    python sample_data/make_thermal.py --check    compare with a scene simulated anew

Bands: red and near-infrared reflectance of the farmland, brightness temperature of Landsat 8
band 10, water vapour and air temperature as a user would know them, and the true temperature.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from rsviz.synth.heat import warm  # noqa: E402
from sample_data.make import GENERATOR, TOLERANCE, sha256  # noqa: E402

ID, SEED, TITLE = "thermal", 11, "Farmland on a hot, humid day (simulated)"
ABOUT = (
    "Red, near infrared and the thermal band of Landsat 8 through humid air, with water vapour, "
    "air temperature and the true temperature of the ground."
)
BANDS = (
    ("red", 1e-4, 655.0, 37.0),
    ("near infrared", 1e-4, 865.0, 28.0),
    ("thermal", 1e-2, 10895.0, 590.0),
    ("water vapour [g/cm²]", 1e-3, None, None),
    ("air temperature [K]", 1e-2, None, None),
    ("true surface temperature [K]", 1e-2, None, None),
)
"""Name, step of the stored numbers, centre and width in nm."""


def simulate() -> NDArray[np.int16]:
    """The stored numbers, (6, H, W)."""
    with rasterio.open(HERE / "farmland.tif") as source:
        centres = np.array([float(source.tags(i)["wavelength"]) for i in source.indexes])
        at = [int(np.abs(centres - nm).argmin()) + 1 for _, _, nm, _ in BANDS[:2]]
        red, infrared = (source.read(i).astype(np.float64) * 1e-4 for i in at)
    with rasterio.open(HERE / "farmland_truth.tif") as source:
        labels = source.read(1)
        names = tuple(json.loads(source.tags()["class_names"])[1:])
    seen = warm(red, infrared, labels, names, SEED)
    values = (red, infrared, seen.brightness_k, seen.water, seen.air_k, seen.ground_k)
    steps = (step for _, step, _, _ in BANDS)
    return np.stack(
        [np.round(v / step).astype(np.int16) for v, step in zip(values, steps, strict=True)]
    )


def write(stored: NDArray[np.int16]) -> None:
    """Write scene and truth, and their entry in the manifest."""
    path, truth = HERE / f"{ID}.tif", HERE / f"{ID}_truth.tif"
    with rasterio.open(HERE / "farmland.tif") as like:
        profile = {k: like.profile[k] for k in ("driver", "height", "width", "crs", "transform")}
    with rasterio.open(
        path, "w", **profile, count=len(BANDS), dtype="int16", compress="deflate", zlevel=9,
        predictor=2, tiled=True, blockxsize=32, blockysize=32, interleave="band",
    ) as target:  # fmt: skip
        target.write(stored)
        target.scales = [step for _, step, _, _ in BANDS]
        target.offsets = [0.0] * len(BANDS)
        target.update_tags(
            quantity="reflectance_and_temperature",
            simulated="yes",
            title=TITLE,
            acquisition_date="2024-06-27T09:30:00Z",
            generator=GENERATOR,
            seed=SEED,
            licence="CC0-1.0",
        )
        for i, (name, _, nm, width) in enumerate(BANDS, start=1):
            target.set_band_description(i, name)
            if nm is not None:
                target.update_tags(
                    i, wavelength=f"{nm:g}", wavelength_units="Nanometers", fwhm=f"{width:g}"
                )
    shutil.copyfile(HERE / "farmland_truth.tif", truth)
    listing = HERE / "manifest.json"
    scenes = json.loads(listing.read_text())["scenes"]
    farmland = next(entry for entry in scenes if entry["id"] == "farmland")
    entry = farmland | {
        "id": ID,
        "title": TITLE,
        "description": ABOUT,
        "file": path.name,
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "truth": truth.name,
        "truth_sha256": sha256(truth),
        "truth_bytes": truth.stat().st_size,
        "bands": len(BANDS),
        "seed": SEED,
    }
    scenes = [other for other in scenes if other["id"] != ID] + [entry]
    listing.write_text(json.dumps({"scenes": scenes}, indent=2) + "\n")


def check(stored: NDArray[np.int16]) -> int:
    """Compare with the file; returns the exit status."""
    with rasterio.open(HERE / f"{ID}.tif") as source:
        share = float((source.read() != stored).mean())
    print(f"{ID}: {share:.4%} of the values differ; {TOLERANCE:.1%} may.")
    return 2 if share > TOLERANCE else 0


if __name__ == "__main__":
    made = simulate()
    if "--check" in sys.argv[1:]:
        raise SystemExit(check(made))
    write(made)
    print(f"{ID}: {(HERE / f'{ID}.tif').stat().st_size / 1e6:.2f} MB")
