"""The toy's model: leaky neurons that integrate brightness, and bicubic interpolation."""

import numpy as np

from rsviz.core.layers import Curve, ScalarMap, SpikeTrace, SRImage, Table, Tokens
from rsviz.physics.resample import resize

STEPS, THRESHOLD, GAINS = 3, 0.5, (0.1, 0.3, 0.6, 1.2)
PATCH = 8


class Pulse:
    """One layer of four channels; the same image is its input at every step."""

    def load(self, weights, device):
        pass

    def predict(self, scene, options, ctx):
        ctx.step(0, 1, "integrating")
        bright = scene.pixels[0].mean(axis=0)
        charge, spikes = self.fire(bright)
        large = resize(scene.pixels[0], *(s * options.scale for s in bright.shape))
        grid = scene.grid.resized(*large.shape[1:])
        row, col = options.pick_row, options.pick_col
        row = row if row >= 0 else bright.shape[0] // 2
        col = col if col >= 0 else bright.shape[1] // 2
        names = tuple(f"channel {c}" for c in range(len(GAINS)))
        lines = np.vstack([charge[:, :, row, col].T, np.full(STEPS, THRESHOLD)])
        steps = tuple(f"t = {t + 1}" for t in range(STEPS))
        film = ("step", "row", "column"), (steps, (), ())
        top, left = row // PATCH * PATCH, col // PATCH * PATCH
        blocks = ("block", "tap", "shift down [px]", "shift right [px]", "weight")
        found = {
            "image": SRImage("Pulses", "Bicubic.", grid, large, scene.bands, options.scale),
            "spike_rates": SpikeTrace(
                "Rates", "Of all.", spikes.mean(axis=(1, 2, 3))[None], ("first",), (THRESHOLD,)
            ),
            "spike_steps": Tokens(
                "Spikes", "Share.", spikes.mean(axis=1), *film, "share of neurons"
            ),
            "charge_steps": Tokens("Charge", "Mean.", charge.mean(axis=1), *film, "membrane"),
            "rate_map": ScalarMap(
                "Firing map", "Mean.", scene.grid, spikes.mean(axis=(0, 1)), "firing rate", "",
                limits=(0.0, 1.0),
            ),
            "silent": Table(
                "Silent", "Never fire.", ("Layer", "Firing rate [%]", "Note"),
                (("first", 100 * float(spikes.mean()), ""), ("second", 0.0, "silent layer")),
            ),
            "membrane": Curve(
                f"Membranes at row {row}, column {col}", "Before reset.", np.arange(1, STEPS + 1),
                lines, (*names, "threshold"), "time step", "membrane before reset",
            ),
            "raster": Tokens(
                "Raster", "At the pixel.", spikes[:, :, row, col].T, ("channel", "step"),
                ((), steps),
            ),
            "attention": Tokens(
                "Attention", "Weights.", np.full((2, STEPS, 4), 0.5), ("block", "step", "channel"),
                (("one", "two"), steps, ()),
            ),
            "partner": Table(
                "Partner", "Opposite.",
                ("block", "step", "row", "column", "height", "width", "partner row",
                 "partner column", "similarity"),
                (("one", 1, top, left, PATCH, PATCH, 0, 0, 0.75),),
            ),
            "offsets": Table(
                "Taps", "Not moved.", blocks, tuple(("one", t + 1, 0.0, 0.5, 1.0) for t in range(9))
            ),
            "convergence": Curve(
                "Convergence", "To all steps.", np.array([1.0, 2.0]), np.array([[30.0, 40.0]]),
                ("PSNR against the image of all steps",), "steps", "PSNR [dB]",
            ),
            "energy": Table(
                "Energy", "By part.", ("Part", "Kind", "Operations [G]"),
                (("head", "MAC", 2.0), ("spikes", "AC", 10.0), ("Total", "", 12.0)),
            ),
        }  # fmt: skip
        for step in (1, 2):
            data = large * (1 - 0.1 / step)
            found[f"step_image_{step}"] = SRImage(
                f"{step} steps", "Fainter.", grid, data, scene.bands, options.scale
            )
        return {name: x for name, x in found.items() if name == "image" or name in ctx.wants}

    def fire(self, bright):
        """Membranes before reset and spikes, both (T, C, H, W), of leaky neurons."""
        current = np.array(GAINS)[:, None, None] * bright  # (C, H, W)
        membrane, charges, spikes = np.zeros_like(current), [], []
        for _ in range(STEPS):
            charge = 0.5 * membrane + current
            spike = charge >= THRESHOLD
            charges.append(charge)
            spikes.append(spike.astype(np.float32))
            membrane = charge * ~spike
        return np.stack(charges), np.stack(spikes)
