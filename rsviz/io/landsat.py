"""A Landsat scene in one folder: a file for each band, and the metadata file that explains them.

The scene holds reflectance at the top of the atmosphere and, beyond 3 um, brightness temperature
in K. Rasters of the same grid named ..._water_vapour.tif (g/cm2), ..._air_temperature.tif (K) and
..._emissivity.tif beside them become bands of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.core.scene import Band, Description
from rsviz.io.calibration import Calibration
from rsviz.io.mtl import Meaning, Metadata, Stored, read_metadata
from rsviz.io.paths import landsat_bands, landsat_rasters, shown
from rsviz.io.source import Block, Request, SceneSource
from rsviz.physics.thermal import LEAST_RADIANCE

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class LandsatPixels:
    """Bands in files of their own; NaN where a band has no value.

    Attributes:
        files: a source of stored numbers for each band, and what they mean; None for rasters
            that hold values.
    """

    files: tuple[tuple[SceneSource, Meaning | None], ...]

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        for position, band in enumerate(bands):
            source, meaning = self.files[band]
            scene = source.read(window, (0,))
            data = np.where(scene.valid[0], scene.pixels[0, 0], np.nan)
            if meaning is not None:
                data = _values(data, meaning)
            yield Block(slice(position, position + 1), window.rows, data[None, None])

    def close(self) -> None:
        for source, _ in self.files:
            source.close()


def open_landsat(path: Path, request: Request) -> SceneSource:
    """Open the scene to which a metadata file belongs.

    Raises:
        UnreadableScene: bands are missing or damaged, or belong to another scene.
    """
    from rsviz.io.raster import open_raster

    request.refuse_choices("a Landsat scene")
    metadata = read_metadata(path)
    found = _files(path, metadata)
    notes = [f"Reflectance and brightness temperature were worked out with {metadata.name}."]
    files: list[tuple[SceneSource, Meaning | None]] = []
    bands: list[Band] = []
    inner = replace(request, variable="", axes="")
    try:
        for stored, file in found:
            meaning, told = metadata.meaning(stored)
            files.append((open_raster(file, inner, "geotiff"), meaning))
            bands.append(stored.band)
            notes += [told] if told else []
        for name, file in landsat_rasters(path):
            files.append((open_raster(file, inner, "geotiff"), None))
            bands.append(Band(name))
            notes.append(f"{name.capitalize()} comes from {shown(file.name)}.")
        described = _described(metadata, files, bands, notes)
        _check_radiance(files, bands, metadata)
    except BaseException:
        for source, _ in files:
            source.close()
        raise
    return SceneSource(described, LandsatPixels(tuple(files)), Calibration(), request.budget)


def _files(path: Path, metadata: Metadata) -> list[tuple[Stored, Path]]:
    """The files of the bands that are there.

    Raises:
        UnreadableScene: red, near infrared or thermal is missing, or the bands in the folder are
            those of another scene.
    """
    there = landsat_bands(path, metadata.scene)
    found = [(band, there[band.number]) for band in metadata.bands if band.number in there]
    if not found:
        others = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() == ".tif")
        if others:
            raise UnreadableScene(
                f"{metadata.name} tells of the scene {shown(metadata.scene)}; no band of it lies "
                f"beside it, but {shown(others[0])} does.",
                "Put the metadata file into the folder of its own scene.",
            )
        raise UnreadableScene(
            f"No band of {shown(metadata.scene)} lies beside {metadata.name}.",
            "Put the GeoTIFF files of the bands and the metadata file into one folder.",
        )
    names = {band.band.name for band, _ in found}
    missing = [
        f"{band.band.name} (band {band.number})"
        for band in metadata.bands
        if band.band.name in ("red", "near infrared", "thermal") and band.band.name not in names
    ]
    if missing:
        raise UnreadableScene(
            f"{shown(metadata.scene)} lacks {', '.join(missing)}; {len(found)} bands are there.",
            f"Put the missing files beside {metadata.name}.",
        )
    return found


def _described(
    metadata: Metadata,
    files: Sequence[tuple[SceneSource, Meaning | None]],
    bands: Sequence[Band],
    notes: Sequence[str],
) -> Description:
    """The bands as one scene.

    Raises:
        UnreadableScene: they differ in size or place.
    """
    about = [source.describe() for source, _ in files]
    head = about[0]
    for other, band in zip(about, bands, strict=True):
        if other.grid.shape != head.grid.shape or other.grid.affine != head.grid.affine:
            h, w = other.grid.shape
            raise UnreadableScene(
                f"The file of {band.name} has {h} x {w} pixels; {bands[0].name} has "
                f"{head.grid.height} x {head.grid.width}, or lies elsewhere.",
                "All bands of a scene must have one grid.",
            )
    return replace(
        head,
        name=metadata.scene,
        driver="landsat",
        shape=(1, len(bands), *head.grid.shape),
        bands=tuple(bands),
        quantity="reflectance_and_temperature",
        dates=(metadata.day,) if metadata.day else (),
        nodata=None,
        notes=tuple(notes),
        stored_bytes=sum(a.stored_bytes for a in about),
    )


def _check_radiance(
    files: Sequence[tuple[SceneSource, Meaning | None]], bands: Sequence[Band], metadata: Metadata
) -> None:
    """Look at one row of the thermal band.

    Raises:
        UnreadableScene: its radiances are not positive.
    """
    at = next(i for i, band in enumerate(bands) if band.name == "thermal")
    source, meaning = files[at]
    assert meaning is not None
    height, width = source.describe().grid.shape
    row = source.read(Window(height // 2, 0, 1, width), (0,))
    stored = row.pixels[0, 0][row.valid[0]]
    radiance = stored * meaning.times + meaning.plus
    if stored.size and not (radiance > LEAST_RADIANCE).any():
        raise UnreadableScene(
            f"With the numbers of {metadata.name} the thermal radiance is at most "
            f"{float(radiance.max()):.3g} W/(m2 sr um); it must be positive.",
            "Check RADIANCE_MULT and RADIANCE_ADD of the thermal band in the metadata file.",
        )


def _values(stored: Floats, meaning: Meaning) -> Floats:
    """Reflectance or brightness temperature; NaN for fill (0) and radiance that is not positive."""
    value = np.where(stored == 0, np.nan, stored * meaning.times + meaning.plus)
    if meaning.planck is None:
        return value
    value = np.where(value > LEAST_RADIANCE, value, np.nan)
    return np.asarray(meaning.planck.temperature_k(value))
