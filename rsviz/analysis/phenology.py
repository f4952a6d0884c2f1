"""When a season starts, peaks and ends, read from a vegetation index over a year.

Gaps and noise are smoothed by a Gaussian kernel over days; start and end are where the smooth
curve crosses a share of its amplitude before and after the peak (the amplitude threshold of
Jönsson and Eklundh 2004, "TIMESAT", with one base for both sides).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
BANDWIDTH_DAYS = 16.0
LEAST_AMPLITUDE = 0.1
LEAST_DATES = 5


@dataclass(frozen=True, eq=False)
class Season:
    """A smoothed season and its markers, in days after the first date.

    Attributes:
        days: (D,) every day from the first date to the last.
        smooth: (D,) the smoothed index on each day.
        start, peak, end: days; start or end is None when the series does not reach it.
        amplitude: highest less lowest smoothed value.
    """

    days: Numbers
    smooth: Numbers
    start: float | None
    peak: float
    end: float | None
    amplitude: float


def days_of(dates: tuple[str, ...], count: int) -> Numbers:
    """Days after the first date, (T,); without dates the number of each step, from 0."""
    if not dates:
        return np.arange(count, dtype=np.float64)
    ordinals = np.array([date.fromisoformat(d[:10]).toordinal() for d in dates], np.float64)
    return np.asarray(ordinals - ordinals[0])


def season(days: Numbers, values: NDArray[np.floating], share: float = 0.5) -> Season | None:
    """Find start, peak and end of the season with the highest peak.

    Args:
        days: (T,) days, increasing.
        values: (T,) vegetation index, NaN where masked.
        share: of the amplitude at which a season starts and ends, 0 to 1.

    Returns:
        None when fewer than five dates are clear or the amplitude is below 0.1.
    """
    known = np.isfinite(values)
    if known.sum() < LEAST_DATES:
        return None
    every = np.arange(days[0], days[-1] + 1.0)
    smooth = smoothed(days[known], np.asarray(values[known], np.float64), every)
    peak = int(np.argmax(smooth))
    amplitude = float(smooth[peak] - smooth.min())
    if amplitude < LEAST_AMPLITUDE:
        return None
    level = float(smooth.min()) + share * amplitude
    rising, falling = _crossing(smooth[: peak + 1][::-1], level), _crossing(smooth[peak:], level)
    return Season(
        every,
        smooth,
        None if rising is None else float(every[peak] - rising),
        float(every[peak]),
        None if falling is None else float(every[peak] + falling),
        amplitude,
    )


def smoothed(days: Numbers, values: Numbers, at: Numbers) -> Numbers:
    """Local means of a series with Gaussian weights, wider where its dates are far apart.

    Args:
        days: (T,) days of the values.
        values: (T,) finite values.
        at: (D,) days at which to smooth.
    """
    reach = np.full(days.size, BANDWIDTH_DAYS)
    if days.size > 1:
        steps = np.diff(days)
        reach = np.maximum(reach, 0.5 * np.maximum(np.r_[0, steps], np.r_[steps, 0]))
    weights = np.exp(-0.5 * ((at[:, None] - days) / reach) ** 2) / reach  # (D, T)
    return np.asarray(weights @ values / np.maximum(weights.sum(axis=1), 1e-300))


def _crossing(curve: Numbers, level: float) -> float | None:
    """Steps from the start of a falling curve until it first lies below a level; None if never."""
    below = np.flatnonzero(curve < level)
    if not below.size:
        return None
    after = int(below[0])
    high, low = curve[after - 1], curve[after]
    return float(after - 1 + (high - level) / (high - low))
