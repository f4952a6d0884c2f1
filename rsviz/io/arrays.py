"""Plain arrays (NumPy, MATLAB, HDF5 without dimensions): which is the scene, and what is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsviz.core.errors import BadOption, RsvizError, UnreadableScene
from rsviz.core.scene import Description
from rsviz.io.budget import array_bytes, megabytes
from rsviz.io.calibration import Calibration
from rsviz.io.georef import grid_of
from rsviz.io.layout import checked_axes, guessed_axes
from rsviz.io.meaning import MOST_BANDS, bands_of, check_dates, quantity_of
from rsviz.io.paths import shown
from rsviz.io.source import ArrayPixels, Request, SceneSource
from rsviz.io.truth import paired

_TRUTH = re.compile(r"(^|_)(gt|map|mask|label|labels|truth|ground_?truth|classes)($|_)|_gt\d*$")
_WAVELENGTH = re.compile(r"^(wave_?lengths?|lambda|wl|wvl|band_?centers?|centers?)($|_)")


@dataclass(frozen=True)
class Variable:
    """A numeric array in a file, as its own software shows it.

    Attributes:
        name: its name.
        shape: sizes of its axes.
        dtype: stored type.
        open: gives its pixels for the meaning of its axes, e.g. "HWC", in the order of `shape`.
        packed: whether `open` must unpack it first.
        remarks: sentences for the user.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: Callable[[str], ArrayPixels]
    packed: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether it can be an image: 2 to 4 axes, at least two of them longer than 1."""
        return len(self.shape) in (2, 3, 4) and sum(n > 1 for n in self.shape) >= 2

    @property
    def is_list(self) -> bool:
        """Whether it is a short list of numbers."""
        return 1 < array_bytes(self.shape, 1) == max(self.shape, default=0) <= MOST_BANDS

    @property
    def weight(self) -> tuple[bool, bool, int]:
        """Larger for what is more probably the scene: not labels, several bands, size."""
        plane = len(self.shape) == 2
        return not (plane and _is_truth(self.name)), not plane, array_bytes(self.shape, 1)

    def numbers(self) -> tuple[float, ...]:
        """All numbers of a short list."""
        pixels = self.open("TCHW"[-len(self.shape) :])
        try:
            stored = pixels.fetch(tuple(slice(0, n) for n in pixels.layout.shape))
            return tuple(float(v) for v in np.ravel(stored))
        finally:
            pixels.close()


def open_variables(
    path: Path,
    driver: str,
    variables: Sequence[Variable],
    request: Request,
    others: str = "",
) -> SceneSource:
    """Open the scene among some variables, with reference labels and wavelengths beside it.

    Args:
        path: the user's file.
        driver: name of the reader.
        variables: all numeric arrays of the file.
        request: name of the wanted variable and its axes, or ""; byte limits.
        others: what else is in the file, for the sentence when there is no image.

    Raises:
        UnreadableScene: no variable is an image.
        BadOption: the chosen one is not there, or the axes do not fit.
    """
    images = {v.name: v for v in variables if v.is_image}
    chosen = request.variable
    if chosen and chosen not in images:
        raise BadOption(
            f"There is no image '{shown(chosen)}' in '{shown(path.name)}'.",
            f"There are: {', '.join(images) or 'none'}.",
        )
    if not images:
        lists = [f"{v.name} {v.shape}" for v in variables]
        inside = "; ".join(filter(None, (", ".join(lists[:8]), others))) or "nothing"
        raise UnreadableScene(
            f"'{shown(path.name)}' holds no image: an array of numbers with 2 to 4 axes is "
            f"expected, there is: {inside}.",
            "Save the scene as one plain numeric array.",
        )
    main = images[chosen] if chosen else max(images.values(), key=lambda v: v.weight)
    planes = [v for v in images.values() if v is not main and _is_truth_of(v, main)]
    waves = next((v for v in variables if _is_wavelengths_of(v, main)), None)
    source = array_source(
        path,
        driver,
        main,
        request,
        choices=tuple(images),
        plane=(planes[0].shape[0], planes[0].shape[1]) if planes else None,
        wavelengths=() if waves is None else waves.numbers(),
    )
    if not planes:
        return source
    try:
        return paired(
            source,
            lambda: array_source(path, driver, planes[0], Request(request.budget, axes="HW")),
            f"the variable '{planes[0].name}'",
        )
    except BaseException:
        source.close()
        raise


def array_source(
    path: Path,
    driver: str,
    variable: Variable,
    request: Request,
    choices: tuple[str, ...] = (),
    plane: tuple[int, int] | None = None,
    wavelengths: tuple[float, ...] = (),
) -> SceneSource:
    """A source over one array.

    Args:
        path: the user's file.
        driver: name of the reader.
        variable: the array.
        request: axes, or "" to guess; byte limits.
        choices: names of all arrays that could be chosen.
        plane: shape of reference labels in the same file.
        wavelengths: in the same file, if any.

    Raises:
        UnreadableScene: the array is no image, or the file is too short.
        BadOption: the chosen axes do not fit.
    """
    guess, axes, budget = "", request.axes, request.budget
    if axes:
        axes = checked_axes(axes, variable.shape)
    else:
        axes, guess = guessed_axes(variable.shape, variable.name, plane, len(wavelengths) or None)
    size = array_bytes(variable.shape, variable.dtype.itemsize)
    if variable.packed:
        budget.check_unpack(size, variable.name)
    pixels = variable.open(axes)
    try:
        t, c, h, w = pixels.layout.tchw
        check_dates(t)
        grid, where = grid_of(h, w, None, None)
        bands, told = bands_of(c, wavelengths=wavelengths)
        quantity, meaning = quantity_of("", variable.name, c, pixels, Calibration(), grid.window)
    except RsvizError:
        pixels.close()
        raise
    notes = [guess] if guess else []
    if len(choices) > 1:
        notes.append(f"The variable '{variable.name}' was taken of {len(choices)} in the file.")
    if variable.packed:
        notes.append(
            f"The array is compressed and was unpacked once ({megabytes(size)}) into a temporary "
            "file."
        )
    if variable.dtype.kind == "c":
        notes.append("The numbers are complex; their magnitude is shown.")
    description = Description(
        name=shown(path.stem),
        driver=driver,
        shape=(t, c, h, w),
        dtype=variable.dtype.name,
        bands=bands,
        grid=grid,
        quantity=quantity,
        notes=(*notes, *variable.remarks, *where, *told, *meaning),
        choices=choices,
        variable=variable.name if choices else "",
        axes=axes,
        stored_bytes=size,
        in_parts=not variable.packed,
        block=pixels.block,
    )
    return SceneSource(description, pixels, Calibration(), budget)


def _is_truth(name: str) -> bool:
    return _TRUTH.search(name.lower()) is not None


def _is_truth_of(variable: Variable, main: Variable) -> bool:
    """Whether a variable is named like labels and has two neighbouring axes of the scene."""
    return (
        len(variable.shape) == 2
        and len(main.shape) > 2
        and _is_truth(variable.name)
        and any(main.shape[i : i + 2] == variable.shape for i in range(len(main.shape) - 1))
    )


def _is_wavelengths_of(variable: Variable, main: Variable) -> bool:
    return (
        variable.is_list
        and len(main.shape) > 2
        and max(variable.shape) in main.shape
        and _WAVELENGTH.match(variable.name.lower()) is not None
    )
