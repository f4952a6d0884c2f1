"""A tiny scene of three stripes, and a tiny MambaMoE for it."""

import hashlib
from dataclasses import asdict

import numpy as np
import torch
from safetensors.torch import save_file

from models.mamba_moe.model import MambaMoEModel
from models.mamba_moe.network import Config, MambaMoE
from models.mamba_moe.train import band_scaling
from rsviz.core.card import Weights
from rsviz.core.grid import Grid
from rsviz.core.scene import Band, Scene, Truth

BANDS, CLASSES, HEIGHT, WIDTH = 6, 3, 17, 22


def tiny(**changes):
    return Config(**{"bands": BANDS, "classes": CLASSES, "embed": 8, "regions": 4} | changes)


def scene(holes=()):
    """Three vertical stripes of three spectra with noise."""
    rng = np.random.default_rng(0)
    labels = np.repeat(1 + np.arange(WIDTH) * CLASSES // WIDTH, HEIGHT).reshape(WIDTH, HEIGHT).T
    spectra = rng.uniform(100, 900, (CLASSES, BANDS))
    pixels = spectra[labels - 1].transpose(2, 0, 1) + rng.normal(0, 20, (BANDS, HEIGHT, WIDTH))
    valid = np.ones((1, HEIGHT, WIDTH), bool)
    for row, col in holes:
        valid[0, row, col] = False
        pixels[:, row, col] = 0
    bands = tuple(Band(f"b{i}", 400.0 + 50 * i) for i in range(BANDS))
    truth = Truth(labels.astype(np.int16), ("a", "b", "c"))
    return Scene(pixels[None], valid, bands, Grid(HEIGHT, WIDTH), truth=truth, name="stripes")


def some_labels(every=7):
    labels = scene().truth.labels.copy()
    labels.flat[np.arange(labels.size) % every != 0] = 0
    return labels


def model(tmp_path, state=None, **changes):
    config = tiny(**changes)
    if state is None:
        network = MambaMoE(config)
        pixels = torch.from_numpy(scene().pixels.copy())
        network.scale_bands(*band_scaling(pixels, (True,) * BANDS))
        state = network.state_dict()
    file = tmp_path / "w.safetensors"
    save_file({n: t.contiguous() for n, t in state.items()}, file)
    weights = Weights(
        id="tiny/seed-0",
        file=file.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        scene="stripes",
        protocol="",
        seed=0,
        bands=BANDS,
        recipe="",
        data="",
        licence="",
        measured_on="",
        parameters=0,
        classes=("a", "b", "c"),
        config=asdict(config),
        folder=tmp_path,
    )
    loaded = MambaMoEModel()
    loaded.load(weights, "cpu")
    return loaded


def hooks(network):
    return [h for m in network.modules() for h in m._forward_hooks]
