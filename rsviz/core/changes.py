"""What can be done to a scene before a model sees it, declared; `evaluate.changes` does it.

A kind of change is declared here, so that a page can make a form of it without loading what
computes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from rsviz.core.errors import BadOption
from rsviz.core.model import Change
from rsviz.core.options import as_dict, build, option


@dataclass(frozen=True)
class ChangeKind:
    """A kind of change.

    Attributes:
        title: for people.
        about: one sentence on what it shows.
        options: dataclass of its settings.
        function: "module:function" of (scene, settings, seed) -> scene.
    """

    title: str
    about: str
    options: type
    function: str


@dataclass(frozen=True)
class Noise:
    """Settings of added noise."""

    sigma: float = option(
        0.01, "Standard deviation", "of the noise, as a share of the scene's spread", 0.0, 2.0
    )


CHANGES: dict[str, ChangeKind] = {
    "noise": ChangeKind(
        "Noise",
        "Independent Gaussian noise in every band of every pixel.",
        Noise,
        "rsviz.evaluate.changes:noise",
    ),
}
"""All kinds by name."""


def kind(name: str) -> ChangeKind:
    """The kind of that name.

    Raises:
        BadOption: there is none.
    """
    if name not in CHANGES:
        raise BadOption(
            f"There is no change '{name}' of a scene.", f"There are: {', '.join(CHANGES)}."
        )
    return CHANGES[name]


def checked(change: Change) -> Change:
    """The change with all its settings, defaults included.

    Raises:
        BadOption: there is no such kind or setting, or a value lies outside its range.
    """
    return Change(change.name, as_dict(build(kind(change.name).options, change.settings)))
