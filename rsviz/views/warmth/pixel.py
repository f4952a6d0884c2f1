"""One pixel: temperatures by all methods, where its signal comes from, and what if."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import streamlit as st

from rsviz.physics import thermal
from rsviz.physics.parametric import Law, moved
from rsviz.physics.single_band import (
    clear_transmittance,
    mean_air_k,
    mono_window_k,
    psi_of_water,
    single_channel_k,
)
from rsviz.physics.thermal import Air
from rsviz.physics.thermal_bands import ThermalBand
from rsviz.views import charts, clients
from rsviz.views.charts.temperature import signal_shares
from rsviz.views.warmth import given
from rsviz.views.warmth.review import Review
from rsviz.views.words import plain

RADIANCE = "W/(m² sr µm)"
STEP_WATER, STEP_AIR_K = 0.01, 0.1


@dataclass(frozen=True)
class Spot:
    """What is known of one pixel.

    Attributes:
        band: the thermal band.
        law: its parametric atmosphere as the weights tell it; None when they do not.
        air: the learned atmosphere.
        brightness_k, emissivity, water, air_k, ground_k: of the pixel; ground_k by the model.
        secant: of the view.
    """

    band: ThermalBand
    law: Law | None
    air: Air
    brightness_k: float
    emissivity: float
    water: float
    air_k: float
    ground_k: float
    secant: float

    @property
    def radiance(self) -> float:
        """At the sensor."""
        return float(self.band.planck.radiance(self.brightness_k))

    def inverted_k(self, emissivity: float, water: float, air_k: float) -> float:
        """The ground by radiative transfer with other inputs; the law moves the learned air."""
        air = self.air_at(water, air_k)
        return float(
            thermal.surface_temperature_k(self.band.planck, self.radiance, emissivity, air)
        )

    def air_at(self, water: float, air_k: float) -> Air:
        """The learned air with other water vapour and temperature."""
        if self.law is None:
            return self.air
        before, after = (self.water, self.air_k), (water, air_k)
        return moved(self.law, self.band.planck, self.air, self.secant, before, after)

    def classical_k(self, emissivity: float, water: float, air_k: float) -> dict[str, float]:
        """The published methods with other inputs."""
        path = water * self.secant
        psi = psi_of_water(self.band.psi, path)
        tau = clear_transmittance(self.band, path, air_k)
        mean = mean_air_k(air_k)
        return {
            "Single channel": float(
                single_channel_k(self.band.planck, self.brightness_k, emissivity, psi)
            ),
            "Mono-window": float(
                mono_window_k(self.band, self.brightness_k, emissivity, tau, mean)
            ),
        }


def spot(review: Review) -> Spot | None:
    """The picked pixel; None where nothing is known of it."""
    band = given.thermal_band(review.bench.about)
    names = ("brightness_temperature", "emissivity", "transmittance", "path_radiance",
             "sky_radiance", "temperature")  # fmt: skip
    values = {name: review.at(name) for name in names}
    values |= {wanted.option: _given(review, wanted) for wanted in given.INPUTS}
    known = {name: float(v) for name, v in values.items() if v is not None and v > 0}
    if band is None or len(known) < len(values):
        return None
    return Spot(
        band,
        _law(review, band),
        Air(known["transmittance"], known["path_radiance"], known["sky_radiance"]),
        known["brightness_temperature"],
        known["emissivity"],
        known[given.WATER],
        known[given.AIR],
        known["temperature"],
        given.secant(review.question),
    )


def _given(review: Review, wanted: given.Input) -> float | None:
    """Water vapour or air temperature at the picked pixel: of the scene's band, else the number."""
    bench = review.bench
    at = given.raster(bench.about, wanted.name)
    if at is None or bench.session.picked is None:
        return float(review.question.job.options.get(wanted.option, 0.0))
    value = float(clients.spectrum(bench.key, *bench.session.picked).values[at])
    return value if isfinite(value) else None


def inspect(review: Review) -> None:
    """Everything about the picked pixel."""
    if review.bench.session.picked is None:
        return
    found = spot(review)
    if found is None:
        st.caption("Nothing is known here: there is no data, or an input is missing.")
        return
    _temperatures(review)
    _signal(review, found)
    _what_if(review, found)


