"""What can be done to a scene before a model sees it, declared; `evaluate.changes` does it.

A kind of change is declared here, so that a page can make a form of it without loading what
computes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from rsviz.core.errors import BadOption
from rsviz.core.model import Change
from rsviz.core.options import as_dict, build, option


@dataclass(frozen=True)
class ChangeKind:
    """A kind of change.

    Attributes:
        title: for people.
        about: one sentence on what it shows.
        options: dataclass of its settings.
        function: "module:function" of (scene, settings, seed) -> scene.
    """

    title: str
    about: str
    options: type
    function: str


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


CHANGES: dict[str, ChangeKind] = {
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
