"""What many tests share: real data, a small scene, and a toy model that needs no network."""

import importlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import models
from rsviz.core import registry
from rsviz.core.grid import Grid
from rsviz.core.scene import Band, Scene, Truth
from rsviz.evaluate.protocols import PROTOCOLS, EvalProtocol
from rsviz.io import catalog

TOYS = Path(__file__).parent / "toys"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real data sets that RSVIZ_DATA names; skips where there is none."""
    folder = os.environ.get("RSVIZ_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("RSVIZ_DATA does not name a folder of real data sets")
    return Path(folder).resolve()


def make_scene(height=40, width=30, bands=6, classes=3, seed=0, crs="EPSG:32633") -> Scene:
    """Patches of classes with noise; a border column without data; known wavelengths."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:height, :width]
    labels = ((rows // 8 + cols // 7) % classes + 1).astype(np.int16)
    spectra = rng.uniform(0.1, 0.6, size=(classes, bands))
    pixels = np.moveaxis(spectra[labels - 1], -1, 0) + rng.normal(0, 0.05, (bands, height, width))
    valid = np.ones((1, height, width), bool)
    valid[:, :, -1] = False
    labels[:, -1] = 0
    labels[:2] = 0
    centres = np.linspace(450, 2400, bands)
    return Scene(
        pixels=(pixels * valid).astype(np.float32)[None],
        valid=valid,
        bands=tuple(Band(f"b{i + 1}", float(nm)) for i, nm in enumerate(centres)),
        grid=Grid(height, width, crs, (10.0, 0.0, 400000.0, 0.0, -10.0, 5200000.0), (10.0, 10.0))
        if crs
        else Grid(height, width),
        quantity="reflectance",
        truth=Truth(labels, tuple(f"class {k + 1}" for k in range(classes))),
        name="Patches",
        simulated=True,
    )


@pytest.fixture
def scene_maker() -> Callable[..., Scene]:
    """The function that makes small labelled scenes."""
    return make_scene


@pytest.fixture
def patches() -> Scene:
    """A small labelled scene with a CRS."""
    return make_scene()


@pytest.fixture
def toys(tmp_path, monkeypatch) -> Path:
    """The toy models in the place of the real ones, in a folder of their own."""
    folder = tmp_path / "models"
    shutil.copytree(TOYS, folder)
    monkeypatch.setattr(models, "__path__", [str(folder)])
    monkeypatch.setattr(registry, "MODELS", folder)
    known = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_model(name)}
    importlib.invalidate_caches()
    registry.cards.cache_clear()
    yield folder
    registry.cards.cache_clear()
    for name in [name for name in sys.modules if _is_model(name)]:
        del sys.modules[name]
    sys.modules.update(known)


@pytest.fixture
def patches_scene(patches, monkeypatch) -> str:
    """The small scene in the place of the catalogue, under id and protocol of its own."""
    entry = catalog.SceneEntry("patches", "Patches", "sample", "patches.npz", licence="CC0-1.0")
    source = SimpleNamespace(
        read=lambda window=None, bands=None: patches, close=lambda: None, describe=lambda: None
    )
    rule = EvalProtocol(
        "patches-20", "patches", 20, "20 pixels a class of patches.", baselines=("svm_rbf",)
    )
    monkeypatch.setitem(PROTOCOLS, rule.name, rule)
    monkeypatch.setattr(catalog, "scenes", lambda: (entry,))
    opened = catalog.open_scene
    monkeypatch.setattr(
        catalog,
        "open_scene",
        lambda ref, *how: source if ref == entry.id else opened(ref, *how),
    )
    return entry.id


def _is_model(name: str) -> bool:
    return name.startswith("models.")
