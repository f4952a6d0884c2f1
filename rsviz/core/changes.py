"""What can be done to a scene before a model sees it, declared; `evaluate.changes` does it.

A kind of change is declared here, so that a page can make a form of it without loading what
computes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

from rsviz.core.errors import BadOption, SceneMismatch
from rsviz.core.grid import Window
from rsviz.core.model import Change
from rsviz.core.options import as_dict, build, option
from rsviz.core.scene import Description


@dataclass(frozen=True)
class ChangeKind:
    """A kind of change.

    Attributes:
        title: for people.
        about: one sentence on what it shows.
        options: dataclass of its settings.
        function: "module:function" of (scene, settings, seed) -> scene.
        describe: what the description of a scene becomes; None when it stays as it is.
    """

    title: str
    about: str
    options: type
    function: str
    describe: Callable[[Description, Any], Description] | None = None


@dataclass(frozen=True)
class Noise:
    """Settings of added noise."""

    sigma: float = option(
        0.01, "Standard deviation", "of the noise, as a share of the scene's spread", 0.0, 2.0
    )


@dataclass(frozen=True)
class DropBands:
    """Which bands say nothing any more."""

    low_nm: float = option(
        1340.0, "From [nm]", "Bands between these wavelengths are dropped.", 300.0, 2600.0
    )
    high_nm: float = option(
        1460.0, "To [nm]", "Bands between these wavelengths are dropped.", 300.0, 2600.0
    )
    share: float = option(
        0.05, "At random", "Share of all bands that are dropped besides, drawn at random.", 0.0, 0.9
    )


@dataclass(frozen=True)
class JitterBands:
    """Settings of wrong gains."""

    sigma: float = option(
        0.02, "Spread of the gains", "Standard deviation of the factors around 1.", 0.0, 0.5
    )


@dataclass(frozen=True)
class Illumination:
    """Settings of another light."""

    factor: float = option(0.8, "Brightness", "All values are multiplied by this.", 0.2, 2.0)


@dataclass(frozen=True)
class ShiftWavelengths:
    """Settings of a wrong wavelength calibration."""

    shift_nm: float = option(
        2.0, "Shift [nm]", "Each band sees the light of a wavelength this much longer.", -20.0, 20.0
    )


@dataclass(frozen=True)
class Degrade:
    """Settings of a coarser copy of a scene."""

    scale: int = option(4, "Scale", "Times fewer pixels along each side.", 2, 8)
    blur: float = option(
        0.0, "Blur [px]", "Standard deviation of a Gaussian blur, in pixels of the scene.", 0.0, 4.0
    )
    noise: float = option(
        0.0, "Noise", "Standard deviation, as a share of the scene's spread.", 0.0, 0.5
    )


@dataclass(frozen=True)
class KeepBands:
    """Which bands stay."""

    bands: str = option("1", "Bands", "Their numbers from 1, in the new order: 29,19,9.")


def numbers(settings: KeepBands, count: int) -> tuple[int, ...]:
    """Indices from 0 of the bands that stay.

    Raises:
        BadOption: the text is no list of bands of the scene.
    """
    parts = [part.strip() for part in settings.bands.split(",")]
    found = tuple(int(part) - 1 if part.isdecimal() else -1 for part in parts)
    if not all(0 <= band < count for band in found):
        raise BadOption(
            f"'{settings.bands}' are no bands of a scene with {count}.",
            f"Numbers from 1 to {count} are expected, with commas between them.",
        )
    return found


def coarse_window(about: Description, settings: Degrade) -> Window:
    """The part of a scene that is a whole number of coarse pixels.

    Raises:
        SceneMismatch: the scene is smaller than two coarse pixels.
    """
    height, width = (side // settings.scale * settings.scale for side in about.grid.shape)
    if min(height, width) < 2 * settings.scale:
        raise SceneMismatch(
            f"The scene is {about.grid.height} x {about.grid.width} pixels; to make it "
            f"{settings.scale} times coarser it needs at least {2 * settings.scale} a side.",
            "Choose a smaller scale.",
        )
    return Window(0, 0, height, width)


def coarser(about: Description, settings: Degrade) -> Description:
    """What a scene is after `Degrade`.

    Raises:
        SceneMismatch: the scene is smaller than two coarse pixels.
    """
    window = coarse_window(about, settings)
    rows, cols = window.height // settings.scale, window.width // settings.scale
    grid = about.grid.crop(window).resized(rows, cols)
    return replace(about, grid=grid, shape=(*about.shape[:2], rows, cols), truth_names=())


def _with_bands(about: Description, settings: KeepBands) -> Description:
    kept = tuple(about.bands[band] for band in numbers(settings, len(about.bands)))
    dates, _, rows, cols = about.shape
    return replace(about, bands=kept, shape=(dates, len(kept), rows, cols))


@dataclass(frozen=True)
class SetDates:
    """Settings of corrected dates."""

    dates: str = option("", "Dates", "One for each image, like 2024-06-27, between commas.")


def dates_of(settings: SetDates, count: int) -> tuple[str, ...]:
    """The dates that were given, increasing and as many as there are images.

    Raises:
        BadOption: one is no date, they do not increase, or their number is another.
    """
    found = tuple(text.strip() for text in settings.dates.split(","))
    if len(found) != count:
        raise BadOption(f"{len(found)} dates are given for {count} images.")
    for text in found:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise BadOption(f"'{text}' is no date.", "Write dates as 2024-06-27.") from None
    for before, after in pairwise(found):
        if after <= before:
            raise BadOption(f"Dates must increase; {after} does not come after {before}.")
    return found


def _with_dates(about: Description, settings: SetDates) -> Description:
    return replace(about, dates=dates_of(settings, about.shape[0]))


@dataclass(frozen=True)
class DropDates:
    """Which dates are clouded over."""

    share: float = option(0.3, "Share", "Of all dates, at least one is dropped.", 0.0, 0.95)
    which: str = option(
        "random",
        "Which",
        "Dates drawn at random, the first ones or the last ones.",
        choices=("random", "first", "last"),
    )


CHANGES: dict[str, ChangeKind] = {
    "drop_dates": ChangeKind(
        "Dropped dates",
        "Some dates of a series count as clouded everywhere.",
        DropDates,
        "rsviz.evaluate.changes:drop_dates",
    ),
    "set_dates": ChangeKind(
        "Other dates",
        "The same images with corrected dates.",
        SetDates,
        "rsviz.evaluate.changes:set_dates",
        _with_dates,
    ),
    "noise": ChangeKind(
        "Noise",
        "Independent Gaussian noise in every band of every pixel.",
        Noise,
        "rsviz.evaluate.changes:noise",
    ),
    "drop_bands": ChangeKind(
        "Dropped bands",
        "Some bands say nothing: they hold their mean over the scene everywhere.",
        DropBands,
        "rsviz.evaluate.spectral_changes:drop_bands",
    ),
    "jitter_bands": ChangeKind(
        "Wrong gains",
        "Each band is multiplied by a factor of its own near 1, as by a poor calibration.",
        JitterBands,
        "rsviz.evaluate.spectral_changes:jitter_bands",
    ),
    "illumination": ChangeKind(
        "Other light",
        "All bands are brighter or darker by one factor.",
        Illumination,
        "rsviz.evaluate.spectral_changes:illumination",
    ),
    "shift_wavelengths": ChangeKind(
        "Shifted wavelengths",
        "Spectra are read at wavelengths a little off, as by a wrong wavelength calibration.",
        ShiftWavelengths,
        "rsviz.evaluate.spectral_changes:shift_wavelengths",
    ),
    "degrade": ChangeKind(
        "Coarser",
        "Blurred, made coarser by antialiased bicubic resampling, and noisier; the scene itself "
        "stays known as the truth.",
        Degrade,
        "rsviz.evaluate.degrade:degrade",
        coarser,
    ),
    "keep_bands": ChangeKind(
        "Some bands only",
        "Only some of the bands, in the order given.",
        KeepBands,
        "rsviz.evaluate.degrade:keep_bands",
        _with_bands,
    ),
}
"""All kinds by name."""


def kind(name: str) -> ChangeKind:
    """The kind of that name.

    Raises:
        BadOption: there is none.
    """
    if name not in CHANGES:
        raise BadOption(
            f"There is no change '{name}' of a scene.", f"There are: {', '.join(CHANGES)}."
        )
    return CHANGES[name]


def checked(change: Change) -> Change:
    """The change with all its settings, defaults included.

    Raises:
        BadOption: there is no such kind or setting, or a value lies outside its range.
    """
    return Change(change.name, as_dict(build(kind(change.name).options, change.settings)))


def after(about: Description, wanted: tuple[Change, ...]) -> Description:
    """What a description becomes after some changes: what a model is then asked to take.

    Raises:
        BadOption: there is no such change, or a setting is out of range.
        SceneMismatch: the scene is too small for it.
    """
    for change in wanted:
        found = kind(change.name)
        if found.describe is not None:
            about = found.describe(about, build(found.options, change.settings))
    return about
