"""What a visitor teaches: labelled pixels by class, and the models that came of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rsviz.jobs.job import Job

FIRST_CLASSES = ("Class 1", "Class 2")
Pixel = tuple[int, int]


@dataclass(frozen=True)
class Taught:
    """A model that a visitor trained.

    Attributes:
        model: id of its card.
        scene: on which it learned.
        folder: where its weights lie, which is their id; the visitor's own.
        pixels: number of pixels it learned from.
        epochs: how long.
        accuracy: share of right test pixels; None where there is nothing to tell.
        rivals: the same of simple methods on the same pixels, by name.
    """

    model: str
    scene: str
    folder: str
    pixels: int
    epochs: int
    accuracy: float | None = None
    rivals: tuple[tuple[str, float], ...] = ()


@dataclass
class Teaching:
    """What a visitor chose on the page of training.

    Attributes:
        names: the classes; empty until the scene is known.
        pixels: class 1..K of each labelled pixel (row, column), in the order of labelling.
        label: the class that a click gives.
        brush: side of the square of pixels that a click labels.
        each: pixels a class that are taken from the reference.
        draws: how often pixels were taken from the reference.
        model: which card is trained; "" for the first that can be.
        epochs: how long; 0 for the card's own number.
        job: the training under way, or the last one.
        taught: what was trained, the oldest first; survives a change of scene.
    """

    names: tuple[str, ...] = ()
    pixels: dict[Pixel, int] = field(default_factory=dict)
    label: int = 1
    brush: int = 1
    each: int = 10
    draws: int = 0
    model: str = ""
    epochs: int = 0
    job: Job | None = None
    taught: list[Taught] = field(default_factory=list)

    def forget_scene(self) -> None:
        """Begin again on another scene; finished models stay."""
        self.names, self.pixels, self.label, self.job = (), {}, 1, None

    def name(self, names: tuple[str, ...]) -> None:
        """Choose other classes; pixels of classes that are gone are forgotten."""
        self.names = names
        self.pixels = {place: k for place, k in self.pixels.items() if k <= len(names)}
        self.label = min(self.label, max(1, len(names)))

    def paint(self, centre: Pixel, height: int, width: int) -> None:
        """Give the square around a pixel the chosen class; the same click twice takes it back."""
        half = self.brush // 2
        square = [
            (row, col)
            for row in range(max(0, centre[0] - half), min(height, centre[0] + half + 1))
            for col in range(max(0, centre[1] - half), min(width, centre[1] + half + 1))
        ]
        if all(self.pixels.get(place) == self.label for place in square):
            for place in square:
                del self.pixels[place]
            return
        for place in square:
            self.pixels.pop(place, None)  # to the end of the order
            self.pixels[place] = self.label

    def counts(self) -> Counter[int]:
        """Labelled pixels of each class."""
        return Counter(self.pixels.values())

    def enough(self) -> bool:
        """Whether two classes have two pixels each."""
        return sum(count >= 2 for count in self.counts().values()) >= 2
