"""What is kept of a run of SpikeSR, from which its layers are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.spike_sr.card import spoken
from models.spike_sr.network import Config
from models.spike_sr.recorder import Recorder
from rsviz.core.grid import Grid
from rsviz.core.tiling import Tile

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """All that layers are made of.

    Attributes:
        recorder: what was heard during the run.
        config: of the network.
        parameters: trainable ones.
        grid: of the scene.
        texture: mean strength of each class of texture [1/px].
        pieces: the tiles of the run.
        agreement_db: PSNR of the image of the first k steps against that of all; inf for the last.
    """

    recorder: Recorder
    config: Config
    parameters: int
    grid: Grid
    texture: Floats
    pieces: tuple[Tile, ...]
    agreement_db: Floats

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spoken(name) for name in self.recorder.neurons)

    @property
    def blocks(self) -> tuple[str, ...]:
        return tuple(spoken(name) for name in self.recorder.blocks)

    @property
    def watched(self) -> str:
        return self.names[self.recorder.watched]

    @property
    def rates(self) -> Floats:
        """(layer, T, C) share of pixels at which a channel fires."""
        return np.asarray(self.recorder.fired / self.recorder.pixels, np.float32)

    @property
    def where(self) -> str:
        """The picked pixel in words."""
        row, col = self.recorder.pixel
        return f"row {row}, column {col}"
