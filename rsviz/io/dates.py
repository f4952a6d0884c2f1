"""Days of the images of a series: found in tags, in names or in a file beside, and checked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from rsviz.core.errors import UnreadableScene
from rsviz.io.paths import DATE_ENDINGS, shown

SIDE_NAMES = ("dates.txt", "dates.csv", "timeline")
LARGEST_SIDE_FILE = 1 << 20
FIRST_YEAR, LAST_YEAR = 1950, 2100
HINT = (
    "Put a text file with one day a line (2023-04-19), in the order of the images, beside the "
    "scene: NAME_dates.txt, or dates.txt in a folder."
)
_NAMED = (
    re.compile(r"(?<!\d)(\d{4})[-_.](\d{2})[-_.](\d{2})(?!\d)"),
    re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)"),
    re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?=T\d{4,6})"),
)
_DAY_OF_YEAR = re.compile(r"(?<!\d)(\d{4})-?(\d{3})(?!\d)")


def day_in(text: str) -> str:
    """The first day (ISO) that a name or text holds, or "".

    Read are 2023-04-19 (also with _ or .), 20230419, and year with day of the year: 2023109.
    """
    for pattern in _NAMED:
        for year, month, day in pattern.findall(text):
            found = _iso(int(year), int(month), int(day))
            if found:
                return found
    for year, of_year in _DAY_OF_YEAR.findall(text):
        if 1 <= int(of_year) <= 366 and FIRST_YEAR <= int(year) <= LAST_YEAR:
            return (date(int(year), 1, 1) + timedelta(days=int(of_year) - 1)).isoformat()
    return ""


def listed_days(text: str) -> tuple[str, ...]:
    """Days of a list in a tag or a setting: JSON, or separated by commas or blanks; "" unread."""
    if text.lstrip().startswith("["):
        try:
            items = [str(item) for item in json.loads(text)]
        except ValueError:
            items = []
    else:
        items = re.split(r"[\s,;]+", text.strip().strip("{}"))
    return tuple(day_in(item) for item in items if item)


def side_file(path: Path) -> Path | None:
    """The file of days beside a scene, or inside a folder of images; None where there is none."""
    if path.is_dir():
        names = [path / name for name in SIDE_NAMES]
    else:
        names = [path.with_name(path.stem + ending) for ending in DATE_ENDINGS]
    return next((name for name in names if name.is_file()), None)


def side_days(beside: Path) -> tuple[str, ...]:
    """The days of a side file: the first day of each line; lines without a digit are headings.

    Raises:
        UnreadableScene: a line holds no day.
    """
    if beside.stat().st_size > LARGEST_SIDE_FILE:
        raise UnreadableScene(f"'{shown(beside.name)}' is too large for a list of days.")
    lines = beside.read_text("utf8", errors="replace").splitlines()
    days = []
    for number, line in enumerate(lines, start=1):
        if not re.search(r"\d", line):
            continue
        day = day_in(line)
        if not day:
            raise UnreadableScene(
                f"Line {number} of '{shown(beside.name)}' holds no day: "
                f"'{shown(line.strip()[:40])}'; a day such as 2023-04-19 is expected.",
                HINT,
            )
        days.append(day)
    return tuple(days)


def sorting(days: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The order in time of some days, and sentences on what was odd about them.

    Returns:
        Places in the given order, earliest first (equal days stay as they were), and the notes.
    """
    order = tuple(sorted(range(len(days)), key=lambda i: days[i]))
    notes = []
    if order != tuple(range(len(days))):
        notes.append("The images do not lie in the order of their days; they were sorted.")
    twice = [f"{day} ({count} images)" for day, count in Counter(days).items() if count > 1]
    if twice:
        more = f" and {len(twice) - 5} more" if len(twice) > 5 else ""
        notes.append(
            f"Days that occur more than once: {', '.join(sorted(twice)[:5])}{more}; all images are "
            "kept."
        )
    return order, tuple(notes)


def _iso(year: int, month: int, day: int) -> str:
    try:
        found = date(year, month, day)
    except ValueError:
        return ""
    return found.isoformat() if FIRST_YEAR <= year <= LAST_YEAR else ""
