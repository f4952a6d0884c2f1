"""A result as files: GeoTIFFs on the scene's grid, PNGs with legends, tables, a map, the record.

Class maps are written with the numbers of reference labels: 1..K, and 0 where there is none.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsviz.core import palettes
from rsviz.core.grid import Grid
from rsviz.core.layers import ClassMap, Layer, RasterLayer, arrays_of
from rsviz.core.model import Result
from rsviz.core.scene import Scene
from rsviz.draw.paint import counts
from rsviz.io import comparison
from rsviz.io.pictures import write_png, write_sheet
from rsviz.io.webmap import page

PIXEL_COORDINATES = (
    "The scene has no map coordinates; the files are in pixel coordinates (column, row)."
)


def write_result(result: Result, scene: Scene, folder: Path) -> list[Path]:
    """Write a result as files that other programs open.

    Args:
        result: what a run gave.
        scene: the scene it ran on; the bands of its first look are enough.
        folder: where to; made when it is not there, files of the same names are replaced.

    Returns:
        The paths written: for each raster layer a GeoTIFF with the CRS and transform of its
        grid and a PNG with legend, for the others a CSV; `split.tif` (0 ignored, 1 train, 2
        test) where there is truth; `comparison.png` of a super-resolution; `map.html`;
        `record.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, layer in result.layers.items():
        written += WRITERS[layer.kind](layer, folder / name)
        if isinstance(layer, RasterLayer):
            written.append(write_png(layer, folder / f"{name}.png"))
    compared = comparison.panels(result)
    if compared:
        path = folder / "comparison.png"
        written.append(write_sheet(compared, path, comparison.WIDTH))
    if result.split is not None:
        written += _write_codes(result.split, folder / "split", first=0)
        written.append(write_png(result.split, folder / "split.png"))
    written.append(folder / "map.html")
    written[-1].write_text(page(result, scene), encoding="utf8")
    written.append(folder / "record.json")
    record = record_of(result)
    if scene.grid.crs is None:
        record["notes"] = [*record["notes"], PIXEL_COORDINATES]
    record["files"] = sorted(path.name for path in written)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    written[-1].write_text(text + "\n", encoding="utf8")
    return written


def record_of(result: Result) -> dict[str, Any]:
    """The record of a run as plain data, with metrics and a hash of each layer."""
    data = asdict(result.record)
    for name in ("wants", "notes", "changes"):
        data[name] = list(data[name])
    hashes = {name: layer_hash(layer) for name, layer in result.layers.items()}
    return data | {"metrics": result.metrics, "layers": hashes}


def layer_hash(layer: Layer) -> str:
    """SHA-256 of the arrays of a layer with their names, types and shapes."""
    digest = hashlib.sha256(layer.kind.encode())
    for name, array in sorted(arrays_of(layer).items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _write_class_map(layer: Any, path: Path) -> list[Path]:
    written = _write_codes(layer, path, first=1)
    table = path.with_suffix(".csv")
    pixel_ha = layer.grid.pixel_ha
    found = counts(layer)
    total = max(1, int(found.sum()))
    rows = [
        (i + 1, label, int(n), round(n / total, 6), "" if pixel_ha is None else n * pixel_ha)
        for i, (label, n) in enumerate(zip(layer.labels, found, strict=True))
    ]
    _write_csv(table, ("code", "class", "pixels", "share", "area_ha"), rows)
    return [*written, table]


def _write_codes(layer: ClassMap, path: Path, first: int) -> list[Path]:
    """Classes as one band of whole numbers with a colour table and names; `first` is class 0."""
    count = len(layer.labels) + first
    kind = np.uint8 if count <= 255 else np.uint16
    ignored = layer.data == layer.ignore
    codes = np.where(ignored, 0, layer.data + first).astype(kind)
    names = ("none",) * first + layer.labels
    colours = palettes.rgb(palettes.colours_of(layer.colours, len(layer.labels)))
    table = {i + first: (*c.tolist(), 255) for i, c in enumerate(colours)} | (
        {0: (0, 0, 0, 0)} if first else {}
    )
    tif = path.with_suffix(".tif")
    tags = {f"CLASS_{i}": name for i, name in enumerate(names)}
    colour_table = table if kind is np.uint8 else None
    _write_tif(tif, codes[None], layer, (layer.title,), 0 if first else None, tags, colour_table)
    side = tif.with_suffix(".tif.aux.xml")  # where GDAL and QGIS look for class names
    listed = "".join(f"<Category>{html.escape(name)}</Category>" for name in names)
    side.write_text(
        f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{listed}</CategoryNames>'
        "</PAMRasterBand></PAMDataset>\n",
        encoding="utf8",
    )
    return [tif, side]


def _write_numbers(layer: Any, path: Path) -> list[Path]:
    tif = path.with_suffix(".tif")
    planes = layer.data.reshape(-1, *layer.grid.shape)  # (N, H, W)
    _write_tif(tif, planes, layer, _plane_names(layer), float("nan"), {}, None)
    return [tif]


def _plane_names(layer: Any) -> tuple[str, ...]:
    """A name for each plane of a raster layer of numbers."""
    for attribute in ("labels", "experts"):
        if hasattr(layer, attribute):
            names: tuple[str, ...] = getattr(layer, attribute)
            return names
    if hasattr(layer, "bands"):
        return tuple(band.name for band in layer.bands)
    return (layer.title,)


def _write_tif(
    path: Path,
    planes: NDArray[Any],
    layer: RasterLayer,
    names: tuple[str, ...],
    nodata: float | None,
    tags: dict[str, str],
    colour_table: dict[int, tuple[int, ...]] | None,
) -> None:
    """Planes (N, H, W) as a compressed GeoTIFF on the grid of their layer."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=len(planes),
            dtype=planes.dtype,
            nodata=nodata,
            compress="deflate",
            predictor=3 if planes.dtype.kind == "f" else 2,
            **_placement(layer.grid),
        ) as file:
            file.write(planes)
            for index, name in enumerate(names, start=1):
                file.set_band_description(index, name)
            if unit := getattr(layer, "unit", ""):
                file.units = (unit,) * len(planes)
            if colour_table is not None:
                file.write_colormap(1, colour_table)
            where = {} if layer.grid.crs else {"COORDINATES": PIXEL_COORDINATES}
            file.update_tags(TITLE=layer.title, ABOUT=layer.about, **where)
            file.update_tags(1, **tags)


def _placement(grid: Grid) -> dict[str, Any]:
    from rasterio.transform import Affine

    size = {"height": grid.height, "width": grid.width}
    return size if grid.crs is None else size | {"crs": grid.crs, "transform": Affine(*grid.affine)}


def _write_table(layer: Any, path: Path) -> list[Path]:
    return [_write_csv(path.with_suffix(".csv"), layer.columns, layer.rows)]


def _write_curve(layer: Any, path: Path) -> list[Path]:
    heads = (layer.x_label, *layer.names)
    return [_write_csv(path.with_suffix(".csv"), heads, np.vstack([layer.x, layer.data]).T)]


def _write_series(layer: Any, path: Path) -> list[Path]:
    rows = [(date, *values) for date, values in zip(layer.dates, layer.data.T, strict=True)]
    return [_write_csv(path.with_suffix(".csv"), ("date", *layer.names), rows)]


def _write_spikes(layer: Any, path: Path) -> list[Path]:
    heads = ("layer", "threshold", *(f"step {i + 1}" for i in range(layer.data.shape[1])))
    rows = [
        (name, threshold, *rates)
        for name, threshold, rates in zip(layer.layers, layer.threshold, layer.data, strict=True)
    ]
    return [_write_csv(path.with_suffix(".csv"), heads, rows)]


def _write_tokens(layer: Any, path: Path) -> list[Path]:
    """One row a number, with its position on every axis by name or index."""
    ticks = layer.ticks or ((),) * layer.data.ndim
    sides = [names or range(size) for names, size in zip(ticks, layer.data.shape, strict=True)]
    rows = (
        (*place, value)
        for place, value in zip(product(*sides), layer.data.ravel().tolist(), strict=True)
    )
    value = f"value [{layer.unit}]" if layer.unit else "value"
    return [_write_csv(path.with_suffix(".csv"), (*layer.axes, value), rows)]


def _write_csv(path: Path, heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> Path:
    with path.open("w", encoding="utf8", newline="") as file:
        out = csv.writer(file)
        out.writerow(heads)
        out.writerows(rows)
    return path


WRITERS: dict[str, Callable[[Any, Path], list[Path]]] = {
    "class_map": _write_class_map,
    "probability_map": _write_numbers,
    "uncertainty_map": _write_numbers,
    "scalar_map": _write_numbers,
    "routing_map": _write_numbers,
    "sr_image": _write_numbers,
    "spike_trace": _write_spikes,
    "time_series": _write_series,
    "curve": _write_curve,
    "table": _write_table,
    "tokens": _write_tokens,
}
"""How each kind of layer is written: (layer, path without suffix) -> paths."""
