"""A plain array (NumPy, MATLAB) as a scene: which axes, which bands, what is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rsviz.core.scene import Description
from rsviz.io.budget import Budget, array_bytes, megabytes
from rsviz.io.flat import FlatFile, flat_pixels
from rsviz.io.georef import grid_of
from rsviz.io.layout import checked_axes, guessed_axes
from rsviz.io.meaning import bands_of, quantity_of
from rsviz.io.paths import shown
from rsviz.io.source import Calibration, SceneSource


@dataclass(frozen=True)
class Variable:
    """A numeric array in a file, as its own software shows it.

    Attributes:
        name: its name.
        shape: sizes of its axes.
        dtype: stored type.
        fortran: whether the first axis varies fastest in the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Sizes as they lie in the file, slowest axis first."""
        return self.shape[::-1] if self.fortran else self.shape

    @property
    def is_image(self) -> bool:
        """Whether it can be an image: 2 to 4 axes, at least two of them longer than 1."""
        return len(self.shape) in (2, 3, 4) and sum(n > 1 for n in self.shape) >= 2

    @property
    def weight(self) -> tuple[bool, int]:
        """Larger for what is more probably the scene: several bands first, then size."""
        return len(self.shape) > 2, array_bytes(self.shape, 1)


def array_source(
    path: Path,
    driver: str,
    variable: Variable,
    flat: FlatFile,
    axes: str,
    budget: Budget,
    choices: tuple[str, ...] = (),
    unpacked: bool = False,
    plane: tuple[int, int] | None = None,
    wavelengths: tuple[float, ...] = (),
) -> SceneSource:
    """A source over an array that lies flat in a file.

    Args:
        path: the user's file.
        driver: name of the reader.
        variable: the array.
        flat: where it lies.
        axes: chosen by the user, or "" to guess.
        budget: byte limits.
        choices: names of all arrays that could be chosen.
        unpacked: whether `flat` is a temporary copy.
        plane: shape of reference labels in the same file.
        wavelengths: in the same file, if any.

    Raises:
        UnreadableScene: the array is no image, or the file is too short.
        BadOption: the chosen axes do not fit.
    """
    guess = ""
    if axes:
        axes = checked_axes(axes, variable.shape)
    else:
        axes, guess = guessed_axes(
            variable.shape, variable.name, plane, len(wavelengths) if wavelengths else None
        )
    pixels, layout = flat_pixels(flat, axes[::-1] if variable.fortran else axes)
    t, c, h, w = layout.tchw
    grid, where = grid_of(h, w, None, None)
    bands, told = bands_of(c, wavelengths=wavelengths)
    quantity, meaning = quantity_of("", variable.name, c, pixels, Calibration(), grid.window)
    size = array_bytes(variable.shape, variable.dtype.itemsize)
    notes = [guess] if guess else []
    if len(choices) > 1:
        notes.append(f"The variable '{variable.name}' was chosen of {len(choices)} in the file.")
    if unpacked:
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
        notes=(*notes, *where, *told, *meaning),
        choices=choices,
        variable=variable.name if choices else "",
        axes=axes,
        stored_bytes=size,
        in_parts=not unpacked,
    )
    return SceneSource(description, pixels, Calibration(), budget)
