"""How to read a picture: the names of its colours, or the numbers at the ends of its ramp."""

from __future__ import annotations

from dataclasses import dataclass

from rsviz.core.palettes import ramp


@dataclass(frozen=True)
class LegendEntry:
    """One class of a legend: its name, colour '#rrggbb', and a remark such as its area."""

    name: str
    colour: str
    note: str = ""


@dataclass(frozen=True)
class Legend:
    """How to read a layer: classes with their colours, or a ramp between two values.

    Attributes:
        title: what is shown.
        unit: of the numbers; empty for classes.
        entries: the classes; empty for a ramp.
        ramp: colours '#rrggbb' from low to high; empty for classes.
        low, high: the values at the ends of the ramp.
    """

    title: str
    unit: str = ""
    entries: tuple[LegendEntry, ...] = ()
    ramp: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0


def class_legend(
    title: str, names: tuple[str, ...], colours: tuple[str, ...], notes: tuple[str, ...] = ()
) -> Legend:
    """A legend of classes, with one remark a class if there are any."""
    remarks = notes or ("",) * len(names)
    entries = zip(names, colours, remarks, strict=True)
    return Legend(title, entries=tuple(LegendEntry(n, c, r) for n, c, r in entries))


def ramp_legend(title: str, unit: str, name: str, limits: tuple[float, float]) -> Legend:
    """A legend of a colour map, in 16 colours."""
    colours = tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in ramp(name)[::17])
    return Legend(title, unit, ramp=colours, low=limits[0], high=limits[1])
