"""How numbers and foreign text are written: the digits they deserve, and never as Markdown."""

from __future__ import annotations

import math
import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-!|$~])")
_COMMAND = re.compile(r":(?=[A-Za-z/])|www(?=\.)|@(?=\w)", re.IGNORECASE)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


def plain(text: str) -> str:
    """Text from a file, a paper or an error so that Markdown shows it letter by letter.

    Streamlit takes `:red[…]`, `:material/…:` and `:smile:` as commands, and makes links of
    addresses, even where every sign is escaped; an invisible sign that joins words breaks them.
    """
    escaped = _SPECIAL.sub(r"\\\1", _SPACE.sub(" ", text).strip())
    return _COMMAND.sub("\\g<0>\N{WORD JOINER}", escaped)


def percent(fraction: float, digits: int = 1) -> str:
    """0.9634 as '96.3 %'."""
    return f"{100 * fraction:.{digits}f} %"


def percent_spread(mean: float, spread: float) -> str:
    """Mean and standard deviation of a fraction: '96.3 ± 0.4 %'."""
    return f"{100 * mean:.1f} ± {100 * spread:.1f} %"


def seconds(value: float) -> str:
    """A duration: '0.84 s', '2.1 s', '12 s', '3 min 5 s'."""
    if value < 60:
        return f"{value:.{2 if value < 1 else 1 if value < 10 else 0}f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def size(count: float) -> str:
    """A number of bytes: '512 bytes', '5.9 MB', '128 GB'."""
    if count < 1000:
        return many(int(count), "byte")
    power = min(int(math.log10(count) // 3), 3)
    scaled = count / 1000**power
    return f"{scaled:.{0 if scaled >= 100 else 1}f} {('kB', 'MB', 'GB')[power - 1]}"


def area(pixels: int, pixel_ha: float | None) -> str:
    """The area of some pixels in hectares, or their number when the ground size is unknown."""
    if pixel_ha is None:
        return f"{pixels:,} pixels".replace(",", " ")
    hectares = pixels * pixel_ha
    return f"{hectares:.2f} ha" if hectares < 10 else f"{hectares:,.0f} ha".replace(",", " ")


def number(value: float) -> str:
    """Four significant digits, without an exponent where one can be avoided."""
    return f"{value:.4g}"


def pixel_name(row: int, col: int) -> str:
    """How a pixel is named everywhere: 'row 87, col 42'."""
    return f"row {row}, col {col}"


def many(count: int, singular: str, plural: str = "") -> str:
    """'1 band', '200 bands'."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
