"""A parametric atmosphere: what water vapour and air temperature alone say of a thermal band.

Optical depth is a parabola in water vapour (its continuum absorbs with the square), the air
shines with temperatures a constant below that near the ground. Arrays or tensors; see `thermal`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rsviz.physics.thermal import Air, Planck, Values, at_least, module_of

TYPICAL_AIR_K, TEN_K = 285.0, 10.0
DIFFUSE = 1.66
"""Secant of the slant path that stands for the hemisphere (Elsasser 1942)."""
LEAST_DEPTH = 1e-3
Terms = tuple[Values, Values, Values, Values]


def depth_terms(water_g_cm2: Values, air_k: Values) -> Terms:
    """What the optical depth of the vertical column is linear in.

    w and w^2 are absorption by water vapour at the pressure of the air and at its own
    (continuum), 1 the other gases and haze.
    """
    w = water_g_cm2
    t = (air_k - TYPICAL_AIR_K) / TEN_K
    return 0 * w * t + 1, w + 0 * t, w * w + 0 * t, t + 0 * w


@dataclass(frozen=True)
class Law:
    """The parametric atmosphere of one thermal band.

    Attributes:
        depth: factors of the four terms of optical depth.
        up_k, down_k: effective temperatures of the air seen from above and from below, minus
            that near the ground.
    """

    depth: tuple[float, float, float, float]
    up_k: float
    down_k: float

    def vertical_depth(self, water_g_cm2: Values, air_k: Values) -> Values:
        """Optical depth of the vertical column, above 0."""
        terms = depth_terms(water_g_cm2, air_k)
        return at_least(sum(c * t for c, t in zip(self.depth, terms, strict=True)), LEAST_DEPTH)

    def depth_per_water(self, water_g_cm2: Values) -> Values:
        """Its derivative to water vapour, not below 0."""
        return at_least(self.depth[1] + 2 * self.depth[2] * water_g_cm2, 0.0)


def air_of(
    planck: Planck, vertical_depth: Values, secant: Values, up_k: Values, down_k: Values
) -> Air:
    """Transmittance in (0, 1) and radiances >= 0 of air with a depth and two temperatures."""
    xp = module_of(vertical_depth)
    tau = xp.exp(-vertical_depth * secant)
    sky = -xp.expm1(-DIFFUSE * vertical_depth) * planck.radiance(down_k)
    return Air(tau, (1 - tau) * planck.radiance(up_k), sky)


def effective(planck: Planck, air: Air, secant: Values) -> tuple[Values, Values, Values]:
    """Vertical optical depth and the two effective temperatures of known air: `air_of` undone."""
    xp = module_of(air.transmittance)
    depth = -xp.log(air.transmittance)
    vertical = depth / secant
    up = planck.temperature_k(air.path_radiance / -xp.expm1(-depth))
    return vertical, up, planck.temperature_k(air.sky_radiance / -xp.expm1(-DIFFUSE * vertical))


def moved(
    law: Law,
    planck: Planck,
    air: Air,
    secant: Values,
    before: tuple[Values, Values],
    after: tuple[Values, Values],
) -> Air:
    """What air becomes with other water vapour and temperature, by the law.

    What the air differs from the law (the factor of its depth, its effective temperatures) stays.

    Args:
        law: of the band.
        planck: of the band.
        air: as it is.
        secant: of the view angle.
        before, after: water vapour in g/cm2 and air temperature in K.
    """
    vertical, up, down = effective(planck, air, secant)
    factor = vertical / law.vertical_depth(*before)
    warmer = after[1] - before[1]
    return air_of(planck, factor * law.vertical_depth(*after), secant, up + warmer, down + warmer)


def fitted(planck: Planck, air: Air, water_g_cm2: Values, air_k: Values, secant: Values) -> Law:
    """The law of known air, by least squares; numpy arrays (N,)."""
    vertical, up, down = effective(planck, air, secant)
    terms = np.stack(depth_terms(water_g_cm2, air_k), axis=1)
    a, b, c, d = (float(v) for v in np.linalg.lstsq(terms, vertical, rcond=None)[0])
    return Law((a, b, c, d), float(np.mean(up - air_k)), float(np.mean(down - air_k)))
