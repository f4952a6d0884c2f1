"""A scene in memory, and a source that is not in memory yet.

Axis order, stated once: scenes are (T, C, H, W), layers (C, H, W) or (H, W).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import SceneMismatch
from rsviz.core.grid import Grid, Window

T = TypeVar("T", bound=np.generic)
Quantity = Literal[
    "reflectance", "radiance", "brightness_temperature", "reflectance_and_temperature", "dn"
]
UNITS: dict[Quantity, str] = {
    "reflectance": "reflectance",
    "radiance": "radiance",
    "brightness_temperature": "K",
    "reflectance_and_temperature": "reflectance or K",
    "dn": "DN",
}
"""What is written behind a value of a scene."""


@dataclass(frozen=True)
class Band:
    """One band: its name, centre wavelength and width in nanometres, and whether it is usable."""

    name: str
    wavelength_nm: float | None = None
    fwhm_nm: float | None = None
    good: bool = True


@dataclass(frozen=True)
class Truth:
    """Reference labels that a file brought along.

    Attributes:
        labels: (H, W) int16; 0 is unlabelled, 1..K are the classes.
        names: the K class names, in label order.
        colours: K colours as '#rrggbb', or empty for the default palette.
        groups: (H, W) int32, which pixels belong together (a field, neighbours) and therefore
            never test each other; None when that is not known. Unlabelled pixels have any.
    """

    labels: NDArray[np.int16]
    names: tuple[str, ...]
    colours: tuple[str, ...] = ()
    groups: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        labels = frozen_array(self.labels, np.int16)
        if labels.ndim != 2:
            raise SceneMismatch(f"Reference labels have shape {labels.shape}; (H, W) is expected.")
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high > len(self.names):
            raise SceneMismatch(
                f"Reference labels run from {low} to {high}; with {len(self.names)} class names "
                f"they must lie in 0..{len(self.names)}."
            )
        if self.colours and len(self.colours) != len(self.names):
            raise SceneMismatch(
                f"There are {len(self.colours)} colours for {len(self.names)} classes."
            )
        object.__setattr__(self, "labels", labels)
        if self.groups is not None:
            groups = frozen_array(self.groups, np.int32)
            if groups.shape != labels.shape:
                raise SceneMismatch(
                    f"Groups of labels have shape {groups.shape}; {labels.shape} is expected."
                )
            object.__setattr__(self, "groups", groups)

    def crop(self, window: Window) -> Truth:
        """The labels of a window; nothing is copied."""
        groups = None if self.groups is None else self.groups[window.rows, window.cols]
        return replace(self, labels=self.labels[window.rows, window.cols], groups=groups)


@dataclass(frozen=True)
class Description:
    """What a file holds, known without reading its pixels.

    Attributes:
        name: short title for people.
        driver: the reader that recognised the file ("geotiff", "envi", "mat5", ...).
        shape: (T, C, H, W).
        dtype: numpy name of the stored numbers.
        bands: one Band for each of the C bands.
        grid: where the pixels lie.
        quantity: what the numbers mean after scale and offset.
        dates: T ISO dates, or empty.
        nodata: the stored value that means "no data", if any.
        notes: one sentence for everything that was guessed or should be known.
        choices: names of the variables that could be read instead of `variable`.
        variable: the variable chosen, for files that hold several.
        axes: order of the stored axes as the reader took them, e.g. "HWC"; empty when fixed.
        truth_names: class names when the file brings reference labels; empty otherwise.
        simulated: whether the scene was simulated rather than observed.
        stored_bytes: size of the pixels as stored once uncompressed.
        in_parts: whether windows are read without unpacking the whole file.
        block: rows and columns that the file decodes together; 0 columns for whole rows.
    """

    name: str
    driver: str
    shape: tuple[int, int, int, int]
    dtype: str
    bands: tuple[Band, ...]
    grid: Grid
    quantity: Quantity = "dn"
    dates: tuple[str, ...] = ()
    nodata: float | None = None
    notes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    variable: str = ""
    axes: str = ""
    truth_names: tuple[str, ...] = ()
    simulated: bool = False
    stored_bytes: int = 0
    in_parts: bool = True
    block: tuple[int, int] = (1, 0)

    def __post_init__(self) -> None:
        if len(self.bands) != self.shape[1]:
            raise SceneMismatch(
                f"{self.name}: {len(self.bands)} bands are described, {self.shape[1]} stored."
            )

    @property
    def wavelengths_nm(self) -> tuple[float, ...] | None:
        """Centre wavelengths of all bands, or None when one is unknown."""
        return wavelengths_of(self.bands)


@dataclass(frozen=True)
class Spectrum:
    """One pixel: a value for each band (NaN where there is none), at the first date."""

    row: int
    col: int
    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen_array(self.values, np.float32))


@dataclass(frozen=True)
class Scene:
    """A scene in memory: pixels, validity, bands, grid and meaning, checked and read-only.

    Attributes:
        pixels: (T, C, H, W) float32 in the unit of `quantity`; 0 where invalid.
        valid: (T, H, W) bool; False where there is no data.
        bands: C bands.
        grid: the grid of the pixels.
        quantity: reflectance (0-1), radiance, brightness_temperature (K), both (reflectance below
            3 um, temperature beyond) or dn.
        dates: T ISO dates, or empty.
        truth: reference labels, if the file brought some.
        name: short title for people.
        notes: everything that was guessed, in sentences.
        simulated: whether it was simulated.
        reference: (C, s*H, s*W) float32, what the scene looks like s times finer, where that is
            known; the answer of a super-resolution is compared with it, and models never see it.
    """

    pixels: NDArray[np.float32]
    valid: NDArray[np.bool_]
    bands: tuple[Band, ...]
    grid: Grid
    quantity: Quantity = "dn"
    dates: tuple[str, ...] = ()
    truth: Truth | None = None
    name: str = ""
    notes: tuple[str, ...] = ()
    simulated: bool = False
    reference: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        pixels = frozen_array(self.pixels, np.float32)
        valid = frozen_array(self.valid, np.bool_)
        if pixels.ndim != 4:
            raise SceneMismatch(
                f"Pixels have shape {pixels.shape}; (T, C, H, W), that is dates, bands, rows, "
                "columns, is expected."
            )
        t, c, h, w = pixels.shape
        if valid.shape != (t, h, w):
            raise SceneMismatch(f"The mask has shape {valid.shape}; {(t, h, w)} is expected.")
        if len(self.bands) != c:
            raise SceneMismatch(f"{len(self.bands)} bands are described, {c} are there.")
        if self.grid.shape != (h, w):
            raise SceneMismatch(f"The grid is {self.grid.shape}, the pixels are {(h, w)}.")
        if self.dates and len(self.dates) != t:
            raise SceneMismatch(f"{len(self.dates)} dates are given for {t} images.")
        if self.quantity not in get_args(Quantity):
            raise SceneMismatch(f"The quantity '{self.quantity}' is none of {get_args(Quantity)}.")
        if self.truth is not None and self.truth.labels.shape != (h, w):
            raise SceneMismatch(
                f"Reference labels are {self.truth.labels.shape}, the pixels are {(h, w)}."
            )
        if self.reference is not None:
            reference = frozen_array(self.reference, np.float32)
            finer = reference.shape[-1] // w if reference.ndim == 3 else 0
            if finer < 1 or reference.shape != (c, finer * h, finer * w):
                raise SceneMismatch(
                    f"The reference image has shape {reference.shape}; {(c, h, w)} times a whole "
                    "number in rows and columns is expected."
                )
            object.__setattr__(self, "reference", reference)
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "valid", valid)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        t, c, h, w = self.pixels.shape
        return t, c, h, w

    @property
    def wavelengths_nm(self) -> tuple[float, ...] | None:
        """Centre wavelengths of all bands, or None when one is unknown."""
        return wavelengths_of(self.bands)

    @cached_property
    def id(self) -> str:
        """Content hash (32 hex digits) of pixels, mask, bands, grid, dates and truth."""
        digest = hashlib.blake2b(digest_size=16)
        for array in (self.pixels, self.valid):
            digest.update(np.ascontiguousarray(array).data)
        meta = (self.bands, self.grid, self.quantity, self.dates)
        digest.update(repr(meta).encode())
        if self.truth is not None:
            digest.update(np.ascontiguousarray(self.truth.labels).data)
            digest.update(repr(self.truth.names).encode())
        if self.reference is not None:
            digest.update(np.ascontiguousarray(self.reference).data)
        return digest.hexdigest()

    def crop(self, window: Window) -> Scene:
        """A window of this scene; pixels are a view, nothing is copied."""
        truth = None if self.truth is None else self.truth.crop(window)
        reference = self.reference
        if reference is not None:
            s = reference.shape[-1] // self.grid.width
            rows, cols = window.rows, window.cols
            reference = reference[:, s * rows.start : s * rows.stop, s * cols.start : s * cols.stop]
        return Scene(
            self.pixels[:, :, window.rows, window.cols],
            self.valid[:, window.rows, window.cols],
            self.bands,
            self.grid.crop(window),
            self.quantity,
            self.dates,
            truth,
            self.name,
            self.notes,
            self.simulated,
            reference,
        )


class Source(Protocol):
    """A file that is not in memory: described for free, read by window, or by one pixel."""

    def describe(self) -> Description:
        """What the file holds; reads no pixels."""
        ...

    def read(self, window: Window | None = None, bands: tuple[int, ...] | None = None) -> Scene:
        """Read a window (the whole grid by default) of some bands (indices from 0, all by default).

        Raises:
            UnreadableScene: the file is damaged.
            SceneTooLarge: the window exceeds the byte budget.
        """
        ...

    def spectrum(self, row: int, col: int) -> Spectrum:
        """Read one pixel in all bands."""
        ...

    def overviews(self) -> Mapping[int, Source]:
        """Coarser copies that the file itself holds, by the power of 2 that divides each side."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


def frozen_array(array: object, dtype: type[T]) -> NDArray[T]:
    """A read-only array of the wanted type; copies only when the type differs."""
    out = np.asarray(array, dtype=dtype).view()
    out.flags.writeable = False
    return out


def wavelengths_of(bands: tuple[Band, ...]) -> tuple[float, ...] | None:
    """Centre wavelengths in nm, or None when one is unknown."""
    centres = [band.wavelength_nm for band in bands]
    known = tuple(c for c in centres if c is not None)
    return known if bands and len(known) == len(centres) else None
