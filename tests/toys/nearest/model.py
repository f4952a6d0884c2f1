"""The toy's model: distances to class means, as probabilities."""

import numpy as np

from rsviz.core.layers import ClassMap, Curve, ProbabilityMap, ScalarMap
from rsviz.nn.weights import read_state


class Nearest:
    """Nearest class mean in the Euclidean sense."""

    def load(self, weights, device):
        self.weights, self.device = weights, device
        self.means = read_state(weights)["means"].double().numpy()  # (K, C)

    def predict(self, scene, options, ctx):
        ctx.step(0, 1, "measuring distances")
        if self.device.startswith("cuda") or (
            options.fits and max(scene.grid.shape) > options.fits
        ):
            raise MemoryError
        pixels = scene.pixels[0].reshape(scene.shape[1], -1)  # (C, H*W)
        distance = np.linalg.norm(self.means[:, :, None] - pixels[None], axis=1)  # (K, H*W)
        odds = np.exp(-options.sharpness * (distance - distance.min(axis=0)))
        valid = scene.valid[0]
        shape = (len(self.means), *scene.grid.shape)
        shares = np.where(valid, (odds / odds.sum(axis=0)).reshape(shape), np.nan)
        classes = np.where(valid, distance.argmin(axis=0).reshape(scene.grid.shape), -1)
        names, colours = self.weights.classes, self.weights.colours
        layers = {
            "classes": ClassMap("Classes", "Nearest mean.", scene.grid, classes, names, colours),
            "probabilities": ProbabilityMap(
                "Probabilities", "From distances.", scene.grid, shares, names, colours
            ),
        }
        if "distance" in ctx.wants:
            least = np.where(valid, distance.min(axis=0).reshape(scene.grid.shape), np.nan)
            layers["distance"] = ScalarMap(
                "Distance", "To the nearest mean.", scene.grid, least, "distance", ""
            )
        if "means" in ctx.wants:
            bands = np.arange(self.means.shape[1])
            layers["means"] = Curve(
                "Means", "Mean spectra.", bands, self.means, names, "band", "value"
            )
        return layers
