"""Days: of the year, for the network; since the first date, for maps."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

YEAR_DAYS = 365.25


def days_of(dates: tuple[str, ...], count: int) -> NDArray[np.float32]:
    """Day of the year of each date (T,); series without dates are spread over one year."""
    if not dates:
        return np.linspace(0.0, YEAR_DAYS, count, endpoint=False, dtype=np.float32)
    return np.array([date.fromisoformat(d).timetuple().tm_yday for d in dates], np.float32)


def elapsed_of(dates: tuple[str, ...], count: int) -> NDArray[np.float32]:
    """Days since the first date (T,); without dates the numbers 1 to T."""
    if not dates:
        return np.arange(1, count + 1, dtype=np.float32)
    first = date.fromisoformat(dates[0])
    return np.array([(date.fromisoformat(d) - first).days for d in dates], np.float32)


def names_of(dates: tuple[str, ...], count: int) -> tuple[str, ...]:
    """What the dates are called: ISO days, or their numbers."""
    return dates or tuple(str(i) for i in range(1, count + 1))
