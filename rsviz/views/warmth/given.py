"""What a temperature starts from: the thermal band, and the air above it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, radians

import streamlit as st

from rsviz.core import registry
from rsviz.core.scene import Description
from rsviz.physics.thermal_bands import ThermalBand, band_at
from rsviz.views import ask, forms
from rsviz.views.ask import Question
from rsviz.views.bench import Bench
from rsviz.views.state import Session, Value, bind
from rsviz.views.words import plain

KIND = "temperature"
"""Name of the layer that the models of this page always give."""
KELVIN, CELSIUS = "K", "°C"
ZERO_K = 273.15
WATER, AIR = "water_vapour", "air_temperature_k"
TRUTH = "true surface temperature"


@dataclass(frozen=True)
class Input:
    """Something that must be known of the air.

    Attributes:
        option: of the model.
        name: for people, and how a band of the scene is called that holds it.
    """

    option: str
    name: str


INPUTS = (Input(WATER, "water vapour"), Input(AIR, "air temperature"))


def unit(session: Session) -> str:
    """Kelvin or Celsius, as the visitor chose."""
    return CELSIUS if session.chosen.get("heat-unit") == CELSIUS else KELVIN


def in_unit(session: Session, kelvin: float) -> float:
    """A temperature in the unit that the visitor chose."""
    return kelvin - ZERO_K if unit(session) == CELSIUS else kelvin


def panel(bench: Bench) -> Question | None:
    """Unit, water vapour and air temperature, then the model (in the sidebar).

    Returns:
        The question; None when no model takes the scene.
    """
    session = bench.session
    cards = registry.emitting(KIND)
    fitting = [card for card in cards if not card.why_not(bench.about)]
    if fitting:
        _choose_unit(session)
        card = next((c for c in fitting if c.id == session.model), fitting[0])
        values = session.options.setdefault(card.id, {})
        for wanted in INPUTS:
            _ask_for(bench, wanted, values)
        if missing(bench, forms.checked(card.options, values)):
            session.wants_run = False  # an address may ask for a run that cannot be
    return ask.panel(session, bench.about, KIND, ask.affordable(bench.about))


def missing(bench: Bench, options: Mapping[str, Value]) -> list[str]:
    """Names of what is neither a band of the scene nor given as a number in the options."""
    return [
        wanted.name
        for wanted in INPUTS
        if wanted.option in options
        and raster(bench.about, wanted.name) is None
        and not float(options[wanted.option]) > 0
    ]


def tell_missing(names: list[str]) -> None:
    """Say what is missing, and where to put it."""
    st.info(
        f"**{' and '.join(names).capitalize()}** "
        f"{'is' if len(names) == 1 else 'are'} not known for this scene. Give "
        f"{'it' if len(names) == 1 else 'them'} at the left: a weather station, a radiosonde or a "
        "reanalysis tells both for the time of the image. Rasters of the same pixels will do too, "
        "beside the scene: `NAME_water_vapour.tif`, `NAME_air_temperature.tif`.",
        icon=":material/thermostat:",
    )


def raster(about: Description, name: str) -> int | None:
    """Index of the band of the scene that holds something; None when there is none."""
    return next((i for i, b in enumerate(about.bands) if b.name.lower().startswith(name)), None)


def thermal_band(about: Description) -> ThermalBand | None:
    """The thermal band of the scene that is known here."""
    found = (band_at(b.wavelength_nm) for b in about.bands if b.wavelength_nm is not None)
    return next((band for band in found if band is not None), None)


def secant(question: Question) -> float:
    """Secant of the view angle in the settings."""
    return 1 / cos(radians(float(question.job.options.get("view_angle_deg", 0.0))))


def _choose_unit(session: Session) -> None:
    def store(name: str) -> None:
        session.chosen["heat-unit"] = name

    st.segmented_control(
        "Temperatures in",
        [KELVIN, CELSIUS],
        required=True,
        key="heat-unit",
        on_change=bind("heat-unit", unit(session), store),
        width="stretch",
    )


def _ask_for(bench: Bench, wanted: Input, values: dict[str, Value]) -> None:
    """A number, or the word that a band of the scene holds it."""
    at = raster(bench.about, wanted.name)
    if at is not None:
        st.caption(f"{wanted.name.capitalize()}: the band '{plain(bench.about.bands[at].name)}'")
        return
    session = bench.session
    heat = wanted.option == AIR
    now = float(values.get(wanted.option, 0.0))
    shown = in_unit(session, now) if heat and now > 0 else now
    label = f"Air temperature [{unit(session)}]" if heat else "Water vapour [g/cm²]"
    celsius = unit(session) == CELSIUS
    key = f"heat-{wanted.option}-{unit(session) if heat else ''}"

    def store(number: float | None) -> None:
        kelvin = number + ZERO_K if number is not None and heat and celsius else number
        values[wanted.option] = 0.0 if kelvin is None else float(kelvin)

    low, high = (-60.0, 60.0) if heat and celsius else (210.0, 335.0) if heat else (0.01, 8.0)
    st.number_input(
        label,
        low,
        high,
        step=1.0 if heat else 0.1,
        format="%.1f" if heat else "%.2f",
        key=key,
        placeholder="not known yet",
        on_change=bind(key, round(shown, 3) if now > 0 else None, store),
        help=(
            "Near the ground, when the image was taken."
            if heat
            else "Of the whole column of air. Dry winter air 0.5, mid-latitude summer 3, tropics "
            "4 to 6."
        ),
    )