def _temperatures(review: Review) -> None:
    session = review.bench.session
    unit = given.unit(session)
    rows = []
    for name, layer in review.methods.items():
        value = review.at(name)
        if value is not None:
            rows.append((layer.title, given.in_unit(session, value)))
    doubt = review.at("uncertainty")
    pixel = session.picked
    truth = None if review.truth_k is None or pixel is None else float(review.truth_k[pixel])
    if truth is not None and isfinite(truth):
        rows.append(("Truth (simulated)", given.in_unit(session, truth)))
    if rows and doubt is not None:
        st.markdown(f"**{rows[0][1]:.1f} ± {doubt:.1f} {unit}** by the {plain(rows[0][0]).lower()}")
    st.dataframe(
        {"Method": [name for name, _ in rows], f"Ground [{unit}]": [v for _, v in rows]},
        hide_index=True,
        key="heat-methods",
        height="content",
        column_config={f"Ground [{unit}]": st.column_config.NumberColumn(format="%.1f")},
    )


def _signal(review: Review, here: Spot) -> None:
    """Shares of the signal, and how the result hangs on each input."""
    parts = thermal.shares(here.band.planck, here.ground_k, here.emissivity, here.air)
    line = (float(parts.surface), float(parts.reflected_sky), float(parts.path))
    st.plotly_chart(
        signal_shares({"Signal": line}, RADIANCE), key="heat-shares", config=charts.CONFIG
    )
    found = thermal.sensitivity(here.band.planck, here.radiance, here.emissivity, here.air)
    per = [
        ("Emissivity, 0.01 more", 0.01 * float(found.emissivity)),
        ("Transmittance, 0.01 more", 0.01 * float(found.transmittance)),
        ("Path radiance, 0.1 more", 0.1 * float(found.path_radiance)),
        ("Sky radiance, 0.1 more", 0.1 * float(found.sky_radiance)),
    ]
    if here.law is not None:
        base = here.inverted_k(here.emissivity, here.water, here.air_k)
        wetter = here.inverted_k(here.emissivity, here.water + STEP_WATER, here.air_k)
        warmer = here.inverted_k(here.emissivity, here.water, here.air_k + STEP_AIR_K)
        per += [
            ("Water vapour, 0.1 g/cm² more", (wetter - base) / STEP_WATER * 0.1),
            ("Air temperature, 1 K more", (warmer - base) / STEP_AIR_K),
        ]
    st.caption("What a change of each input does to the inverted temperature")
    st.dataframe(
        {"Change": [name for name, _ in per], "Ground [K]": [value for _, value in per]},
        hide_index=True,
        key="heat-derivatives",
        height="content",
        column_config={"Ground [K]": st.column_config.NumberColumn(format="%+.2f")},
    )


def _what_if(review: Review, here: Spot) -> None:
    """Sliders whose answer is worked out in the page, without a run."""
    session = review.bench.session
    unit = given.unit(session)
    row, col = session.picked or (0, 0)
    at = f"{review.key}-{row}-{col}-{unit}"
    st.markdown("**What if?**")
    emissivity = st.slider(
        "Emissivity",
        0.90,
        1.0,
        _within(here.emissivity, 0.90, 1.0),
        0.001,
        key=f"heat-e-{at}",
        format="%.3f",
    )
    water = st.slider(
        "Water vapour [g/cm²]", 0.05, 8.0, _within(here.water, 0.05, 8.0), 0.05, key=f"heat-w-{at}"
    )
    low, high = (given.in_unit(session, here.air_k + d) for d in (-15.0, 15.0))
    shown = given.in_unit(session, here.air_k)
    warm = st.slider(
        f"Air temperature [{unit}]", low, high, shown, 0.1, key=f"heat-t-{at}", format="%.1f"
    )
    air_k = here.air_k + (warm - shown)
    now = {"Radiative transfer": here.inverted_k(emissivity, water, air_k)}
    now |= here.classical_k(emissivity, water, air_k)
    before = {"Radiative transfer": here.inverted_k(here.emissivity, here.water, here.air_k)}
    before |= here.classical_k(here.emissivity, here.water, here.air_k)
    for place, (name, value) in zip(st.columns(len(now)), now.items(), strict=True):
        place.metric(
            name,
            f"{given.in_unit(session, value):.1f} {unit}",
            f"{value - before[name]:+.1f} K" if abs(value - before[name]) >= 0.05 else None,
            delta_color="off",
        )
    air = here.air_at(water, air_k)
    st.caption(
        f"The air then has transmittance {float(air.transmittance):.2f}, path radiance "
        f"{float(air.path_radiance):.2f} and sky radiance {float(air.sky_radiance):.2f} "
        f"{RADIANCE}."
    )


def _law(review: Review, band: ThermalBand) -> Law | None:
    """The parametric atmosphere in the record of the weights."""
    weights = review.question.card.named(review.result.record.weights)
    told = None if weights is None else weights.config.get("laws", {}).get(band.id)
    if told is None:
        return None
    a, b, c, d = told["depth"]
    return Law((a, b, c, d), told["up_k"], told["down_k"])


def _within(value: float, low: float, high: float) -> float:
    return min(max(round(value, 3), low), high)
