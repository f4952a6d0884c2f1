"""What baselines answered, kept on disk under everything that decides it.

The key holds the content of the scene, the training labels, the seed, the source of the baselines
and the versions of the libraries; a change of any of them is another question.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rsviz.core.scene import Scene
from rsviz.evaluate.baselines import BASELINES
from rsviz.evaluate.series import gap_filled
from rsviz.evaluate.series_networks import SERIES
from rsviz.evaluate.spectra import Classes
from rsviz.io.paths import cache_folder

SOURCES = ("baselines.py", "baseline_networks.py", "spectra.py")
OF_SERIES = (*SOURCES, "series.py", "series_networks.py", "attention.py")
LIBRARIES = ("numpy", "scikit-learn", "torch")


def answer_of(name: str, scene: Scene, labels: NDArray[np.int16], seed: int) -> Classes:
    """The class map of a baseline, fitted only when nobody has asked the same before.

    Args:
        name: which baseline.
        scene: the pixels.
        labels: (H, W) training labels 1..K, 0 elsewhere.
        seed: of everything random.

    Returns:
        (H, W) int16: classes 0..K-1, -1 where there is no data.
    """
    series = scene.shape[0] > 1
    code = _code(OF_SERIES if series else SOURCES)
    digest = blake2b(f"{name} {seed} {scene.id} {labels.shape} {code}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(labels).data)
    path = cache_folder() / "baselines" / f"{digest.hexdigest()}.npy"
    found = _read(path, labels.shape)
    if found is None:
        if name in SERIES:
            found = SERIES[name](scene, labels, seed)
        else:
            found = BASELINES[name](gap_filled(scene) if series else scene, labels, seed)
        _write(path, found)
    return found


@lru_cache(maxsize=2)
def _code(sources: tuple[str, ...]) -> str:
    """Hash of the source and the libraries that compute an answer."""
    folder = Path(__file__).parent
    texts = [(folder / name).read_text("utf8") for name in sources]
    texts += [version(name) for name in LIBRARIES]
    return blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()


def _read(path: Path, shape: tuple[int, ...]) -> Classes | None:
    """A kept answer; None where there is none or it is damaged."""
    try:
        found: Classes = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.int16 else None


def _write(path: Path, classes: Classes) -> None:
    """Keep an answer; it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{secrets.token_hex(4)}.npy")
    np.save(partial, classes)
    partial.replace(path)
