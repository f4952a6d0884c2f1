"""A scene out of the variables of a NetCDF or HDF5 file that names its dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rsviz.core.errors import BadOption, UnreadableScene
from rsviz.core.grid import Window
from rsviz.core.scene import Description
from rsviz.io import cf
from rsviz.io.budget import Budget, array_bytes
from rsviz.io.calibration import Calibration
from rsviz.io.georef import grid_of
from rsviz.io.layout import checked_axes
from rsviz.io.meaning import bands_of, check_dates, quantity_of
from rsviz.io.paths import shown
from rsviz.io.source import Block, Pixels, Request, SceneSource

ALL = "(all bands)"
MOST_STACKED = 500


@dataclass(frozen=True)
class StackedPixels:
    """Bands that are variables of their own."""

    parts: tuple[Pixels, ...]

    def blocks(self, window: Window, bands: Sequence[int]) -> Iterator[Block]:
        for position, band in enumerate(bands):
            for block in self.parts[band].blocks(window, (0,)):
                yield Block(slice(position, position + 1), block.rows, block.data, block.mask)

    def close(self) -> None:
        for part in self.parts:
            part.close()


@dataclass(frozen=True)
class _Candidate:
    """A variable that is an image, with the meaning of its axes."""

    array: cf.Array
    axes: str

    @property
    def bands(self) -> int:
        return self.array.shape[self.axes.index("C")] if "C" in self.axes else 1

    @property
    def weight(self) -> tuple[bool, int]:
        """Larger for what is more probably the scene."""
        return self.bands > 1, array_bytes(self.array.shape, 1)

    def stacks_with(self, other: _Candidate) -> bool:
        """Whether both can be bands of one image: same axes, type, unit and missing values."""
        mine, theirs = self.array, other.array
        return (
            (mine.shape, mine.dims, mine.dtype) == (theirs.shape, theirs.dims, theirs.dtype)
            and mine.text("units") == theirs.text("units")
            and _missing(mine) == _missing(theirs)
            and self.bands == other.bands == 1
        )


def open_gridded(path: Path, driver: str, variables: cf.Variables, request: Request) -> SceneSource:
    """Open one variable, or several that are bands of one image.

    Args:
        path: the user's file.
        driver: name of the reader.
        variables: all numeric variables by path.
        request: path of the wanted variable, or ALL, or "" to choose; axes; byte limits.

    Raises:
        UnreadableScene: no variable is an image.
        BadOption: the chosen one is not there, or the axes do not fit.
    """
    images = _images(variables)
    chosen, axes = request.variable, request.axes
    wanted = variables.get(chosen)
    if wanted is not None and wanted.is_numeric and axes:
        parts = [_Candidate(wanted, checked_axes(axes, wanted.shape))]
    elif wanted is not None and chosen in images:
        parts = [images[chosen]]
    elif chosen not in ("", ALL):
        raise BadOption(
            f"There is no image '{shown(chosen)}' in '{shown(path.name)}'.",
            f"There are: {', '.join(images) or 'none'}; for others, give the axes as well.",
        )
    elif not images:
        raise _no_image(path, variables)
    else:
        best = max(images.values(), key=lambda c: c.weight)
        parts = [c for c in images.values() if c.stacks_with(best)][:MOST_STACKED] or [best]
        if axes not in ("", best.axes):
            parts = [_Candidate(best.array, checked_axes(axes, best.array.shape))]
    choices = (*([ALL] if len(parts) > 1 else []), *images)
    return _source(path, driver, parts, choices, variables, request.budget)


def _source(
    path: Path,
    driver: str,
    parts: list[_Candidate],
    choices: tuple[str, ...],
    variables: cf.Variables,
    budget: Budget,
) -> SceneSource:
    first, axes = parts[0].array, parts[0].axes
    read_as = [cf.calibration_of(part.array) for part in parts]
    opened = [p.array.open(p.axes, dtype) for p, (_, dtype) in zip(parts, read_as, strict=True)]
    t, c, h, w = opened[0].layout.tchw
    check_dates(t)
    c *= len(parts)
    calibration = Calibration(
        tuple(cal.scales[0] for cal, _ in read_as),
        tuple(cal.offsets[0] for cal, _ in read_as),
        read_as[0][0].nodata,
        read_as[0][0].valid_range,
    )
    pixels: Pixels = opened[0] if len(parts) == 1 else StackedPixels(tuple(opened))
    affine, crs, placed = cf.georeference_of(first, axes, variables)
    grid, where = grid_of(h, w, affine, crs)
    if len(parts) > 1:
        bands, told = bands_of(c, [part.array.name for part in parts])
    else:
        waves, unit, widths, good = cf.spectral_of(first, c, axes, variables)
        names = [first.name] if c == 1 else []
        bands, told = bands_of(c, names, waves, unit, widths, [v != 0 for v in good])
    hint = " ".join(first.text(k) for k in ("standard_name", "long_name", "description"))
    quantity, guess = quantity_of(
        first.text("units"), f"{first.name} {hint}", c, pixels, calibration, grid.window
    )
    notes = _choice(parts, choices)
    if calibration.valid_range is not None:
        low, high = calibration.valid_range
        notes.append(f"Stored numbers outside {low:g} to {high:g} are no data, as the file says.")
    description = Description(
        name=shown(path.stem),
        driver=driver,
        shape=(t, c, h, w),
        dtype=read_as[0][1].name,
        bands=bands,
        grid=grid,
        quantity=quantity,
        dates=cf.dates_of(first, t, variables),
        nodata=calibration.stated_nodata,
        notes=(*notes, *calibration.told(), *placed, *where, *told, *guess),
        choices=choices,
        variable=ALL if len(parts) > 1 else first.path,
        axes=axes,
        stored_bytes=array_bytes((t, c, h, w), first.dtype.itemsize),
        block=opened[0].block,
    )
    return SceneSource(description, pixels, calibration, budget)


def _missing(array: cf.Array) -> tuple[object, object]:
    calibration, _ = cf.calibration_of(array)
    return calibration.nodata, calibration.valid_range


def _choice(parts: list[_Candidate], choices: tuple[str, ...]) -> list[str]:
    if len(parts) > 1:
        names = ", ".join(part.array.name for part in parts[:6])
        return [f"{len(parts)} variables with the same axes were taken as bands: {names}."]
    if len(choices) > 1:
        return [f"The variable '{parts[0].array.path}' was taken of {len(choices)} in the file."]
    return []


def _images(variables: cf.Variables) -> dict[str, _Candidate]:
    """Variables with rows and columns, both longer than 1, and no unknown axis."""
    found = {}
    for path, array in variables.items():
        axes = cf.axes_of(array, variables)
        if not array.is_numeric or "?" in axes or not {"H", "W"} <= set(axes):
            continue
        sizes = dict(zip(axes, array.shape, strict=True))
        if min(sizes.values()) >= 1 and max(sizes["H"], sizes["W"]) > 1:
            found[path] = _Candidate(array, axes)
    return found


def _no_image(path: Path, variables: cf.Variables) -> UnreadableScene:
    numeric = [v for v in variables.values() if v.is_numeric]
    largest = max(numeric, key=lambda v: (len(v.shape), v.shape), default=None)
    if largest is None:
        return UnreadableScene(f"'{shown(path.name)}' holds no variable of numbers.")
    dims = ", ".join(f"{d or '?'} {n}" for d, n in zip(largest.dims, largest.shape, strict=True))
    return UnreadableScene(
        f"'{shown(path.name)}' holds no image: no variable has rows and columns (y and x, or "
        f"latitude and longitude). The largest is '{largest.path}' ({dims}).",
        "If it is an image nevertheless, choose that variable and its axes, e.g. HWC.",
    )
