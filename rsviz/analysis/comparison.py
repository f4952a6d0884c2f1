"""The test pixels of one classification or two, with what is lit of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rsviz.analysis import judged
from rsviz.analysis.facets import Facet, Filter
from rsviz.analysis.judged import Judged, Mask
from rsviz.core.grid import Window


@dataclass(frozen=True)
class Comparison:
    """The test pixels of A, or those that A and B share.

    Attributes:
        a, b: the test pixels; the same ones when there are two.
        side: whose errors are counted: "A" or "B".
        chosen: the filter.
        area: a part of the scene, which filters as well.
    """

    a: Judged
    b: Judged | None
    side: str
    chosen: Filter
    area: Window | None

    @property
    def shown(self) -> Judged:
        """The test pixels of the side whose errors are counted."""
        return self.b if self.side == "B" and self.b is not None else self.a

    @cached_property
    def facets(self) -> dict[str, Facet]:
        """All ways to sort the pixels."""
        pair = judged.compared(self.a, self.b) if self.b is not None else {}
        return self.shown.facets | pair

    @property
    def filtered(self) -> bool:
        """Whether anything is chosen."""
        return bool(self.chosen.chosen) or self.area is not None

    @cached_property
    def lit(self) -> Mask:
        """(N,) the pixels in everything that is chosen."""
        return self.but(())

    def but(self, without: tuple[str, ...], area: bool = True) -> Mask:
        """(N,) the pixels in everything that is chosen but for some facets.

        Args:
            without: facets that do not filter here.
            area: whether the part of the scene filters.
        """
        where = self.area if area else None
        return judged.lit(self.shown, self.facets, self.chosen, where, without)

    def tally(self, name: str) -> judged.Tally:
        """Count the pixels of each bin of a facet under everything else that is chosen."""
        return judged.tally(self.shown, self.facets, name, self.chosen, self.area)
