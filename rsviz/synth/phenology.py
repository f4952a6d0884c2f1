"""How crops grow, ripen, are cut and harvested over a year.

Leaf area follows two logistic curves, one for greening and one for ripening (the form used for
vegetation indices by Beck et al. 2006); cuts take it down and it grows back; after the harvest lie
straw, then bare soil, then perhaps a catch crop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsviz.synth.canopy import Crop

Values = NDArray[np.float64]

STUBBLE_LAI = 0.05
STRAW_DAYS, REGROWTH_DAYS, RIPENING_DAYS = 22.0, 11.0, 9.0
CATCH_AFTER_DAYS, CATCH_LAI = 34.0, 2.2


@dataclass(frozen=True)
class Season:
    """The year of one crop; days are days of the year.

    Attributes:
        crop: canopy traits, from nothing to the densest canopy.
        winter: leaf area index before growth begins.
        peak: range of the highest leaf area index of a field.
        greening: day at which half of it has grown, and the time scale in days.
        ripening: day at which half of it has withered, and the time scale; a day beyond the year
            for what does not ripen.
        harvest: day of the harvest; 0 for what is not harvested.
        cuts: days at which it is cut and grows back.
        bloom: day, duration (days) and cover (0 to 1) of yellow flowers; cover 0 for none.
        spread: standard deviation of the days between fields.
        catch: share of the fields in which a catch crop follows the harvest.
    """

    crop: Crop
    winter: float
    peak: tuple[float, float]
    greening: tuple[float, float]
    ripening: tuple[float, float] = (400.0, 10.0)
    harvest: float = 0.0
    cuts: tuple[float, ...] = ()
    bloom: tuple[float, float, float] = (130.0, 10.0, 0.0)
    spread: float = 7.0
    catch: float = 0.0


@dataclass(frozen=True)
class Field:
    """One field: how it differs from others of its crop.

    Attributes:
        season: of its crop.
        shift: days by which it is later than the mean.
        peak: its highest leaf area index.
        cut_shifts: days by which its cuts are later.
        catch: whether a catch crop follows.
        soil: brightness of its soil relative to the mean.
        pale: by how much its leaves are less green.
    """

    season: Season
    shift: float
    peak: float
    cut_shifts: tuple[float, ...]
    catch: bool
    soil: float
    pale: float

    @staticmethod
    def drawn(season: Season, rng: np.random.Generator) -> Field:
        """A field drawn at random."""
        return Field(
            season,
            float(np.clip(rng.normal(0.0, season.spread), -2 * season.spread, 2 * season.spread)),
            float(rng.uniform(*season.peak)),
            tuple(float(rng.normal(0.0, 9.0)) for _ in season.cuts),
            bool(rng.random() < season.catch),
            float(np.clip(rng.normal(1.0, 0.14), 0.7, 1.35)),
            float(rng.uniform(0.0, 0.35)),
        )


@dataclass(frozen=True)
class State:
    """What stands on a field at one day.

    Attributes:
        lai: leaf area index.
        green: 1 for green leaves, 0 for withered ones.
        straw: share of the ground covered by straw.
        bloom: share covered by yellow flowers.
    """

    lai: float
    green: float
    straw: float
    bloom: float


def state(field: Field, day: float) -> State:
    """The field at a day of the year."""
    s = field.season
    grown = _logistic((day - field.shift - s.greening[0]) / s.greening[1])
    withered = _logistic((day - field.shift - s.ripening[0]) / s.ripening[1])
    lai = (s.winter + (field.peak - s.winter) * grown) * (1.0 - 0.75 * withered)
    green = 1.0 - _logistic((day - field.shift - s.ripening[0] + RIPENING_DAYS) / s.ripening[1])
    for cut, later in zip(s.cuts, field.cut_shifts, strict=True):
        since = day - cut - later
        if since >= 0:
            lai *= 1.0 - 0.85 * np.exp(-since / REGROWTH_DAYS)
    straw = 0.0
    since = day - s.harvest - field.shift
    if s.harvest and since >= 0:
        straw = float(np.exp(-since / STRAW_DAYS))
        lai, green = STUBBLE_LAI, 1.0
        if field.catch:
            lai += CATCH_LAI * _logistic((since - CATCH_AFTER_DAYS) / 8.0)
            straw *= 1.0 - _logistic((since - CATCH_AFTER_DAYS) / 8.0)
    bloom = s.bloom[2] * np.exp(-0.5 * ((day - field.shift - s.bloom[0]) / s.bloom[1]) ** 2)
    return State(float(lai), float(green), straw, float(bloom))


def _logistic(x: float) -> float:
    return float(1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0))))
