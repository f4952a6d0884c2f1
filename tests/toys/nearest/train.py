"""The toy's trainer: the mean spectrum of each class."""

import numpy as np
import torch

from rsviz.core.errors import BadOption
from rsviz.nn.fit import Trained


def train(scene, labels, seed, settings, checkpoint, device, on_step):
    if set(settings) - {"noise"}:
        raise BadOption(f"The toy has no setting {sorted(settings)}.")
    assert np.array_equal(labels, scene.truth.labels)  # no other label may be seen
    on_step(0, 1, "averaging")
    rng = np.random.default_rng(seed)
    pixels = np.moveaxis(scene.pixels[0], 0, -1)  # (H, W, C)
    means = [pixels[labels == k + 1].mean(axis=0) for k in range(len(scene.truth.names))]
    noise = float(settings.get("noise", 0)) * rng.standard_normal(np.shape(means))
    state = {"means": torch.tensor(np.float32(means + noise))}
    return Trained(state, {"classes": len(means)}, state["means"].numel(), 0.25, {"loss": [1.0]})
