"""Who may see which labelled pixels: the splits under which models are trained and scored.

A protocol turns reference labels and a seed into one array: 0 ignored, 1 train, 2 test. The
same protocol, version and seed always give the same pixels. No test pixel is used for
training or for choosing anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from rsviz.core.errors import BadOption
from rsviz.core.scene import Truth

IGNORED, TRAIN, TEST = 0, 1, 2
SPLIT_LABELS = ("ignored", "train", "test")

Labels = NDArray[np.int16]
Split = NDArray[np.uint8]
Mask = NDArray[np.bool_]

DEALS = 200
ENOUGH = 10


@dataclass(frozen=True)
class EvalProtocol:
    """A rule that draws training and test pixels from the reference labels of one scene.

    Attributes:
        name: short id.
        scene: id of the scene it belongs to.
        per_class: training pixels a class.
        about: two sentences for people.
        few: training pixels of a class too small to give `per_class` and still be tested.
        block: side in pixels of the squares dealt to train or test; 0 draws single pixels.
        guard: test pixels keep farther than this from any training square, in pixels.
        version: raised whenever the same seed would give other pixels.
    """

    name: str
    scene: str
    per_class: int
    about: str
    few: int = 15
    block: int = 0
    guard: int = 0
    version: int = 1

    def split(self, truth: Truth, seed: int) -> Split:
        """Draw the pixels.

        Args:
            truth: reference labels (H, W), 0 unlabelled.
            seed: which draw.

        Returns:
            (H, W) uint8: 0 ignored, 1 train, 2 test.
        """
        rng = np.random.default_rng(seed)
        labels = truth.labels
        if self.block:
            allowed, test = _deal_blocks(labels, len(truth.names), self.block, self.guard, rng)
        else:
            allowed = test = labels > 0
        split = np.where(test, TEST, IGNORED).astype(np.uint8)
        for label in range(1, len(truth.names) + 1):
            pixels = np.flatnonzero(allowed & (labels == label))
            count = self._count(pixels.size)
            split.flat[rng.permutation(pixels)[:count]] = TRAIN
        return split

    def _count(self, available: int) -> int:
        """Training pixels of a class; outside blocks, some must remain for the test."""
        if self.block:
            return min(self.per_class, available)
        few = min(self.few, available * 3 // 4)
        return self.per_class if available > self.per_class else few


def _deal_blocks(
    labels: Labels, n_classes: int, block: int, guard: int, rng: np.random.Generator
) -> tuple[Mask, Mask]:
    """Deal squares to train and test so that as many classes as can be are on both sides.

    Of many random deals on randomly shifted lattices, the one kept has most classes with
    enough pixels for training, then for testing, then most test pixels: a choice by the place of
    the labels alone.

    Returns:
        Labelled pixels inside training squares, and labelled test pixels farther than `guard`
        rows or columns from every training square; both (H, W).
    """
    best: tuple[tuple[int, int, int], Mask, Mask] | None = None
    for _ in range(DEALS):
        training = _squares(labels.shape, block, rng)
        near: Mask = maximum_filter(training, size=2 * guard + 1)
        allowed, test = training & (labels > 0), ~near & (labels > 0)
        to_train, to_test = (
            int((np.bincount(labels[side], minlength=n_classes + 1)[1:] >= ENOUGH).sum())
            for side in (allowed, test)
        )
        rank = (to_train, to_test, int(test.sum()))
        if best is None or rank > best[0]:
            best = rank, allowed, test
    assert best is not None
    return best[1], best[2]


def _squares(shape: tuple[int, ...], block: int, rng: np.random.Generator) -> Mask:
    """Half of the squares of a randomly shifted lattice, as (H, W) bool."""
    shift = rng.integers(0, block, size=2)
    rows = (np.arange(shape[0]) + shift[0]) // block
    cols = (np.arange(shape[1]) + shift[1]) // block
    count = (rows[-1] + 1) * (cols[-1] + 1)
    chosen: Mask = rng.permutation(count) < count // 2
    return chosen.reshape(rows[-1] + 1, cols[-1] + 1)[np.ix_(rows, cols)]


def training_labels(truth: Truth, split: Split) -> Labels:
    """The labels (H, W) of the training pixels, 0 everywhere else."""
    return np.where(split == TRAIN, truth.labels, 0).astype(np.int16)


def fingerprint(truth: Truth) -> str:
    """A hash (32 hex digits) of reference labels and names: which split a record belongs to."""
    digest = hashlib.blake2b(np.ascontiguousarray(truth.labels).tobytes(), digest_size=16)
    digest.update(repr((truth.labels.shape, truth.names)).encode())
    return digest.hexdigest()


_RANDOM = (
    "{n} labelled pixels a class drawn at random ({few} for classes too small for that), all "
    "other labelled pixels are test. Neighbours of training pixels are in the test, which "
    "flatters every method."
)
_BLOCKS = (
    "The scene is cut into squares of {block} pixels, dealt to train and test; up to {n} pixels "
    "a class come from the training squares, and test pixels keep more than {guard} pixels away "
    "from them. Harder, and nearer to a new place."
)


def _random(name: str, scene: str, n: int) -> EvalProtocol:
    return EvalProtocol(name, scene, n, _RANDOM.format(n=n, few=15))


def _blocks(name: str, scene: str, n: int, block: int, guard: int) -> EvalProtocol:
    about = _BLOCKS.format(n=n, block=block, guard=guard)
    return EvalProtocol(name, scene, n, about, block=block, guard=guard)


PROTOCOLS: dict[str, EvalProtocol] = {
    p.name: p
    for p in (
        _random("indian-pines-50", "indian-pines", 50),
        _random("indian-pines-15", "indian-pines", 15),
        _blocks("indian-pines-blocks", "indian-pines", 50, block=15, guard=3),
        _random("farmland-50", "farmland", 50),
        _blocks("farmland-blocks", "farmland", 50, block=16, guard=3),
        _random("village-50", "village", 50),
        _random("enmap-potsdam-30", "enmap-potsdam", 30),
        _blocks("enmap-potsdam-blocks", "enmap-potsdam", 30, block=16, guard=3),
    )
}
"""All protocols by name; the first of a scene is its headline."""


def protocol(name: str) -> EvalProtocol:
    """The protocol of that name.

    Raises:
        BadOption: there is none.
    """
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise BadOption(
            f"There is no protocol '{name}'.", f"Protocols: {', '.join(PROTOCOLS)}."
        ) from None


def headline(scene: str) -> EvalProtocol:
    """The first protocol of a scene.

    Raises:
        BadOption: the scene has none.
    """
    for found in PROTOCOLS.values():
        if found.scene == scene:
            return found
    raise BadOption(f"There is no protocol for the scene '{scene}'.")
