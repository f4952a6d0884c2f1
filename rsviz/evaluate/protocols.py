"""Who may see which labelled pixels: the splits under which models are trained and scored.

A protocol turns reference labels and a seed into one array: 0 ignored, 1 train, 2 test. The
same protocol, version and seed always give the same pixels. No test pixel is used for
training or for choosing anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rsviz.core.errors import BadOption
from rsviz.core.scene import Truth
from rsviz.evaluate.deals import deal_blocks, deal_fields

IGNORED, TRAIN, TEST = 0, 1, 2
SPLIT_LABELS = ("ignored", "train", "test")

Labels = NDArray[np.int16]
Split = NDArray[np.uint8]

SPECTRAL = ("svm_rbf", "random_forest", "cnn_1d", "cnn_3d")
SERIES = ("random_forest", "tempcnn", "ltae")
"""Baselines of images of one date, and of series of dates."""

PREPROCESSING = (
    "Pixels as read, bands marked as bad left out. Models scale bands by the whole scene, without "
    "labels (their READMEs say how). Single-spectrum baselines scale bands by the training pixels; "
    "the 3-D network reads 30 principal components of the whole scene. Nothing is augmented, "
    "smoothed or corrected afterwards, but where a model's README says so."
)
"""What happens to the data before every method of a classification."""


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
        guard: test pixels keep farther than this from any training square or field, in pixels.
        fields: share of the labelled pixels whose fields (`Truth.groups`, or else connected
            pixels of one class) are dealt to train; 0 where the split does not go by fields.
        baselines: names in `baselines.BASELINES` of what a model is compared with.
        version: raised whenever the same seed would give other pixels.
    """

    name: str
    scene: str
    per_class: int
    about: str
    few: int = 15
    block: int = 0
    guard: int = 0
    fields: float = 0.0
    baselines: tuple[str, ...] = SPECTRAL
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
            allowed, test = deal_blocks(labels, len(truth.names), self.block, self.guard, rng)
        elif self.fields:
            allowed, test = deal_fields(truth, self.fields, self.guard, rng)
        else:
            allowed = test = labels > 0
        split = np.where(test, TEST, IGNORED).astype(np.uint8)
        for label in range(1, len(truth.names) + 1):
            pixels = np.flatnonzero(allowed & (labels == label))
            count = self._count(pixels.size)
            split.flat[rng.permutation(pixels)[:count]] = TRAIN
        return split

    def _count(self, available: int) -> int:
        """Training pixels of a class; where single pixels are drawn, some must remain to test."""
        if self.block or self.fields:
            return min(self.per_class, available)
        few = min(self.few, available * 3 // 4)
        return self.per_class if available > self.per_class else few


def training_labels(truth: Truth, split: Split) -> Labels:
    """The labels (H, W) of the training pixels, 0 everywhere else."""
    return np.where(split == TRAIN, truth.labels, 0).astype(np.int16)


def fingerprint(truth: Truth) -> str:
    """A hash (32 hex digits) of reference labels and names: which split a record belongs to."""
    digest = hashlib.blake2b(np.ascontiguousarray(truth.labels).tobytes(), digest_size=16)
    digest.update(repr((truth.labels.shape, truth.names)).encode())
    if truth.groups is not None:
        digest.update(np.ascontiguousarray(truth.groups).tobytes())
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


_FIELDS = (
    "Whole {what} are dealt to train and test, {share:.0f} % of the samples to train and up to "
    "{n} a class used; no test sample lies in a training field or beside one."
)
_CROP = (
    "200 of the 300 series of each class are drawn at random for training, the others are test. "
    "Where the series lie is not known, so neighbours may be on both sides."
)


def _series(
    name: str, share: float, what: str, guard: int = 0, per_class: int = 200
) -> EvalProtocol:
    about = _FIELDS.format(what=what, share=100 * share, n=per_class)
    return EvalProtocol(name, name, per_class, about, guard=guard, fields=share, baselines=SERIES)


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
        _series("simulated-year", 0.5, "fields", guard=2, per_class=400),
        EvalProtocol("ucr-crop", "ucr-crop", 200, _CROP, baselines=SERIES),
        replace(
            _series("mato-grosso-map", 0.6, "neighbourhoods (touching pixels, in all years)"),
            scene="mato-grosso-map-samples",
        ),
        _series("mato-grosso-points", 0.6, "neighbourhoods (samples within 500 m)"),
        replace(_blocks("slovenia", "slovenia", 300, block=14, guard=4), baselines=SERIES),
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
