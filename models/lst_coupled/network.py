"""Physics and learning coupled: a network corrects a parametric atmosphere, radiative transfer
turns it into a temperature, and error propagation decides how far that one is to be trusted.

Notation: Tb brightness temperature, T0 air temperature at the ground, w column water vapour, s
secant of the view angle; tau, Lu, Ld transmittance, path and sky radiance; K, g/cm2, and
W m-2 sr-1 um-1 throughout. Tensors are (M, B): members of the ensemble, pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rsviz.nn.members import Members
from rsviz.physics.parametric import Law, air_of
from rsviz.physics.single_band import psi_of_water, single_channel_k
from rsviz.physics.thermal import Air, at_sensor, surface_temperature_k
from rsviz.physics.thermal_bands import ThermalBand

MOST_DEPTH, MOST_SOURCE_K, MOST_RESIDUAL_K = 0.5, 12.0, 3.0
"""Largest corrections: of ln(optical depth), of effective air temperatures, of the result."""
LOWEST_K, HIGHEST_K = 40.0, 60.0
"""How far below and above the air an inverted temperature may lie."""
FROM_AIR_K, SPAN_K = 6.0, 40.0
DEPTH_ERROR, SOURCE_ERROR_K, DIRECT_ERROR_K = 0.1, 3.0, 8.0
"""Typical errors: of the parametric depth (share), of effective temperatures, of the ground when
only the air is known."""
FADE = 2.0
"""How quickly learned corrections fade beyond the inputs of training, per standard deviation."""
EMISSIVITY_ERROR, RADIANCE_ERROR = 0.008, 0.006
OUTPUTS = 8
INPUTS = 11
LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Inputs:
    """What is known of B pixels, float32 tensors (B,) or (M, B)."""

    brightness_k: Tensor
    emissivity: Tensor
    water: Tensor
    air_k: Tensor
    secant: Tensor
    water_error: Tensor
    air_error_k: Tensor


@dataclass(frozen=True)
class Answer:
    """Every quantity on the way to the temperature, (M, B).

    Attributes:
        temperature_k: the result.
        error_k: its standard deviation as the network and the physics estimate it.
        inverted_k: from inverting radiative transfer with the learned atmosphere.
        direct_k: that the network gives directly.
        trust: weight of the inverted one, 0 to 1.
        residual_k: bounded correction that no physics explains.
        air: the learned atmosphere.
    """

    temperature_k: Tensor
    error_k: Tensor
    inverted_k: Tensor
    direct_k: Tensor
    trust: Tensor
    residual_k: Tensor
    air: Air


class CoupledNetwork(nn.Module):
    """The network for one thermal band.

    Args:
        band: the thermal band.
        law: its parametric atmosphere.
        members: number of networks.
        hidden: width of each.
        depth: its hidden layers.
    """

    def __init__(
        self, band: ThermalBand, law: Law, members: int = 4, hidden: int = 32, depth: int = 2
    ) -> None:
        super().__init__()
        self.band, self.law = band, law
        self.members = Members(members, INPUTS, hidden, depth, OUTPUTS)
        for name, value in (("low", -torch.inf), ("high", torch.inf)):
            self.register_buffer(name, torch.full((INPUTS,), value))
        self.register_buffer("mean", torch.zeros(INPUTS))
        self.register_buffer("spread", torch.ones(INPUTS))

    def features(self, x: Inputs) -> Tensor:
        """Inputs of the networks before standardising, (..., 11); the classical result is one."""
        psi = psi_of_water(self.band.psi, x.water * x.secant)
        classical = single_channel_k(self.band.planck, x.brightness_k, x.emissivity, psi)
        parts = (
            x.brightness_k,
            x.air_k,
            x.brightness_k - x.air_k,
            x.emissivity,
            x.water,
            x.water**2,
            x.secant,
            x.water_error,
            x.air_error_k,
            (classical - x.air_k).clamp(-LOWEST_K, HIGHEST_K),
            x.water * x.secant * (x.brightness_k - x.air_k),
        )
        return torch.stack(torch.broadcast_tensors(*parts), -1)

    def adopt(self, x: Inputs) -> None:
        """Learn the range of the inputs.

        Beyond that range the corrections of the networks fade; the parametric atmosphere, the
        ground's usual warmth above the air, and their typical errors remain.
        """
        with torch.no_grad():
            found = self.features(x)
            self.low.copy_(found.amin(0))
            self.high.copy_(found.amax(0))
            self.mean.copy_(found.mean(0))
            self.spread.copy_(found.std(0).clamp(min=LEAST_SPREAD))

    def forward(self, x: Inputs) -> Answer:
        """Temperature and everything on the way to it."""
        planck = self.band.planck
        z = self.features(x)
        z = z if z.ndim == 3 else z[None]
        inside = torch.clamp(z, self.low, self.high)
        beyond = ((z - inside).abs() / self.spread).sum(-1, keepdim=True)
        z = self.members((inside - self.mean) / self.spread) * torch.exp(-FADE * beyond)
        a, b, c, d, e, f, g, h = z.unbind(-1)
        # the atmosphere: parametric, corrected within bounds; tau in (0, 1), radiances >= 0
        base = self.law.vertical_depth(x.water, x.air_k)
        vertical = base * torch.exp(MOST_DEPTH * torch.tanh(a))
        up = x.air_k + self.law.up_k + MOST_SOURCE_K * torch.tanh(b)
        down = x.air_k + self.law.down_k + MOST_SOURCE_K * torch.tanh(c)
        air = air_of(planck, vertical, x.secant, up, down)
        depth, tau, sky = vertical * x.secant, air.transmittance, air.sky_radiance
        emitted_up = planck.radiance(up)
        # two heads: direct, and through the inverse of radiative transfer
        radiance = planck.radiance(x.brightness_k)
        direct = x.air_k + FROM_AIR_K + SPAN_K * torch.tanh(d)
        inverted = surface_temperature_k(planck, radiance, x.emissivity, air)
        inverted = x.air_k + _softly(inverted - x.air_k)
        # error propagation: how far the inverted one can be trusted
        slope = planck.slope(inverted)
        per_radiance = 1 / (tau * x.emissivity * slope)
        ground = x.emissivity * planck.radiance(inverted) + (1 - x.emissivity) * sky
        per_depth = tau * (ground - emitted_up) * per_radiance
        per_up = (1 - tau) * planck.slope(up) * per_radiance
        per_emissivity = (planck.radiance(inverted) - sky) / (x.emissivity * slope)
        water_depth = x.secant * self.law.depth_per_water(x.water)
        variance = (
            (per_radiance * RADIANCE_ERROR) ** 2
            + (per_emissivity * EMISSIVITY_ERROR) ** 2
            + per_depth**2
            * ((water_depth * x.water_error) ** 2 + (depth * _near(DEPTH_ERROR, e)) ** 2)
            + per_up**2 * (x.air_error_k**2 + _near(SOURCE_ERROR_K, f) ** 2)
        )
        direct_variance = _near(DIRECT_ERROR_K, g) ** 2
        trust = direct_variance / (variance + direct_variance)
        residual = MOST_RESIDUAL_K * torch.tanh(h)
        return Answer(
            trust * inverted + (1 - trust) * direct + residual,
            torch.sqrt(trust * variance + 1e-4),
            inverted,
            direct,
            trust,
            residual,
            air,
        )


def radiance_closure(band: ThermalBand, x: Inputs, temperature_k: Tensor, air: Air) -> Tensor:
    """Radiance that a temperature would give through the learned air, minus the measured one."""
    modelled = at_sensor(band.planck, temperature_k, x.emissivity, air)
    return modelled - band.planck.radiance(x.brightness_k)


def objective(answer: Answer, x: Inputs, truth_k: Tensor, air: Air, band: ThermalBand) -> Tensor:
    """What training makes small; all terms are near 1 at the start.

    Square error of the result; its likelihood under the stated error; the known atmosphere; the
    radiance that the direct head would give (zero for the inverted one by construction, not for
    this one); agreement of the two heads where the inverted one is trusted.
    """
    wrong = answer.temperature_k - truth_k
    likelihood = wrong.detach() ** 2 / answer.error_k**2 / 2 + torch.log(answer.error_k)
    scale = (air.transmittance * x.emissivity * band.planck.slope(truth_k)).detach()
    up = (answer.air.path_radiance - air.path_radiance) / 0.3
    sky = (answer.air.sky_radiance - air.sky_radiance) / 0.5
    tau = (answer.air.transmittance - air.transmittance) / 0.05
    forward = radiance_closure(band, x, answer.direct_k, answer.air) / (2 * scale + 0.02)
    agree = answer.trust.detach() * (answer.direct_k - answer.inverted_k) / 2
    return (
        (wrong**2 / 4).mean()
        + 0.1 * likelihood.mean()
        + 0.1 * (tau**2 + up**2 + sky**2).mean()
        + 0.02 * F.huber_loss(forward, torch.zeros_like(forward))
        + 0.02 * F.huber_loss(agree, torch.zeros_like(agree))
        + 0.01 * (answer.residual_k**2).mean()
    )


def _softly(difference: Tensor) -> Tensor:
    """A difference to the air, kept within its bounds; the gradient never vanishes at once."""
    return difference.clamp(-LOWEST_K, HIGHEST_K)


def _near(typical: float, z: Tensor) -> Tensor:
    """A positive number: the typical one at z = 0, at most e^3 times more or less."""
    return typical * torch.exp(torch.clamp(z, -3.0, 3.0))
