"""GeoTIFF, PNG, JPEG and JPEG 2000, through rasterio: the one door to GDAL.

GDAL is given a real path and the one driver that the file's first bytes call
for; everything it could open on its own beside that file is switched off.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Interleaving, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as GdalWindow

from rsviz.core.errors import UnreadableScene
from rsviz.core.grid import Window
from rsviz.core.scene import Description
from rsviz.io.budget import Budget, array_bytes
from rsviz.io.calibration import Calibration
from rsviz.io.georef import IDENTITY, Affine, grid_of, parsed_crs, world_file
from rsviz.io.layout import pieces
from rsviz.io.meaning import quantity_of
from rsviz.io.paths import shown
from rsviz.io.source import Block, Pixels, Request, SceneSource
from rsviz.io.stacked_bands import StackedDates, stack_of, without_day
from rsviz.io.tags import bands_from_tags, classes_from_tags, date_from_tags

DRIVERS = {
    "geotiff": "GTiff",
    "png": "PNG",
    "jpeg": "JPEG",
    "jpeg2000": "JP2OpenJPEG",
}
"""Reader names and the only GDAL drivers that are ever allowed."""

SETTINGS: dict[str, str | int] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_DRIVER_PATH": "disable",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_CACHEMAX": 32 << 20,
    "GDAL_NUM_THREADS": "1",
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE",
}
"""No sibling files, no side-car metadata, no plug-ins, no network, a small cache."""

_TELLING = ("quantity", "title", "TIFFTAG_IMAGEDESCRIPTION")
Failure = (RasterioError, CPLE_BaseError, OSError, ValueError)


@dataclass(frozen=True)
class GdalPixels:
    """Pixels of an open raster.

    Attributes:
        dataset: of rasterio.
        name: for sentences.
        indices: number of each band in the file; the alpha band is not among them.
        together: whether all bands of a pixel are stored and decoded together.
        masked: whether the file has a mask or an alpha band.
    """

    dataset: Any
    name: str
    indices: tuple[int, ...]
    together: bool
    masked: bool

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        height = self.dataset.block_shapes[0][0]
        row_bytes = array_bytes((window.width, len(bands) if self.together else 1), 8)
        for group, rows in pieces(window, len(bands), not self.together, row_bytes, height):
            part = GdalWindow(window.col, rows.start, window.width, rows.stop - rows.start)
            indices = [self.indices[b] for b in bands[group]]
            yield Block(group, rows, self._read(indices, part)[None], self._mask(part))

    def close(self) -> None:
        self.dataset.close()

    def _read(self, indices: list[int], part: Any) -> NDArray[Any]:
        try:
            with rasterio.Env(**SETTINGS):
                data: NDArray[Any] = self.dataset.read(indices, window=part)
        except Failure as error:
            raise _damaged(self.name, error) from error
        return data

    def _mask(self, part: Any) -> NDArray[np.bool_] | None:
        if not self.masked:
            return None
        try:
            with rasterio.Env(**SETTINGS):
                mask: NDArray[np.bool_] = self.dataset.read_masks(self.indices[0], window=part) > 0
        except Failure as error:
            raise _damaged(self.name, error) from error
        return mask


def gdal_open(path: Path, driver: str, level: int | None = None) -> Any:
    """A dataset of rasterio, opened with one driver; to be called with our `SETTINGS`.

    Args:
        path: of an ordinary file.
        driver: a key of `DRIVERS`.
        level: of the file's smaller copies, from 0; None for the full pixels.
    """
    which = {} if level is None else {"overview_level": level}
    return rasterio.open(path, driver=DRIVERS[driver], sharing=False, **which)


def open_raster(path: Path, request: Request, driver: str) -> SceneSource:
    """Open a raster with the one driver that its first bytes call for.

    Raises:
        UnreadableScene: it is damaged.
        SceneTooLarge: a single tile exceeds the budget.
    """
    request.refuse_choices("an image file")
    with rasterio.Env(**SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # the notes tell it
        try:
            dataset = gdal_open(path, driver)
        except Failure as error:
            raise _damaged(shown(path.name), error) from error
        try:
            return _source(path, driver, dataset, request.budget)
        except Failure as error:
            dataset.close()
            raise _damaged(shown(path.name), error) from error
        except BaseException:
            dataset.close()
            raise


def _source(path: Path, driver: str, dataset: Any, budget: Budget) -> SceneSource:
    itemsize = max(np.dtype(d).itemsize for d in dataset.dtypes)
    # Only GeoTIFF is asked: GDAL searches a damaged JPEG 2000 for the answer without end.
    together = driver != "geotiff" or dataset.interleaving == Interleaving.pixel
    block = (*dataset.block_shapes[0], dataset.count if together else 1)
    budget.check_block(array_bytes(block, itemsize), f"One tile of '{shown(path.name)}'")
    alpha = [
        i
        for i, c in zip(dataset.indexes, dataset.colorinterp, strict=True)
        if c == ColorInterp.alpha
    ]
    indices = tuple(i for i in dataset.indexes if i not in alpha)
    if not indices:
        raise UnreadableScene(
            f"'{shown(path.name)}' has an alpha band only; there is nothing to show."
        )
    masked = MaskFlags.per_dataset in dataset.mask_flag_enums[indices[0] - 1]
    notes = []
    if alpha:
        notes.append("The alpha band is used as the mask of valid pixels.")
    elif masked:
        notes.append("The file's internal mask tells which pixels are valid.")
    if ColorInterp.palette in dataset.colorinterp:
        notes.append("The file has a colour table; the codes that it colours are shown.")
    if len(set(dataset.dtypes)) > 1:
        notes.append(f"Bands are stored with different types: {sorted(set(dataset.dtypes))}.")
    if np.dtype(dataset.dtypes[0]).kind == "c" or "complex" in str(dataset.dtypes[0]):
        notes.append("The numbers are complex; their magnitude is shown.")
    grid, where = grid_of(dataset.height, dataset.width, *_georeference(path, dataset, notes))
    stack = stack_of(path, dataset, indices)
    of_date = indices if stack is None else tuple(indices[place] for place in stack.places[0])
    bands, told = bands_from_tags(dataset, of_date)
    calibration = Calibration(
        tuple(float(dataset.scales[i - 1]) for i in of_date),
        tuple(float(dataset.offsets[i - 1]) for i in of_date),
        () if dataset.nodata is None else (float(dataset.nodata),),
    )
    plain = GdalPixels(dataset, shown(path.name), indices, together, masked)
    pixels: Pixels = plain if stack is None else StackedDates(plain, stack.places)
    if stack is not None:
        bands = tuple(replace(band, name=without_day(band.name)) for band in bands)
        notes += stack.notes
    tags = dataset.tags()
    quantity, guess = quantity_of(
        str(dataset.units[indices[0] - 1] or ""),
        " ".join((*(str(tags.get(k, "")) for k in _TELLING), path.stem)),
        len(of_date),
        pixels,
        calibration,
        grid.window,
    )
    notes += calibration.told()
    description = Description(
        name=shown(path.stem),
        driver=driver,
        shape=(1 if stack is None else len(stack.days), len(of_date), *dataset.shape),
        dtype=str(dataset.dtypes[0]),
        bands=bands,
        grid=grid,
        quantity=quantity,
        dates=date_from_tags(dataset) if stack is None else stack.days,
        nodata=calibration.stated_nodata,
        notes=(*notes, *where, *told, *guess),
        simulated=str(tags.get("simulated", "")).lower() in ("true", "yes", "1"),
        stored_bytes=array_bytes((len(indices), dataset.height, dataset.width), itemsize),
        block=dataset.block_shapes[0],
    )
    classes = classes_from_tags(dataset)
    if stack is not None:
        return SceneSource(description, pixels, calibration, budget, classes=classes)
    coarser = partial(_coarser, path, driver, plain, description, calibration, budget)
    return SceneSource(description, pixels, calibration, budget, classes=classes, coarser=coarser)


def _coarser(
    path: Path,
    driver: str,
    pixels: GdalPixels,
    description: Description,
    calibration: Calibration,
    budget: Budget,
) -> dict[int, SceneSource]:
    """The file's own overviews, of those that halve each side several times."""
    copies = {}
    full = description.grid
    for level, factor in enumerate(pixels.dataset.overviews(pixels.indices[0])):
        try:
            with rasterio.Env(**SETTINGS), warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                one = gdal_open(path, driver, level)
        except Failure:
            continue  # the full pixels are still there
        block = one.block_shapes[0]
        flags = [dataset.mask_flag_enums for dataset in (one, pixels.dataset)]
        size = -(-full.height // factor), -(-full.width // factor)
        fits = factor & (factor - 1) == 0 and one.shape == size and flags[0] == flags[1]
        if not fits or array_bytes(block, 8 * one.count) > budget.block_bytes:
            one.close()
            continue
        copies[factor] = SceneSource(
            replace(
                description,
                shape=(*description.shape[:2], *size),
                block=block,
                grid=full.coarser(factor),
            ),
            replace(pixels, dataset=one),
            calibration,
            budget,
        )
    return copies


def _georeference(path: Path, dataset: Any, notes: list[str]) -> tuple[Affine | None, Any]:
    """Affine and CRS of a raster; what is unusual is added to the notes."""
    gcps, _ = dataset.gcps
    affine: Affine = tuple(dataset.transform)[:6]
    crs = None if dataset.crs is None else parsed_crs(dataset.crs.to_wkt())
    if dataset.crs is not None and crs is None:
        notes.append("The file's CRS was not understood.")
    if affine != IDENTITY:
        if crs is None:
            notes.append("The file has a map transform but no CRS, so it cannot be placed.")
        return affine, crs
    if gcps:
        notes.append(
            f"The file is located by {len(gcps)} ground control points only; it is not warped."
        )
        return None, None
    beside = world_file(path)
    if beside is not None:
        if crs is None:
            notes.append("A world file gives the position, but no CRS is known.")
        return beside, crs
    return None, crs


def _damaged(name: str, error: BaseException) -> UnreadableScene:
    cause = " ".join(str(error.__cause__ or error).split())[:200] or type(error).__name__
    return UnreadableScene(
        f"'{name}' could not be read: {cause}",
        "The file may be incomplete or damaged; fetch it again.",
    )
