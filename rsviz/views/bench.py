"""The scene that a visitor has open, with everything the page needs to ask about it."""

from __future__ import annotations

from dataclasses import dataclass

from rsviz.core.errors import RsvizError
from rsviz.core.grid import Grid
from rsviz.core.scene import Description, Truth
from rsviz.draw.warp import MapFrame
from rsviz.views import chooser, clients, errors
from rsviz.views.clients import SceneKey
from rsviz.views.state import Pixel, Session


@dataclass(frozen=True)
class Bench:
    """The open scene of a visitor.

    Attributes:
        session: what the visitor chose.
        key: which pixels are meant.
        about: what the file holds.
        frame: where it lies on the map.
    """

    session: Session
    key: SceneKey
    about: Description
    frame: MapFrame

    @property
    def grid(self) -> Grid:
        return self.about.grid

    def truth(self) -> Truth | None:
        """Reference labels, when the scene has them."""
        return clients.truth(self.key)

    def spot(self, pixel: Pixel) -> str:
        """Latitude and longitude of a pixel, or "" without a map."""
        if not self.frame.on_map:
            return ""
        lat, lng = self.frame.latlng(pixel[0] + 0.5, pixel[1] + 0.5)
        north, east = "N" if lat >= 0 else "S", "E" if lng >= 0 else "W"
        return f"{abs(lat):.4f}° {north}, {abs(lng):.4f}° {east}"


def opened(session: Session) -> Bench | None:
    """The open scene; None when there is none, after saying so and what to do."""
    if not session.scene:
        chooser.open_button(session)
        return None
    try:
        key = clients.key_of(session)
        about = clients.description(key)
    except RsvizError as error:
        errors.show(error)
        chooser.open_button(session)
        return None
    for name in ("picked", "pinned"):
        pixel: Pixel | None = getattr(session, name)
        if pixel is not None and not (pixel[0] < about.grid.height and pixel[1] < about.grid.width):
            setattr(session, name, None)
    area = session.rectangle
    if area is not None and not (
        area.row + area.height <= about.grid.height and area.col + area.width <= about.grid.width
    ):
        session.rectangle = None
    return Bench(session, key, about, clients.frame(about.grid))
